import pytest

from app.core.errors import Invalid
from app.evaluators.kinds import kind
from tests.evaluators.cases import value, verdict


@pytest.mark.parametrize(
    ("output", "options", "match"),
    [
        ('{"a": 1}', {}, True),
        (' {"a": 1}\n', {}, True),
        ('{"a": 1', {}, False),
        ("", {}, False),
        ("{'a': 1}", {}, False),
        ('{"a": NaN}', {}, False),
        ("[1]", {}, False),
        ("[1]", {"must_be_object": False}, True),
        ('```json\n{"a": 1}\n```', {}, False),
        ('```json\n{"a": 1}\n```', {"in_fence": True}, True),
        ('Here:\n```json\n{"a": 1}\n```', {"in_fence": True}, False),
        ('{"a": {"b": [{"c": null}]}}', {"required": ["a.b[0].c"]}, True),
        ('{"a": {"b": [{"c": null}]}}', {"required": ["a.b[1].c", "a"]}, False),
        ("[" * 100_000, {}, False),
    ],
)
def test_json_valid(output, options, match):
    assert value("json_valid", output, None, **options) is match


def test_json_valid_says_what_is_wrong():
    assert "line 1 column 8" in verdict("json_valid", '{"a": 1', None).rationale
    assert verdict("json_valid", "[]", None).rationale == "JSON, but no object"
    assert verdict("json_valid", "{}", None, required=["a", "b"]).rationale == "missing: a, b"


@pytest.mark.parametrize(
    ("output", "target", "options", "match"),
    [
        ('{"intent": " card "}', "card", {}, True),
        ('{"intent": "Card"}', "card", {}, False),
        ('{"intent": "Card"}', "card", {"ignore_case": True}, True),
        ('{"intent": "b"}', ["a", "b"], {}, True),
        ('{"intent": ["a", "b"]}', ["a", "b"], {}, True),
        ('{"intent": ["b", "a"]}', ["a", "b"], {}, False),
        ('{"intent": 1.0}', 1, {}, True),
        ('{"intent": true}', 1, {}, False),
        ('{"intent": "1"}', 1, {}, False),
        ('{"intent": 2}', "2", {}, True),
        ('{"intent": 2.0}', " 2 ", {}, True),
        ('{"intent": 2}', "3", {}, False),
        ('{"intent": true}', "TRUE", {}, True),
        ('{"intent": true}', "1", {}, False),
        ('{"intent": 1}', "true", {}, False),
        ('{"intent": null}', "null", {}, True),
        ('{"intent": 0}', "null", {}, False),
        ('{"intent": 2}', "two", {}, False),
        ('{"intent": 2}', "[" * 100_000, {}, False),
        ('{"intent": {"x": 1}}', {"output": {"x": "1"}}, {}, False),
        (
            '{"intent": {"x": [1, {"y": "Z"}]}}',
            {"output": {"x": [1, {"y": "z"}]}},
            {"ignore_case": True},
            True,
        ),
        ('{"intent": {"x": 1, "y": 2}}', {"output": {"x": 1}}, {}, False),
        ('{"a": {"b": [0, 7]}}', 7, {"path": "a.b[1]"}, True),
        ('{"other": 1}', 1, {}, False),
        ("card", "card", {}, False),
        ('```\n{"intent": "card"}\n```', "card", {"in_fence": True}, True),
    ],
)
def test_json_field(output, target, options, match):
    assert value("json_field", output, target, **{"path": "intent", **options}) is match


def test_json_field_finds_its_own_field_in_the_target():
    target = {"intent": "card", "city": "Rome"}

    assert value("json_field", '{"intent": "card"}', target, path="intent") is True
    assert value("json_field", '{"intent": "Rome"}', target, path="intent") is False
    assert value("json_field", '{"intent": "Rome"}', target, path="intent", target_field="city") is True


def test_json_field_says_what_it_found():
    assert (
        verdict("json_field", '{"intent": {"a": 1}}', "x", path="intent").rationale
        == 'intent is {"a": 1}, wanted "x"'
    )
    assert verdict("json_field", "{}", "x", path="intent").rationale == "no field intent"
    assert verdict("json_field", "no", "x", path="intent").rationale.startswith("not JSON")


def test_json_field_needs_a_path():
    with pytest.raises(Invalid) as caught:
        kind("json_field").prepare({})
    assert caught.value.fields == {"path": "Field required"}


@pytest.mark.parametrize(
    ("name", "target", "options"),
    [
        ("json_field", "x", {"path": "a"}),
        ("json_valid", "x", {}),
        ("class_match", "x", {"path": "a"}),
        ("tool_calls", [{"f": {}}], {"read": "output"}),
        ("retrieval", "x", {"retrieved": "log.output.a"}),
        ("slots", {"a": "x"}, {}),
    ],
)
def test_json_that_is_nested_too_deeply_is_wrong_and_breaks_nothing(name, target, options):
    """Else a row whose output is nonsense would be left out, as one where we failed."""
    for levels in (101, 900):
        output = f'{{"a": {"[" * levels}{"]" * levels}}}'
        found = verdict(name, output, {"output": target}, **options)
        assert (found.value, found.error) in ((False, None), (0.0, None)), found
        assert found.rationale == "JSON that is nested deeper than 100 levels"
    assert value("json_valid", f'{{"a": {"[" * 99}{"]" * 99}}}') is True
