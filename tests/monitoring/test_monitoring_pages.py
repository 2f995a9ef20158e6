"""The page of a file's monitoring, as people use it: what it says, its forms without any script, and who may send them."""

import html
import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text

from app.core import clock, ids
from app.core.access import Role
from app.core.database import get_engine, unit_of_work
from app.files import deployments
from app.files import service as files
from app.files.models import Version
from app.logs import health_repository
from app.logs.records import JudgmentRecord, LogRecord
from app.logs.repository import insert_judgments, insert_logs
from app.monitoring.models import Monitor
from app.workspaces.models import AuditEntry
from tests import factories
from tests.statements import recorded
from tests.web import csrf_of, signed_in, with_key

KINDS = {"prompt": factories.prompt, "tool": factories.tool, "flow": factories.flow, "agent": factories.agent}


@pytest.fixture
def polite(committed_team: factories.Team) -> Version:
    with unit_of_work() as session:
        return factories.evaluator(session, committed_team.admin, "regex", "judges/polite", pattern="please")


@pytest.fixture
def prompt(committed_team: factories.Team) -> Version:
    with unit_of_work() as session:
        return factories.prompt(session, committed_team.admin, "support/answer")


@pytest.fixture
def person(client: TestClient, committed_team: factories.Team) -> TestClient:
    return signed_in(client, committed_team.admin)


def _url(team: factories.Team, version: Version) -> str:
    return f"/w/{team.workspace.slug}/{version.file.kind}s/{version.file_id}/monitoring"


def _words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def _send(person: TestClient, url: str, **form: str):
    return person.post(url, data={"_csrf": csrf_of(person), **form})


def _monitors() -> list[Monitor]:
    with unit_of_work() as session:
        return list(session.scalars(select(Monitor).order_by(Monitor.created_at)))


def _calls(version: Version, n: int, judge: Version, good: int, hours: tuple[float, float], **said) -> None:
    """`n` calls between so many hours ago, of which the judge finds the first `good` good; with an `error`, none."""
    since, until = hours
    made = []
    for at in range(n):
        moment = (clock.now() - timedelta(hours=since - (at + 0.5) * (since - until) / n)).isoformat()
        made.append(
            LogRecord(
                ids.new_id("log"), version.workspace_id, version.file_id, version.id, "sdk", moment, moment,
                output="x", created_at=moment,
            )
        )  # fmt: skip
    with unit_of_work() as session:
        insert_logs(session, made)
        insert_judgments(
            session,
            [
                JudgmentRecord(
                    ids.new_id("jdg"), version.workspace_id, one.id, judge.id,
                    boolean_value=None if said.get("error") else at < good, **said,
                )
                for at, one in enumerate(made)
            ],
        )  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_an_evaluator_is_set_paused_resumed_and_removed(
    person: TestClient, committed_team: factories.Team, polite: Version, kind: str
) -> None:
    with unit_of_work() as session:
        file = KINDS[kind](session, committed_team.admin, f"watched/{kind}")
    url = _url(committed_team, file)
    empty = person.get(url)
    assert empty.status_code == 200, empty.text
    words = _words(empty.text)
    assert "No evaluator judges its logs yet" in words
    assert "Know when answers get worse" in words
    assert '<option value="judges/polite">' in empty.text
    added = _send(person, url, evaluator=" judges/polite ", follow="newest", share="12,5 %")
    assert (added.status_code, added.headers["location"]) == (303, url)
    (monitor,) = _monitors()
    assert (monitor.evaluator_version_id, monitor.sampling, monitor.active) == (polite.id, 0.125, True)
    words = _words(person.get(url).text)
    assert "1 evaluator judges its logs as they come" in words
    assert "polite v1 Regular expression" in words
    assert "No call in the last 24 hours. No log waits to be judged." in words

    assert _send(person, f"{url}/{monitor.id}/pause").status_code == 303
    words = _words(person.get(url).text)
    assert "Monitoring is paused" in words
    assert "12.5% Paused just now" in words
    assert _send(person, f"{url}/{monitor.id}/resume").status_code == 303
    assert _send(person, f"{url}/{monitor.id}/share", share="50").status_code == 303
    (monitor,) = _monitors()
    assert (monitor.sampling, monitor.active) == (0.5, True)
    assert _send(person, f"{url}/{monitor.id}/remove").status_code == 303
    assert _monitors() == []
    with unit_of_work() as session:
        entries = list(session.scalars(select(AuditEntry).where(AuditEntry.action == "monitoring.changed")))
    assert len(entries) == 5
    assert {one.subject_id for one in entries} == {file.file_id}
    assert sorted(len(one.detail["removed"]) for one in entries) == [0, 0, 0, 0, 1]


def test_what_it_judged_lately_is_told_with_its_interval(
    person: TestClient, committed_team: factories.Team, prompt: Version, polite: Version
) -> None:
    url = _url(committed_team, prompt)
    _send(person, url, evaluator="judges/polite")
    _calls(prompt, 200, polite, 140, (23.9, 0.1), cost="0.001")
    _calls(prompt, 4, polite, 0, (20, 19), error="the pattern took too long")
    _calls(prompt, 400, polite, 390, (24 * 7.9, 24.5))
    words = _words(person.get(url).text)
    assert "204 calls in the last 24 hours." in words
    assert "204 $0.20 4 failed the pattern took too long" in words
    assert "70.0% 63.3–75.9, 200 logs Worse −27.5 points, was 97.5%" in words


def test_an_evaluator_of_an_environment_follows_it_and_says_when_nothing_runs_there(
    person: TestClient, committed_team: factories.Team, prompt: Version, polite: Version
) -> None:
    url = _url(committed_team, prompt)
    with unit_of_work() as session:
        staging = deployments.get_environment(session, committed_team.admin, "staging").id
    assert _send(person, url, evaluator="judges/polite", follow=staging).status_code == 303
    words = _words(person.get(url).text)
    assert "No evaluator can judge its logs now" in words
    assert "Judges nothing nothing of it runs in staging" in words
    with unit_of_work() as session:
        place = deployments.get_environment(session, committed_team.admin, "staging")
        deployments.deploy(session, committed_team.admin, polite.file, polite, place)
    words = _words(person.get(url).text)
    assert "polite v1 Regular expression, follows staging" in words
    assert "1 evaluator judges its logs as they come" in words


def test_a_newer_version_takes_the_place_of_the_one_that_judges(
    person: TestClient, committed_team: factories.Team, prompt: Version, polite: Version
) -> None:
    url = _url(committed_team, prompt)
    _send(person, url, evaluator="judges/polite", share="10")
    with unit_of_work() as session:
        newer = factories.evaluator(session, committed_team.admin, "regex", "judges/polite", pattern="thank")
    words = _words(person.get(url).text)
    assert "polite v1 Regular expression; v2 is newer" in words
    (monitor,) = _monitors()
    assert _send(person, f"{url}/{monitor.id}/update").status_code == 303
    (now,) = _monitors()
    assert (now.evaluator_version_id, now.sampling) == (newer.id, 0.1)
    assert _send(person, f"{url}/{now.id}/update").status_code == 303, "a second click changes nothing"
    assert [one.id for one in _monitors()] == [now.id]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"evaluator": ""}, "Choose an evaluator."),
        ({"evaluator": "judges/nobody"}, "There is no evaluator at judges/nobody."),
        ({"evaluator": "support/answer"}, "There is no evaluator at support/answer."),
        ({"evaluator": "judges/exact"}, "it compares with a target, and logs have none"),
        ({"evaluator": "judges/human"}, "people judge with it, in reviews"),
        ({"share": "0"}, "Give the share of logs in percent"),
        ({"share": "101"}, "Give the share of logs in percent"),
        ({"share": "nan"}, "Give the share of logs in percent"),
        ({"share": "1e400"}, "Give the share of logs in percent"),
        ({"share": "half"}, "Give the share of logs in percent"),
        ({"follow": "env_gone"}, "This environment is there no more."),
    ],
)
def test_bad_input_is_a_sentence_and_nothing_is_lost(
    person: TestClient,
    committed_team: factories.Team,
    prompt: Version,
    polite: Version,
    form: dict[str, str],
    said: str,
) -> None:
    with unit_of_work() as session:
        factories.evaluator(session, committed_team.admin, "exact", "judges/exact")
        factories.evaluator(session, committed_team.admin, "human", "judges/human")
    given = {"evaluator": "judges/polite", "share": "33"} | form
    answer = _send(person, _url(committed_team, prompt), **given)
    assert answer.status_code == 422
    words = _words(answer.text)
    assert said in words
    assert "2 evaluators cannot judge logs" in words
    assert (
        f'name="share" list="shares" inputmode="decimal" autocomplete="off" required value="{given["share"]}"'
        in answer.text
    )
    assert f'required value="{given["evaluator"]}"' in answer.text
    assert _monitors() == []


def test_a_wrong_share_of_a_monitor_stays_in_its_field_and_one_that_was_removed_says_so(
    person: TestClient, committed_team: factories.Team, prompt: Version, polite: Version
) -> None:
    url = _url(committed_team, prompt)
    _send(person, url, evaluator="judges/polite")
    (monitor,) = _monitors()
    refused = _send(person, f"{url}/{monitor.id}/share", share="200")
    assert refused.status_code == 422
    assert "100 at most. Nothing was changed." in _words(refused.text)
    assert 'value="200" aria-invalid="true"' in refused.text
    assert _monitors()[0].sampling == 1
    _send(person, f"{url}/{monitor.id}/remove")
    gone = _send(person, f"{url}/{monitor.id}/pause")
    assert gone.status_code == 404
    assert "This evaluator was removed meanwhile" in _words(gone.text)
    assert _send(person, f"{url}/{monitor.id}/explode").status_code == 422


def test_a_deleted_evaluator_stays_on_the_list_until_it_is_removed(
    person: TestClient, committed_team: factories.Team, prompt: Version, polite: Version
) -> None:
    url = _url(committed_team, prompt)
    _send(person, url, evaluator="judges/polite")
    with unit_of_work() as session:
        files.delete_file(
            session, committed_team.admin, files.get_file(session, committed_team.admin, polite.file_id)
        )
    words = _words(person.get(url).text)
    assert "No evaluator can judge its logs now" in words
    assert "Deleted it lies in the trash, and judges nothing" in words
    (monitor,) = _monitors()
    assert _send(person, f"{url}/{monitor.id}/resume").status_code == 404
    assert _send(person, f"{url}/{monitor.id}/remove").status_code == 303
    assert _monitors() == []


def test_readers_see_the_list_and_no_form(
    client: TestClient, committed_team: factories.Team, prompt: Version, polite: Version
) -> None:
    url = _url(committed_team, prompt)
    _send(signed_in(client, committed_team.admin), url, evaluator="judges/polite", share="10")
    (monitor,) = _monitors()
    with unit_of_work() as session:
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
    client.cookies.clear()
    page = signed_in(client, viewer).get(url)
    assert "1 evaluator judges its logs as they come" in _words(page.text)
    assert "10%" in _words(page.text)
    assert f'action="{url}' not in page.text
    assert _send(client, url, evaluator="judges/polite").status_code == 403
    assert _send(client, f"{url}/{monitor.id}/remove").status_code == 403
    assert len(_monitors()) == 1


def test_a_monitor_of_another_file_or_workspace_is_not_there(
    person: TestClient, committed_team: factories.Team, prompt: Version, polite: Version
) -> None:
    url = _url(committed_team, prompt)
    _send(person, url, evaluator="judges/polite")
    (monitor,) = _monitors()
    with unit_of_work() as session:
        second = factories.prompt(session, committed_team.admin, "support/other")
        other = factories.team(session)
        theirs = factories.prompt(session, other.admin, "support/answer")
    assert _send(person, f"{_url(committed_team, second)}/{monitor.id}/remove").status_code == 404
    assert person.get(_url(other, theirs)).status_code == 404
    assert len(_monitors()) == 1


def test_logs_that_wait_are_counted_for_their_file_and_late_ones_are_told(
    person: TestClient, committed_team: factories.Team, prompt: Version, polite: Version
) -> None:
    url = _url(committed_team, prompt)
    _send(person, url, evaluator="judges/polite")
    with unit_of_work() as session:
        other = factories.prompt(session, committed_team.admin, "support/other")
    _calls(prompt, 3, polite, 3, (1, 0.5))
    _calls(other, 2, polite, 2, (1, 0.5))
    queue = "insert into log_to_judge (log_id, workspace_id, queued_at) select id, workspace_id, now() - interval '7 minutes' from log"
    with unit_of_work() as session:
        session.execute(text(queue))
    words = _words(person.get(url).text)
    assert "3 logs wait to be judged, the first of them came 7 min ago." in words
    assert "Logs wait longer than usual" in words


def test_of_many_logs_a_sample_is_read_in_a_fixed_number_of_statements(
    person: TestClient,
    committed_team: factories.Team,
    prompt: Version,
    polite: Version,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health_repository, "READ", 100)
    url = _url(committed_team, prompt)
    _send(person, url, evaluator="judges/polite")
    _calls(prompt, 600, polite, 600, (23.9, 0.1))

    def statements() -> int:
        with recorded(get_engine()) as ran:
            page = person.get(url)
        assert "about 600" in _words(page.text), _words(page.text)
        return len(ran)

    one = statements()
    with unit_of_work() as session:
        for number in range(5):
            factories.evaluator(session, committed_team.admin, "json_valid", f"judges/json {number}")
    for number in range(5):
        _send(person, url, evaluator=f"judges/json {number}")
    assert statements() == one


def test_links_lead_there(
    person: TestClient, committed_team: factories.Team, prompt: Version, polite: Version
) -> None:
    url = _url(committed_team, prompt)
    _send(person, url, evaluator="judges/polite")
    w = f"/w/{committed_team.workspace.slug}"
    assert f'href="{url}"' in person.get(f"{w}/prompts/{prompt.file_id}").text
    assert f'href="{url}"' in person.get(f"{w}/evaluators/{polite.file_id}").text
    with unit_of_work() as session:
        for kind in ("tool", "flow", "agent"):
            version = KINDS[kind](session, committed_team.admin, f"watched/{kind}")
            session.commit()
            own = f"{w}/{kind}s/{version.file_id}"
            assert f'href="{own}/monitoring"' in person.get(own).text


def test_the_api_removes_what_the_page_does(
    client: TestClient, committed_team: factories.Team, prompt: Version, polite: Version
) -> None:
    api = with_key(client, committed_team.admin)
    url, reference = f"/v5/prompts/{prompt.file_id}/evaluators", {"evaluator_version_id": polite.id}
    assert len(api.post(url, json={"activate": [reference]}).json()["evaluators"]) == 1
    assert api.post(url, json={"remove": [reference]}).json()["evaluators"] == []
    again = api.post(url, json={"remove": [reference]})
    assert again.status_code == 404
    assert "does not judge the logs of support/answer" in again.json()["detail"]
