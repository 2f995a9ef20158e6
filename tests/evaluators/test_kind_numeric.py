import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Invalid
from app.evaluators.kinds import kind
from tests.evaluators.cases import value, verdict


@pytest.mark.parametrize(
    ("output", "target", "options", "match"),
    [
        ("540", 540, {}, True),
        ("He runs 3*3=9 sprints, so 540 meters.", "540", {}, True),
        ("540 meters, after 9 sprints", 540, {}, False),
        ("540 meters, after 9 sprints", 540, {"find": "first"}, True),
        ("#### 540", 540, {"find": "whole"}, False),
        (" 540 ", 540, {"find": "whole"}, True),
        ("It costs 1'234.50 francs", 1234.5, {}, True),
        ("1\u202f234\u202f567 people", 1234567, {}, True),
        ("page 3 100", 100, {}, True),
        ("$1,234,567.50", 1234567.5, {}, True),
        ("about 1.234,5 kg", "1.234,5", {"decimal_comma": True}, True),
        ("-12", -12, {}, True),
        ("−12", -12, {}, True),
        ("答案是-5", -5, {}, True),
        ("Größe-5", 5, {}, True),
        ("10-12", 12, {}, True),
        ("1.5e3", 1500, {}, True),
        (".5", 0.5, {}, True),
        ("50%", 50, {}, True),
        ("0.1 + 0.2 = 0.30000000000000004", 0.3, {}, True),
        ("9.9", 10, {}, False),
        ("9.9", 10, {"absolute": 0.1}, True),
        ("9.9", 10, {"relative": 0.01}, True),
        ("9.8", 10, {"relative": 0.01}, False),
        ("0.05", 0, {"relative": 0.5}, False),
        ("4", [3, 4], {}, True),
        ("many", 10, {}, False),
        ("1" * 400, 10, {}, False),
    ],
)
def test_numeric(output, target, options, match):
    assert value("numeric", output, target, **options) is match


def test_numeric_says_what_it_found():
    assert verdict("numeric", "It is 9.5", [10, 20]).rationale == "found 9.5, wanted 10"
    assert verdict("numeric", "many", 10).rationale == "no number in the output"


@pytest.mark.parametrize("target", ["unknown", True, {"output": {"a": 1}}])
def test_a_target_that_is_no_number_is_an_error(target):
    found = verdict("numeric", "10", target)

    assert found.value is None
    assert found.error.startswith("The target is no number")


@pytest.mark.parametrize("options", [{"absolute": -1}, {"relative": float("nan")}, {"find": "middle"}])
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(Invalid):
        kind("numeric").prepare(options)


@given(st.floats(-1e15, 1e15), st.sampled_from(["{!r}", "{:,.3f}", "{:.6e}"]))
def test_a_number_is_found_as_it_was_written(number, form):
    written = form.format(number)

    assert value("numeric", f"The answer is {written}.", float(written.replace(",", ""))) is True


def test_hostile_outputs_take_linear_time():
    started = time.process_time()
    for output in ("1," * 200_000, "1" * 400_000, "-" * 400_000, "1.1" * 150_000, "111,111" * 60_000):
        verdict("numeric", output, 1)
    assert time.process_time() - started < 3


def test_a_target_that_no_float_holds_is_told():
    found = verdict("numeric", "5", {"output": 10**400})
    assert found.error is not None
    assert found.error.startswith("The target is no number: ")
    assert verdict("numeric", "5", {"output": float("nan")}).error is not None
