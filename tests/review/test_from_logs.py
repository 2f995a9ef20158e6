"""Queues of logs: those that were chosen, those that match, what of them cannot be judged, and where what people say stands."""

import re
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from html import unescape

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.access import Principal, Role
from app.core.database import unit_of_work
from app.core.errors import Invalid
from app.files.models import Version
from app.logs.listing import Filters
from app.review import repository, sending
from app.review.choosing import MOST_OUTPUTS
from app.review.from_logs import FromLogs
from app.review.models import ReviewItem, ReviewQueue
from app.review.sending import Sending
from tests import factories
from tests.web import csrf_of, signed_in, with_key

API = "/v5/review-queues"


@dataclass
class Logged:
    """A prompt with logs that a program sent, a question for people, and who is asked."""

    team: factories.Team
    prompt: Version
    asked: Version
    people: list[Principal]
    logs: list[str]
    """Oldest first."""
    broken: str
    """It ended with an error."""

    @property
    def base(self) -> str:
        return f"/w/{self.team.workspace.slug}"


@pytest.fixture
def logged(client: TestClient) -> Logged:
    with unit_of_work() as session:
        team = factories.team(session)
        prompt = factories.prompt(session, team.admin, "tests/called")
        logs = [
            factories.logged(
                session, team.admin, prompt, inputs={"question": f"Why {n}?"}, output=f"Because {n}.",
                messages=[{"role": "user", "content": f"And then {n}?"}], created_at=f"2026-01-0{n + 1}T12:00:00Z",
                user="ann" if n % 2 else "bob",
            )
            for n in range(6)
        ]  # fmt: skip
        broken = factories.logged(session, team.admin, prompt, inputs={"question": "?"}, error="No answer.")
        asked = factories.evaluator(session, team.admin, "human", "tests/would you send it")
        people = [factories.member(session, team.workspace, Role.REVIEWER, f"Reviewer {n}") for n in (1, 2)]
    return Logged(team, prompt, asked, people, logs, broken)


def _as(client: TestClient, person: Principal) -> TestClient:
    client.cookies.clear()
    return signed_in(client, person)


def _form(client: TestClient, logged: Logged, **more: object) -> dict[str, object]:
    return {
        "_csrf": csrf_of(client), "whole": "1", "evaluators": [logged.asked.id], "per_item": "2", "blind": "1",
        "reviewers": [one.user_id for one in logged.people],
    } | more  # fmt: skip


def _sent(client: TestClient, logged: Logged, **more: object) -> ReviewQueue:
    answer = client.post(
        f"{logged.base}/review/from-logs", data=_form(client, logged, **more), follow_redirects=False
    )
    assert answer.status_code == 303, answer.text
    with unit_of_work() as session:
        queue = session.get_one(ReviewQueue, answer.headers["location"].rsplit("/", 1)[1])
        session.expunge(queue)
    return queue


def _logs_of(queue: ReviewQueue) -> set[str]:
    with unit_of_work() as session:
        return {one.log_id for one in session.query(ReviewItem).filter_by(queue_id=queue.id)}


def _words(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_chosen_logs_are_sent_and_what_people_say_is_a_judgment_of_the_log(
    client: TestClient, logged: Logged
) -> None:
    _as(client, logged.team.admin)
    listed = client.get(f"{logged.base}/logs").text
    assert f'form="chosen" formaction="{logged.base}/review/from-logs"' in listed
    chosen = [*logged.logs[:2], logged.broken]
    page = client.get(f"{logged.base}/review/from-logs", params={"log": chosen}).text
    assert "2 logs that you chose." in page
    assert "1 has no output that can be read: left out" in _words(page)
    assert re.findall(r'name="log" value="([^"]+)"', page) == logged.logs[:2]
    refused = client.post(f"{logged.base}/review/from-logs", data=_form(client, logged, log=chosen))
    assert refused.status_code == 422, "what somebody chose is not left out in silence"
    assert "1 of the 3 logs cannot be judged" in refused.text

    queue = _sent(client, logged, log=logged.logs[:2])
    assert _logs_of(queue) == set(logged.logs[:2])
    assert (queue.evaluation_id, queue.rows, queue.filters, queue.sent) == (None, "chosen", None, 2)
    for person, said in zip(logged.people, ("true", "false"), strict=True):
        _as(client, person)
        item = client.get(f"{logged.base}/review/{queue.id}/items/1").text
        assert re.search(r"Why [01]\?", item)
        assert re.search(r"And then [01]\?", item)
        assert '<h3 class="label">Target</h3>' not in item
        assert "Version hidden" in item
        for place in (1, 2):
            answer = client.post(
                f"{logged.base}/review/{queue.id}/items/{place}",
                data={"_csrf": csrf_of(client), "answer-0": said},
                follow_redirects=False,
            )
            assert answer.status_code == 303
    _as(client, logged.team.admin)
    page = _words(client.get(f"{logged.base}/review/{queue.id}").text)
    assert "2 outputs of logs that were chosen, each judged by 2 people" in page
    assert "2 items with two answers" in page
    assert "2 disputes to settle" in page
    failed = client.get(f"{logged.base}/logs?state=failed").text
    assert set(re.findall(r'name="log" value="([^"]+)"', failed)) == set(logged.logs[:2])
    log = client.get(f"{logged.base}/logs/{logged.logs[0]}").text
    assert "would you send it" in log
    settled = client.post(
        f"{logged.base}/review/{queue.id}/disputes/1",
        data={"_csrf": csrf_of(client), "answer-0": "true"},
        follow_redirects=False,
    )
    assert settled.status_code == 303
    assert "1 dispute to settle" in _words(client.get(f"{logged.base}/review/{queue.id}").text)


def test_an_answer_to_a_log_is_taken_back_from_it(client: TestClient, logged: Logged) -> None:
    with unit_of_work() as session:
        queue = factories.review_of_logs(
            session, logged.team.admin, logged.logs[:1], logged.asked, logged.people[:1]
        )
        log_id = factories.reviewed(session, logged.people[0], queue, 1, True)
    assert log_id == logged.logs[0]
    with_key(client, logged.people[0])
    assert client.post(f"{API}/{queue.id}/undo").json() == {"place": 1}
    with unit_of_work() as session:
        assert session.scalar(text("select count(*) from judgment where log_id = :log"), {"log": log_id}) == 0


def test_what_matches_is_counted_bounded_and_sent_newest_first(client: TestClient, logged: Logged) -> None:
    _as(client, logged.team.admin)
    assert f"{logged.base}/review/from-logs?user=ann" in client.get(f"{logged.base}/logs?user=ann").text
    page = client.get(f"{logged.base}/review/from-logs?user=ann").text
    assert "3 logs match and can be read." in _words(page)
    assert 'name="user" value="ann"' in page
    queue = _sent(client, logged, user="ann", rows="newest", most="2", name="Ann")
    assert _logs_of(queue) == {logged.logs[3], logged.logs[5]}
    assert (queue.rows, queue.filters, queue.sent) == ("newest", {"user": "ann"}, 2)
    shown = client.get(f"{logged.base}/review/{queue.id}").text
    assert "2 outputs of the newest logs that match these filters" in _words(shown)
    assert f'href="{logged.base}/logs?user=ann"' in shown

    drawn = _sent(client, logged, rows="random", most="4")
    assert len(_logs_of(drawn)) == 4
    assert _logs_of(drawn) < set(logged.logs)
    assert "4 outputs of random logs, each" in _words(client.get(f"{logged.base}/review/{drawn.id}").text)


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"since": "tomorrow"}, "is no date"),
        ({"file": "pr_nowhere"}, "There is no such file"),
        ({"user": "nobody"}, "No log matches"),
        ({"most": "0"}, "Between 1 and 2,000"),
        ({"most": "2001"}, "Between 1 and 2,000"),
        ({"most": "many"}, "A whole number of logs"),
        ({"rows": "all"}, "Choose which logs"),
        ({"per_item": "3"}, "Between 1 and 2"),
        ({"evaluators": []}, "Choose what people are asked"),
    ],
)
def test_what_cannot_be_sent_is_said_and_nothing_is(
    client: TestClient, logged: Logged, filters: dict[str, object], said: str
) -> None:
    _as(client, logged.team.admin)
    form = _form(client, logged, rows="newest", most="50") | filters
    answer = client.post(f"{logged.base}/review/from-logs", data=form)
    assert (answer.status_code, said in answer.text) == (422, True)
    with unit_of_work() as session:
        assert session.query(ReviewQueue).count() == 0


def test_a_queue_takes_the_newest_2000_of_more_and_says_so(client: TestClient, logged: Logged) -> None:
    with unit_of_work() as session:
        session.execute(
            text("""
            insert into log (id, workspace_id, file_id, version_id, output, created_at)
            select 'log_many' || n, :workspace, :file, :version, 'x', timestamptz '2026-02-01' + n * interval '1 minute'
            from generate_series(1, 2100) n
            """),
            {
                "workspace": logged.team.workspace.id,
                "file": logged.prompt.file_id,
                "version": logged.prompt.id,
            },
        )
    _as(client, logged.team.admin)
    page = client.get(f"{logged.base}/review/from-logs").text
    assert "More than 2,000 logs match and can be read; the newest 2,000 are taken from" in _words(page)
    queue = _sent(client, logged, rows="newest", most="2000")
    taken = _logs_of(queue)
    assert len(taken) == MOST_OUTPUTS
    assert taken == {f"log_many{n}" for n in range(101, 2101)}


def test_logs_of_another_workspace_are_none(client: TestClient, logged: Logged) -> None:
    with unit_of_work() as session:
        other = factories.team(session)
        theirs = factories.prompt(session, other.admin, "theirs/prompt")
        foreign = factories.logged(session, other.admin, theirs, output="A secret.")
    _as(client, logged.team.admin)
    page = client.get(f"{logged.base}/review/from-logs", params={"log": [logged.logs[0], foreign]}).text
    assert "1 is not there any more: left out" in _words(page)
    assert foreign not in page
    assert "A secret" not in page
    for sent in ({"log": [foreign]}, {"log": [logged.logs[0], foreign]}, {"file": theirs.file_id}):
        form = _form(client, logged, rows="newest", most="50") | sent
        assert client.post(f"{logged.base}/review/from-logs", data=form).status_code == 422
    with_key(client, logged.team.admin)
    body = {"evaluators": [{"version_id": logged.asked.id}], "reviewers": [logged.people[0].user_id]}
    for wanted in (
        {"log_ids": [foreign]},
        {"logs": {"file_id": theirs.file_id}},
        {"logs": {"version_id": theirs.id}},
    ):
        refused = client.post(API, json=body | wanted)
        assert refused.status_code in (404, 422)
        assert "A secret" not in refused.text
    with unit_of_work() as session:
        assert session.query(ReviewQueue).count() == 0


def test_the_api_sends_logs_by_id_and_by_what_they_have(client: TestClient, logged: Logged) -> None:
    with_key(client, logged.team.admin)
    body = {"evaluators": [{"version_id": logged.asked.id}], "reviewers": [logged.people[0].user_id]}
    made = client.post(API, json=body | {"log_ids": [*logged.logs[:2], logged.logs[0]]})
    assert made.status_code == 201, made.text
    told = {
        name: made.json()[name]
        for name in ("evaluation_id", "rows", "log_filters", "sent_count", "items_count")
    }
    assert told == {
        "evaluation_id": None, "rows": "chosen", "log_filters": None, "sent_count": 2, "items_count": 2,
    }  # fmt: skip
    sought = {
        "version_id": logged.prompt.id, "user": "ann", "since": "2026-01-03", "until": "2026-01-06", "search": "because",
    }  # fmt: skip
    made = client.post(API, json=body | {"logs": sought, "most_rows": 1})
    assert made.status_code == 201, made.text
    assert (made.json()["rows"], made.json()["sent_count"]) == ("newest", 1)
    assert made.json()["log_filters"] == {
        "file": logged.prompt.file_id, "version": "1", "user": "ann", "since": "2026-01-03", "until": "2026-01-06",
        "q": "because",
    }  # fmt: skip
    with_key(client, logged.people[0])
    (item,) = client.get(f"{API}/{made.json()['id']}/items").json()["records"]
    assert (item["inputs"], item["output"]) == ({"question": "Why 5?"}, "Because 5.")

    with_key(client, logged.team.admin)
    for wrong in (
        {},
        {"log_ids": logged.logs[:1], "logs": {}},
        {"log_ids": [logged.broken]},
        {"log_ids": logged.logs[:1], "rows": "newest"},
        {"logs": {}, "rows": "worse"},
        {"logs": {"user": "nobody"}},
    ):
        assert client.post(API, json=body | wrong).status_code == 422, wrong


def test_an_item_goes_with_its_log_and_every_page_says_so(client: TestClient, logged: Logged) -> None:
    with unit_of_work() as session:
        queue = factories.review_of_logs(
            session, logged.team.admin, logged.logs[:3], logged.asked, logged.people[:1]
        )
        _task, log_id = repository.find_task(session, queue.id, logged.people[0].user_id, 1) or pytest.fail(
            "!"
        )
        factories.reviewed(session, logged.people[0], queue, 1, True)
        session.execute(text("delete from log where id = :log"), {"log": log_id})
    url = f"{logged.base}/review/{queue.id}"
    _as(client, logged.people[0])
    for answer in (
        client.get(f"{url}/items/1"),
        client.post(f"{url}/items/1", data={"_csrf": csrf_of(client), "answer-0": "true"}),
    ):
        assert answer.status_code == 404
        assert "its log was deleted, or it was handed over" in unescape(answer.text)
    assert client.get(f"{url}/items/2?last=1").status_code == 200
    assert "has no item 4 for you." in client.get(f"{url}/items/4").text
    page = _words(client.get(url).text)
    assert "2 outputs of logs that were chosen" in page
    assert "1 of the 3 outputs that were sent is gone: the log was deleted, by age or by somebody" in page
    with unit_of_work() as session:
        session.execute(text("delete from log where id = any(:logs)"), {"logs": logged.logs})
    page = _words(client.get(url).text)
    assert "Nothing is left to judge" in page
    assert "3 of the 3 outputs that were sent are gone" in page
    assert "Logs deleted" in client.get(f"{logged.base}/review").text
    assert client.get(f"{url}/items", follow_redirects=False).headers["location"] == url
    with_key(client, logged.team.admin)
    told = client.get(f"{API}/{queue.id}").json()
    assert (told["sent_count"], told["items_count"], told["asked_count"]) == (3, 0, 0)


def test_of_a_log_whose_texts_were_cleared_the_page_says_so(client: TestClient, logged: Logged) -> None:
    with unit_of_work() as session:
        queue = factories.review_of_logs(
            session, logged.team.admin, logged.logs[:1], logged.asked, logged.people[:1]
        )
        session.execute(
            text(
                "update log set inputs = null, messages = null, output = null, payload_cleared_at = now() where id = :log"
            ),
            {"log": logged.logs[0]},
        )
    _as(client, logged.people[0])
    page = client.get(f"{logged.base}/review/{queue.id}/items/1")
    assert page.status_code == 200
    assert "The texts of this log were cleared" in page.text
    assert "An empty answer" not in page.text
    _as(client, logged.team.admin)
    page = client.get(f"{logged.base}/review/from-logs", params={"log": logged.logs[0]}).text
    assert "Of the logs that you chose, 1 has no output that can be read." in _words(page)


def test_a_question_that_was_deleted_is_asked_on(client: TestClient, logged: Logged) -> None:
    """Who was sent a queue is not left with a page that fails: what was asked is kept with its version."""
    with unit_of_work() as session:
        queue = factories.review_of_logs(
            session, logged.team.admin, logged.logs[:2], logged.asked, logged.people[:1]
        )
    with_key(client, logged.team.admin)
    assert client.delete(f"/v5/evaluators/{logged.asked.file_id}").status_code == 204
    client.headers.pop("X-API-KEY", None)
    _as(client, logged.people[0])
    url = f"{logged.base}/review/{queue.id}"
    assert client.get(f"{url}/items/1").status_code == 200
    kept = client.post(
        f"{url}/items/1", data={"_csrf": csrf_of(client), "answer-0": "true"}, follow_redirects=False
    )
    assert kept.status_code == 303
    assert client.get(url).status_code == 200
    _as(client, logged.team.admin)
    none = client.get(f"{logged.base}/review/from-logs", params={"log": logged.logs[0]}).text
    assert "No question for people yet" in none
    form = _form(client, logged, log=logged.logs[:1])
    assert client.post(f"{logged.base}/review/from-logs", data=form).status_code == 422


def test_logs_that_go_while_they_are_sent_are_no_failure(logged: Logged) -> None:
    """Retention deletes when it likes: what was chosen is refused, and of what matched the rest is sent."""
    workspace_id = logged.team.workspace.id
    chosen = FromLogs(workspace_id, logged.logs[:2], rows="chosen")
    matching = FromLogs(workspace_id, sought=Filters(user="bob"))

    def send(source: FromLogs) -> int:
        with unit_of_work() as session:
            asked = Sending(source, [logged.asked], [logged.people[0].user_id])
            return sending.send(session, logged.team.admin, asked).sent

    with ThreadPoolExecutor(2) as threads:
        with unit_of_work() as other:
            other.execute(text("delete from log where id = :log"), {"log": logged.logs[0]})
            sent = [threads.submit(send, source) for source in (chosen, matching)]
            assert wait(sent, timeout=1).not_done == set(sent), "both wait for what is being deleted"
        with pytest.raises(Invalid, match="1 of the 2 logs cannot be judged"):
            sent[0].result()
        assert sent[1].result() == 2


def test_from_a_list_the_form_opens_as_a_page(client: TestClient, logged: Logged) -> None:
    _as(client, logged.team.admin)
    beside = {"hx-request": "true", "hx-target": "dialog"}
    url = f"{logged.base}/review/from-logs"
    answer = client.get(url, params={"log": logged.logs[:2]}, headers=beside)
    assert answer.headers["hx-redirect"].endswith(f"log={logged.logs[0]}&log={logged.logs[1]}")
    too_many = client.get(url, params={"log": [f"log_{n}" for n in range(201)]})
    assert too_many.status_code == 422
