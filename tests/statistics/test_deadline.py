import pytest

from app.statistics.bootstrap import bootstrap_interval, mean_statistic
from app.statistics.deadline import TookTooLong, check, within
from app.statistics.paired import paired_test
from app.statistics.passing import passing_intervals
from app.statistics.ranking import bradley_terry

LONG = {
    "bootstrap": lambda: bootstrap_interval(mean_statistic([1, 2, 3]), 3),
    "signs": lambda: paired_test([0.5 * n for n in range(40)], [0.25 * n for n in range(40)]),
    "strengths": lambda: bradley_terry(["a", "b"] * 9, ["b", "a"] * 9, [1, 1] * 9),
    "attempts": lambda: passing_intervals([5], [2], 2),
}


@pytest.mark.parametrize("work", LONG)
def test_work_ends_when_the_time_is_up(work):
    with within(-1), pytest.raises(TookTooLong):
        LONG[work]()


def test_without_an_end_there_is_none():
    check()
    with within(60):
        check()
    check()
