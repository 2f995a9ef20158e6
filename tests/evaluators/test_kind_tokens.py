import pytest

from app.evaluators.kinds import kind
from tests.evaluators.cases import execution, row


@pytest.mark.parametrize(("count", "number"), [("output", 3.0), ("prompt", 120.0), ("total", 123.0)])
def test_tokens(count, number):
    bound = kind("tokens").prepare({"count": count})

    assert bound.judge(execution(), row(None)).value == number
    assert bound.judge(execution(None, error="failed"), row(None)).value == number
    assert (bound.traits.unit, bound.traits.wanted) == ("points", "lower")


def test_at_most():
    bound = kind("tokens").prepare({"count": "total", "most": 122})
    found = bound.judge(execution(), row(None))

    assert (found.value, found.rationale) == (False, "123 tokens")
    assert kind("tokens").prepare({"most": 3}).judge(execution(), row(None)).value is True


@pytest.mark.parametrize("missing", ["prompt_tokens", "output_tokens"])
def test_what_was_not_counted_has_no_value_and_no_error(missing):
    found = kind("tokens").prepare({"count": "total"}).judge(execution(**{missing: None}), row())

    assert (found.value, found.error) == (None, None)
    assert found.rationale == "the provider did not count the tokens"
