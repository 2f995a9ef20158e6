"""Which of two versions people prefer, from what they said of their outputs side by side, by `app.statistics`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from app.logs.presentation import judgment_value
from app.review.fields import Field, Value
from app.review.models import ReviewQueue
from app.review.pairs import TIE, first_of, said_of
from app.review.repository import Answer
from app.statistics.intervals import Interval, mean_interval, wilson


@dataclass(frozen=True, slots=True)
class Preference:
    """Which version people prefer by one question. An item that several people answered counts once, by the mean of what they
    said, or by the final answer."""

    field: Field
    candidate: str
    baseline: str
    candidate_items: int
    """Items on which the newer version is preferred."""
    baseline_items: int
    ties: int
    share: Interval
    """Of wins of the newer version: a tie is half a win."""
    first_place: Interval | None
    """The share of answers, ties left out, for what was shown first. None where every answer is a tie."""

    @property
    def items(self) -> int:
        """With an answer, those that say nothing left out."""
        return self.candidate_items + self.baseline_items + self.ties


def preferences(
    queue: ReviewQueue,
    fields: Sequence[Field],
    answers: Sequence[Answer],
    finals: Mapping[tuple[int, str], Any],
) -> list[Preference]:
    """The preference by each question that has an answer; none of a queue that shows one output at a time. Items are taken as
    independent."""
    if not queue.is_pair:
        return []
    found = (_preference(queue, field, answers, finals) for field in fields)
    return [one for one in found if one]


def _preference(
    queue: ReviewQueue,
    field: Field,
    answers: Sequence[Answer],
    finals: Mapping[tuple[int, str], Any],
) -> Preference | None:
    said: dict[int, list[float]] = {}
    places: list[bool] = []
    for one in answers:
        value = None if one.said.is_missing else judgment_value(one.said)
        if one.said.evaluator_version_id != field.version.id or not isinstance(value, float):
            continue
        said.setdefault(one.position, []).append(value)
        first = first_of(queue, one.position, one.user_id)
        if first and value != TIE:
            places.append(said_of(first, value) == "a")
    by_item = {position: fmean(values) for position, values in said.items()}
    for (position, version_id), judgment in finals.items():
        final: Value = judgment_value(judgment)
        if version_id == field.version.id and isinstance(final, float):
            by_item[position] = final
    share = mean_interval(list(by_item.values()))
    if share is None:
        return None
    ties = sum(value == TIE for value in by_item.values())
    won = sum(value > TIE for value in by_item.values())
    return Preference(
        field,
        queue.candidate or "",
        queue.baseline or "",
        won,
        len(by_item) - won - ties,
        ties,
        share,
        wilson(sum(places), len(places)) if places else None,
    )
