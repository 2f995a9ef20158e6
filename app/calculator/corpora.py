"""Scores of a whole corpus from counts of its rows, and what each part of a change is worth."""

from typing import Annotated, Any, Literal

from pydantic import PlainValidator, WithJsonSchema

from app.calculator.arguments import (
    COUNT,
    MOST,
    SCORE,
    CountList,
    KnownKeys,
    WithClusters,
    array,
    at,
    count,
    known_key,
    listed,
    same_length,
    score,
)
from app.calculator.contract import Entry, Result
from app.calculator.means import NO_SCORE
from app.calculator.resampling import Resampled
from app.statistics.bootstrap import bootstrap_interval, bootstrap_intervals
from app.statistics.classification import micro_shares
from app.statistics.factorial import MOST_FACTORS, factorial_effects
from app.statistics.figures import Figure
from app.statistics.overlap import bleu_statistic, chrf_statistic, ter_statistic

_WIDEST = 30
Cells = dict[frozenset[str], list[float | None]]


def _rows_of_counts(value: Any) -> list[list[int]]:
    rows = listed(listed(count, _WIDEST))(value)
    if len({len(row) for row in rows}) > 1:
        raise ValueError("has rows of different length: give the same counts for each row")
    return rows


def _cells(value: Any) -> Cells:
    found: Cells = {}
    for place, cell in enumerate(listed(lambda one: one, 2**MOST_FACTORS)(value)):
        if not isinstance(cell, dict) or set(cell) != {"factors", "scores"}:
            raise ValueError(
                f"item {place} is no cell: give an object with `factors` (those that are on) and `scores`"
            )
        on = frozenset(
            map(str, at(listed(known_key, MOST_FACTORS), cell["factors"], f"item {place}, factors:"))
        )
        if on in found:
            raise ValueError(f"item {place} is the same combination as another: give each once")
        found[on] = at(listed(score, MOST), cell["scores"], f"item {place}, scores:")
    return found


_CELL = {
    "type": "object",
    "required": ["factors", "scores"],
    "properties": {"factors": array({"type": ["string", "integer"]}, MOST_FACTORS), "scores": array(SCORE)},
}


class Slots(Resampled):
    """What each row found, of what it should have."""

    right: CountList
    """Things that each row found rightly."""
    found: CountList
    """Things that it found."""
    wanted: CountList
    """Things that it should have found."""


class Overlap(Resampled):
    """Counts of each row, as sacrebleu makes them."""

    metric: Literal["bleu", "chrf", "ter"]
    """What is made of the counts."""
    counts: Annotated[
        list[list[int]], PlainValidator(_rows_of_counts), WithJsonSchema(array(array(COUNT, _WIDEST)))
    ]
    """For each row. bleu: length, reference's length, right n-grams of the orders 1 to 4, all n-grams of these orders; chrf: for each order n-grams of output, of reference, and of both; ter: edits and words of the reference."""


class Factorial(WithClusters):
    """Scores of every combination of factors on the same rows."""

    factors: KnownKeys
    """The parts of the change, 1 to 4, each on or off."""
    cells: Annotated[Cells, PlainValidator(_cells), WithJsonSchema(array(_CELL, 2**MOST_FACTORS))]
    """One for each combination: `factors`, those that are on, and `scores`, one a row in the same order; null where there is none."""


def _slots(asked: Slots) -> Result:
    same_length(right=asked.right, found=asked.found, wanted=asked.wanted, clusters=asked.clusters)
    if any(hits > min(rest) for hits, *rest in zip(asked.right, asked.found, asked.wanted, strict=True)):
        raise ValueError("`right` is more than `found` or `wanted` in a row: it counts what is in both.")
    shares = micro_shares(asked.right, asked.found, asked.wanted)
    found = bootstrap_intervals(
        {share.name: share.statistic for share in shares},
        len(asked.right),
        asked.clusters,
        asked.confidence,
        resamples=asked.resamples,
        seed=asked.seed,
    )
    if not found:
        return Figure.undefined(len(asked.right), "bootstrap", "nothing was found, and nothing was wanted")
    missing = {name for name in ("f1", "precision", "recall") if name not in found}
    undefined = {name: Figure.undefined(len(asked.right), "bootstrap", "undefined") for name in missing}
    return {name: Figure.of(interval) for name, interval in found.items()} | undefined


def _overlap(asked: Overlap) -> Result:
    same_length(counts=asked.counts, clusters=asked.clusters)
    if not asked.counts:
        return Figure.undefined(0, "bootstrap", NO_SCORE)
    width = len(asked.counts[0])
    if asked.metric == "chrf" and (width == 0 or width % 3):
        raise ValueError("A row of chrf has three counts for each order.")
    make = {"bleu": bleu_statistic, "chrf": chrf_statistic, "ter": ter_statistic}[asked.metric]
    found = bootstrap_interval(
        make(asked.counts),
        len(asked.counts),
        asked.clusters,
        asked.confidence,
        resamples=asked.resamples,
        seed=asked.seed,
        name=f"corpus {asked.metric}, bootstrap",
    )
    return Figure.of(found) if found else Figure.undefined(len(asked.counts), "bootstrap", "undefined")


def _factorial(asked: Factorial) -> Result:
    same_length(
        clusters=asked.clusters, **{" + ".join(sorted(on)) or "none": one for on, one in asked.cells.items()}
    )
    found = factorial_effects(
        [str(one) for one in asked.factors], asked.cells, asked.clusters, asked.confidence
    )
    if found is None:
        return Figure.undefined(0, "none", "no row has a score in every combination")
    return {
        "total": Figure.of(found.total),
        **{f"main effect of {name}": Figure.of(one) for name, one in found.main.items()},
        **{f"interaction of {a} and {b}": Figure.of(one) for (a, b), one in found.interactions.items()},
        **{f"shapley share of {name}": Figure.of(one) for name, one in found.shapley.items()},
    }


CORPORA = (
    Entry(
        "slot_f1",
        "Precision, recall and F1 of things that rows found, all rows added up, with intervals.",
        "Micro average: 2 Σ right/(Σ found + Σ wanted), Σ right/Σ found, Σ right/Σ wanted; bootstrap over rows (or whole clusters).",
        "Van Rijsbergen 1979; Efron 1987",
        Slots,
        _slots,
        {
            "right": [2, 1, 0, 3, 1, 2],
            "found": [2, 2, 1, 3, 1, 3],
            "wanted": [3, 1, 1, 3, 2, 2],
            "resamples": 2_000,
        },
    ),
    Entry(
        "sacrebleu",
        "Corpus BLEU, chrF or TER from the counts of rows, from 0 to 1, with an interval.",
        "The counts of resampled rows (or whole clusters) are added up, and scored as sacrebleu scores a corpus.",
        "Papineni et al. 2002; Popović 2015; Snover et al. 2006; Post 2018",
        Overlap,
        _overlap,
        {"metric": "ter", "counts": [[2, 10], [0, 8], [5, 12], [1, 9], [3, 11]], "resamples": 2_000},
        aliases=("text_overlap",),
    ),
)
EFFECTS = (
    Entry(
        "factorial_effects",
        "What each part of a change is worth, alone, together, and as a fair share of the whole.",
        "Contrasts within the row over all 2^k combinations: main effect, difference of differences, Shapley value with weights "
        "|S|!(k-|S|-1)!/k!; mean with t interval, clustered where clusters are given. Shapley shares add up to the total.",
        "Fisher 1935; Shapley 1953",
        Factorial,
        _factorial,
        {
            "factors": ["model", "prompt"],
            "cells": [
                {"factors": [], "scores": [0, 0, 1, 0, 0.5, 0]},
                {"factors": ["model"], "scores": [0, 1, 1, 0, 0.5, 0.5]},
                {"factors": ["prompt"], "scores": [0.5, 0, 1, 0, 1, 0]},
                {"factors": ["model", "prompt"], "scores": [1, 1, 1, 0, 1, 0.5]},
            ],
        },
        aliases=("shapley_three_factors", "shapley"),
    ),
)
