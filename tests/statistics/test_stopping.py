"""Ending a comparison as soon as it is clear: how often that is wrong, and how early it is, however often one looks."""

import numpy as np
import pytest

from app.statistics.paired import paired_difference
from app.statistics.stopping import E_VALUE, MIXTURE, SCALE, look, mean_sequence

ROWS = 150
TRIALS = 150
ENDS = (0.0, 1.0)
ALLOWED = 0.05 + 2 * (0.05 * 0.95 / TRIALS) ** 0.5
"""5%, and twice its own Monte Carlo error."""


def _yes_or_no(generator: np.random.Generator, gain: float) -> tuple[list[float], list[float]]:
    """Scores of 0 and 1 of which one row in three may go either way, and `gain` of all rows improve more than worsen."""
    turn = generator.random(ROWS)
    before = generator.integers(0, 2, ROWS).astype(float)
    up, down = turn < 1 / 6 + gain / 2, turn > 5 / 6 + gain / 2
    before[up], before[down] = 0, 1
    after = before.copy()
    after[up], after[down] = 1, 0
    return before.tolist(), after.tolist()


def _scale(generator: np.random.Generator, gain: float) -> tuple[list[float], list[float]]:
    before, after = generator.beta(2, 1, ROWS), generator.beta(2 + 16 * gain, 1, ROWS)
    return before.tolist(), after.tolist()


def _rarely_much_worse(generator: np.random.Generator, gain: float) -> tuple[list[float], list[float]]:
    """Nearly every row improves by a little, and one in forty fails outright: 0 on average, which the first rows do not show."""
    small = generator.uniform(0.015, 0.025, ROWS)
    after = np.where(generator.random(ROWS) < 0.025, 0.02, 0.8 + small)
    return [0.8] * ROWS, (after + gain).tolist()


def _rarely_four_stars_less(generator: np.random.Generator, gain: float) -> tuple[list[float], list[float]]:
    """The same in whole fifths, as a judge's stars: of ten answers four are a step better, and one is the worst there is."""
    return [0.8] * ROWS, (0.8 + generator.choice([0, 0.2, -0.8], ROWS, p=[0.5, 0.4, 0.1])).tolist()


def _first_clear(before: list[float], after: list[float], comparisons: int = 1) -> int | None:
    """After how many rows it was clear, when looked at after every row."""
    for rows in range(30, ROWS + 1):
        if look(before[:rows], after[:rows], planned=ROWS, comparisons=comparisons, ends=ENDS).clear:
            return rows
    return None


def _fixed_rule_stops(before: list[float], after: list[float], *, share: bool) -> bool:
    """Whether an interval for a fixed number of rows leaves 0 at any look."""
    found = (paired_difference(before[:n], after[:n], share=share) for n in range(30, ROWS + 1))
    return any(interval is not None and interval.excludes(0.0) for interval in found)


@pytest.mark.parametrize("draw", [_yes_or_no, _scale, _rarely_much_worse, _rarely_four_stars_less])
def test_without_a_difference_hardly_any_run_is_stopped_though_one_looks_after_every_row(draw) -> None:
    generator = np.random.default_rng(20_240_611)
    drawn = [draw(generator, 0.0) for _ in range(TRIALS)]
    stopped = sum(_first_clear(*pair) is not None for pair in drawn) / TRIALS
    by_fixed_intervals = sum(_fixed_rule_stops(*pair, share=draw is _yes_or_no) for pair in drawn) / TRIALS
    assert stopped <= ALLOWED
    assert by_fixed_intervals > 3 * 0.05, (
        "three times what its intervals promise, or this test would tell nothing"
    )


@pytest.mark.parametrize("draw", [_yes_or_no, _scale])
def test_with_a_difference_most_runs_stop_early(draw) -> None:
    generator = np.random.default_rng(7)
    ended = [_first_clear(*draw(generator, 0.25)) for _ in range(60)]
    assert sum(rows is not None for rows in ended) >= 0.9 * len(ended)
    assert np.median([rows or ROWS for rows in ended]) <= ROWS / 2


def test_several_comparisons_share_what_may_be_wrong() -> None:
    """Nobody stops where one of three candidates, none of which differs, is called different: over the family, 5%."""
    generator = np.random.default_rng(3)
    trials = 40
    families = [[_yes_or_no(generator, 0.0) for _ in range(3)] for _ in range(trials)]
    wrong = sum(any(_first_clear(*pair, comparisons=3) for pair in family) for family in families) / trials
    assert wrong <= 0.05 + 2 * (0.05 * 0.95 / trials) ** 0.5
    before, after = [0.0] * 40, [1.0] * 9 + [0.0] * 31
    alone, of_three = (look(before, after, planned=100, comparisons=count, ends=ENDS) for count in (1, 3))
    assert of_three.test.p == pytest.approx(3 * alone.test.p)
    assert of_three.delta.lo < alone.delta.lo
    assert "shared by 3 comparisons" in of_three.delta.method


def test_yes_or_no_is_clear_from_an_e_value_of_twenty_on() -> None:
    """8 of 8: e = 2^8/9 = 28.4; 7 of 7: 2^7/8 = 16. The interval has to leave 0, too."""
    seven, eight = (look([0.0] * 60, [1.0] * n + [0.0] * (60 - n), planned=60, ends=ENDS) for n in (7, 8))
    assert (seven.test.name, seven.test.p) == (E_VALUE, pytest.approx(1 / 16))
    assert eight.test.p == pytest.approx(9 / 256)
    assert not seven.clear
    assert all(
        found.clear == (found.test.p <= 0.05 and found.delta.excludes(0.0)) for found in (seven, eight)
    )


def test_fewer_than_thirty_pairs_are_never_clear() -> None:
    assert not look([0.0] * 29, [1.0] * 29, planned=100, ends=ENDS).clear
    assert look([0.0] * 30, [1.0] * 30, planned=100, ends=ENDS).clear, (
        "rows that all improved have an interval, too"
    )
    nothing = look([], [], planned=100)
    assert (nothing.delta, nothing.test, nothing.clear) == (None, None, False)


def test_scores_on_a_scale_are_clear_where_the_e_value_and_the_interval_say_so() -> None:
    generator = np.random.default_rng(11)
    said = set()
    for _ in range(200):
        before = generator.integers(1, 6, 60)
        after = np.clip(before + generator.integers(-1, 3, 60), 1, 5)
        found = look(before.tolist(), after.tolist(), planned=150, comparisons=2, ends=(1, 5))
        assert found.test.name == SCALE
        assert found.clear == (found.test.p <= 0.05 and found.delta.excludes(0.0))
        said.add(found.clear)
    assert said == {True, False}


def test_scores_without_ends_are_never_clear() -> None:
    """Of 400 rows that each took a second longer, the next may take an hour less."""
    generator = np.random.default_rng(11)
    after = (1 + generator.exponential(0.1, 400)).tolist()
    found = look([0.0] * 400, after, planned=800)
    assert found.test.name == MIXTURE
    assert found.test.p < 0.001
    assert found.delta.excludes(0.0)
    assert not found.clear


def test_scores_beyond_the_ends_widen_them() -> None:
    assert look([0.0] * 40, [1.0] * 39 + [3.0], planned=80, ends=ENDS).delta.lo < 1


def test_the_mean_of_one_version_has_an_interval_that_holds_at_every_look() -> None:
    perfect = mean_sequence([1.0] * 50, planned=100, ends=ENDS)
    assert perfect.estimate == 1
    assert perfect.lo < 1
    assert perfect.hi == 1, "no mean lies beyond the scale"
    assert mean_sequence([2.0] * 50, planned=100, ends=(2, 8)).lo == 2
    assert perfect.n == 50
    assert mean_sequence([1.0] * 20, planned=100).lo is None
