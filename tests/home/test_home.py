"""The home page: first steps, then what ran and what it found."""

import html
import re

from fastapi.testclient import TestClient

from app.accounts import repository as accounts
from app.core.access import Role
from app.core.database import unit_of_work
from app.files import deployments
from app.workspaces import service as workspaces
from tests import factories
from tests.web import signed_in


def _words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_a_new_workspace_shows_its_first_steps(client: TestClient, committed_team: factories.Team) -> None:
    signed_in(client, committed_team.admin)
    words = _words(client.get(f"/w/{committed_team.workspace.slug}").text)
    assert "Four steps to your first comparison" in words
    assert "It is a practice model, not an LLM" in words


def test_a_viewer_sees_the_steps_and_who_may_take_them(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
    signed_in(client, viewer)
    page = client.get(f"/w/{committed_team.workspace.slug}").text
    assert 'aria-disabled="true"' in page
    assert "This needs the role admin or developer or member" in page


def test_home_says_what_ran_what_it_found_and_who_did_what(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        old = factories.prompt(session, admin, "tests/asked")
        new = factories.prompt(session, admin, "tests/asked", temperature=0.5)
        rows = factories.dataset(session, admin, 60)
        exact = factories.evaluator(session, admin, "exact", "tests/Right answer")
        evaluation = factories.evaluation(session, admin, old, exact, name="Did it help?")
        for version, right in ((old, 20), (new, 50)):
            run = factories.started_run(session, admin, evaluation, version, rows)
            factories.finish_run(session, run, [f"answer {n}" if n < right else "no" for n in range(60)])
        staging = deployments.get_environment(session, admin, "staging")
        deployments.deploy(session, admin, new.file, new, staging)
    signed_in(client, committed_team.admin)
    url = f"/w/{committed_team.workspace.slug}"
    words = _words(client.get(url).text)
    assert "v2 is better than v1 by 50.0 points on Right answer" in words
    assert "Did it help?, asked" in words
    assert "83.3% 72.0–90.7" in words
    assert "deployed asked v2 to staging" in words
    assert "committed v2 of asked" in words
    assert "deployed asked v1 to production" not in words, "what happened by itself is no news"
    with unit_of_work() as session:
        again = factories.evaluation(session, committed_team.admin, new, exact, name="Going on")
        factories.started_run(session, committed_team.admin, again, new, rows, fresh=True)
    words = _words(client.get(url).text)
    assert "Too early to say" in words
    assert "0 of 60 answers are in" in words


def test_a_person_in_two_workspaces_gets_from_one_to_the_other(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        demo = factories.team(session, "The demo")
        lonely = factories.member(session, committed_team.workspace, Role.MEMBER)
        user = accounts.find_user(session, committed_team.admin.user_id)
        workspaces.add_member(session, demo.admin, user, Role.VIEWER)
    own, other = f"/w/{committed_team.workspace.slug}", f"/w/{demo.workspace.slug}"
    signed_in(client, committed_team.admin)
    page = client.get(own).text
    menu = page[page.index('<details class="switcher">') : page.index("</details>")]
    assert f'href="{other}"' in menu
    assert f'href="{own}" aria-current="true"' in menu
    steps = page[page.index("Four steps") :]
    assert f'look around <a href="{other}">The demo</a>' in steps
    assert f'href="{own}"' in client.get(other).text, "and back"
    signed_in(client, lonely)
    assert "switcher" not in client.get(own).text, "nothing to choose from"


def test_while_the_demo_is_made_the_home_says_so(client: TestClient, committed_team: factories.Team) -> None:
    signed_in(client, committed_team.admin)
    home = f"/w/{committed_team.workspace.slug}"
    assert "The demo is being made" in client.get(f"{home}?demo=true").text
    assert "The demo is being made" not in client.get(home).text


def test_a_step_that_was_taken_stays_taken(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        factories.dataset(session, committed_team.admin, 3)
        for n in range(12):
            factories.prompt(session, committed_team.admin, f"tests/{n}")
    signed_in(client, committed_team.admin)
    words = _words(client.get(f"/w/{committed_team.workspace.slug}").text)
    assert "There are some. More rows find smaller differences." in words
