import pytest

from app.core.errors import Invalid
from app.evaluations.verdicts.judging import execution_of_log
from app.evaluators.kinds import kind
from app.logs.records import LogRecord
from tests.evaluators.cases import execution, row


@pytest.mark.parametrize(
    ("reason", "passes"),
    [
        ("stop", True), ("tool_calls", True), ("length", False), ("end_turn", True), ("tool_use", True), ("STOP", True),
        ("stop_sequence", True), ("max_tokens", False), ("MAX_TOKENS", False), ("SAFETY", False), ("refusal", False),
        ("function_call", True), ("strange", False),
    ],
)  # fmt: skip
def test_finish_reason(reason, passes):
    found = kind("finish_reason").prepare({}).judge(execution(finish_reason=reason), row(None))
    assert (found.value, found.rationale) == (passes, reason)


def test_other_reasons_can_be_accepted():
    bound = kind("finish_reason").prepare({"accepted": ["length"]})
    assert bound.judge(execution(finish_reason="length"), row()).value is True
    assert bound.judge(execution(), row()).value is False


def test_a_word_of_one_provider_can_be_accepted_alone():
    bound = kind("finish_reason").prepare({"accepted": ["stop_sequence", "Length"]})
    said = {
        one: bound.judge(execution(finish_reason=one), row()).value
        for one in ("stop_sequence", "stop", "MAX_TOKENS")
    }
    assert said == {"stop_sequence": True, "stop": False, "MAX_TOKENS": True}


def test_no_reason_has_no_value_and_no_error():
    found = kind("finish_reason").prepare({}).judge(execution(finish_reason=None), row())
    assert (found.value, found.error, found.rationale) == (None, None, "the provider gave no reason")


def test_nothing_to_accept_is_refused():
    with pytest.raises(Invalid, match="accepted"):
        kind("finish_reason").prepare({"accepted": []})


def test_the_reason_of_a_log_reaches_the_evaluator():
    log = LogRecord("log_1", "ws", "f", "v", "evaluation", "", "", output="cut", finish_reason="length")
    assert kind("finish_reason").prepare({}).judge(execution_of_log(log), row()).value is False
