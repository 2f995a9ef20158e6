"""The shapes of how good a judge is: beside people, and by itself."""

from typing import Literal

from app.reference.answers.shape import Shape


class Estimated(Shape):
    """A number with its 95 % interval; `lo` and `hi` are null where there is none, and `warning` says why."""

    estimate: float
    lo: float | None
    hi: float | None
    n: int
    method: str
    warning: str | None


class AmongPeople(Shape):
    agreement: float
    """The share of pairs of people that said the same."""
    outputs: int
    """With the words of two people or more."""


class OrderBias(Shape):
    """The pull of the place at which a judge of two answers is shown one."""

    same_in_both_orders: Estimated
    right_in_one_order: Estimated | None
    """How often one order by itself picks what people pick, a tie half; both orders on average. Null where nobody has judged."""
    first_place: Estimated | None
    """Of the pairs on which it picked the same place in both orders, the share for the first; null where there is none."""
    p: float | None
    """Of the exact test against one half."""
    ties_in_one_order: int
    favours: Literal["first", "second"] | None
    """Null where no pull is clear."""


class LengthBias(Shape):
    """The pull of length."""

    log_odds_per_1000_characters: Estimated
    """Of winning, by how much longer the output is than the other answer; of a judge of single outputs, of passing, at the same verdict of people."""
    p: float
    share_at_equal_lengths: Estimated | None
    """Of wins; null for a judge of single outputs."""
    favours: Literal["longer", "shorter"] | None
    """Null where no pull is clear."""


class Repeats(Shape):
    """Votes that one model cast on the same output, beside each other."""

    same: float
    """The share of pairs of votes that are equal."""
    alpha: Estimated | None
    """Krippendorff's; null where all votes on all outputs are the same."""
    outputs: int


class Agreement(Shape):
    """A version of an evaluator beside members, on outputs that both have judged."""

    version_id: str
    question_id: str | None
    """The evaluator that asked people; null where none did."""
    trust: Literal["trusted", "usable", "not yet trusted"]
    """By the lower end of kappa: from 0.6 it may judge alone, from 0.4 beside people; under 30 outputs it is not trusted."""
    reason: str
    outputs: int
    divided: int
    """Outputs that are left out because people are evenly divided."""
    incomparable: int
    """Words of people that are left out because they were asked for another kind of answer."""
    agreement: Estimated | None
    """The share of outputs with the same verdict."""
    kappa: Estimated | None
    """Beyond chance; null where one side says the same of every output."""
    ac1: Estimated | None
    """Gwet's AC1; null for numbers."""
    judge_minus_people: Estimated | None
    """How much more the evaluator gives; null for choices."""
    people_among_themselves: AmongPeople | None
    categories: list[bool | float | str]
    order_bias: OrderBias | None
    """Null for what was not asked in both orders."""
    length_bias: LengthBias | None
    """Null where it takes more verdicts, or none can tell it; of evaluators that ask no model, too."""
    repeats: Repeats | None
    """Null for what was not asked several times."""
    counts: list[list[int]]
    """How often the evaluator's verdict (row) met that of people (column), in the order of `categories`."""
