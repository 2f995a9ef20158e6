"""How often and for how long things go wrong: briefly under `--all`, as long as the table of faults says under `--long`."""

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from _pytest.mark import ParameterSet

LONG = "WHETSTONE_TEST_LONG"
SOAK_S = "WHETSTONE_TEST_SOAK_S"
"""How long `--long` soaks, where somebody has more time than half an hour."""


@dataclass(frozen=True)
class Lengths:
    """One set of lengths."""

    moments: int
    """At how many moments of a run a fault strikes, all its kinds together."""
    outage_s: float
    storm_s: float
    interleavings: int
    web_kills: int
    overload_s: float
    apart: bool
    """Whether each kind of a fault has a process of its own: most of the time is waiting."""
    warm_up_s: float
    """At three times the pace. Memory of a web process was still growing after five minutes of it, and level after ten more."""
    soak_s: float
    deadline_s: float
    """Of a provider that hangs; under `--long` the one that holds where none is set."""
    idle_s: float
    stored_logs: int
    """While migrations go down and up."""

    def cases(self, test: str, kinds: Sequence[object]) -> list[ParameterSet]:
        """The kinds of a fault in turn, each with the number of a moment."""
        return [
            pytest.param(
                kind := kinds[n % len(kinds)],
                n,
                marks=[pytest.mark.xdist_group(f"{test} {getattr(kind, '__name__', kind)}")]
                if self.apart
                else (),
            )
            for n in range(max(self.moments, len(kinds)))
        ]


BRIEF = Lengths(
    moments=3,
    outage_s=20,
    storm_s=20,
    interleavings=25,
    web_kills=5,
    overload_s=10,
    apart=False,
    warm_up_s=60,
    soak_s=180,
    deadline_s=2,
    idle_s=0.5,
    stored_logs=300_000,
)
FULL = Lengths(
    moments=10,
    outage_s=300,
    storm_s=60,
    interleavings=100,
    web_kills=50,
    overload_s=120,
    apart=True,
    warm_up_s=900,
    soak_s=float(os.environ.get(SOAK_S, "1800")),
    deadline_s=120,
    idle_s=30,
    stored_logs=1_000_000,
)
LENGTHS = FULL if os.environ.get(LONG) else BRIEF


def moment(seed: int, *what: object, first: float = 0.05, last: float = 0.8) -> float:
    """When in a run a fault strikes, as a share of it; the same for the same seed."""
    return random.Random(f"{seed} {what}").uniform(first, last)
