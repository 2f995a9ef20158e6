"""What pulls a judge besides the answers, from stored verdicts, against independent libraries; told by page and API."""

import html
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from fastapi.testclient import TestClient
from scipy.stats import binomtest
from sqlalchemy import text
from sqlalchemy.orm import Session
from statsmodels.stats.proportion import proportion_confint

from app.core import ids
from app.core.access import Role
from app.core.database import unit_of_work
from app.evaluations.judges import bias_words
from app.evaluations.judges.agreement import agreement_of
from app.evaluations.judges.bias import Bias, bias_of
from app.files.models import Version
from app.logs.models import Judgment
from app.statistics.intervals import Interval
from app.statistics.judges import LengthBias
from tests import factories
from tests.web import signed_in, with_key

PAIRWISE = {"model": "m", "provider": "practice"}
JUDGE = {"model": "m", "provider": "practice", "rubric": "Right? {{log.output}}"}


def _logs(session: Session, team: factories.Team, lengths: Sequence[int], others: Sequence[int]) -> list[str]:
    """Outputs of these lengths, beside targets of those; the ids of their logs."""
    version = factories.prompt(session, team.admin)
    rows = factories.dataset(
        session, team.admin,
        [{"inputs": {"q": str(n)}, "target": {"answer": "t" * other}} for n, other in enumerate(others)],
    )  # fmt: skip
    evaluation = factories.evaluation(session, team.admin, version, factories.evaluator(session, team.admin))
    run = factories.started_run(session, team.admin, evaluation, version, rows)
    factories.finish_run(session, run, ["o" * length for length in lengths])
    found = session.execute(
        text("select log_id from run_item where run_id = :run order by position"), {"run": run.id}
    )
    return [row[0] for row in found]


def _add(
    session: Session, team: factories.Team, log: str, by: Version, author: str = "", **columns: Any
) -> None:
    session.add(
        Judgment(
            id=ids.new_id("jdg"), workspace_id=team.workspace.id, log_id=log, evaluator_version_id=by.id,
            author=author, **columns,
        )
    )  # fmt: skip


def _said(output_first: str, other_first: str) -> dict[str, Any]:
    """What a pairwise judge stores that said these in the two orders."""
    same = output_first == other_first
    value = {"output": 1.0, "other": 0.0, "tie": 0.5}[output_first] if same else 0.5
    orders = [
        {"shown_first": "output", "better": output_first, "rationale": ""},
        {"shown_first": "other", "better": other_first, "rationale": ""},
    ]
    return {"number_value": value, "detail": {"orders": orders, "consistent": same}}


def _bias(session: Session, team: factories.Team, judge: Version) -> Bias | None:
    session.flush()
    return bias_of(session, agreement_of(session, team.workspace.id, judge))


# By output first, then by other first: 24 alike, 10 to the first place, 2 to the second, 4 a tie in one order only.
ORDERS = (
    [("output", "output")] * 12 + [("other", "other")] * 10 + [("tie", "tie")] * 2
    + [("output", "other")] * 10 + [("other", "output")] * 2 + [("output", "tie")] * 3 + [("tie", "other")]
)  # fmt: skip


def _pairs(session: Session, team: factories.Team) -> Version:
    judge = factories.evaluator(session, team.admin, "pairwise_judge", "tests/Pairs", **PAIRWISE)
    logs = _logs(session, team, [100 + n for n in range(len(ORDERS))], [100] * len(ORDERS))
    for log, said in zip(logs, ORDERS, strict=True):
        _add(session, team, log, judge, **_said(*said))
    return judge


def test_the_pull_of_the_place_equals_that_of_other_libraries(session: Session) -> None:
    team = factories.team(session)
    found = _bias(session, team, _pairs(session, team))
    assert found
    assert found.order
    same, first = found.order.consistent, found.order.first_place
    assert (same.estimate, same.n) == (24 / 40, 40)
    assert (same.lo, same.hi) == pytest.approx(proportion_confint(24, 40, method="wilson"))
    assert first
    assert (first.estimate, first.n) == (10 / 12, 12)
    assert (first.lo, first.hi) == pytest.approx(proportion_confint(10, 12, method="wilson"))
    assert found.order.test
    assert found.order.test.p == pytest.approx(binomtest(10, 12).pvalue)
    assert found.order.half_ties == 4
    assert found.place == "first"
    assert found.lengths == 22, "verdicts that hold in both orders and are no tie"
    assert found.length is None, "too few to tell"


def test_the_pull_of_length_on_pairs_equals_that_of_a_logistic_regression(session: Session) -> None:
    team = factories.team(session)
    judge = factories.evaluator(session, team.admin, "pairwise_judge", "tests/Pairs", **PAIRWISE)
    chosen = np.random.default_rng(7)
    lengths, others = chosen.integers(50, 900, 120), chosen.integers(50, 900, 120)
    longer = (lengths - others) / 1000
    won = chosen.random(120) < 1 / (1 + np.exp(-3 * longer))
    logs = _logs(session, team, [int(n) for n in lengths], [int(n) for n in others])
    for log, wins in zip(logs, won, strict=True):
        _add(session, team, log, judge, **_said(*(["output"] * 2 if wins else ["other"] * 2)))
    found = _bias(session, team, judge)
    assert found
    assert found.length
    oracle = sm.Logit(won.astype(float), sm.add_constant(longer)).fit(disp=0)
    slope = found.length.slope
    assert [slope.estimate, slope.lo, slope.hi] == pytest.approx(
        [oracle.params[1], *oracle.conf_int()[1]], rel=1e-5
    )
    assert found.length.p == pytest.approx(oracle.pvalues[1], rel=1e-4)
    assert (slope.n, found.favours, found.of_pairs) == (120, "longer", True)


def test_length_that_people_like_as_much_is_no_pull_of_a_judge(session: Session) -> None:
    team = factories.team(session)
    judge = factories.evaluator(session, team.admin, "llm_judge", "tests/Judge", **JUDGE)
    human = factories.evaluator(session, team.admin, "human", "tests/People")
    person = factories.member(session, team.workspace, Role.REVIEWER)
    chosen = np.random.default_rng(11)
    lengths = chosen.integers(50, 900, 160)
    likes = chosen.random(160) < 1 / (1 + np.exp(-6 * (lengths / 1000 - 0.45)))
    passes = np.where(chosen.random(160) < 0.1, ~likes, likes)  # it says what people say, nine times in ten
    for log, passed, liked in zip(
        _logs(session, team, [int(n) for n in lengths], [5] * 160), passes, likes, strict=True
    ):
        _add(session, team, log, judge, boolean_value=bool(passed))
        _add(session, team, log, human, str(person.user_id), boolean_value=bool(liked))
    found = _bias(session, team, judge)
    assert found
    assert found.length
    columns = np.column_stack([np.ones(160), lengths / 1000, likes.astype(float)])
    oracle = sm.Logit(passes.astype(float), columns).fit(disp=0)
    slope = found.length.slope
    assert [slope.estimate, slope.lo, slope.hi] == pytest.approx(
        [oracle.params[1], *oracle.conf_int()[1]], rel=1e-5
    )
    assert (found.favours, found.of_pairs, found.order) == ("", False, None)
    alone = sm.Logit(passes.astype(float), columns[:, :2]).fit(disp=0)
    assert alone.conf_int()[1][0] > 0, "without people's words it would look like a pull"


def test_a_row_counts_once_however_often_it_was_answered(session: Session) -> None:
    team = factories.team(session)
    judge = factories.evaluator(session, team.admin, "pairwise_judge", "tests/Pairs", **PAIRWISE)
    for _ in range(12):
        for log in _logs(session, team, [10] * 3, [20] * 3):
            _add(session, team, log, judge, **_said("output", "output"))
    found = _bias(session, team, judge)
    assert found
    assert found.order
    assert (found.lengths, found.order.consistent.n) == (3, 3)
    assert found.length is None, "three rows are too few"


def test_nothing_is_told_of_what_asks_no_model_or_has_not_judged(session: Session) -> None:
    team = factories.team(session)
    for kind, settings in (("exact", {}), ("pairwise_judge", PAIRWISE), ("llm_judge", JUDGE)):
        judge = factories.evaluator(session, team.admin, kind, f"tests/{kind}", **settings)
        found = _bias(session, team, judge)
        assert found is None
        assert bias_words.told(found) == []


@pytest.mark.parametrize(
    ("slope", "lo", "hi", "told"),
    [
        (90.0, -60.0, 240.0, "Whether length counts cannot be told from 40 verdicts beside people's (p = 0.23)"),
        (3.0, -24.0, 30.0, "Whether length counts cannot be told from 40 verdicts beside people's (p = 0.23)"),
        (3.0, -2.0, 8.0, "Length is not clearly favoured, either way."),
        (80.0, 9.0, 150.0, "It favours answers that are longer where people say the same."),
    ],
)  # fmt: skip
def test_an_interval_that_says_nothing_is_told_in_words(
    slope: float, lo: float, hi: float, told: str
) -> None:
    found = LengthBias(Interval(slope, lo, hi, 40, "Wald"), 0.23, Interval(0.5, 0.4, 0.6, 40, "delta"))
    (pull,) = bias_words.told(Bias(None, found, False, 40))
    assert pull.sentence.startswith(told)
    assert [figure[0] for figure in pull.figures] == (
        [] if "cannot be told" in told else ["Odds of a pass, 100 characters more"]
    )


def test_a_target_of_several_fields_is_left_out(session: Session) -> None:
    team = factories.team(session)
    judge = _pairs(session, team)
    session.execute(text('update datapoint set target = \'{"a": "x", "b": "y"}\''))
    found = _bias(session, team, judge)
    assert found
    assert found.lengths == 0


def test_the_page_and_the_api_tell_of_both_pulls_without_any_word_of_people(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        file_id = _pairs(session, committed_team).file_id
    page = signed_in(client, committed_team.admin).get(
        f"/w/{committed_team.workspace.slug}/evaluators/{file_id}/agreement"
    )
    words = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())
    assert "Nobody has judged beside it yet" in words
    assert "It favours the answer that is shown first. 4 were a tie in one order only." in words
    assert "The same in both orders 40 pairs shown both ways 60.0%" in words
    assert "of 12 picked by place, exact p = 0.039 83.3%" in words
    assert (
        "It takes 30 verdicts that hold in both orders to tell whether length counts; there are 22." in words
    )

    told = with_key(client, committed_team.admin).get(f"/v5/evaluators/{file_id}/agreement").json()
    assert told["length_bias"] is None
    order = told["order_bias"]
    assert order["same_in_both_orders"]["estimate"] == 0.6
    assert (order["favours"], order["ties_in_one_order"], order["first_place"]["n"]) == ("first", 4, 12)
