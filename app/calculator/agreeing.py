"""How far raters agree."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import PlainValidator, WithJsonSchema

from app.calculator.arguments import (
    KEY,
    MOST,
    Key,
    Keys,
    KnownKeys,
    Resamples,
    Seed,
    WithConfidence,
    array,
    key,
    listed,
    same_length,
)
from app.calculator.contract import Entry, Result
from app.statistics.agreement import Table, cohen_kappa, contingency, spearman
from app.statistics.arrays import np
from app.statistics.bootstrap import SEED
from app.statistics.figures import Figure
from app.statistics.intervals import wilson
from app.statistics.raters import (
    Rated,
    agreement_share,
    fleiss_kappa,
    gwet_ac1,
    krippendorff_alpha,
    rated,
)

_MOST_RATERS = 100
_MOST_CATEGORIES = 100
_CONSTANT = (
    "undefined: there are no items with both labels, or one rater gave one label only; look at the agreement"
)
_ALIKE = "undefined: no item has two ratings, or all ratings are the same; look at the agreement"
_NO_ITEM = "no item has two ratings"


def _items(value: object) -> list[list[Key | None]]:
    found = listed(listed(key, _MOST_RATERS))(value)
    if sum(map(len, found)) > MOST:
        raise ValueError(f"has more than {MOST:,} ratings in all: send fewer items")
    return found


Items = Annotated[
    list[list[Key | None]], PlainValidator(_items), WithJsonSchema(array(array(KEY, _MOST_RATERS)))
]


class TwoRaters(WithConfidence):
    """Labels of two raters on the same items."""

    first: Keys
    """One label an item of the first rater, such as a person; null where there is none."""
    second: Keys
    """One label an item of the second rater, such as a judge, in the order of `first`."""


class OrderedRaters(TwoRaters):
    """Labels that have an order."""

    categories: KnownKeys | None = None
    """All categories, the lowest first, equally far apart; left out, whole numbers in their order."""


class Raters(WithConfidence):
    """Ratings of any number of raters."""

    ratings: Items
    """For each item the ratings that it got; null for a gap."""
    categories: KnownKeys | None = None
    """All categories, also those that nobody gave; left out, those that were given."""


class Distances(Raters):
    """Ratings, and what the distance between two is."""

    level: Literal["nominal", "ordinal", "interval"] = "nominal"
    """nominal: different is different; ordinal: in the order of `categories`; interval: whole numbers, squared difference."""
    resamples: Resamples | None = None
    """Of items, for the interval; 10,000 for few items, fewer for many, if it is left out."""
    seed: Seed = SEED
    """What items are drawn by."""


def _cohen(asked: TwoRaters) -> Result:
    same_length(first=asked.first, second=asked.second)
    _bounded(len({*asked.first, *asked.second} - {None}))
    table = contingency(asked.first, asked.second)
    kappa = cohen_kappa(table, asked.confidence)
    return {
        "kappa": Figure.of(kappa) if kappa else Figure.undefined(table.n, "Cohen's kappa", _CONSTANT),
        "agreement": _agreement(table, asked.confidence),
        "gwet_ac1": _ac1(
            [list(pair) for pair in zip(asked.first, asked.second, strict=True) if None not in pair],
            asked.confidence,
        ),
    }


def _agreement(table: Table, confidence: float) -> Figure:
    if table.n == 0:
        return Figure.undefined(0, "Wilson", "no item has both labels")
    return Figure.of(wilson(int(np.trace(table.counts)), table.n, confidence))


def _ac1(items: Sequence[Sequence[Key | None]], confidence: float) -> Figure:
    found = gwet_ac1(rated(items), confidence)
    return Figure.of(found) if found else Figure.undefined(len(items), "Gwet's AC1", _ALIKE)


def _weighted(asked: OrderedRaters) -> Result:
    same_length(first=asked.first, second=asked.second)
    categories = _ordered([*asked.first, *asked.second], asked.categories)
    _bounded(len(categories))
    table = contingency(asked.first, asked.second, categories)
    found = {
        "quadratic_kappa": cohen_kappa(table, asked.confidence, "quadratic"),
        "linear_kappa": cohen_kappa(table, asked.confidence, "linear"),
    }
    figures = {
        name: Figure.of(kappa) if kappa else Figure.undefined(table.n, "Cohen's kappa", _CONSTANT)
        for name, kappa in found.items()
    }
    places = {category: float(place) for place, category in enumerate(categories)}
    pairs = [
        (places[a], places[b])
        for a, b in zip(asked.first, asked.second, strict=True)
        if a is not None and b is not None
    ]
    columns = np.array(pairs).reshape(-1, 2)
    ranked = spearman(columns[:, 0], columns[:, 1], asked.confidence)
    figures["spearman"] = (
        Figure.of(*ranked)
        if ranked
        else Figure.undefined(
            table.n, "Spearman", "undefined: under three items, or a rater who gave one label only"
        )
    )
    return figures | {"agreement": _agreement(table, asked.confidence)}


def _ordered(labels: Sequence[Key | None], categories: Sequence[Key] | None) -> list[Key]:
    if categories is not None:
        if len(set(categories)) < len(categories):
            raise ValueError("`categories` names one twice: name each once, the lowest first.")
        _bounded(len(categories))
        return list(categories)
    numbers = {label for label in labels if isinstance(label, int)}
    if any(isinstance(label, str) for label in labels):
        raise ValueError(
            "`categories` is missing: texts have no order of their own, so list them, the lowest first."
        )
    _bounded(len(numbers))
    if numbers and max(numbers) - min(numbers) >= _MOST_CATEGORIES:
        raise ValueError(
            f"The labels reach over {_MOST_CATEGORIES} numbers: list those there are in `categories`."
        )
    return list(range(min(numbers), max(numbers) + 1)) if numbers else []


def _bounded(categories: int) -> None:
    if categories > _MOST_CATEGORIES:
        raise ValueError(f"There are {categories} categories: at most {_MOST_CATEGORIES} can be compared.")


def _counted(asked: Raters) -> Rated:
    given = {one for item in asked.ratings for one in item if one is not None}
    _bounded(len(asked.categories or given))
    return rated(asked.ratings, asked.categories)


def _many(asked: Raters) -> Result:
    items = _counted(asked)
    kappa, ac1, share = (
        fleiss_kappa(items, asked.confidence),
        gwet_ac1(items, asked.confidence),
        agreement_share(items),
    )
    n = len(items.counts)
    return {
        "kappa": Figure.of(kappa) if kappa else Figure.undefined(n, "Fleiss' kappa", _ALIKE),
        "agreement": _pairs(share, n),
        "gwet_ac1": Figure.of(ac1) if ac1 else Figure.undefined(n, "Gwet's AC1", _ALIKE),
    }


def _gwet(asked: Raters) -> Result:
    items = _counted(asked)
    found = gwet_ac1(items, asked.confidence)
    return Figure.of(found) if found else Figure.undefined(len(items.counts), "Gwet's AC1", _ALIKE)


def _pairs(share: float | None, n: int) -> Figure:
    method = "equal pairs of ratings, averaged over items"
    return Figure(share, n, method) if share is not None else Figure.undefined(n, method, _NO_ITEM)


def _krippendorff(asked: Distances) -> Result:
    if asked.level != "nominal":
        categories = _ordered([one for item in asked.ratings for one in item], asked.categories)
        if asked.level == "interval" and any(isinstance(one, str) for one in categories):
            raise ValueError("The level interval needs whole numbers: give numbers, or the level ordinal.")
        items = rated(asked.ratings, categories)
    else:
        items = _counted(asked)
    found = krippendorff_alpha(
        items, asked.level, asked.confidence, resamples=asked.resamples, seed=asked.seed
    )
    if found is None:
        return Figure.undefined(len(items.counts), f"Krippendorff's alpha, {asked.level}", _ALIKE)
    return Figure.of(found)


_PERSON = ["good", "good", "bad", "good", "bad", "good", "good", "bad", "good", "good", "bad", "good"]
_JUDGE = ["good", "good", "bad", "good", "good", "good", "good", "bad", "good", "bad", "bad", "good"]
_STANDARD = [
    [1, 1, None, 1], [2, 2, 3, 2], [3, 3, 3, 3], [3, 3, 3, 3], [2, 2, 2, 2], [1, 2, 3, 4], [4, 4, 4, 4], [1, 1, 2, 1],
    [2, 2, 2, 2], [None, 5, 5, 5], [None, None, 1, 1], [None, 3, None, None],
]  # fmt: skip
_FIVE = [1, 2, 3, 4, 5]
ENTRIES = (
    Entry(
        "cohen_kappa_binary",
        "How far two raters agree beyond chance, with raw agreement and AC1 beside it.",
        "kappa = (po - pe)/(1 - pe) with its large-sample interval; agreement with Wilson's; AC1 with pe = Σ π(1 - π)/(q - 1), "
        "which does not collapse where nearly all pass. Any number of unordered labels. Items are independent.",
        "Cohen 1960; Fleiss, Cohen and Everitt 1969; Gwet 2008",
        TwoRaters,
        _cohen,
        {"first": _PERSON, "second": _JUDGE},
        aliases=("cohen_kappa",),
    ),
    Entry(
        "weighted_kappa_icc",
        "How far two raters agree on an ordered scale.",
        "Kappa with weights 1 - (|i - j|/(q - 1))² (quadratic, close to the intraclass correlation) and 1 - |i - j|/(q - 1); "
        "Spearman's rank correlation with the interval of Bonett and Wright; raw agreement.",
        "Cohen 1968; Fleiss and Cohen 1973; Bonett and Wright 2000",
        OrderedRaters,
        _weighted,
        {"first": [1, 2, 3, 4, 5, 3, 2, 4, 5, 1, 3, 4], "second": [1, 2, 4, 4, 5, 3, 1, 4, 4, 2, 3, 5]},
        aliases=("weighted_kappa",),
    ),
    Entry(
        "fleiss_kappa",
        "How far several raters agree beyond chance, with raw agreement and AC1 beside it.",
        "pe = Σ π_k², items with any number of ratings; interval by the variance of the items' own shares, t on n - 1.",
        "Fleiss 1971; Gwet 2014",
        Raters,
        _many,
        {"ratings": _STANDARD, "categories": _FIVE},
    ),
    Entry(
        "gwet_ac1",
        "Agreement beyond chance that stands where nearly all ratings are the same.",
        "pe = Σ π_k (1 - π_k)/(q - 1) over all q categories; interval by the variance of the items' own shares, t on n - 1.",
        "Gwet 2008; Gwet 2014",
        Raters,
        _gwet,
        {"ratings": _STANDARD, "categories": _FIVE},
    ),
    Entry(
        "krippendorff_alpha",
        "Agreement of any number of raters, with gaps, on unordered, ordered or numeric scales.",
        "1 - Do/De over pairs of ratings within items and among all; interval by resampling items. Items are independent.",
        "Krippendorff 2011",
        Distances,
        _krippendorff,
        {"ratings": _STANDARD, "categories": _FIVE, "level": "ordinal", "resamples": 2_000},
    ),
)
