import pytest

from app.evaluators.kinds import kind
from tests.evaluators.cases import execution, row, value, verdict


@pytest.mark.parametrize(
    ("output", "target", "options", "match"),
    [
        ("It is PARIS, of course", "Paris", {}, True),
        ("It is PARIS", "Paris", {"ignore_case": False}, False),
        ("a parish", "Paris", {}, True),
        ("a parish", "Paris", {"whole_words": True}, False),
        ("(Paris)", "Paris", {"whole_words": True}, True),
        ("a+b=c", "a+b", {"whole_words": True}, True),
        ("我住在東京都", "東京", {"whole_words": True}, True),
        ("使用Python编程", "python", {"whole_words": True}, True),
        ("Größe", "gr", {"whole_words": True}, False),
        ("приветы", "привет", {"whole_words": True}, False),
        ("one two", ["two", "three"], {}, True),
        ("one two", ["two", "three"], {"want": "all"}, False),
        ("one two three", ["two", "three"], {"want": "all"}, True),
        ("one", ["two", "three"], {"want": "none"}, True),
        ("one two", ["two", "three"], {"want": "none"}, False),
    ],
)
def test_contains_the_target(output, target, options, match):
    assert value("contains", output, target, **options) is match


def test_a_fixed_text_needs_no_target():
    bound = kind("contains").prepare({"text": "not financial advice"})

    assert not bound.traits.needs_target
    assert bound.judge(execution("This is not financial advice."), row(None)).value is True
    assert bound.judge(execution("Buy!"), row(None)).value is False
    assert bound.judge(execution(None, error="x"), row(None)).error == "no output: x"


def test_a_forbidden_word_is_named():
    assert (
        verdict("contains", "a guarantee", None, text="guarantee", want="none").rationale == "found guarantee"
    )


@pytest.mark.parametrize("options", [{}, {"want": "all"}, {"want": "none"}, {"whole_words": True}])
def test_an_empty_target_says_nothing(options):
    """Else a column that nobody filled in would be met by every output."""
    for target in ("", [""], ["", ""]):
        assert value("contains", "anything", target, **options) is None
    assert value("contains", "b", ["", "a"], **options) is (options.get("want") == "none")
