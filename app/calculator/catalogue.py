"""The statistics there are. A new one is an entry of its family's file."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from app.calculator import (
    agreeing,
    answers,
    corpora,
    judging,
    means,
    measuring,
    pairs,
    planning,
    resampling,
    several,
    watching,
)
from app.calculator.contract import Entry

FAMILIES: Mapping[str, tuple[Entry[Any], ...]] = {
    "Means and shares": means.ENTRIES,
    "Two versions on the same rows": pairs.ENTRIES,
    "Resampling": resampling.ENTRIES + corpora.CORPORA,
    "Several tests, and equivalence": several.TESTS,
    "Before a run": planning.ENTRIES,
    "Parts of a change": corpora.EFFECTS,
    "Repeats and attempts": several.REPEATS,
    "Agreement": agreeing.ENTRIES,
    "Judges": judging.JUDGES,
    "Head to head": judging.RANKING,
    "Retrieval": measuring.RETRIEVAL,
    "Answers": answers.ENTRIES,
    "Probabilities": measuring.CALIBRATION,
    "While results come": watching.SEQUENTIAL,
    "Experiments on users": watching.EXPERIMENTS,
}


@cache
def by_name() -> Mapping[str, Entry[Any]]:
    """Every statistic by its names, aliases included."""
    return {
        name: entry
        for entries in FAMILIES.values()
        for entry in entries
        for name in (entry.name, *entry.aliases)
    }
