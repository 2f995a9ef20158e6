import pytest

from app.core.errors import Invalid
from app.evaluators.kinds import kind
from tests.evaluators.cases import execution, row, value, verdict


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


def test_an_expression_that_is_large_is_looked_for_beside_and_not_for_ever():
    """RE2 is linear in the text, but in the expression as well: this one has 40,000 steps for each character."""
    large, plain = "(?:[ab]{0,1000}c?)" * 20, r"\d{4}-\d{2}"

    for name, options in (("regex", {}), ("abstention", {"phrases": []})):
        evaluator = kind(name).prepare({"pattern": large, **options})
        assert evaluator.takes_long(execution("ab" * 100))
        assert not kind(name).prepare({"pattern": plain, **options}).takes_long(execution("ab" * 2_500))
        found = evaluator.judge(execution("ab" * 50_000), row())
        assert found.error.startswith("too long for this expression: 100,000 bytes, at most 2")
    assert value("regex", "ab" * 2_500_000 + "2024-05", pattern=plain) is True
