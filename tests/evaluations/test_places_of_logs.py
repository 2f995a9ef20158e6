"""From a log back to the row of the evaluation that it answers, and from a row to the log that it was made of."""

import html
import re
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from app.core import ids
from app.core.access import Principal, Role
from app.core.database import get_engine, unit_of_work
from app.evaluations.grid.places import Place, places_of_logs
from app.logs.models import Judgment
from tests import factories
from tests.statements import recorded
from tests.web import signed_in

ROWS = 5


class Ran:
    """Two versions that answered five rows twice, and a sixth of the dataset that is made of a log."""

    def __init__(self, team: factories.Team, origin: str) -> None:
        self.team = team
        with unit_of_work() as session:
            admin = team.admin
            versions = [factories.prompt(session, admin, "tests/asked", temperature=t) for t in (0.0, 0.5)]
            rows = [
                {"inputs": {"question": f"Question {n}"}, "target": {"answer": "yes"}} for n in range(ROWS)
            ]
            rows[3]["metadata"] = {"log_id": origin}
            data = factories.dataset(session, admin, rows)
            self.judge = factories.evaluator(session, admin, "exact", target_field="answer")
            self.evaluation = factories.evaluation(
                session, admin, versions[0], self.judge, name="Twice asked"
            )
            self.runs = [
                factories.started_run(
                    session, admin, self.evaluation, version, data, repeats=2, control=version is versions[0]
                )
                for version in versions
            ]
            for number, run in enumerate(self.runs):
                factories.finish_run(session, run, [f"{number} says {n}" for n in range(2 * ROWS)])
        self.rows = f"/w/{team.workspace.slug}/evaluations/{self.evaluation.id}/rows"

    def log(self, run: int, position: int) -> str:
        with get_engine().connect() as connection:
            return str(
                connection.exec_driver_sql(
                    "select log_id from run_item where run_id = %s and position = %s",
                    (self.runs[run].id, position),
                ).scalar_one()
            )


@pytest.fixture
def origin(committed_team: factories.Team) -> str:
    with unit_of_work() as session:
        version = factories.prompt(session, committed_team.admin, "tests/live")
        return factories.logged(
            session, committed_team.admin, version, inputs={"question": "Question 3"}, output="no"
        )


@pytest.fixture
def ran(committed_team: factories.Team, origin: str) -> Ran:
    return Ran(committed_team, origin)


def _find(principal: Principal, *log_ids: str) -> dict[str, Place]:
    with unit_of_work() as session:
        return places_of_logs(session, principal, log_ids)


def test_a_log_leads_to_its_row_beside_the_baseline(client: TestClient, ran: Ran) -> None:
    control, candidate = (run.id for run in ran.runs)
    log = ran.log(1, 7)  # the second answer to the fourth row
    client = signed_in(client, ran.team.admin)
    page = client.get(f"/w/{ran.team.workspace.slug}/logs/{quote(log, safe='')}").text
    (url,) = re.findall(rf'href="({ran.rows}/[^"]+)"', page)
    assert html.unescape(url) == f"{ran.rows}/4?cols={control},{candidate}"
    assert re.search(r"row 4 of\s+Twice asked", page)
    row = client.get(html.unescape(url)).text
    assert "Question 3" in row
    assert "1 says 7" in row
    assert _find(ran.team.admin, ran.log(0, 0))[ran.log(0, 0)].url == f"{ran.rows}/1?cols={control}"


def test_a_log_of_no_evaluation_and_one_of_strangers_lead_nowhere(ran: Ran, origin: str) -> None:
    log = ran.log(1, 7)
    with unit_of_work() as session:
        stranger = factories.team(session).admin
    assert _find(stranger, log) == {}
    assert _find(ran.team.admin, origin) == {}
    assert _find(ran.team.admin) == {}


def test_a_row_that_was_made_of_a_log_leads_back_to_it(client: TestClient, ran: Ran, origin: str) -> None:
    client = signed_in(client, ran.team.admin)
    link = f'href="/w/{ran.team.workspace.slug}/logs/{origin}"'
    page = client.get(f"{ran.rows}/4").text
    assert "This row was made of" in page
    assert link in page
    assert link in client.get(f"{ran.rows}/4", headers={"HX-Request": "true", "HX-Target": "drawer"}).text
    assert "This row was made of" not in client.get(f"{ran.rows}/3").text


def test_a_log_that_is_gone_or_strange_is_no_origin(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        stranger = factories.team(session).admin
        strange = factories.logged(session, stranger, factories.prompt(session, stranger), output="secret")
    ran = Ran(committed_team, strange)
    page = signed_in(client, committed_team.admin).get(f"{ran.rows}/4")
    assert page.status_code == 200
    assert "This row was made of" not in page.text


def test_disagreements_with_people_name_their_rows(client: TestClient, ran: Ran) -> None:
    with unit_of_work() as session:
        human = factories.evaluator(session, ran.team.admin, "human", "tests/People")
        person = factories.member(session, ran.team.workspace, Role.DEVELOPER)
        for position in range(2 * ROWS):
            said = Judgment(
                id=ids.new_id("jdg"), workspace_id=ran.team.workspace.id, log_id=ran.log(1, position),
                evaluator_version_id=human.id, author=str(person.user_id), boolean_value=True,
            )  # fmt: skip
            session.add(said)
    client = signed_in(client, ran.team.admin)
    address = f"/w/{ran.team.workspace.slug}/evaluators/{ran.judge.file_id}/agreement"
    with recorded(get_engine()) as ran_statements:
        page = client.get(address).text
    named = re.findall(r">\s*#(\d{3})\s*</a>", page)
    twice = [f"{n // 2 + 1:03d}" for n in range(2 * ROWS)] * 2
    assert sorted(named) == sorted(twice), "each in its column, and for phones above what was judged"
    assert sum("run_item" in str(one) and "distinct on" in str(one) for one in ran_statements) == 1
