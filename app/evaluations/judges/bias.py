"""What pulls a judge besides the answers: the place that an answer was shown at, and its length."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy.orm import Session

from app.core.errors import DomainError
from app.evaluations.judges import repository as agreement_repository
from app.evaluations.judges.agreement import Agreement
from app.evaluators.binding import Row, bind
from app.evaluators.describing import describe
from app.evaluators.kinds.comparing import TargetUnclear
from app.evaluators.kinds.pairwise_judge import PairwiseJudgeOptions, answer_beside
from app.statistics.intervals import Interval, mean_interval
from app.statistics.judges import LengthBias, Pick, PositionBias, length_bias, position_bias

FEWEST = 30
"""Verdicts, one of a row, from which a pull of length is told: with fewer, the regression's interval does not hold."""


@dataclass(frozen=True)
class Bias:
    """The pulls of one version of a judge."""

    order: PositionBias | None
    """Of a judge that was asked in both orders; None where none was."""
    length: LengthBias | None
    """On picks of one of two answers, or on passes at the same verdict of people; None where there are too few, or nothing can
    be told from them."""
    of_pairs: bool
    """Whether the judge compares two answers; else it passes single ones."""
    lengths: int
    """Verdicts that `length` rests on, or would."""
    right: Interval | None = None
    """How often one order by itself picks what people pick, a tie half: both orders of each output on average. None where it was
    not asked in both orders, or nobody has said which of the two answers is better."""

    @cached_property
    def place(self) -> str:
        """The place that it favours: `first`, `second`, or `` where none is clear."""
        found = self.order.first_place if self.order else None
        if found is None or found.lo is None or found.hi is None:
            return ""
        return "first" if found.lo > 0.5 else "second" if found.hi < 0.5 else ""

    @cached_property
    def favours(self) -> str:
        """The answers that it favours: `longer`, `shorter`, or `` where neither is clear."""
        slope = self.length.slope if self.length else None
        if slope is None or slope.lo is None or slope.hi is None:
            return ""
        return "longer" if slope.lo > 0 else "shorter" if slope.hi < 0 else ""


def bias_of(session: Session, agreement: Agreement) -> Bias | None:
    """The pulls of a judge that asks models, from its stored verdicts; None for other evaluators, and where nothing can be looked at.

    Of two answers, the verdicts that hold in both orders are looked at for length. Of single ones, those that are yes or no and
    that people of one mind have given, too: length that people like as much is no bias.
    """
    version = agreement.version
    if not describe(version.spec).model_calls:
        return None
    counts = agreement_repository.count_orders(session, version.id)
    order = position_bias(*_picks(counts)) if counts else None
    try:
        options = bind(version.spec).options
    except DomainError:  # of a kind that this server does not know
        return None
    of_pairs = isinstance(options, PairwiseJudgeOptions)
    if isinstance(options, PairwiseJudgeOptions):
        picked, lengths, people = _compared(session, version.id, options)
    else:
        picked, lengths, people = _passed(session, agreement)
    if order is None and not picked:
        return None
    length = length_bias(picked, lengths, people) if len(picked) >= FEWEST else None
    right = _right(session, agreement) if order else None
    return Bias(order, length, of_pairs, len(picked), right)


_WORTH = {"output": 1.0, "tie": 0.5, "other": 0.0}


def _right(session: Session, agreement: Agreement) -> Interval | None:
    people = {pair.log_id: float(pair.people) for pair in agreement.compared if pair.people in (0, 1)}
    picks = agreement_repository.list_orders(session, agreement.version.id, list(people))
    both = ([1 - abs(_WORTH[better] - people[log_id]) for better in orders] for log_id, *orders in picks)
    return mean_interval([sum(one) / len(one) for one in both])


def _picks(counts: Sequence[agreement_repository.OrderCount]) -> tuple[list[Pick], list[Pick]]:
    """What was picked with the output shown first, and what with the other answer shown first."""
    one_way: list[Pick] = []
    other_way: list[Pick] = []
    for output_first, other_first, times in counts:
        one_way += [_place(output_first, "output")] * times
        other_way += [_place(other_first, "other")] * times
    return one_way, other_way


def _place(better: str, shown_first: str) -> Pick:
    return "tie" if better == "tie" else "first" if better == shown_first else "second"


Looked = tuple[list[bool], list[float], list[bool] | None]
"""Whether it was picked, its length (less that of the other), and whether people picked it, for each verdict."""


def _compared(session: Session, judge_id: str, options: PairwiseJudgeOptions) -> Looked:
    picked, lengths = [], []
    for one in agreement_repository.list_decided(session, judge_id):
        row = Row(one.inputs or {}, [], one.target, one.context, one.metadata)
        try:
            other = answer_beside(options, row)
        except TargetUnclear:
            continue
        if other.strip():
            picked.append(one.won)
            lengths.append(float(one.output_chars - len(other)))
    return picked, lengths, None


def _passed(session: Session, agreement: Agreement) -> Looked:
    pairs = [
        pair for pair in agreement.compared if isinstance(pair.judge, bool) and isinstance(pair.people, bool)
    ][: agreement_repository.MOST_LENGTHS]
    lengths = agreement_repository.output_lengths(session, [pair.log_id for pair in pairs])
    # One output of each row, the newest: the verdicts on its repeats are no independent ones.
    known = {lengths[pair.log_id].of: pair for pair in reversed(pairs) if pair.log_id in lengths}.values()
    return (
        [pair.judge for pair in known],
        [float(lengths[pair.log_id].chars) for pair in known],
        [pair.people for pair in known],
    )
