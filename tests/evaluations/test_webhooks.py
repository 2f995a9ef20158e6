"""A service of the user's as the judge: what it is sent, what is made of its answers, and where it must not be."""

import asyncio
import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.core.access import Role
from app.core.database import unit_of_work
from app.core.errors import Invalid
from app.core.settings import get_settings
from app.evaluations.engine.execution import Slot
from app.evaluations.verdicts.webhooks import Webhooks
from app.evaluators.binding import WebhookCall, bind, make_spec
from app.files import service as files
from app.files.models import FileKind, Version
from app.monitoring import execution as monitoring
from app.providers.service import ProviderChange, create_provider
from app.workspaces.webhook_keys import WebhookKey, webhook_key
from tests import factories
from tests.asynchronous import run as run_coroutine
from tests.endpoint import running_endpoint
from tests.evaluators.cases import execution, row
from tests.fault_provider import NO_DATES
from tests.web import csrf_of, signed_in, with_key

Answer = tuple[int, bytes, dict[str, str]]


class Service(ThreadingHTTPServer):
    """Answers each call as it is told, and keeps what it was sent."""

    def __init__(self, answer: Callable[[int], Answer]) -> None:
        self.answer = answer
        self.heard: list[tuple[dict[str, str], bytes, float]] = []
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/judge?code=abc"


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.heard.append((headers | {":path": self.path}, body, time.monotonic()))
        status, answer, more = self.server.answer(len(self.server.heard))
        self.send_response(status)
        for name, value in {"content-length": str(len(answer)), **more}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        return


@contextmanager
def service(*answers: Answer | dict[str, Any]) -> Iterator[Service]:
    """These answers one after another, the last one for ever."""
    replies = [one if isinstance(one, tuple) else (200, json.dumps(one).encode(), {}) for one in answers]
    running = Service(lambda number: replies[min(number, len(replies)) - 1])
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    try:
        yield running
    finally:
        running.shutdown()
        running.server_close()
        thread.join()


def _tried(client: TestClient, team: factories.Team, running: Service, **settings: Any) -> dict[str, Any]:
    with unit_of_work() as session:
        made = factories.evaluator(session, team.admin, "webhook", url=running.url, **settings)
    return _judged_by(client, team, made)


def _judged_by(client: TestClient, team: factories.Team, made: Version) -> dict[str, Any]:
    body = {"log": {"output": "Paris", "inputs": {"q": "?"}}, "testcase": {"target": {"answer": "Paris"}}}
    answer = with_key(client, team.admin).post(f"/v5/evaluators/{made.file_id}/test", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_the_service_is_sent_log_and_row_signed_so_that_it_can_check(
    client: TestClient, committed_team: factories.Team
) -> None:
    with service({"judgment": True, "rationale": "It is Paris."}) as running:
        tried = _tried(client, committed_team, running)
        shown = client.get("/v5/webhook-key").json()["key"]
    ((headers, body, _),) = running.heard

    assert (tried["judgment"], tried["rationale"], tried["error"]) == (True, "It is Paris.", None)
    assert headers[":path"] == "/judge?code=abc"
    sent = json.loads(body)
    assert sent["type"] == "judgment.requested"
    assert sent["data"]["log"]["output"] == "Paris"
    assert sent["data"]["testcase"]["target"] == {"answer": "Paris"}
    # As any library for Standard Webhooks checks it, from the key that is shown.
    secret = base64.b64decode(shown.removeprefix("whsec_"))
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    expected = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60


SAID = {
    "id": "log_1", "created_at": "2026-01-01T00:00:00Z", "start_time": "2026-01-01T00:00:00Z",
    "end_time": "2026-01-01T00:00:01Z", "metadata": {"release": 7}, "prompt_cost": 0.25, "output_cost": 0.5,
    "source": "sdk", "user": "u-1", "stdout": "printed", "finish_reason": "stop", "provider": "openai", "model": "gpt-4o",
}  # fmt: skip


def test_a_trial_sends_what_it_was_told_of_the_log_and_null_for_the_rest(
    client: TestClient, committed_team: factories.Team
) -> None:
    with service({"judgment": True}) as running, unit_of_work() as session:
        made = factories.evaluator(session, committed_team.admin, "webhook", url=running.url)
        session.commit()
        url = f"/v5/evaluators/{made.file_id}/test"
        api = with_key(client, committed_team.admin)
        whole = {"log": {**SAID, "output": "Paris"}, "testcase": {"id": "dp_1"}}
        assert [api.post(url, json=body).json()["judgment"] for body in (whole, {})] == [True, True]
        refused = api.post(url, json={"log": {"metadata": "seven"}})
    told, nothing = (json.loads(body)["data"] for _, body, _ in running.heard)
    assert {name: told["log"][name] for name in SAID} == SAID
    assert (told["log"]["trace_children"], told["testcase"]["id"]) == ([], "dp_1")
    unknown = dict.fromkeys(SAID) | {"metadata": {}}
    assert {name: nothing["log"][name] for name in SAID} == unknown
    assert (nothing["testcase"]["id"], refused.status_code) == (None, 422)


def test_a_run_sends_what_is_known_of_the_log_and_the_row(
    client: TestClient, committed_team: factories.Team, redis_url: str
) -> None:
    admin = committed_team.admin
    with service({"judgment": True}) as running, running_endpoint(0) as endpoint, unit_of_work() as session:
        change = ProviderChange(
            name="fake", base_url=endpoint.base_url, api_key="k", prices={"m": ("1", "1")}
        )
        create_provider(session, admin, change)
        prompt = factories.prompt(session, admin, provider="fake", model="m")
        judge = factories.evaluator(session, admin, "webhook", url=running.url)
        rows = factories.dataset(session, admin, 1)
        evaluation = factories.evaluation(session, admin, prompt, judge)
        session.commit()
        runs = f"/v5/evaluations/{evaluation.id}/runs"
        body = {"dataset": {"version_id": rows.id}, "version": {"version_id": prompt.id}}
        api = with_key(client, admin)
        assert api.post(runs, json=body).status_code == 200
        run_coroutine(_worked())
    ((_, sent, _),) = running.heard
    log, testcase = json.loads(sent)["data"]["log"], json.loads(sent)["data"]["testcase"]
    (kept,) = api.get("/v5/logs", params={"file_id": prompt.file_id}).json()["records"]
    same = (
        "id", "version_id", "source", "source_datapoint_id", "log_status", "metadata", "stdout", "user", "provider",
        "model", "finish_reason", "prompt_cost", "output_cost", "prompt_tokens", "output_tokens", "output", "inputs",
    )  # fmt: skip
    assert {name: log[name] for name in same} == {name: kept[name] for name in same}
    assert (log["provider"], log["prompt_cost"] > 0) == ("fake", True)
    assert log["start_time"] <= log["end_time"] <= log["created_at"]
    assert testcase["id"] == kept["source_datapoint_id"]


def test_monitoring_sends_what_is_known_of_the_log(
    app: FastAPI, client: TestClient, committed_team: factories.Team, redis_url: str
) -> None:
    api = with_key(client, committed_team.admin)
    with service({"judgment": True}) as running, unit_of_work() as session:
        prompt = factories.prompt(session, committed_team.admin)
        judge = factories.evaluator(session, committed_team.admin, "webhook", url=running.url)
        session.commit()
        watching = {"activate": [{"evaluator_version_id": judge.id}]}
        assert api.post(f"/v5/prompts/{prompt.file_id}/evaluators", json=watching).status_code == 200
        own = {name: value for name, value in SAID.items() if name not in ("id", "provider", "model")}
        said = {**own, "id": prompt.file_id, "log_id": "log_watched", "source_datapoint_id": "dp_9"}
        assert api.post("/v5/prompts/log", json=said).status_code == 200
        assert run_coroutine(monitoring.work()) == 1
    ((_, sent, _),) = running.heard
    data = json.loads(sent)["data"]
    times = {name: value for name, value in own.items() if name.endswith(("_at", "_time"))}
    assert {name: data["log"][name] for name in own.keys() - times} == {
        name: own[name] for name in own.keys() - times
    }
    for name, moment in times.items():
        assert datetime.fromisoformat(data["log"][name]) == datetime.fromisoformat(moment)
    assert (data["log"]["id"], data["testcase"]["id"]) == ("log_watched", "dp_9")


async def _worked() -> None:
    slot = Slot()
    try:
        await slot.work()
    finally:
        await slot.aclose()


def test_a_service_that_is_busy_until_no_date_is_tried_again(
    client: TestClient, committed_team: factories.Team
) -> None:
    busy = [(429, b"", {"retry-after": header}) for header in NO_DATES]
    with service(*busy, {"judgment": True}) as running:
        tried = _tried(client, committed_team, running)

    assert (tried["judgment"], tried["error"]) == (True, None)


def test_a_service_that_fails_is_tried_three_times_under_one_id(
    client: TestClient, committed_team: factories.Team
) -> None:
    with service((503, b"", {}), (429, b"", {"retry-after": "1"}), {"judgment": False}) as running:
        tried = _tried(client, committed_team, running)
    with service((500, b"stack trace with secrets", {})) as broken:
        failed = _tried(client, committed_team, broken)

    assert (tried["judgment"], tried["error"]) == (False, None)
    assert len({headers["webhook-id"] for headers, *_ in running.heard}) == 1
    first, second, third = (at for *_, at in running.heard)
    assert 0.3 < second - first < 2
    assert third - second >= 1, "it asked to be left alone for a second"
    assert failed["error"] == "The webhook gave no answer: it said 500"
    assert len(broken.heard) == 3


def test_of_several_together_the_service_that_failed_is_named(
    client: TestClient, committed_team: factories.Team
) -> None:
    with service((400, b"", {})) as running, unit_of_work() as session:
        specs = {"Exact": make_spec("exact", {}), "ours/Asked": make_spec("webhook", {"url": running.url})}
        parts = [{"path": path, "spec": spec} for path, spec in specs.items()]
        made = factories.evaluator(session, committed_team.admin, "composite", parts=parts)
        session.commit()
        tried = _judged_by(client, committed_team, made)

    assert tried["error"] == "Asked: The webhook gave no answer: it said 400"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((400, b"secret of the inside", {}), "The webhook gave no answer: it said 400"),
        ((302, b"", {"location": "http://127.0.0.1:1/"}), "The webhook gave no answer: it said 302, and redirects are not followed"),
        ((200, b"secret of the inside", {}), "The webhook's answer is no JSON object with “judgment” or “error”"),
        ((200, b"[]", {}), "The webhook's answer is no JSON object with “judgment” or “error”"),
        ((200, b"\xff\xfe", {}), "The webhook's answer is no JSON object with “judgment” or “error”"),
        ((200, b'"' + b"x" * 2_000_000 + b'"', {}), "The webhook gave no answer: it is longer than 1 MiB"),
        ((200, b"{}", {"content-type": "application/json; charset=base64"}), "The webhook's answer is no JSON object with “judgment” or “error”"),
        ({"judgment": "yes"}, "It answered 'yes', and not true or false"),
        ({"error": "I do not know."}, "I do not know."),
        ({"judgment": None}, None),
    ],
)  # fmt: skip
def test_what_is_no_answer_says_so_and_is_not_asked_again(
    client: TestClient, committed_team: factories.Team, answer: Any, error: str | None
) -> None:
    with service(answer) as running:
        tried = _tried(client, committed_team, running)

    assert (tried["judgment"], tried["error"]) == (None, error)
    assert "secret" not in json.dumps(tried), "what a service says beside its judgment is not passed on"
    assert len(running.heard) == 1


def test_a_reply_that_is_no_http_is_an_error_and_not_asked_again(
    client: TestClient, committed_team: factories.Team
) -> None:
    with service((200, b'{"judgment": true}', {"x-long": "y" * 200_000})) as running:
        tried = _tried(client, committed_team, running)

    assert tried["judgment"] is None
    assert tried["error"].startswith("The webhook gave no answer: it is no HTTP that can be read")
    assert len(running.heard) == 1


def test_a_service_that_is_slow_or_away_is_an_error_in_time(
    client: TestClient, committed_team: factories.Team
) -> None:
    ended = threading.Event()
    running = Service(lambda _: (ended.wait(20) and None) or (200, b"{}", {}))
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    started = time.monotonic()
    slow = _tried(client, committed_team, running, timeout_s=1)
    took = time.monotonic() - started
    ended.set()
    running.shutdown()
    running.server_close()
    thread.join()
    away = _tried(client, committed_team, running)

    assert slow["error"] == "The webhook gave no answer: nothing came within 1 s"
    assert took < 12
    assert away["error"].startswith("The webhook gave no answer: the connection failed: connection refused")


def test_a_busy_service_is_not_taken_for_a_slow_one() -> None:
    """120 at once, twenty connections, a second each: the last ones wait for longer than they may take."""
    running = Service(lambda _: time.sleep(1) or (200, b'{"judgment": true}', {}))
    running.request_queue_size = 120
    thread = threading.Thread(target=running.serve_forever)
    thread.start()

    async def ask_all() -> list[str]:
        webhooks = Webhooks(WebhookKey("ws", 1))
        try:
            call = WebhookCall(running.url, "judgment.requested", {}, 5)
            return await asyncio.gather(*(webhooks.post(call) for _ in range(120)))
        finally:
            await webhooks.aclose()

    try:
        answers = run_coroutine(ask_all())
    finally:
        running.shutdown()
        running.server_close()
        thread.join()

    assert answers == ['{"judgment": true}'] * 120
    assert len(running.heard) == 120


def test_addresses_inside_are_refused_when_saved_and_when_connected_to(
    client: TestClient, committed_team: factories.Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    with service({"judgment": True}) as running:
        spec = make_spec("webhook", {"url": running.url})  # while the host was allowed
        monkeypatch.setenv("WHETSTONE_PRIVATE_HOSTS", "")
        get_settings.cache_clear()
        try:
            for url in (
                running.url,
                "http://169.254.169.254/latest",
                "file:///etc/passwd",
                "http://u:p@x.org/",
            ):
                with pytest.raises(Invalid):
                    make_spec("webhook", {"url": url})
            body = {"log": {"output": "Paris"}}
            with unit_of_work() as session:
                change = files.Commit(FileKind.EVALUATOR, spec, path="tests/inside")
                made = files.commit(session, committed_team.admin, change).file.id
            tried = with_key(client, committed_team.admin).post(f"/v5/evaluators/{made}/test", json=body)
        finally:
            monkeypatch.undo()
            get_settings.cache_clear()

    assert "WHETSTONE_PRIVATE_HOSTS" in tried.json()["error"]
    assert running.heard == []


def test_rows_without_a_needed_target_are_not_sent() -> None:
    bound = bind(make_spec("webhook", {"url": "https://example.com/judge", "target": "needed"}))
    assert bound.calls(execution("Paris"), row(None)) == ()
    assert bound.judge(execution("Paris"), row(None)).rationale == "no target"


def test_the_key_can_be_renewed_and_is_shown_to_those_who_manage(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        member = factories.member(session, committed_team.workspace, Role.MEMBER)
        before = webhook_key(session, committed_team.workspace.id).shown()
    page = f"/w/{committed_team.workspace.slug}/settings/keys"
    assert before not in signed_in(client, member).get(page).text
    admin = signed_in(client, committed_team.admin)
    assert before in admin.get(page).text
    renewed = admin.post(f"{page}/webhooks", data={"_csrf": csrf_of(admin)})
    with unit_of_work() as session:
        after = webhook_key(session, committed_team.workspace.id).shown()

    assert after != before
    assert renewed.headers["location"] == f"{page}#webhooks"
    shown = admin.get(page).text
    assert after in shown
    assert before not in shown
