import json
import resource
import time

import pytest

from app.core.errors import Invalid
from app.evaluators.kinds import kind
from tests.evaluators.cases import execution, value, verdict

ORDER = {
    "type": "object",
    "properties": {
        "order": {"type": "string", "pattern": "^[A-Z]-[0-9]+$"},
        "items": {"type": "array", "items": {"$ref": "#/$defs/item"}, "minItems": 1},
        "due": {"type": "string", "format": "date"},
    },
    "required": ["order", "items"],
    "additionalProperties": False,
    "$defs": {
        "item": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "qty": {"type": "integer", "minimum": 1}},
            "required": ["name"],
        }
    },
}
RIGHT = {"order": "A-17", "items": [{"name": "nail", "qty": 3}], "due": "2024-02-29"}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, None),
        ({"order": "17"}, '$.order: this does not match "^[A-Z]-[0-9]+$"'),
        ({"items": []}, "$.items: this has less than 1 item"),
        ({"items": [{"name": "nail"}, {"qty": 1}]}, '$.items[1]: "name" is a required property'),
        ({"items": [{"name": "nail", "qty": 0}]}, "$.items[0].qty: this is less than the minimum of 1"),
        ({"due": "2023-02-29"}, '$.due: this is not a "date"'),
        ({"colour": 1}, "$: Additional properties are not allowed"),
    ],
)
def test_an_output_fits_the_schema_or_is_told_where_it_does_not(changed, said):
    found = verdict("json_schema", json.dumps(RIGHT | changed), json_schema=ORDER)
    assert found.value is (said is None)
    assert (found.rationale or "").startswith(said or "")


def test_the_schema_may_come_as_a_text_as_forms_send_it():
    text = json.dumps(ORDER)
    assert value("json_schema", json.dumps(RIGHT), json_schema=text) is True
    assert kind("json_schema").prepare({"json_schema": text}).options.json_schema == ORDER
    with pytest.raises(Invalid, match="this is a JSON object"):
        kind("json_schema").prepare({"json_schema": "[1"})


def test_what_is_no_json_does_not_fit():
    assert verdict("json_schema", "An order.", json_schema={}).rationale.startswith("not JSON: ")
    fenced = '```json\n{"a": 1}\n```'
    assert value("json_schema", fenced, json_schema={}) is False
    assert value("json_schema", fenced, json_schema={}, in_fence=True) is True


def test_formats_count_unless_they_are_not_to():
    schema = {"format": "email"}
    assert value("json_schema", '"jane"', json_schema=schema) is False
    assert value("json_schema", '"jane"', json_schema=schema, formats=False) is True


def test_several_problems_are_told_and_the_others_counted():
    found = verdict(
        "json_schema", json.dumps([1, 2, "x", 4, 5, 6, 7, 8]), json_schema={"items": {"type": "string"}}
    )
    assert found.rationale.startswith('$[0]: this is not of type "string"; $[1]: ')
    assert found.rationale.endswith('$[5]: this is not of type "string"; and 2 more')


def test_names_that_are_no_words_are_quoted_in_a_place():
    schema = {"additionalProperties": {"type": "string"}}
    assert verdict("json_schema", '{"a b": 1}', json_schema=schema).rationale.startswith("$['a b']: ")


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "objekt"}, "at $.type of the schema: this is not valid"),
        ({"properties": {"a": {"minimum": "x"}}}, "at $.properties.a.minimum of the schema: "),
        ({"properties": {"a": {"pattern": "(?=a)b"}}}, "at $.properties.a.pattern of the schema: "),
        ({"patternProperties": {"(a)\\1": {}}}, "of the schema: "),
        ({"pattern": "a{1000}{1000}"}, "at $.pattern of the schema: "),
        ({"$ref": "https://example.com/schema"}, "“https://example.com/schema” is not fetched"),
        ({"items": {"$ref": "file:///etc/passwd"}}, "“file:///etc/passwd” is not fetched"),
        ({"$ref": "#/$defs/gone"}, "there is nothing at “#/$defs/gone”"),
        ({"items": {"$dynamicRef": "#a"}}, "$dynamicRef is not known here"),
        ({"items": {"$id": "https://example.com/a", "$ref": "b"}}, "only the whole schema may have an $id"),
        (
            {"$ref": "#/x/y", "x": {"$id": "https://a/", "y": {"$ref": "#/z"}}, "z": {}},
            "only the whole schema may have an $id",
        ),
        (
            {"examples": [{"$schema": "http://json-schema.org/draft-07/schema#"}]},
            "only the whole schema may have an $schema",
        ),
        ({"dependencies": {"a": {"$ref": "file:///etc/passwd"}}}, "“file:///etc/passwd” is not fetched"),
        ({"enum": [*range(5_000)]}, "it is too large: at most 5,000 parts"),
        (
            {"dependentRequired": {"a": [str(one) for one in range(5_000)]}},
            "it is too large: at most 5,000 parts",
        ),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "it is read as draft 2020-12"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_with_its_place(schema, said):
    with pytest.raises(Invalid) as caught:
        kind("json_schema").prepare({"json_schema": schema})
    assert said in caught.value.message


def test_a_schema_that_doubles_with_each_definition_is_refused():
    names = {
        f"d{number}": {"anyOf": [{"$ref": f"#/$defs/d{number + 1}"}, {"$ref": f"#/$defs/d{number + 1}"}]}
        for number in range(40)
    }
    schema = {"$ref": "#/$defs/d0", "$defs": {**names, "d40": {"type": "string"}}}
    with pytest.raises(Invalid, match="it is too large: at most 5,000 parts"):
        kind("json_schema").prepare({"json_schema": schema})


TREE = {
    "oneOf": [
        {"type": "integer"},
        {"properties": {"args": {"items": {"$ref": "#"}}, "op": {"const": "and"}}, "type": "object"},
        {"properties": {"args": {"items": {"$ref": "#"}}, "op": {"const": "or"}}, "type": "object"},
    ]
}


def _tree(leaf, depth):
    for _ in range(depth):
        leaf = {"op": "or", "args": [leaf]}
    return json.dumps(leaf)


@pytest.mark.parametrize("depth", [1, 3, 49])
def test_a_schema_may_refer_to_itself_and_stays_fast(depth):
    started = time.process_time()
    assert value("json_schema", _tree(1, depth), json_schema=TREE) is True
    wrong = verdict("json_schema", _tree("x", depth), json_schema=TREE)
    assert time.process_time() - started < 2
    assert wrong.value is False
    assert wrong.rationale.startswith("it does not fit" if depth > 1 else "$: this is not valid")


def test_patterns_take_a_time_that_is_linear_in_the_output():
    started = time.process_time()
    assert value("json_schema", json.dumps("a" * 500_000 + "b"), json_schema={"pattern": "^(a+)+$"}) is False
    assert time.process_time() - started < 2


def test_many_problems_of_a_large_output_take_a_moment():
    output = json.dumps([1] * 300_000)
    started = time.process_time()
    found = verdict("json_schema", output, json_schema={"items": {"type": "string"}})
    assert time.process_time() - started < 2
    assert found.rationale == '$[0]: this is not of type "string" (the first problem)'


def test_large_schemas_do_not_hold_up_other_rows():
    bound = kind("json_schema").prepare({"json_schema": ORDER})
    assert not bound.takes_long(execution("{}"))
    large = kind("json_schema").prepare({"json_schema": {"enum": [*range(1_000)]}})
    assert large.takes_long(execution("x" * 2_000)), "where judging would not do it beside anyway"


@pytest.mark.parametrize(
    ("schema", "item", "count"),
    [
        ({"items": {"not": {"enum": [{"a": one} for one in range(1_000)]}}}, {"a": -1}, 1_700),
        ({"items": {"not": {"anyOf": [{"const": {"a": one}} for one in range(1_000)]}}}, {"a": -1}, 1_700),
        ({"items": {"not": {"pattern": "[ab]*a[ab]{400}c"}}}, "ab" * 500, 150),
        ({"items": {"not": {"pattern": "(\\w{1,100}){1,20}x"}}}, "a" * 990, 6),
    ],
)  # fmt: skip
def test_what_is_checked_is_checked_in_a_moment_and_more_is_not(schema, item, count):
    started = time.process_time()
    assert value("json_schema", json.dumps([item] * count), json_schema=schema) is True
    assert time.process_time() - started < 4

    started = time.process_time()
    more = verdict("json_schema", json.dumps([item] * count * 20), json_schema=schema)
    assert time.process_time() - started < 0.5
    assert more.value is None
    assert more.error.startswith("The output is too long for this schema: ")


def test_there_is_an_end_to_patterns():
    many = {f"k{number}": {"pattern": f"^a{number}"} for number in range(100)}
    assert value("json_schema", '{"k7": "a7"}', json_schema={"properties": many}) is True
    for more in ({"patternProperties": {"^x": {}}}, {"allOf": [{"pattern": "x"}]}):
        with pytest.raises(Invalid, match="too many patterns: at most 100"):
            kind("json_schema").prepare({"json_schema": {"properties": many, **more}})
    with pytest.raises(Invalid, match=r"at \$\.pattern of the schema"):
        kind("json_schema").prepare({"json_schema": {"pattern": "\\p{Letter}{1,200}"}})


def test_problems_do_not_fill_the_memory():
    """A part of the schema may have a problem with each part of the output, and alternatives hold all of theirs."""
    parts = [{"items": {"type": "string", "minLength": one}} for one in range(400)]
    output = json.dumps([1] * 400)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    said = {
        name: verdict("json_schema", output, json_schema={name: parts}).rationale
        for name in ("allOf", "anyOf", "oneOf")
    }
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    assert time.process_time() - started < 2
    assert grown < 50 << 10, "KiB"
    assert said["allOf"] == '$[0]: this is not of type "string" (the first problem)'
    assert said["anyOf"].startswith("it does not fit the schema, which has too many alternatives")
    assert said["anyOf"] == said["oneOf"]
    few = verdict("json_schema", "[1]", json_schema={"anyOf": parts[:2]}).rationale
    assert few.startswith("$: this is not valid under any of the schemas")
