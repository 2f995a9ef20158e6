import pytest

from app.evaluators.kinds import kind
from tests.evaluators.cases import execution, row


@pytest.mark.parametrize("output", ["Paris", None])
def test_latency_is_seconds_and_lower_is_better(output):
    bound = kind("latency").prepare({})

    assert bound.judge(execution(output, error=None if output else "failed"), row(None)).value == 0.84
    assert (bound.traits.unit, bound.traits.wanted) == ("s", "lower")


def test_cost_is_dollars_and_lower_is_better():
    bound = kind("cost").prepare({})

    assert bound.judge(execution(), row(None)).value == 0.0004
    assert bound.judge(execution(cost_usd=0), row(None)).value == 0.0
    assert (bound.traits.unit, bound.traits.wanted) == ("usd", "lower")


@pytest.mark.parametrize(
    ("name", "missing", "why"),
    [
        ("latency", "latency_ms", "no latency was measured"),
        ("cost", "cost_usd", "no price is known for the model"),
    ],
)
def test_what_was_not_measured_has_no_value_and_no_error(name, missing, why):
    found = kind(name).prepare({}).judge(execution(**{missing: None}), row())

    assert (found.value, found.error, found.rationale) == (None, None, why)
