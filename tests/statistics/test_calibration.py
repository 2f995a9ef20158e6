import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from app.statistics.calibration import brier_score, expected_calibration_error, log_loss

rows = st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=2, max_size=40)


@given(rows)
def test_brier_and_log_loss_equal_scikit_learn(found):
    y, p = [int(one) for one, _ in found], [one for _, one in found]

    assert brier_score(y, p).estimate == pytest.approx(metrics.brier_score_loss(y, p, pos_label=1))
    p = np.clip(p, 1e-15, 1 - 1e-15)
    assert log_loss(y, p).estimate == pytest.approx(metrics.log_loss(y, p, labels=[0, 1]), abs=1e-9)


def test_the_calibration_error_equals_bins_cut_by_hand():
    rng = np.random.default_rng(2)
    p = rng.random(1000)
    y = (rng.random(1000) < p**2).astype(float)
    order = np.argsort(p)
    gaps = [abs(y[part].mean() - p[part].mean()) * 0.1 for part in np.split(order, 10)]

    assert expected_calibration_error(y, p) == pytest.approx(sum(gaps))


def test_rows_of_one_probability_stay_together():
    y = [1] * 300 + [0] * 300
    assert expected_calibration_error(y, [0.5] * 600) == pytest.approx(0)
    assert expected_calibration_error(y[::-1], [0.75] * 600) == pytest.approx(0.25)
    assert expected_calibration_error([1] * 10, [0.5] * 10) is None


def test_what_is_no_probability_is_refused():
    assert brier_score([], []) is None
    with pytest.raises(ValueError, match="between 0 and 1"):
        brier_score([1], [1.2])
    with pytest.raises(ValueError, match="0 or 1"):
        log_loss([0.5], [0.5])
    with pytest.raises(ValueError, match="outcomes"):
        log_loss([1], [0.5, 0.5])
