"""Calling a prompt as a client of the API does, over real HTTP to a provider."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.core.access import Role
from app.core.database import get_engine, unit_of_work
from app.files import deployments
from app.files import service as files
from tests import factories
from tests.fault_provider import FAULTS, running_fault_provider
from tests.generations.calls import CALL_URL, STYLE, called, log_of
from tests.generations.model_server import CALL, ModelServer
from tests.web import with_key

SAID = [{"role": "user", "content": "What is the capital of France?"}]


def refused(client: TestClient, **body: Any) -> tuple[int, str]:
    answer = client.post(CALL_URL, json=body)
    return answer.status_code, answer.text


def test_messages_follow_the_populated_template_and_the_answer_is_whole(
    caller: TestClient, model: ModelServer
) -> None:
    answer = called(caller, messages=SAID)
    assert model.bodies == [
        {
            "model": "m",
            "temperature": 0.5,
            "messages": [
                {"role": "system", "content": "Answer in prose."},
                {"role": "user", "content": "1 + 1"},
                {"role": "assistant", "content": "2"},
                *SAID,
            ],
        }
    ]
    assert model.asked[0][0]["authorization"] == "Bearer stored-key-123456"
    assert answer["id"] == answer["log_id"]
    assert answer["prompt"]["path"] == "geo/capital"
    assert answer["prompt"]["template"][0]["content"] == "Answer in {{style}}."
    assert answer["messages"][0]["content"] == SAID[0]["content"]
    assert answer["inputs"] == {"style": "prose"}
    assert answer["trace_id"] is None
    (sample,) = answer["logs"]
    assert sample["index"] == 0
    assert sample["output"] == "Paris"
    assert sample["output_message"] == {"role": "assistant", "content": "Paris"}
    assert sample["finish_reason"] == "stop"
    assert (sample["prompt_tokens"], sample["output_tokens"], sample["reasoning_tokens"]) == (11, 2, 1)
    assert (sample["prompt_cost"], sample["output_cost"]) == (11, 1)
    assert sample["provider_latency"] > 0
    assert sample["created_at"]
    assert sample["error"] is None


def test_the_log_says_what_the_caller_said(caller: TestClient) -> None:
    about = {
        "source": "checkout", "metadata": {"order": 7}, "user": "u-1", "environment": "staging", "session_id": "s-1",
        "source_datapoint_id": "dp-1", "log_status": "incomplete", "log_id": "mine-1",
    }  # fmt: skip
    answer = called(caller, messages=SAID, **about)
    assert answer["id"] == "mine-1"
    assert {name: answer[name] for name in about} == about
    log = log_of(caller, "mine-1")
    assert {name: log[name] for name in about if name != "log_id"} == {
        name: value for name, value in about.items() if name != "log_id"
    }
    assert log["inputs"] == {"style": "prose"}
    assert log["messages"] == SAID
    assert log["output"] == "Paris"
    assert log["prompt"]["version_id"] == answer["prompt"]["version_id"]
    assert not {"tool", "flow", "evaluator", "agent"} & set(log)
    assert caller.get(f"/v5/prompts/{log['file_id']}").json()["total_logs_count"] == 1


def test_an_id_that_is_taken_is_refused_before_the_model_is_asked(
    caller: TestClient, model: ModelServer
) -> None:
    called(caller, log_id="mine-2")
    status, said = refused(caller, **STYLE, log_id="mine-2")
    assert status == 409
    assert "mine-2" in said
    assert len(model.asked) == 1


def test_several_samples_are_several_logs(caller: TestClient, model: ModelServer) -> None:
    answer = called(caller, num_samples=3, log_id="mine-3")
    assert [sample["index"] for sample in answer["logs"]] == [0, 1, 2]
    assert answer["logs"][0]["id"] == "mine-3"
    assert len({sample["id"] for sample in answer["logs"]}) == 3
    assert len(model.asked) == 3
    assert all("n" not in body for body in model.bodies)
    page = caller.get("/v5/logs", params={"file_id": answer["prompt"]["id"]}).json()
    assert {log["id"] for log in page["records"]} == {sample["id"] for sample in answer["logs"]}


def test_what_the_call_says_to_the_provider(caller: TestClient, model: ModelServer) -> None:
    chosen = {"type": "function", "function": {"name": "weather"}}
    model.calls_tool = True
    answer = called(caller, tool_choice=chosen, logprobs=3, suffix="!")
    (body,) = model.bodies
    assert body["tool_choice"] == chosen
    assert (body["logprobs"], body["top_logprobs"], body["suffix"]) == (True, 3, "!")
    assert answer["tool_choice"] == chosen
    assert answer["logs"][0]["output"] is None
    assert answer["logs"][0]["output_message"]["tool_calls"] == [CALL]


def test_nulls_and_unknown_members_are_as_if_they_were_not_there(caller: TestClient) -> None:
    nulls = dict.fromkeys(
        ("id", "messages", "prompt", "trace_parent_id", "log_id", "save", "num_samples", "stream")
    )
    answer = called(caller, **nulls, start_time=None, brand_new={"a": 1})
    assert answer["logs"][0]["output"] == "Paris"


def test_inputs_are_repeated_unless_they_are_not_wanted(caller: TestClient) -> None:
    answer = called(caller, return_inputs=False)
    assert answer["inputs"] == {}
    assert log_of(caller, answer["id"])["inputs"] == {"style": "prose"}


def test_what_is_not_to_be_saved_is_answered_and_not_kept(caller: TestClient) -> None:
    answer = called(caller, messages=SAID, save=False, metadata={"kept": True})
    assert answer["logs"][0]["output"] == "Paris"
    assert answer["save"] is False
    log = log_of(caller, answer["id"])
    assert (log["inputs"], log["messages"], log["output"], log["output_message"]) == ({}, [], None, None)
    assert log["provider_response"] is None
    assert log["metadata"] == {"kept": True}
    assert log["prompt_tokens"] == 11
    assert log["payload_cleared_at"]


def test_which_version_answers(
    caller: TestClient, model: ModelServer, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        newer = factories.prompt(session, admin, "geo/capital", provider="fake", model="m", template="Newer")
        newest = factories.prompt(
            session, admin, "geo/capital", provider="fake", model="m", template="Newest"
        )
        staging = deployments.get_environment(session, admin, "staging")
        deployments.deploy(session, admin, files.get_file(session, admin, newer.file_id), newer, staging)
    by_id = {"id": newer.file_id, "inputs": {"style": "verse"}}
    asked = {
        "Answer in verse.": caller.post(CALL_URL, json=by_id),
        "Newer": caller.post(f"{CALL_URL}?environment=staging", json=by_id),
        "Newest": caller.post(f"{CALL_URL}?version_id={newest.id}", json=by_id),
    }
    assert [answer.status_code for answer in asked.values()] == [200] * 3
    assert [body["messages"][0]["content"] for body in model.bodies] == list(asked)
    assert asked["Newer"].json()["environment"] == "staging"
    alone = caller.post(CALL_URL, params={"version_id": newest.id}, json={})
    assert alone.json()["prompt"]["version_id"] == newest.id
    assert caller.post(f"{CALL_URL}?environment=nowhere", json=by_id).status_code == 404
    assert caller.post(f"{CALL_URL}?version_id=prv_none", json=by_id).status_code == 404


def test_content_that_comes_with_the_call_is_written_once(caller: TestClient, model: ModelServer) -> None:
    content = {"model": "m", "provider": "fake", "max_tokens": -1, "template": "Say {{word}}", "tools": None}
    body = {"path": "made/by call", "prompt": content, "inputs": {"word": "hi"}}
    first, second = (caller.post(CALL_URL, json=body).json() for _ in range(2))
    assert first["prompt"]["path"] == "made/by call"
    assert first["prompt"]["version_id"] == second["prompt"]["version_id"]
    assert "max_tokens" not in model.bodies[0]
    versions = caller.get(f"/v5/prompts/{first['prompt']['id']}/versions").json()["records"]
    assert len(versions) == 1
    as_file = caller.get(f"/v5/prompts/{first['prompt']['id']}/serialize").text
    third = caller.post(CALL_URL, json=body | {"prompt": as_file}).json()
    assert third["prompt"]["version_id"] == first["prompt"]["version_id"]


def test_a_local_file_of_the_vendors_is_called(caller: TestClient, model: ModelServer) -> None:
    text = (
        "---\nmodel: m\ntemperature: 1.0\nmax_tokens: -1\ntop_p: 1.0\npresence_penalty: 0.0\n"
        "frequency_penalty: 0.0\nprovider: fake\nendpoint: chat\ntools: []\n---\n\n"
        "<system>\nYou are a helpful assistant. When asked about capitals, \nyou respond with the name.\n</system>\n"
    )
    answer = caller.post(CALL_URL, json={"path": "sdk/capital", "prompt": text, "messages": SAID})
    assert answer.status_code == 200, answer.text
    assert answer.json()["prompt"]["path"] == "sdk/capital"
    assert model.bodies[0]["messages"][0] == {
        "role": "system",
        "content": "You are a helpful assistant. When asked about capitals, \nyou respond with the name.",
    }
    broken = text.replace("</system>", "")
    status, said = refused(caller, path="sdk/capital", prompt=broken)
    assert status == 422
    assert "Line 13: <system> does not end" in said


def test_inputs_that_are_missing_are_named_in_order_and_nothing_is_asked(
    caller: TestClient, model: ModelServer
) -> None:
    content = {"model": "m", "provider": "fake", "template": "{{zeta}} {{alpha.beta[0]}} {{given}}"}
    answer = caller.post(CALL_URL, json={"path": "made/x", "prompt": content, "inputs": {"given": 1}})
    assert answer.status_code == 422
    (item,) = answer.json()["detail"]
    assert item["loc"] == ["body", "inputs"]
    assert "needs alpha.beta[0], zeta" in item["msg"]
    assert model.asked == []
    whole = {"zeta": "Z", "alpha": {"beta": ["B"]}, "given": 1}
    assert (
        caller.post(CALL_URL, json={"path": "made/x", "prompt": content, "inputs": whole}).status_code == 200
    )
    assert model.bodies[0]["messages"] == [{"role": "user", "content": "Z B 1"}]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"path": "geo/none"}, 404),
        ({"id": "pr_none"}, 404),
        ({"path": "tests/rows"}, 404),
        (STYLE | {"num_samples": 0}, 422),
        (STYLE | {"num_samples": 1_000}, 422),
        (STYLE | {"messages": [{"role": "nobody", "content": "x"}]}, 422),
        (STYLE | {"tool_choice": "perhaps"}, 422),
        (STYLE | {"metadata": {"a": "\0"}}, 422),
        (STYLE | {"log_id": "x" * 201}, 422),
        ({"path": "geo/new", "prompt": {"model": "m", "provider": "nobody"}}, 404),
        ({"path": "geo/new", "prompt": "no front matter"}, 422),
    ],
)
def test_what_cannot_be_called_is_refused(
    caller: TestClient, model: ModelServer, committed_team: factories.Team, body: Any, status: int
) -> None:
    with unit_of_work() as session:
        factories.dataset(session, committed_team.admin, 1, "tests/rows")
    assert refused(caller, **body)[0] == status
    assert model.asked == []
    assert caller.post("/v5/files/retrieve-by-path", json={"path": "geo/new"}).status_code == 404


def test_only_those_who_may_run_call_and_others_prompts_are_nowhere(
    caller: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
        stranger = factories.team(session).admin
    assert with_key(caller, viewer).post(CALL_URL, json=STYLE).status_code == 403
    assert with_key(caller, stranger).post(CALL_URL, json=STYLE).status_code == 404


def test_no_connection_is_held_while_the_model_answers(caller: TestClient, model: ModelServer) -> None:
    held: list[int] = []
    model.meanwhile = lambda: held.append(get_engine().pool.checkedout())
    called(caller, messages=SAID)
    called(caller, prompt={"model": "m", "provider": "fake", "template": "x"}, path="geo/other")
    assert held == [0, 0]


STATUSES = {
    "bad request": 400, "unauthorised": 400, "no such model": 400, "no money": 429, "internal error": 503,
    "closes at once": 503, "HTML with 200": 503,
}  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "stream"),
    [
        (fault, stream)
        for fault in sorted(STATUSES)
        for stream in (False, True)
        if not (stream and fault == "HTML with 200")  # read as a stream, it is one that breaks off
    ],
)
def test_a_provider_that_fails_is_told_in_its_own_words(
    caller: TestClient, committed_team: factories.Team, fault: str, stream: bool
) -> None:
    with running_fault_provider() as provider:
        answer = _ask_failing(caller, provider.url, f"FAULT<{fault}>", stream=stream)
    assert answer.status_code == STATUSES[fault], answer.text
    detail = answer.json()["detail"]
    assert FAULTS[fault].error in detail["message"]
    assert (detail["type"], detail["origin"]) == ("provider_error", "failing")
    assert "code" in detail
    if fault == "no such model":
        assert detail["code"] == "model_not_found"
    if fault == "no money":
        assert answer.headers["retry-after"]
    log = log_of(caller, detail["log_id"])
    assert log["error"] == detail["message"]


def _ask_failing(caller: TestClient, url: str, said: str, **more: Any) -> Any:
    provider = {"name": "failing", "base_url": url, "api_key": "k"}
    assert caller.post("/v5/providers", json=provider).is_success
    prompt = {"model": "m", "provider": "failing", "template": said}
    return caller.post(CALL_URL, json={"path": "geo/failing", "prompt": prompt, **more})


def test_a_provider_that_is_busy_once_is_asked_again(
    caller: TestClient, committed_team: factories.Team
) -> None:
    with running_fault_provider() as provider:
        answer = _ask_failing(caller, provider.url, "FAULT<busy once>")
    assert answer.status_code == 200, answer.text
    assert answer.json()["logs"][0]["output"] == "fine"


CANARY = "canary-own-key-9f3b1c77"


def test_a_key_that_comes_with_the_call_is_used_once_and_kept_nowhere(
    caller: TestClient, model: ModelServer, capfd: pytest.CaptureFixture[str]
) -> None:
    for more in ({}, {"stream": True}, {"num_samples": 2}):
        answer = caller.post(CALL_URL, json=STYLE | {"provider_api_keys": {"fake": CANARY}} | more)
        assert answer.status_code == 200, answer.text
        assert CANARY not in answer.text
    assert {headers["authorization"] for headers, _ in model.asked} == {f"Bearer {CANARY}"}
    called(caller, provider_api_keys={"openai": CANARY})
    assert model.asked[-1][0]["authorization"] == "Bearer stored-key-123456", "it is not for this provider"
    called(caller, provider_api_keys={"openai": CANARY, "fake": None})
    assert model.asked[-1][0]["authorization"] == "Bearer stored-key-123456", "null is absent"
    bad = caller.post(CALL_URL, json=STYLE | {"provider_api_keys": {"fake": f"{CANARY}\n"}})
    assert bad.status_code == 422
    assert CANARY not in bad.text
    with unit_of_work() as session:
        tables = session.scalars(text("select tablename from pg_tables where schemaname = 'public'")).all()
        for table in tables:
            found = session.scalar(
                text(f'select count(*) from "{table}" t where t::text like :key'), {"key": f"%{CANARY}%"}
            )
            assert found == 0, table
    said = capfd.readouterr()
    assert CANARY not in said.out + said.err


def test_a_well_known_provider_needs_no_entry_where_its_key_comes_along(database: Engine) -> None:
    from app.providers import callers_keys

    with unit_of_work() as session:
        workspace = factories.team(session).workspace.id
        found = callers_keys.endpoint_with(session, workspace, "google", "m", {"google": CANARY})
        meant = callers_keys.endpoint_with(session, workspace, None, "gemini-2.0-flash", {"google": CANARY})
    assert found
    assert meant == found, "where none is named, the maker of the model is meant"
    assert (found.base_url, found.api_key) == (
        "https://generativelanguage.googleapis.com/v1beta/openai",
        CANARY,
    )
    assert CANARY not in repr(found)


def test_no_body_is_an_empty_one(caller: TestClient) -> None:
    plain = {"path": "geo/plain", "provider": "fake", "model": "m", "template": "Capital of France?"}
    version = caller.post("/v5/prompts", json=plain).json()["version_id"]
    answer = caller.post(CALL_URL, params={"version_id": version})
    assert answer.status_code == 200, answer.text
    assert answer.json()["logs"][0]["output"] == "Paris"
    assert caller.post(CALL_URL).status_code == 422


def test_no_model_is_sent_the_call_of_a_tool(
    caller: TestClient, model: ModelServer, committed_team: factories.Team
) -> None:
    """Neither where the content comes with the call, nor where it has been written."""
    spec = {"provider": "fake", "model": "m", "template": 'See {{ look-up("prices") }}.'}
    with unit_of_work() as session:
        factories.prompt(session, committed_team.admin, "geo/old", **spec)
    for body in ({"path": "geo/old"}, {"path": "geo/new", "prompt": spec}):
        status, said = refused(caller, **body)
        assert (status, "there is no tool look-up" in said) == (422, True)
    assert model.bodies == []
