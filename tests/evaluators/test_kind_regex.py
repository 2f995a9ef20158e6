import pytest

from app.core.errors import Invalid
from app.evaluators.kinds import kind
from tests.evaluators.cases import value, verdict


@pytest.mark.parametrize(
    ("pattern", "output", "options", "match"),
    [
        (r"\d{4}-\d{2}-\d{2}", "due 2024-05-01.", {}, True),
        (r"\d{4}-\d{2}-\d{2}", "due 2024-05-01.", {"match": "whole"}, False),
        (r"\d{4}-\d{2}-\d{2}", "2024-05-01", {"match": "whole"}, True),
        ("paris", "PARIS", {}, False),
        ("paris", "PARIS", {"ignore_case": True}, True),
        ("élan", "ÉLAN", {"ignore_case": True}, True),
        ("^b$", "a\nb\nc", {}, False),
        ("^b$", "a\nb\nc", {"multi_line": True}, True),
        ("a.b", "a\nb", {}, False),
        ("a.b", "a\nb", {"dot_all": True}, True),
        ("sorry", "I am sorry", {"negate": True}, False),
        ("sorry", "Gladly", {"negate": True}, True),
        ("x|", "anything", {"match": "search"}, True),
        ("^$", "", {}, True),
        ("a.b", "a\x00b", {"match": "whole"}, True),
        (r"\p{Han}", "答案", {}, True),
    ],
)
def test_regex(pattern, output, options, match):
    assert value("regex", output, pattern=pattern, **options) is match


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(a", "missing ): (a"),
        ("a)(b", "unexpected ): a)(b"),
        ("(?=a)b", "invalid perl operator: (?="),
        (r"(a)\1", r"invalid escape sequence: \1"),
        ("a{1001}", "invalid repetition size: {1001}"),
        ("((((a{99}){99}){99}){99})", "invalid repetition size"),
    ],
)
@pytest.mark.parametrize("multi_line", [False, True])
def test_an_expression_that_cannot_be_read_is_refused_in_the_words_of_re2(pattern, said, multi_line):
    with pytest.raises(Invalid) as caught:
        kind("regex").prepare({"pattern": pattern, "multi_line": multi_line})

    assert said in caught.value.message


def test_an_expression_is_needed():
    with pytest.raises(Invalid, match="pattern"):
        kind("regex").prepare({})


def test_what_matched_is_told_in_part():
    assert verdict("regex", "x" * 5_000, pattern="x+").rationale == f"matched “{'x' * 200}…”"
    assert verdict("regex", "y", pattern="x").rationale == "no match"


def test_an_expression_that_other_engines_never_finish_is_quick():
    import time

    started = time.process_time()
    assert value("regex", "a" * 200_000 + "!", pattern=r"^(a+)+$") is False
    assert time.process_time() - started < 1
