"""How far the people of a queue agree, by `app.statistics`, and on which items they do not."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from app.logs.presentation import judgment_value
from app.review.fields import CANNOT_TELL, Field, Value
from app.review.repository import Answer
from app.statistics.agreement import cohen_kappa, contingency
from app.statistics.intervals import Interval, mean_interval
from app.statistics.raters import Rated, fleiss_kappa, gwet_ac1, krippendorff_alpha, rated

_RESAMPLES = 2_000
"""Of Krippendorff's interval: its ends move by a hundredth, and a page is not kept waiting."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One coefficient of agreement."""

    code: str
    """What the API calls it."""
    name: str
    says: str
    """What it corrects for, in a few words."""
    interval: Interval | None
    """None where it is undefined, as where everybody gave one answer only."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far people agree by one evaluator."""

    field: Field
    items: int
    """With two answers or more, those that say nothing left out."""
    people: int
    share: Interval | None
    """The share of equal pairs of answers, averaged over items. None where no item has two answers, or texts were given."""
    measures: Sequence[Measure]
    disputed: Sequence[int]
    """The items on which answers differ."""


def agreements(fields: Sequence[Field], answers: Sequence[Answer]) -> list[Agreement]:
    """The agreement by each evaluator. Items are taken as independent."""
    return [_agreement(field, _by_item(field, answers)) for field in fields]


_Said = dict[int, dict[str, Value]]
"""What was answered, by item and person; who cannot tell is not among them."""


def _by_item(field: Field, answers: Sequence[Answer]) -> _Said:
    found: _Said = {}
    for one in answers:
        value = None if one.said.is_missing else judgment_value(one.said)
        if one.said.evaluator_version_id == field.version.id and value is not None:
            found.setdefault(one.position, {})[one.user_id] = value
    return found


def _agreement(field: Field, said: _Said) -> Agreement:
    several = {position: by for position, by in said.items() if len(by) > 1}
    people = sorted({user_id for by in said.values() for user_id in by})
    if not field.compared or not several:
        return Agreement(field, len(several), len(people), None, (), ())
    ratings = {position: {user: label(value) for user, value in by.items()} for position, by in said.items()}
    items = rated(
        [[ratings[position].get(user) for user in people] for position in sorted(ratings)],
        _categories(field, ratings),
    )
    return Agreement(
        field,
        len(several),
        len(people),
        mean_interval([_equal_pairs(list(ratings[position].values())) for position in several]),
        _measures(field, ratings, people, items),
        sorted(position for position in several if len(set(ratings[position].values())) > 1),
    )


def label(value: Value) -> Hashable:
    """An answer as a category: choices are a set, whichever was ticked first."""
    return tuple(sorted(value)) if isinstance(value, list) else value


def _categories(field: Field, ratings: Mapping[int, Mapping[str, Hashable]]) -> list[Hashable]:
    """The categories in their order: those that can be given, where these are few and known, else those that were."""
    given = {one for by in ratings.values() for one in by.values()}
    answers = field.options.answers
    if field.is_pair:
        return sorted({0.0, 0.5, 1.0} | given)  # type: ignore[type-var]
    if answers == "boolean":
        return [False, True]
    if answers == "select":
        return [*field.options.choices]
    if answers == "number":
        scale = {float(one.value) for one in field.choices if one.value != CANNOT_TELL}
        return sorted(scale | given)  # type: ignore[type-var]
    return sorted(given)  # type: ignore[type-var]


def _equal_pairs(labels: Sequence[Hashable]) -> float:
    pairs = [(a, b) for at, a in enumerate(labels) for b in labels[at + 1 :]]
    return sum(a == b for a, b in pairs) / len(pairs)


def _measures(
    field: Field, ratings: Mapping[int, Mapping[str, Hashable]], people: Sequence[str], items: Rated
) -> list[Measure]:
    ordered = field.options.answers == "number" and not field.is_pair
    found = []
    if len(people) == 2:
        columns = [[by.get(user) for by in ratings.values()] for user in people]
        table = contingency(columns[0], columns[1], items.categories)
        kappa = cohen_kappa(table, weights="quadratic" if ordered else "none")
        says = "beyond chance, far apart counts more" if ordered else "beyond chance, two people"
        found.append(Measure("cohen_kappa", "Cohen’s κ", says, kappa))
    elif not ordered:
        found.append(
            Measure("fleiss_kappa", "Fleiss’ κ", "beyond chance, several people", fleiss_kappa(items))
        )
    if not ordered:
        found.append(
            Measure("gwet_ac1", "Gwet’s AC1", "holds where nearly all answers are the same", gwet_ac1(items))
        )
    level = "interval" if ordered else "nominal"
    alpha = krippendorff_alpha(items, level, resamples=_RESAMPLES)  # type: ignore[arg-type]
    if alpha and alpha.lo == alpha.hi:  # nothing varies between items: that is no certainty
        alpha = replace(alpha, lo=None, hi=None, warning="every item agrees as much as any other")
    found.append(Measure("krippendorff_alpha", "Krippendorff’s α", "any number of people, with gaps", alpha))
    return found
