from hypothesis import given
from hypothesis import strategies as st

from app.files.settings_diff import Setting, diff_settings

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
specs = st.dictionaries(st.text(min_size=1, max_size=4), json_values, max_size=4)


def changed(before, after):
    return [row for row in diff_settings(before, after) if row.change != "same"]


def test_settings_are_rows_in_order():
    before = {"model": "small", "temperature": 0.2, "stop": ["\n"], "seed": 7}
    after = {"model": "small", "temperature": 0, "stop": ["\n"], "max_tokens": 256}

    assert diff_settings(before, after) == [
        Setting("model", "small", "small", "same"),
        Setting("temperature", "0.2", "0", "changed"),
        Setting("stop", '["\\n"]', '["\\n"]', "same"),
        Setting("seed", "7", None, "removed"),
        Setting("max_tokens", None, "256", "added"),
    ]


def test_a_schema_is_compared_member_by_member():
    before = {"response_format": {"json_schema": {"reason": {"type": "string"}}}}
    after = {"response_format": {"json_schema": {"reason": {"type": "string", "maxLength": 200}}}}

    assert changed(before, after) == [
        Setting("response_format.json_schema.reason.maxLength", None, "200", "added")
    ]


def test_tools_are_compared_by_name_and_a_new_one_is_one_row():
    look_up = {"name": "look_up", "description": "Finds a card", "parameters": {"type": "object"}}
    block = {"name": "block", "description": "Blocks it"}
    edited = look_up | {"description": "Finds a card or an account"}

    assert changed({"tools": [look_up]}, {"tools": [block, edited]}) == [
        Setting("tools.look_up.description", "Finds a card", "Finds a card or an account", "changed"),
        Setting("tools.block", None, '{"description": "Blocks it"}', "added"),
    ]


def test_values_of_another_type_are_a_change():
    assert changed({"a": 1, "b": "1", "c": True}, {"a": True, "b": 1, "c": 1}) == [
        Setting("a", "1", "true", "changed"),
        Setting("b", '"1"', "1", "changed"),
        Setting("c", "true", "1", "changed"),
    ]


def test_null_is_absent_and_key_order_does_not_matter():
    assert changed({"a": None, "b": {"x": 1, "y": 2}}, {"b": {"y": 2, "x": 1}}) == []
    assert diff_settings({}, {}) == []


def test_an_object_that_becomes_a_value_is_one_row():
    assert changed({"stop": {"on": "x"}}, {"stop": "x"}) == [Setting("stop", '{"on": "x"}', "x", "changed")]


@given(specs)
def test_a_spec_is_unchanged_beside_itself(spec):
    assert changed(spec, spec) == []


@given(specs, specs)
def test_swapping_the_sides_swaps_added_and_removed(one, other):
    there = {(row.name, row.before, row.after) for row in changed(one, other)}
    back = {(row.name, row.after, row.before) for row in changed(other, one)}

    assert there == back
