"""What is good of what an evaluator's version says: read once, for versions never change, and kept without the rest of it."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from sqlalchemy.orm import Session

from app.evaluators.describing import describe
from app.logs import listing_repository
from app.logs.verdict_repository import Said

_MOST_KEPT = 4 * 1024 * 1024
"""Characters of choices, in all, each version counting as `_AN_ENTRY` more."""
_AN_ENTRY = 100
_A_PART = 100
"""Versions whose specifications are read together: one may hold 64 KiB of a program."""


@dataclass(frozen=True, slots=True)
class Polarity:
    """Which verdicts are what is wanted."""

    lower_is_better: bool = False
    good: tuple[str, ...] = ()
    """The only choices that are good."""
    bad: tuple[str, ...] = ()
    """Those that are bad, where none is called good."""

    def is_good(self, said: Said) -> bool | None:
        """Whether it is what is wanted; None where it is neither good nor bad."""
        if said.boolean_value is not None:
            return said.boolean_value is not self.lower_is_better
        if said.text_value is None or not (self.good or self.bad):
            return None
        return said.text_value in self.good if self.good else said.text_value not in self.bad


_PLAIN = Polarity()
"""Of most, and of those that are not there any more."""


class Kept:
    """The polarities that were asked for last, as many as there is room for."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._of: OrderedDict[str, Polarity] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def known(self, version_ids: Iterable[str]) -> dict[str, Polarity]:
        """Those that are there."""
        with self._lock:
            found = {each: self._of[each] for each in version_ids if each in self._of}
            for each in found:
                self._of.move_to_end(each)
            return found

    def keep(self, polarities: Mapping[str, Polarity]) -> None:
        """Put these in, and let those go that nobody has asked for longest."""
        with self._lock:
            for version_id, polarity in polarities.items():
                if version_id not in self._of:
                    self._of[version_id] = polarity
                    self._size += _size(polarity)
            while self._size > self._most:
                self._size -= _size(self._of.popitem(last=False)[1])


_kept = Kept(_MOST_KEPT)


def polarities(session: Session, workspace_id: str, version_ids: Collection[str]) -> Mapping[str, Polarity]:
    """Of each of these versions of evaluators. Those that are not there any more count as plain: higher is better."""
    found = _kept.known(version_ids)
    missing = sorted(set(version_ids) - found.keys())
    for begin in range(0, len(missing), _A_PART):
        specs = listing_repository.find_specs(session, workspace_id, missing[begin : begin + _A_PART])
        read = {version_id: polarity_of(spec) for version_id, spec in specs.items()}
        _kept.keep(read)
        found |= read
    return {each: found.get(each, _PLAIN) for each in version_ids}


def polarity_of(spec: Mapping[str, Any]) -> Polarity:
    """What is good of what such an evaluator says."""
    info = describe(spec)
    good, bad = (info.traits.good, info.traits.bad) if info.traits else ((), ())
    said = Polarity(info.wanted == "lower", good, () if good else bad)
    return _PLAIN if said == _PLAIN else said


def _size(polarity: Polarity) -> int:
    return _AN_ENTRY + sum(map(len, polarity.good + polarity.bad))
