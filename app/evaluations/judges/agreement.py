"""A judge as an instrument: how far it agrees with people on outputs that both have judged, and whether it is trusted."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from sqlalchemy.orm import Session

from app.core.errors import DomainError, NotFound
from app.evaluations.figures.memory import kept
from app.evaluations.judges import repository as agreement_repository
from app.evaluations.judges.repository import Label, LabelCount
from app.evaluators.binding import bind
from app.evaluators.describing import describe
from app.files import repository as files
from app.files.models import File, Version
from app.logs.repository import FINAL
from app.statistics.agreement import cohen_kappa, contingency, spearman
from app.statistics.arrays import np
from app.statistics.intervals import Interval, wilson
from app.statistics.judges import Powered, prediction_powered_mean
from app.statistics.paired import paired_difference
from app.statistics.raters import agreement_share, gwet_ac1, rated

FEWEST = 30
"""Outputs with a verdict of the judge and one of a person."""
USABLE, TRUSTED = 0.4, 0.6
"""What the lower end of kappa's interval must reach, for use beside people and alone."""
_BEHIND_PEOPLE = 0.05
"""A judge that agrees with people this nearly as often as people with each other is as good as one of them."""
_MOST_STEPS = 11
"""Different numbers that are read as the steps of a scale."""
TrustName = Literal["trusted", "usable", "not yet trusted"]


@dataclass(frozen=True, slots=True)
class Trust:
    """What a judge's scores are worth, and why."""

    name: TrustName
    reason: str
    outputs: int
    """With a verdict of the judge and one of a person."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One output: the judge's verdict and what people said, as one verdict; None where they are divided."""

    log_id: str
    judged_at: datetime
    judge: Any
    rationale: str | None
    people: Any
    said: Sequence[Any]
    """By each person."""


@dataclass(frozen=True)
class Agreement:
    """A judge's version beside people."""

    version: Version
    pairs: Sequence[Pair]
    """Newest first."""
    incomparable: int
    """People's words that answer something else than the judge does, or on another scale."""
    question: File | None = None
    """The evaluator that asked people; None where none did."""
    questions: Sequence[File] = ()
    """Those that ask for the same kind of answer, the one with most words first: `question` is one of them."""

    @cached_property
    def compared(self) -> list[Pair]:
        """Those on which people are of one mind."""
        return [pair for pair in self.pairs if pair.people is not None]

    @property
    def divided(self) -> int:
        """Outputs on which people are evenly divided: nobody can be right there."""
        return len(self.pairs) - len(self.compared)

    @property
    def is_numeric(self) -> bool:
        """Whether verdicts are numbers."""
        return describe(self.version.spec).return_type == "number"

    @cached_property
    def categories(self) -> list[Hashable]:
        """What verdicts are, in the order of their scale or of the first mention; of numbers, the steps that occur."""
        found = dict.fromkeys(value for pair in self.compared for value in (pair.people, pair.judge))
        if self.is_numeric:
            return sorted(found)
        return (
            [value for value in (True, False) if value in found]
            if True in found or False in found
            else list(found)
        )

    @property
    def is_scale(self) -> bool:
        """Whether numbers are the steps of a scale, so that being off by one is better than by two."""
        return self.is_numeric and len(self.categories) <= _MOST_STEPS

    @cached_property
    def counts(self) -> list[list[int]]:
        """How often the judge's verdict (row) met the people's (column), by `categories`."""
        return [[int(one) for one in row] for row in self._table.counts]

    @cached_property
    def _table(self) -> Any:
        return contingency(*self._columns, self.categories)

    @property
    def _columns(self) -> tuple[list[Any], list[Any]]:
        return [pair.judge for pair in self.compared], [pair.people for pair in self.compared]

    @cached_property
    def same(self) -> Interval | None:
        """The share of outputs with the same verdict."""
        equal = sum(pair.judge == pair.people for pair in self.compared)
        return wilson(equal, len(self.compared)) if self.compared else None

    @cached_property
    def kappa(self) -> Interval | None:
        """Agreement beyond chance: Cohen's kappa, with quadratic weights on a scale; of other numbers, rank correlation."""
        if self.is_numeric and not self.is_scale:
            judge, people = self._columns
            found = spearman(np.asarray(judge, dtype=float), np.asarray(people, dtype=float))
            return found[0] if found else None
        if not self.is_scale:
            return cohen_kappa(self._table)
        steps = [float(str(one)) for one in self.categories]
        return cohen_kappa(self._table, weights="quadratic", scale=steps) if len(steps) > 1 else None

    @cached_property
    def ac1(self) -> Interval | None:
        """Gwet's AC1, which does not collapse where nearly all pass; None for numbers."""
        if self.is_numeric:
            return None
        return gwet_ac1(rated([[pair.judge, pair.people] for pair in self.compared], self.categories))

    @cached_property
    def among_people(self) -> tuple[float, int] | None:
        """How often people agree with each other, and on how many outputs; None where nobody judged beside another."""
        several = [list(pair.said) for pair in self.pairs if len(pair.said) > 1]
        share = agreement_share(rated(several))
        return None if share is None else (share, len(several))

    @cached_property
    def lean(self) -> Interval | None:
        """How much more the judge gives than people do, in points of the scale or as a share; None for choices."""
        if not self.is_numeric and not all(isinstance(pair.people, bool) for pair in self.compared):
            return None
        judge, people = ([float(value) for value in column] for column in self._columns)
        return paired_difference(people, judge, share=not self.is_numeric)

    @cached_property
    def trust(self) -> Trust:
        """By the lower end of kappa, or by how well people agree among themselves."""
        n, kappa = len(self.compared), self.kappa
        if n < FEWEST:
            return Trust(
                "not yet trusted", f"{n} of the {FEWEST} outputs that it takes were judged by people, too", n
            )
        if kappa is None or kappa.lo is None:
            return Trust(
                "not yet trusted",
                "one side says the same of nearly every output, so that agreement is chance",
                n,
            )
        if kappa.lo >= TRUSTED:
            return Trust("trusted", f"the lower end of {kappa.method} is {kappa.lo:.2f}", n)
        if self._is_as_good_as_people:
            return Trust("trusted", "it agrees with people as often as they do with each other", n)
        if kappa.lo >= USABLE:
            return Trust(
                "usable", f"the lower end of {kappa.method} is {kappa.lo:.2f}: let people look, too", n
            )
        return Trust(
            "not yet trusted", f"the lower end of {kappa.method} is {kappa.lo:.2f}, under {USABLE}", n
        )

    @property
    def _is_as_good_as_people(self) -> bool:
        if self.among_people is None or self.same is None or self.among_people[1] < FEWEST:
            return False
        return self.same.estimate >= self.among_people[0] - _BEHIND_PEOPLE

    @property
    def disagreements(self) -> list[Pair]:
        """Widest gap first, then newest first."""
        found = [pair for pair in self.compared if pair.judge != pair.people]
        return sorted(found, key=lambda pair: -abs(pair.judge - pair.people)) if self.is_numeric else found

    def by_month(self) -> dict[str, Interval]:
        """The share of equal verdicts by the month of the judge's, oldest first."""
        months: dict[tuple[int, int], list[bool]] = {}
        for pair in reversed(self.compared):
            month = (pair.judged_at.year, pair.judged_at.month)
            months.setdefault(month, []).append(pair.judge == pair.people)
        return {
            f"{year}-{month:02}": wilson(sum(same), len(same))
            for (year, month), same in sorted(months.items())
        }

    def powered(self, passed: int, verdicts: int) -> Powered | None:
        """The pass rate of people on all outputs that the judge has judged, from their labels and its verdicts; for yes or no.

        `passed` of `verdicts` are the judge's own, the labelled ones included. Holds where the labelled ones are a random part.
        """
        if self.is_numeric or not self.compared or not all(isinstance(p.people, bool) for p in self.compared):
            return None
        judge, people = ([float(value) for value in column] for column in self._columns)
        rest = verdicts - len(judge)
        if rest < 1:
            return None
        left = min(rest, max(0, passed - int(sum(judge))))
        return prediction_powered_mean(people, judge, [1.0] * left + [0.0] * (rest - left))


def agreement_of(
    session: Session, workspace_id: str, version: Version, question_id: str | None = None
) -> Agreement:
    """What people said of the outputs that this version of an evaluator has judged, asked by one evaluator: the one named, or
    else the one that most words are of.

    Raises:
        NotFound: the one named has asked nobody about such outputs, or asks for another kind of answer.
    """
    labels = agreement_repository.list_labels(session, workspace_id, version.id)
    asked = {
        one.id: one for one in files.find_versions(session, workspace_id, {one.asked_by for one in labels})
    }
    fitting = {one.id: one.file_id for one in asked.values() if is_alike(version.spec, one.spec)}
    words = Counter(fitting[label.asked_by] for label in labels if label.asked_by in fitting)
    questions = [file_id for file_id, _ in words.most_common()]
    if question_id is not None and question_id not in questions:
        raise NotFound("No person was asked so about an output that this judge has judged.")
    chosen = question_id or next(iter(questions), None)
    by_log: dict[str, list[Label]] = {}
    for label in labels:
        if fitting.get(label.asked_by) == chosen and isinstance(label.judge_value, bool | int | float | str):
            by_log.setdefault(label.log_id, []).append(label)
    found = files.find_files_ever(session, workspace_id, questions)
    named = [found[file_id] for file_id in questions if file_id in found]
    return Agreement(
        version,
        [_pair(said) for said in by_log.values()] if chosen else [],
        len(labels) - sum(words.values()),
        next((file for file in named if file.id == chosen), None),
        named,
    )


def trust_of(session: Session, workspace_id: str, versions: Sequence[Version]) -> dict[str, Trust]:
    """What each judge is worth, by the version's id; only judges that ask models are in it."""
    judges = [one for one in versions if describe(one.spec).model_calls]
    if not judges:
        return {}
    counts = agreement_repository.count_labels(session, workspace_id, [one.id for one in judges])
    return {one.id: _trust(session, workspace_id, one, counts.get(one.id)) for one in judges}


def _trust(session: Session, workspace_id: str, version: Version, count: LabelCount | None) -> Trust:
    if count is None or count.outputs < FEWEST:
        return Agreement(version, [], 0).trust if count is None else _too_few(count.outputs)
    key = ("trust", version.id, count)
    return kept.once(key, lambda: agreement_of(session, workspace_id, version).trust)


def _too_few(outputs: int) -> Trust:
    return Trust(
        "not yet trusted",
        f"{outputs} of the {FEWEST} outputs that it takes were judged by people, too",
        outputs,
    )


def is_alike(judge: Mapping[str, Any], people: Mapping[str, Any]) -> bool:
    """Whether people were asked for the same kind of answer, the same way up, on the same scale or with the same choices."""
    one, other = describe(judge), describe(people)
    if one.return_type != other.return_type or one.return_type not in ("boolean", "number", "select"):
        return False
    if one.return_type == "select":
        return _choices(judge) == _choices(people)
    if one.wanted != other.wanted:
        return False
    return one.return_type != "number" or _limits(judge) == _limits(people)


def _limits(spec: Mapping[str, Any]) -> tuple[Any, Any]:
    try:
        options = bind(spec).options
    except DomainError:
        return None, None
    return getattr(options, "lowest", None), getattr(options, "highest", None)


def _choices(spec: Mapping[str, Any]) -> set[str]:
    return {option["name"] for option in spec.get("options") or ()}


def _pair(said: Sequence[Label]) -> Pair:
    """The newest word of each person; of several people the final answer, the majority, or the mean of their numbers."""
    by_person = {label.person: label.value for label in said}
    final = by_person.pop(FINAL, None)
    values = list(by_person.values())
    people = _together(values) if final is None else final
    first = said[0]
    return Pair(first.log_id, first.judged_at, first.judge_value, first.rationale, people, values)


def _together(values: Sequence[Any]) -> Any:
    if len(values) == 1:
        return values[0]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return sum(values) / len(values)
    (first, most), *others = Counter(values).most_common(2)
    return None if others and others[0][1] == most else first
