"""Steps along a line of versions: on real answers of five systems, against statsmodels, and where rows are missing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.multitest import multipletests

from app.evaluators.kinds import squad
from app.statistics.lineage import lineage_path
from tests.evaluators.data import rows_of

SYSTEMS = ("logistic", "match_lstm", "slqa_ensemble", "rnet_ensemble", "bert_ensemble")
ROWS = rows_of("squad11/systems.jsonl")
PASSAGES = [row["passage"] for row in ROWS]
EXACT = [
    [float(any(squad.exact_match(row[system], one) for one in row["answers"])) for row in ROWS]
    for system in SYSTEMS
]


def test_five_real_systems_have_the_steps_that_statsmodels_finds():
    path = lineage_path(EXACT, PASSAGES)

    assert [round(level.estimate, 3) for level in path.levels] == [0.361, 0.629, 0.728, 0.736, 0.763]
    codes = np.unique(PASSAGES, return_inverse=True)[1]
    for at, step in enumerate(path.steps):
        d = np.array(EXACT[at + 1]) - np.array(EXACT[at])
        fit = OLS(d, np.ones(len(d))).fit(cov_type="cluster", cov_kwds={"groups": codes})
        half = student.ppf(0.975, codes.max()) * fit.bse[0]
        assert step.delta.estimate == pytest.approx(d.mean())
        assert (step.delta.lo, step.delta.hi) == pytest.approx((d.mean() - half, d.mean() + half))
        assert step.delta.clusters == 160
    adjusted = multipletests([step.test.p for step in path.steps], method="holm")[1]
    assert [step.adjusted_p for step in path.steps] == pytest.approx(list(adjusted))
    assert [step.delta.excludes() for step in path.steps] == [True, True, False, False]
    assert path.summed == pytest.approx(path.total.delta.estimate, abs=1e-12)
    assert (path.rows, path.left_out) == (742, 0)


@given(st.lists(st.lists(st.none() | st.floats(0, 1), min_size=6, max_size=6), min_size=2, max_size=5))
def test_steps_add_up_on_the_rows_that_all_share(columns):
    path = lineage_path(columns, share=False)

    shared = [row for row in zip(*columns, strict=True) if None not in row]
    if path is None:
        assert not shared
        return
    assert path.rows == len(shared) == path.total.delta.n
    assert (
        path.left_out
        == sum(any(one is not None for one in row) for row in zip(*columns, strict=True)) - path.rows
    )
    assert path.summed == pytest.approx(path.total.delta.estimate, abs=1e-9)
    assert {step.delta.n for step in path.steps} == {path.rows}


def test_a_row_that_one_version_lacks_is_in_no_step():
    path = lineage_path([[1, 0, 0, 1], [1, 1, 0, None], [1, 1, 1, 0]])
    assert [step.delta.estimate for step in path.steps] == pytest.approx([1 / 3, 1 / 3])
    assert (path.rows, path.left_out) == (3, 1)
    assert path.steps[0].changes.higher == 1


def test_one_version_is_no_line():
    with pytest.raises(ValueError, match="two versions"):
        lineage_path([[1.0]])
