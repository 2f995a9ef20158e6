"""Versions between two others: the older one with some components of the newer, and what an evaluation has of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from app.core import ids
from app.core.errors import Invalid
from app.core.property_order import property_order
from app.evaluations.figures.memory import kept
from app.evaluations.lineage.line import sent_between
from app.evaluations.models import ENDED, Run
from app.files.models import Version
from app.prompts.components import TITLES, Component, take, why_not_alone
from app.prompts.spec import PromptSpec, parse_as
from app.statistics.factorial import MOST_FACTORS

Components = frozenset[Component]


@dataclass(frozen=True, slots=True)
class Mix:
    """The older version with some components of the newer: both are mixes, too, with none and with all."""

    components: Components
    version: Version | None
    """The version that says this; None where there is none yet."""
    run: Run | None
    """Its run on the rows in question."""
    refusal: str | None = None
    """Why there can be no such version."""

    @property
    def title(self) -> str:
        """The components, for people."""
        return " + ".join(TITLES[one] for one in TITLES if one in self.components)

    @property
    def is_ready(self) -> bool:
        """Whether its run has ended."""
        return self.run is not None and self.run.status in ENDED

    @property
    def is_missing(self) -> bool:
        """Whether it has to be run first, and can be."""
        return self.run is None and self.refusal is None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two versions of a prompt, and the components that a model sees and that differ between them."""

    older: Version
    newer: Version
    components: Sequence[Component]

    @classmethod
    def of(cls, older: Version, newer: Version) -> "Pair":
        return cls(older, newer, sent_between(older, newer))

    @property
    def is_bundled(self) -> bool:
        """Whether more than one thing changed at once."""
        return len(self.components) > 1

    @property
    def is_factorial(self) -> bool:
        """Whether all combinations of what changed can be run: up to four components make sixteen."""
        return 1 < len(self.components) <= MOST_FACTORS


def single_changes(pair: Pair, versions: Iterable[Version], runs: Collection[Run]) -> list[Mix]:
    """The older version with one component of the newer each."""
    return _find(pair, [frozenset([one]) for one in pair.components], versions, runs)


def every_combination(pair: Pair, versions: Iterable[Version], runs: Collection[Run]) -> list[Mix]:
    """All 2^k combinations of what changed, from none to all."""
    sizes = range(len(pair.components) + 1)
    subsets = [frozenset(chosen) for size in sizes for chosen in combinations(pair.components, size)]
    return _find(pair, subsets, versions, runs)


def _find(
    pair: Pair, subsets: Iterable[Components], versions: Iterable[Version], runs: Collection[Run]
) -> list[Mix]:
    by_content = {_content(version): version for version in versions}
    run_of = {run.version_id: run for run in runs}
    return [_mix(pair, components, by_content, run_of) for components in subsets]


def _mix(
    pair: Pair,
    components: Components,
    by_content: Mapping[str, Version],
    run_of: Mapping[str | None, Run],
) -> Mix:
    version = {0: pair.older, len(pair.components): pair.newer}.get(len(components))
    refusal = None
    if version is None:
        key = ("mix", pair.older.id, pair.newer.id, components)  # what versions say never changes
        told, refusal = kept.once(key, lambda: _told_or_refusal(pair, components))
        version = by_content.get(told)
    return Mix(components, version, run_of.get(version.id) if version else None, refusal)


def _content(version: Version) -> str:
    return kept.once(("content", version.id), lambda: _told(version.spec))


def _told(spec: Mapping[str, Any]) -> str:
    """What tells a version from others of its file by what it says."""
    return ids.content_hash(ids.canonical_json(spec), property_order(spec))


def _told_or_refusal(pair: Pair, components: Components) -> tuple[str, str | None]:
    try:
        return _told(content_of(pair, components)), None
    except Invalid as error:
        return "", error.message


def content_of(pair: Pair, components: Components) -> dict[str, Any]:
    """What a mix says.

    Raises:
        Invalid: there can be no such version.
    """
    if refusal := _refusal(pair, components):
        raise Invalid(refusal)
    return parse_as(PromptSpec, take(pair.older.spec, pair.newer.spec, components)).content()


def _refusal(pair: Pair, components: Components) -> str | None:
    """Why these cannot differ without others that they depend on; None where they can."""
    bound = {
        one: why for one in pair.components if (why := why_not_alone(pair.older.spec, pair.newer.spec, one))
    }
    return next(iter(bound.values())) if 0 < len(components & bound.keys()) < len(bound) else None
