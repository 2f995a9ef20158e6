"""Which orders of members tell contents apart."""

import json

from hypothesis import given
from hypothesis import strategies as st

from app.core.property_order import common_order, is_same_content, property_order

SCHEMA = {"type": "object", "properties": {"why": {"type": "string"}, "ok": {"type": "boolean"}}}
TURNED = {"properties": {"ok": {"type": "boolean"}, "why": {"type": "string"}}, "type": "object"}


def test_the_order_of_properties_tells_apart_and_no_other() -> None:
    assert SCHEMA == TURNED
    assert not is_same_content(SCHEMA, TURNED)
    turned_about = dict(reversed(SCHEMA.items()))
    assert is_same_content(SCHEMA, turned_about)
    assert is_same_content({"a": SCHEMA, "b": 1}, {"b": 1, "a": turned_about})


def test_it_is_found_wherever_a_schema_stands() -> None:
    for around in (
        lambda schema: {"tools": [{"name": "t", "parameters": schema}]},
        lambda schema: {"anyOf": [{"type": "null"}, schema]},
        lambda schema: {"properties": {"properties": schema, "x": {}}},
        lambda schema: {"$defs": {"one": schema}},
    ):
        assert property_order(around(SCHEMA)) != property_order(around(TURNED))
        assert property_order(around(SCHEMA)) == property_order(json.loads(json.dumps(around(SCHEMA))))


def test_one_property_or_none_has_no_order() -> None:
    for content in ({}, {"properties": {"a": 1}}, {"properties": ["a", "b"]}, {"b": 1, "a": 2}, None, "x"):
        assert property_order(content) == b""


@given(st.permutations(["a", "b", "c", "properties"]), st.permutations(["a", "b", "c", "properties"]))
def test_two_orders_are_told_apart_exactly_where_they_differ(one: list[str], other: list[str]) -> None:
    contents = [{"x": [{"properties": {name: {} for name in names}}]} for names in (one, other)]
    assert is_same_content(*contents) == (one == other)


def test_the_order_that_two_have_in_common() -> None:
    assert common_order({"a": 1, "b": 1, "c": 1}, {"c": 1, "d": 1, "a": 1}) == (["a", "c"], ["c", "a"])
