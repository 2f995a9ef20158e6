"""Links that show a report without an account: what a stranger sees, and when a link opens nothing."""

import html
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Principal, Role
from app.core.database import unit_of_work
from app.core.errors import Conflict
from app.evaluations import service
from app.evaluations.models import Evaluation
from app.evaluations.reports import links as report_links
from app.workspaces import erasing, members
from tests import factories
from tests.web import csrf_of, signed_in, with_key

SECRETS = ["secret-input", "secret-output", "secret-target", "secret-group", "secret-prompt"]


def _evaluation(team: factories.Team, maker: Principal | None = None) -> Evaluation:
    """Two finished versions with everything that a report quotes from rows: groups, labels, errors, rows that got worse."""
    maker = maker or team.admin
    with unit_of_work() as session:
        template = [
            {"role": "system", "content": "secret-prompt"},
            {"role": "user", "content": "{{question}}"},
        ]
        old = factories.prompt(session, maker, "tests/asked", template=template)
        new = factories.prompt(session, maker, "tests/asked", template=template, temperature=0.5)
        rows = factories.dataset(
            session, maker,
            [
                {
                    "inputs": {"question": f"secret-input {n}"}, "target": {"answer": f"secret-target {n % 3}"},
                    "metadata": {"customer": f"secret-group {n % 2}"},
                }
                for n in range(60)
            ],
        )  # fmt: skip
        judge = factories.evaluator(session, maker, "class_match", "tests/Right")
        found = factories.evaluation(session, maker, old, judge, name="Did it help?")
        right = [f"secret-target {n % 3}" for n in range(60)]
        wrong = [f"secret-output {n}" for n in range(60)]
        before = factories.started_run(session, maker, found, old, rows)
        factories.finish_run(session, before, wrong[:30] + right[30:])
        after = factories.started_run(session, maker, found, new, rows)
        factories.finish_run(session, after, right[:55] + wrong[55:58] + [None] * 2)
        return found


def _link(team: factories.Team, evaluation: Evaluation, maker: Principal | None = None) -> str:
    with unit_of_work() as session:
        _, url = report_links.make_link(session, maker or team.admin, evaluation)
    return url.removeprefix("http://127.0.0.1:8000")


def _words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_a_stranger_reads_the_finding_and_nothing_out_of_a_row(
    client: TestClient, committed_team: factories.Team
) -> None:
    evaluation = _evaluation(committed_team)
    own = signed_in(client, committed_team.admin).get(
        f"/w/{committed_team.workspace.slug}/evaluations/{evaluation.id}"
    )
    assert all(secret in own.text for secret in SECRETS[:4]), "a member sees what must not get out"
    client.cookies.clear()
    answer = client.get(_link(committed_team, evaluation))

    assert answer.status_code == 200
    words = _words(answer.text)
    assert "v2 is better than v1" in words
    assert "50.0% 37.7–62.3" in words
    assert f"Shared by {committed_team.admin.name}" in words
    for secret in [*SECRETS, "out of order", evaluation.id, committed_team.workspace.slug, "_csrf"]:
        assert secret not in answer.text, secret


def test_nothing_leads_from_a_shared_report_to_anywhere_else(
    client: TestClient, committed_team: factories.Team
) -> None:
    evaluation = _evaluation(committed_team)
    with unit_of_work() as session:  # a third version: the reader chooses which one is compared
        version = factories.prompt(session, committed_team.admin, "tests/asked", temperature=0.9)
        rows = factories.dataset(session, committed_team.admin, 60)
        run = factories.started_run(session, committed_team.admin, evaluation, version, rows)
        factories.finish_run(session, run, ["no"] * 60)
    link = _link(committed_team, evaluation)
    for reader in (client, signed_in(client, committed_team.admin)):
        page = reader.get(link).text
        leads = set(re.findall(r'(?:href|action|hx-get|hx-post|src|sse-connect)="([^"]+)"', page))
        outside = {lead for lead in leads if not lead.startswith(("/static/", "#", f"{link}?candidate="))}
        assert not outside
        assert "<form" not in page
        chosen = next(lead for lead in leads if "?candidate=" in lead)
        assert "v2" in _words(reader.get(chosen).text)


def test_neither_browsers_nor_search_engines_pass_the_address_on(
    client: TestClient, committed_team: factories.Team
) -> None:
    evaluation = _evaluation(committed_team)
    for link, status in ((_link(committed_team, evaluation), 200), ("/shared/wrong", 404)):
        answer = client.get(link)
        assert answer.status_code == status
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-robots-tag"] == "noindex, nofollow, noarchive"
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers


def test_the_token_itself_is_not_stored(committed_team: factories.Team) -> None:
    token = _link(committed_team, _evaluation(committed_team)).rpartition("/")[2]
    assert len(token) == 43, "256 bits"
    with unit_of_work() as session:
        tables = session.scalars(text("select tablename from pg_tables where schemaname = 'public'")).all()
        for table in tables:
            held = session.scalars(text(f"select t::text from {table} t"))
            assert not any(token in row for row in held), table


def _end(session: Session, team: factories.Team, evaluation: Evaluation, member: Principal) -> None:
    link = report_links.list_links(session, evaluation)[0]
    report_links.end_link(session, team.admin, evaluation, link.id)


def _expire(session: Session, team: factories.Team, evaluation: Evaluation, member: Principal) -> None:
    session.execute(text("update report_link set expires_at = now() - interval '1 second'"))


def _delete(session: Session, team: factories.Team, evaluation: Evaluation, member: Principal) -> None:
    service.delete_evaluation(session, team.admin, service.get_evaluation(session, team.admin, evaluation.id))


def _remove(session: Session, team: factories.Team, evaluation: Evaluation, member: Principal) -> None:
    members.remove_member(session, team.admin, member.user_id)


def _demote(session: Session, team: factories.Team, evaluation: Evaluation, member: Principal) -> None:
    members.change_role(session, team.admin, member.user_id, Role.REVIEWER)


def _disable(session: Session, team: factories.Team, evaluation: Evaluation, member: Principal) -> None:
    members.set_disabled(session, team.admin, member.user_id, disabled=True)


def _erase(session: Session, team: factories.Team, evaluation: Evaluation, member: Principal) -> None:
    erasing.erase_member(session, team.admin, member.user_id)


@pytest.mark.parametrize("how", [_end, _expire, _delete, _remove, _demote, _disable, _erase])
def test_a_link_that_is_over_cannot_be_told_from_one_that_never_was(
    client: TestClient, committed_team: factories.Team, how: Callable[..., None]
) -> None:
    evaluation = _evaluation(committed_team)
    with unit_of_work() as session:
        member = factories.member(session, committed_team.workspace, Role.MEMBER)
    link = _link(committed_team, evaluation, member)
    assert client.get(link).status_code == 200
    with unit_of_work() as session:
        how(session, committed_team, evaluation, member)

    over, never = client.get(link), client.get("/shared/" + "A" * 43)
    assert (over.status_code, never.status_code) == (404, 404)
    assert over.text == never.text
    differ = {"x-request-id", "date"}
    assert {k: v for k, v in over.headers.items() if k not in differ} == {
        k: v for k, v in never.headers.items() if k not in differ
    }
    assert "This link shows nothing" in over.text


def test_only_links_that_open_nothing_are_counted_against_a_network(
    client: TestClient, committed_team: factories.Team
) -> None:
    link = _link(committed_team, _evaluation(committed_team))
    answers = [client.get(f"/shared/{n}") for n in range(11)]
    assert [answer.status_code for answer in answers] == [404] * 10 + [429]
    assert "retry-after" in answers[-1].headers
    assert client.get(link).status_code == 200, "whoever has a link is not shut out"


def test_the_dialog_makes_a_link_once_and_ends_it(client: TestClient, committed_team: factories.Team) -> None:
    evaluation = _evaluation(committed_team)
    client = signed_in(client, committed_team.admin)
    url = f"/w/{committed_team.workspace.slug}/evaluations/{evaluation.id}/share"
    form = {"_csrf": csrf_of(client)}
    assert f'href="{url}"' in client.get(url.removesuffix("/share")).text
    asked = client.get(url).text
    assert re.findall(r'<option value="(\d+)"( selected)?>', asked) == [
        ("1", ""), ("7", " selected"), ("30", ""), ("90", ""),
    ]  # fmt: skip
    assert "They do not see anything out of a row" in asked

    made = client.post(url, data=form | {"days": "30"})
    assert made.status_code == 200
    link = re.search(r'value="(http[^"]*/shared/[^"]+)"', made.text)
    assert link
    path = link[1].removeprefix("http://127.0.0.1:8000")
    assert link[1] not in client.get(url).text
    assert "not opened yet" in client.get(url).text
    assert client.get(path).status_code == 200
    assert "last opened" in client.get(url).text

    ending = re.search(r'action="([^"]+/end)"', client.get(url).text)
    assert ending
    assert client.post(ending[1]).status_code == 403, "without the page's token"
    ended = client.post(ending[1], data=form)
    assert (ended.status_code, ended.headers["location"]) == (303, url)
    assert client.get(path).status_code == 404
    assert client.post(ending[1], data=form).status_code == 404

    assert client.post(url, data=form | {"days": "365"}).status_code == 422
    entries = client.get(f"/w/{committed_team.workspace.slug}/audit").text
    assert "Made a link to a report" in entries
    assert "Ended a link to a report" in entries


def test_the_api_lists_makes_and_ends_links(client: TestClient, committed_team: factories.Team) -> None:
    evaluation = _evaluation(committed_team)
    client = with_key(client, committed_team.admin)
    url = f"/v5/evaluations/{evaluation.id}/links"
    made = client.post(url, json={"days": 1})
    assert made.status_code == 201
    link = made.json()
    lasts = datetime.fromisoformat(link["expires_at"]) - clock.now()
    assert timedelta(hours=23) < lasts <= timedelta(days=1)
    assert "/shared/" in link.pop("url")
    assert client.get(url).json() == [link]
    assert link["created_by"]["full_name"] == committed_team.admin.name
    assert client.post(url, json={}).status_code == 201
    assert client.post(url, json={"days": 8}).status_code == 422
    assert client.delete(f"{url}/{link['id']}").status_code == 204
    assert client.delete(f"{url}/{link['id']}").status_code == 404
    assert len(client.get(url).json()) == 1


def test_a_link_is_of_one_evaluation(client: TestClient, committed_team: factories.Team) -> None:
    evaluation, url = _evaluation(committed_team), "/v5/evaluations"
    client = with_key(client, committed_team.admin)
    link = client.post(f"{url}/{evaluation.id}/links", json={}).json()
    with unit_of_work() as session:
        version = factories.prompt(session, committed_team.admin, "tests/other")
        other = factories.evaluation(session, committed_team.admin, version)
    assert client.delete(f"{url}/{other.id}/links/{link['id']}").status_code == 404
    assert client.get(f"{url}/{other.id}/links").json() == []


def test_an_evaluation_has_only_so_many_links(committed_team: factories.Team) -> None:
    evaluation = _evaluation(committed_team)
    with unit_of_work() as session:
        for _ in range(report_links.MOST_LINKS):
            report_links.make_link(session, committed_team.admin, evaluation)
        with pytest.raises(Conflict, match="End one of them"):
            report_links.make_link(session, committed_team.admin, evaluation)
        session.execute(text("update report_link set expires_at = now() - interval '1 second'"))
        session.expire_all()
        report_links.make_link(session, committed_team.admin, evaluation)
        assert len(report_links.list_links(session, evaluation)) == 1


def test_a_running_evaluation_is_shown_as_it_stands(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        version = factories.prompt(session, admin)
        evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
    link = _link(committed_team, evaluation)
    assert "Not started" in _words(client.get(link).text)
    with unit_of_work() as session:
        factories.started_run(session, admin, evaluation, version, factories.dataset(session, admin, 3))
    page = client.get(link).text
    assert "Too early to say" in _words(page)
    assert "sse-connect" not in page
