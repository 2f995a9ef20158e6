"""How far a judge agrees with people, against independent libraries; and that reports say who is not trusted."""

import html
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sklearn.metrics import cohen_kappa_score
from sqlalchemy.orm import Session
from statsmodels.stats.inter_rater import cohens_kappa
from statsmodels.stats.proportion import proportion_confint

from app.core import ids
from app.core.access import Principal, Role
from app.core.database import unit_of_work
from app.core.errors import NotFound
from app.evaluations.judges.agreement import Agreement, agreement_of, trust_of
from app.files.models import Version
from app.logs.models import Judgment
from app.logs.repository import FINAL
from tests import factories
from tests.web import signed_in, with_key

JUDGE = {"model": "m", "provider": "practice", "rubric": "Right? {{log.output}}"}


class Panel:
    """A judge, people, and outputs that they judge."""

    def __init__(self, session: Session, team: factories.Team, judge: Version, human: Version) -> None:
        self.session, self.team, self.judge, self.human = session, team, judge, human
        self.prompt = factories.prompt(session, team.admin)
        self.others: list[Principal] = []

    def judged(self, judge: Any, *people: Any, at: str | None = None, detail: Any = None) -> str:
        """An output with the judge's verdict and those of so many people; its log's id."""
        while len(self.others) < len(people):
            self.others.append(factories.member(self.session, self.team.workspace, Role.DEVELOPER))
        log = factories.logged(
            self.session, self.team.admin, self.prompt,
            inputs={"question": "What was asked for?"}, output="Lines\nof what was said",
        )  # fmt: skip
        self._add(log, self.judge, "", judge, at, detail)
        for person, value in zip(self.others, people, strict=False):
            self._add(log, self.human, str(person.user_id), value, at, None)
        self.session.flush()
        return log

    def _add(self, log: str, version: Version, author: str, value: Any, at: str | None, detail: Any) -> None:
        columns: dict[str, Any] = {
            bool: {"boolean_value": value}, float: {"number_value": value}, str: {"text_value": value},
        }[type(value)]  # fmt: skip
        self.session.add(
            Judgment(
                id=ids.new_id("jdg"), workspace_id=self.team.workspace.id, log_id=log,
                evaluator_version_id=version.id, author=author, detail=detail, rationale="so", **columns,
                **({"created_at": at} if at else {}),
            )
        )  # fmt: skip

    @property
    def agreement(self) -> Agreement:
        return agreement_of(self.session, self.team.workspace.id, self.judge)


def _panel(session: Session, team: factories.Team | None = None, **settings: Any) -> Panel:
    team = team or factories.team(session)
    judge = factories.evaluator(
        session, team.admin, "llm_judge", "tests/Judge", **{**JUDGE, **settings.get("judge", {})}
    )
    human = factories.evaluator(session, team.admin, "human", "tests/People", **settings.get("human", {}))
    return Panel(session, team, judge, human)


def _judge_all(panel: Panel, counts: Sequence[tuple[Any, Any, int]]) -> None:
    for judge, people, count in counts:
        for _ in range(count):
            panel.judged(judge, people)


def test_kappa_agreement_and_lean_equal_those_of_other_libraries(session: Session) -> None:
    panel = _panel(session)
    counts = [(True, True, 30), (True, False, 6), (False, True, 4), (False, False, 20)]
    _judge_all(panel, counts)
    found = panel.agreement

    judge = [j for j, _, n in counts for _ in range(n)]
    people = [p for _, p, n in counts for _ in range(n)]
    table = np.array([[30, 6], [4, 20]])
    expected = cohens_kappa(table)
    assert found.kappa is not None
    assert found.kappa.estimate == pytest.approx(cohen_kappa_score(judge, people))
    assert (found.kappa.lo, found.kappa.hi) == pytest.approx(
        (expected.kappa_low, expected.kappa_upp), abs=1e-6
    )
    assert found.same is not None
    assert (found.same.lo, found.same.hi) == pytest.approx(proportion_confint(50, 60, method="wilson"))
    assert found.counts == table.tolist()
    assert found.lean is not None
    assert found.lean.estimate == pytest.approx(2 / 60)
    assert (found.trust.name, found.trust.outputs) == ("usable", 60)
    assert len(found.disagreements) == 10


@pytest.mark.parametrize(
    ("counts", "name", "reason"),
    [
        ([(True, True, 15), (False, False, 14)], "not yet trusted", "29 of the 30 outputs"),
        (
            [(True, True, 40), (False, False, 40), (True, False, 4)],
            "trusted",
            "the lower end of Cohen's kappa is 0.8",
        ),
        ([(True, True, 20), (False, False, 15), (True, False, 15)], "not yet trusted", "under 0.4"),
        ([(True, True, 40)], "not yet trusted", "one side says the same"),
    ],
)
def test_trust_goes_by_the_lower_end_of_kappa(
    session: Session, counts: list[tuple[bool, bool, int]], name: str, reason: str
) -> None:
    panel = _panel(session)
    _judge_all(panel, counts)
    assert panel.agreement.trust.name == name
    assert reason in panel.agreement.trust.reason
    assert trust_of(session, panel.team.workspace.id, [panel.judge, panel.human])[panel.judge.id].name == name


def test_several_people_decide_by_majority_and_a_tie_decides_nothing(session: Session) -> None:
    panel = _panel(session)
    panel.judged(True, True, True, False)
    panel.judged(True, True, False)
    panel.judged(False, False, False)
    found = panel.agreement
    assert (len(found.compared), found.divided) == (2, 1)
    assert found.counts == [[1, 0], [0, 1]]
    assert found.among_people is not None
    share, outputs = found.among_people
    assert (share, outputs) == (pytest.approx((1 / 3 + 0 + 1) / 3), 3)


def test_a_scale_is_weighted_and_leans_in_its_own_points(session: Session) -> None:
    human = {"answers": "number", "lowest": 1, "highest": 5}
    panel = _panel(session, judge={"verdict": "number", "lowest": 1, "highest": 5}, human=human)
    pairs = [(5.0, 4.0), (4.0, 4.0), (3.0, 1.0), (2.0, 2.0), (1.0, 1.0), (5.0, 5.0)] * 6
    for judge, people in pairs:
        panel.judged(judge, people)
    found = panel.agreement
    judges, people_said = zip(*pairs, strict=True)
    assert found.kappa is not None
    assert found.kappa.estimate == pytest.approx(
        cohen_kappa_score(
            [int(one) for one in judges], [int(one) for one in people_said], weights="quadratic"
        )
    )
    assert found.lean is not None
    assert found.lean.estimate == pytest.approx(0.5)
    assert [pair.judge - pair.people for pair in found.disagreements[:6]] == [2.0] * 6, "widest gap first"


def test_what_people_were_asked_otherwise_is_left_out_and_counted(session: Session) -> None:
    panel = _panel(session, human={"answers": "number", "lowest": 1, "highest": 5})
    panel.judged(True, 5.0)
    found = panel.agreement
    assert (len(found.pairs), found.incomparable) == (0, 1)


def test_only_words_by_one_question_on_the_same_scale_count(session: Session) -> None:
    team = factories.team(session)
    panel = _panel(session, team)
    other = factories.evaluator(session, team.admin, "human", "tests/Is it polite?")
    flaw = factories.evaluator(session, team.admin, "human", "tests/Has it a flaw?", wanted="lower")
    log = panel.judged(True, True)
    panel.judged(False, False)
    (person,) = panel.others
    for asked, value in ((other, False), (flaw, False)):
        panel._add(log, asked, str(person.user_id), value, None, None)
    session.flush()

    found = panel.agreement
    assert found.question is not None
    assert (found.question.name, [one.name for one in found.questions]) == (
        "People",
        ["People", "Is it polite?"],
    )
    assert (found.counts, found.incomparable) == ([[1, 0], [0, 1]], 1)
    polite = agreement_of(session, team.workspace.id, panel.judge, other.file_id)
    assert [(pair.judge, pair.people) for pair in polite.pairs] == [(True, False)]
    with pytest.raises(NotFound):
        agreement_of(session, team.workspace.id, panel.judge, flaw.file_id)


def test_another_scale_is_not_compared(session: Session) -> None:
    ten = {"answers": "number", "lowest": 1, "highest": 10}
    panel = _panel(session, judge={"verdict": "number", "lowest": 1, "highest": 5}, human=ten)
    panel.judged(4.0, 8.0)
    assert (len(panel.agreement.pairs), panel.agreement.incomparable) == (0, 1)


def test_drift_and_the_rate_that_people_would_give(session: Session) -> None:
    panel = _panel(session)
    for month, judge, people, count in (
        ("2026-09", True, True, 30), ("2026-09", False, False, 10), ("2026-10", True, False, 10), ("2026-10", False, False, 10),
    ):  # fmt: skip
        for _ in range(count):
            panel.judged(judge, people, at=f"{month}-05T10:00:00Z")
    for verdict in [True] * 70 + [False] * 30:
        panel.judged(verdict)
    found = panel.agreement
    assert [(month, share.estimate, share.n) for month, share in found.by_month().items()] == [
        ("2026-09", 1.0, 40),
        ("2026-10", 0.5, 20),
    ]
    powered = found.powered(passed=110, verdicts=160)
    assert powered is not None
    assert powered.human.estimate == pytest.approx(0.5)
    assert powered.corrected.estimate == pytest.approx(
        powered.weight * 0.7 + 0.5 - powered.weight * 40 / 60
    ), "the judge's rate on the others, less what it gives too much"
    assert powered.effective_labels > 60


def test_the_page_and_the_api_say_the_same(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        panel = _panel(session, committed_team)
        _judge_all(panel, [(True, True, 30), (True, False, 6), (False, True, 4), (False, False, 20)])
        session.commit()
        file_id = panel.judge.file_id
    address = f"/w/{committed_team.workspace.slug}/evaluators/{file_id}/agreement"
    page = signed_in(client, committed_team.admin).get(address)
    words = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())
    assert "It agrees with people on 83.3% of 60 outputs" in words
    assert "Usable: the lower end of Cohen's kappa is 0.4" in words
    assert "Disagreements first 10 outputs" in words
    assert words.count("Lines of what was said answers: What was asked for?") == 10
    assert client.get(f"{address}?version=7").status_code == 404

    api = with_key(client, committed_team.admin)
    told = api.get(f"/v5/evaluators/{file_id}/agreement").json()
    assert (told["trust"], told["outputs"], told["counts"]) == ("usable", 60, [[30, 6], [4, 20]])
    assert told["kappa"]["estimate"] == pytest.approx(cohens_kappa(np.array([[30, 6], [4, 20]])).kappa)


def test_a_report_marks_a_judge_that_nobody_has_checked(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        version = factories.prompt(session, admin)
        judge = factories.evaluator(session, admin, "llm_judge", "tests/Judge", **JUDGE)
        exact = factories.evaluator(session, admin, "exact", "tests/Exact")
        evaluation = factories.evaluation(session, admin, version, judge, exact)
        factories.started_run(session, admin, evaluation, version, factories.dataset(session, admin, 3))
    page = (
        signed_in(client, admin).get(f"/w/{committed_team.workspace.slug}/evaluations/{evaluation.id}").text
    )
    assert page.count("Not yet trusted") == 1
    assert f"/evaluators/{judge.file_id}/agreement?version=1" in page


def test_a_final_answer_is_what_people_say_and_who_cannot_tell_says_nothing(session: Session) -> None:
    panel = _panel(session)
    settled = panel.judged(True, False, False)
    panel._add(settled, panel.human, FINAL, True, None, None)
    unsure = panel.judged(True)
    session.add(
        Judgment(
            id=ids.new_id("jdg"), workspace_id=panel.team.workspace.id, log_id=unsure,
            evaluator_version_id=panel.human.id, author=str(panel.others[0].user_id),
        )
    )  # fmt: skip
    session.flush()
    (pair,) = panel.agreement.pairs
    assert (pair.people, list(pair.said)) == (True, [False, False]), "agreement among people is still theirs"
