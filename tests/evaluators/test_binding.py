import pytest

from app.core.errors import Invalid, NotFound
from app.core.ids import canonical_json
from app.evaluators.binding import bind, make_spec, read_spec, shown_spec, stored_spec
from app.evaluators.kinds.llm_judge import DEFAULT_RUBRIC
from tests.evaluators.cases import execution, row


def test_a_spec_says_kind_settings_and_what_the_api_shows():
    spec = make_spec("exact", {"ignore_case": True})

    assert spec == {
        "evaluator_type": "builtin",
        "kind": "exact",
        "settings": {"ignore_case": True, "trim": True},
        "arguments_type": "target_required",
        "return_type": "boolean",
    }
    assert bind(spec).judge(execution("PARIS"), row()).value is True


def test_the_same_settings_make_the_same_content():
    spelled_out = make_spec("contains", {"text": None, "want": "any", "whole_words": False})

    assert canonical_json(spelled_out) == canonical_json(make_spec("contains", {}))
    assert make_spec("contains", {"text": "x"})["arguments_type"] == "target_free"
    assert make_spec("llm_judge", {"model": "m", "verdict": "number"})["return_type"] == "number"


def test_a_default_that_changes_later_does_not_change_a_spec():
    assert make_spec("llm_judge", {"model": "m"})["settings"]["rubric"] == DEFAULT_RUBRIC


def test_every_setting_survives():
    settings = {
        "labels": ["a", "b"],
        "find": "inside",
        "path": "x",
        "ignore_case": False,
        "target_field": "t",
    }
    bound = bind(make_spec("class_match", settings))

    assert bound.options.model_dump(mode="json") == settings
    assert bind(canonical := make_spec("class_match", settings)) == bound
    assert canonical["settings"] == settings


def test_what_cannot_be_bound_says_why():
    with pytest.raises(NotFound, match="no evaluator kind"):
        bind({"evaluator_type": "builtin", "kind": "sentiment"})
    with pytest.raises(Invalid, match="Numeric match: absolute"):
        bind({"evaluator_type": "builtin", "kind": "numeric", "settings": {"absolute": -1}})
    for spec in ({}, {"evaluator_type": "oracle"}, {"evaluator_type": "builtin"}):
        with pytest.raises(Invalid, match="There is no evaluator type"):
            bind(spec)


def test_a_built_in_evaluator_is_shown_by_a_type_that_clients_know():
    spec = make_spec("exact", {})
    shown = shown_spec(spec)

    assert shown == spec | {"evaluator_type": "external"}
    assert (stored_spec(shown), read_spec(shown)) == (spec, read_spec(spec))
    assert stored_spec(spec) == spec


def test_a_program_elsewhere_is_no_built_in_evaluator_whatever_else_its_spec_says():
    program = {"evaluator_type": "external", "kind": "exact", "return_type": "boolean"}

    assert read_spec(program)[0] == "external"
    assert shown_spec({"evaluator_type": "python", "code": ""}) == {"evaluator_type": "python", "code": ""}
