import pytest

from tests.evaluators.cases import value, verdict


@pytest.mark.parametrize(
    ("output", "target", "options", "match"),
    [
        ("Dear Ms Smith, …", "Dear", {}, True),
        ("  dear Ms Smith", "Dear", {}, True),
        ("  dear Ms Smith", "Dear", {"trim": False}, False),
        ("dear", "Dear", {"ignore_case": False}, False),
        ("… Kind regards\n", "kind regards", {"where": "end"}, True),
        ("Kind regards, Anna", "kind regards", {"where": "end"}, False),
        ("b then a", ["a", "b"], {}, True),
        ("c", ["a", "b"], {}, False),
        ("42 km", 42, {}, True),
        ("anything", None, {"texts": ["any", "some"]}, True),
        ("As an AI, I", None, {"texts": ["As an AI"], "want": "none"}, False),
        ("Gladly", None, {"texts": ["As an AI"], "want": "none"}, True),
        ("", "Dear", {}, False),
    ],
)
def test_affix(output, target, options, match):
    assert value("affix", output, target, **options) is match


def test_what_must_not_stand_there_is_named():
    found = verdict("affix", "As an AI, I", texts=["As an AI"], want="none")
    assert found.rationale == "starts with “As an AI”"


def test_a_row_without_target_has_no_value_unless_texts_are_given():
    assert verdict("affix", "x", None).rationale == "no target"
    assert value("affix", "x", None, texts=["x"]) is True


@pytest.mark.parametrize("options", [{}, {"where": "end"}, {"want": "none"}])
def test_an_empty_target_says_nothing(options):
    """Else a column that nobody filled in would be met by every output."""
    for target in ("", [""], ["", ""]):
        assert value("affix", "anything", target, **options) is None
    assert value("affix", "b", ["", "a"], **options) is (options.get("want") == "none")
    assert value("affix", "x", " ") is None
    assert value("affix", "x", None, texts=[""]) is None
