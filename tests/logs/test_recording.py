"""What becomes of what a caller says: pure, so every way of saying it can be tried."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from app.core import clock
from app.logs.recording import LoggedVersion, record_of
from app.logs.schemas import FlowLog, PromptLog, ToolLog

VERSION = LoggedVersion("ws_1", "pr_1", "prv_1", "gpt-4o", "openai")


def _record(**said: Any):
    return record_of(PromptLog.model_validate(said), VERSION)


def test_a_bare_log_is_complete_now_and_costs_the_budget_nothing() -> None:
    record = _record()

    assert record.id.startswith("log_")
    assert (record.workspace_id, record.file_id, record.version_id) == ("ws_1", "pr_1", "prv_1")
    assert (record.model, record.provider) == ("gpt-4o", "openai")
    assert (record.status, record.attempts) == ("complete", 0)
    assert abs(datetime.fromisoformat(record.created_at).timestamp() - clock.seconds()) < 5
    assert (record.start_time, record.output, record.latency_ms) == (None, None, None)


def test_a_flow_is_incomplete_until_somebody_says_otherwise() -> None:
    assert record_of(FlowLog(), VERSION).status == "incomplete"
    assert record_of(FlowLog.model_validate({"log_status": "complete"}), VERSION).status == "complete"
    assert record_of(FlowLog.model_validate({"trace_status": "complete"}), VERSION).status == "complete"
    assert record_of(ToolLog(), VERSION).status == "complete"


def test_times_without_a_zone_are_utc_and_give_the_latency() -> None:
    record = _record(start_time="2024-07-08T22:40:35", end_time="2024-07-08T22:40:39.250+00:00")
    assert record.start_time == "2024-07-08T22:40:35+00:00"
    assert record.latency_ms == 4250.0
    zoned = _record(start_time="2024-07-09T00:40:35+02:00")
    assert zoned.start_time == record.start_time
    assert _record(start_time="2024-07-08T22:40:39", end_time="2024-07-08T22:40:35").latency_ms is None
    said = _record(start_time="2024-07-08T22:40:35", end_time="2024-07-08T22:40:39", provider_latency=0.5)
    assert said.latency_ms == 500.0


@pytest.mark.parametrize(
    "moment",
    ["9999-12-31T23:59:59", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "1969-12-31T00:00:00"],
)
def test_a_moment_that_nobody_means_is_refused(moment: str) -> None:
    with pytest.raises(ValidationError):
        PromptLog.model_validate({"created_at": moment})


def test_the_text_of_the_output_message_is_the_output() -> None:
    message = {"role": "assistant", "content": "Rain.", "refusal": None, "annotations": []}
    assert _record(output_message=message).output == "Rain."
    assert _record(output_message=message).output_message == message, "all that it holds is kept"
    assert _record(output_message=message, output="Sun.").output == "Sun."
    calls = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}
    assert _record(output_message=calls).output is None


def test_what_is_not_to_be_kept_is_not_in_the_row() -> None:
    secret = "canary-payload"
    record = _record(
        save=False, inputs={"q": secret}, output=secret, stdout=secret, messages=[{"role": "user", "content": secret}],
        output_message={"role": "assistant", "content": secret}, provider_request={"b": secret},
        provider_response={"b": secret}, prompt_tokens=7, metadata={"kept": True},
    )  # fmt: skip

    assert secret not in repr(record)
    assert record.payload_cleared_at
    assert (record.prompt_tokens, record.metadata) == (7, {"kept": True})
    assert _record(save=True).payload_cleared_at is None


def test_money_is_exact() -> None:
    record = _record(prompt_cost=1e-07, output_cost=0.1)
    assert (record.prompt_cost, record.output_cost) == ("0.0000001000", "0.1000000000")


@pytest.mark.parametrize(
    "said",
    [
        {"messages": [{"content": "no role"}]},
        {"messages": ["text"]},
        {"output": {"an": "object"}},
        {"inputs": "text"},
        {"prompt_tokens": -1},
        {"prompt_tokens": 2**31},
        {"prompt_cost": -0.1},
        {"output_cost": 1e9},
        {"provider_latency": -1},
        {"log_status": "done"},
        {"tool_choice": "maybe"},
        {"log_id": ""},
        {"log_id": "x" * 201},
        {"created_at": "yesterday"},
        {"metadata": [1]},
        {"prompt": {"template": "no model"}},
        {"user": "x" * 1001},
    ],
)
def test_what_no_log_can_say_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PromptLog.model_validate(said)


def test_where_it_ran_is_what_the_caller_says_or_where_the_version_was_found() -> None:
    assert record_of(PromptLog(), VERSION, "staging").environment == "staging"
    said = PromptLog.model_validate({"environment": "eu-1"})
    assert record_of(said, VERSION, "staging").environment == "eu-1"


def test_moments_are_read_in_utc() -> None:
    said = PromptLog.model_validate({"created_at": "2024-07-08T22:40:35Z"})
    assert said.created_at == datetime(2024, 7, 8, 22, 40, 35, tzinfo=UTC)
