"""What holds for every kind."""

import hashlib
import math
import string
import subprocess
import sys
import time
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Invalid, NotFound
from app.evaluators.binding import make_spec, read_spec
from app.evaluators.kinds import all_kinds, kind, kinds_by_purpose, language
from app.evaluators.kinds.answering import AnswerOptions
from app.evaluators.kinds.comparing import TargetKind, TargetUnclear, accepted_values, text_of
from app.evaluators.kinds.contract import Kind, KindOptions, Traits, Verdict, storable
from app.evaluators.kinds.cost import Cost
from app.evaluators.kinds.webhook import Webhook, WebhookOptions
from tests.evaluators.cases import execution, row
from tests.factories import sqlite_file

SQLITE = sqlite_file("create table t (a)")
NEEDED = {
    "json_field": {"path": "intent"},
    "llm_judge": {"model": "practice"},
    "pairwise_judge": {"model": "practice"},
    "prompt_judge": {"prompt": {"model": "practice", "template": "Is it polite? {{log.output}}"}},
    "answer_relevancy": {"model": "practice", "embedding_model": "practice-embed-small"},
    "faithfulness": {"model": "practice", "passages": "testcase.inputs"},
    "context_precision": {"model": "practice", "passages": "testcase.inputs"},
    "context_recall": {"model": "practice", "passages": "testcase.inputs"},
    "ragas": {"model": "practice", "passages": "testcase.inputs"},
    "code": {"code": "def f(log): return log['output'] is not None"},
    "embedding_similarity": {"model": "practice-embed-small"},
    "json_schema": {"json_schema": {"type": "object", "properties": {"a": {"type": "integer"}}}},
    "regex": {"pattern": "a|b"},
    "composite": {
        "parts": [
            {
                "path": "Right",
                "spec": {"evaluator_type": "builtin", "kind": "exact", "settings": {}},
            }
        ]
    },
    "webhook": {"url": "https://example.com/judge"},
    "sql_match": {"database": hashlib.sha256(SQLITE).hexdigest()},
}
SCORED_WITHOUT_OUTPUT = ("latency", "cost", "tokens", "finish_reason", "code")
SAYS_NONE = ("tool_calls", "retrieval", "sql_match")
"""Kinds to which an empty list as the target says something: that there is nothing to call, or to find."""
TAKES_WHOLE_TARGETS = ("slots",)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def prepared(one, **options):
    bound = one.prepare({**NEEDED.get(one.name, {}), **options})
    return bound.given(dict.fromkeys(bound.traits.files, SQLITE))


every_kind = pytest.mark.parametrize("one", all_kinds(), ids=lambda one: one.name)
ASKS_OTHERS = ("webhook", "composite")
"""Kinds whose verdict is that of a service, or of other evaluators."""
every_kind_here = pytest.mark.parametrize(
    "one",
    [one for one in all_kinds() if one.judged_by == "server" and one.name not in ASKS_OTHERS],
    ids=lambda one: one.name,
)


@every_kind
def test_a_kind_says_what_it_is(one):
    assert kind(one.name) is one
    assert set(one.name) <= set(string.ascii_lowercase + string.digits + "_")
    assert one.title
    assert one.help.split("\n")[0].endswith("?") or one.name == "llm_judge"
    for field in one.Options.model_fields.values():
        assert field.description
        optional = type(None) in get_args(field.annotation)
        assert not optional or field.default is None  # else a spec could not hold it


def test_names_and_titles_are_unique():
    assert (
        len({one.name for one in all_kinds()}) == len({one.title for one in all_kinds()}) == len(all_kinds())
    )


def test_an_unknown_kind_is_not_found():
    with pytest.raises(NotFound, match="no evaluator kind “sentiment”: there are exact, "):
        kind("sentiment")


@every_kind
def test_an_option_that_does_not_exist_is_refused_by_name(one):
    with pytest.raises(Invalid) as caught:
        prepared(one, colour="blue")

    assert "colour" in caught.value.fields
    assert caught.value.message.startswith(one.title)


@every_kind_here
def test_an_execution_without_output_is_an_error_but_has_time_and_cost(one):
    bound = prepared(one)
    failed = bound.judge(execution(None, error="timed out after 30 s\x00"), row())
    silent = bound.judge(execution(None), row())

    if one.name in SCORED_WITHOUT_OUTPUT:
        assert failed.value is not None
        assert failed.error is None
        return
    assert failed == Verdict(None, error="no output: timed out after 30 s\ufffd")
    assert silent == Verdict(None, error="no output: the model answered without a text")
    assert bound.calls(execution(None), row()) == ()


@every_kind_here
@pytest.mark.parametrize("target", [None, {}, {"output": None}, {"output": []}])
def test_a_row_without_target_has_no_value_and_no_error(one, target):
    bound = prepared(one)
    found = bound.judge(execution("Paris"), row(target))

    if one.name in SAYS_NONE and target == {"output": []}:
        assert found.rationale != "no target"
    elif bound.traits.needs_target:
        assert found == Verdict(None, rationale="no target")
        assert bound.calls(execution("Paris"), row(target)) == ()
    elif bound.asks:
        assert found.rationale != "no target"
    else:
        assert found.value is not None


@every_kind
def test_a_target_of_several_fields_asks_which(one):
    if not isinstance(one, TargetKind) or one.name in TAKES_WHOLE_TARGETS:
        return
    target = {"capital": "Paris", "river": "Seine"}

    assert (
        prepared(one)
        .judge(execution("Paris"), row(target))
        .error.startswith("The target has several fields (capital, river): choose which")
    )
    assert prepared(one, target_field="river").judge(execution("1"), row(target)).rationale != "no target"
    assert prepared(one, target_field="gone").judge(execution("1"), row(target)).rationale == "no target"


@every_kind
@given(
    output=st.text(max_size=40),
    target=st.none() | st.dictionaries(st.text(max_size=4), json_values, max_size=2),
)
def test_a_kind_never_raises_and_answers_in_its_type(one, output, target):
    bound = prepared(one)
    answers = [output] if bound.asks else []
    found = bound.judge(execution(output), row(target), answers)

    if found.value is None:
        assert found.error or found.rationale
    else:
        assert found.error is None
        types = {"boolean": bool, "number": float, "select": str}
        assert type(found.value) is types[bound.traits.return_type]
    for text in (found.error, found.rationale):
        assert "\x00" not in (text or "")
        (text or "").encode()


HOSTILE = {
    "one word": "a" * 1_000_000,
    "many words": "to be or not " * 80_000,
    "blank lines": "\n" * 1_000_000,
    "digits": "4111 1111 1111 1111 " * 50_000,
    "addresses": "a@b.example " * 80_000,
    "deep JSON": "[" * 900 + "]" * 900,
    "wide JSON": '{"a": [' + "1," * 400_000 + "2]}",
    "NUL": "\x00" * 100_000,
    "half a surrogate pair": "\ud800 Paris",
}


@every_kind
@pytest.mark.parametrize("output", HOSTILE.values(), ids=list(HOSTILE))
def test_a_hostile_output_keeps_no_kind_busy(one, output):
    """It is judged where it is run: a second here is a second in which no other row goes on."""
    bound = prepared(one)
    bound.judge(execution("Paris"), row("Paris"))  # what is loaded once does not count
    targets = ["Paris", "x " * 2_000, [{"Paris": {"a": ["b"]}}], {"a": {"b": 1}}]
    for target in targets:
        started = time.process_time()
        found = bound.judge(execution(output), row(target), [output] if bound.asks else [])
        assert time.process_time() - started < 2, target
        for text in (found.error, found.rationale):
            assert len(text or "") <= 10_100
            assert "\x00" not in (text or "")
            (text or "").encode()


@every_kind
def test_a_long_target_keeps_no_kind_busy(one):
    bound = prepared(one)
    bound.judge(execution("Paris"), row("Paris"))
    started = time.process_time()
    bound.judge(execution("to be or not " * 150), row({"output": "not to be " * 400_000}), ["x"])
    assert time.process_time() - started < 2


class Broken(Kind[KindOptions]):
    """Does it give nonsense?"""

    name, title, returns, Options = "broken", "Broken", Traits("number"), KindOptions

    def judge(self, options, execution, row, answers=()):
        return Verdict(execution.latency_ms)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_becomes_an_error(number):
    found = Broken().prepare({}).judge(execution(latency_ms=number), row())

    assert found.value is None
    assert found.error.startswith("The score is not a finite number")
    assert Cost().prepare({}).judge(execution(cost_usd=math.nan), row()).error


def test_accepted_values_of_a_target():
    assert accepted_values({"intent": "a"}, None) == ["a"]
    assert accepted_values({"answer": "a", "note": 1}, None) == ["a"]
    assert accepted_values({"value": 1, "output": 2}, None) == [2]
    assert accepted_values({"a": ["x", None, "y"], "b": 1}, "a") == ["x", "y"]
    assert accepted_values({"a": 0}, None) == [0]
    with pytest.raises(TargetUnclear):
        accepted_values({"a": 1, "b": 2}, None)


def test_a_target_that_is_no_text_is_compared_as_json():
    assert [text_of(one) for one in ("x", 1, 1.5, True, {"b": 1, "a": [None]})] == [
        "x",
        "1",
        "1.5",
        "true",
        '{"a":[null],"b":1}',
    ]


def test_text_from_outside_can_be_stored():
    assert storable("a\x00b\ud800c") == "a\ufffdb?c"
    assert storable("x" * 20_000) == "x" * 10_000 + "…"


def test_nothing_heavy_is_loaded_with_the_application():
    """The pages must be there at once; what a kind needs is loaded with its first row."""
    heavy = ["re2", "rapidfuzz", "sacrebleu", "lxml", "py3langid", "jsonschema_rs"]
    code = f"import sys, app.main; print([one for one in {heavy} if one in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


@every_kind
def test_what_is_slow_to_load_can_be_loaded_before_the_first_row(one):
    prepared(one).load()
    if one.name == "language":
        assert language._identifier.cache_info().currsize == 1


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("PII", ["personal_data"]),
        (
            "rag",
            ["retrieval", "faithfulness", "answer_relevancy", "context_precision", "context_recall", "ragas"],
        ),
        ("hallucination", ["abstention", "llm_judge", "faithfulness", "ragas"]),
        ("function calling", ["tool_calls"]),
        ("f1 squad", ["token_f1"]),
        ("structured output", ["json_field", "json_valid", "json_schema"]),
        ("average zebra", []),
    ],
)
def test_kinds_are_found_by_the_words_of_the_field(text, names):
    """At the beginning of a word: “RAG” is no part of “average”."""
    assert [one.name for kinds in kinds_by_purpose(text).values() for one in kinds] == names


def test_every_kind_has_a_purpose():
    assert [one for kinds in kinds_by_purpose().values() for one in kinds] == all_kinds()
    assert all(kinds_by_purpose().values())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("exact", {}),
        ("contains", {}),
        ("contains", {"whole_words": True}),
        ("affix", {}),
        ("affix", {"where": "end"}),
        ("class_match", {}),
        ("class_match", {"labels": ["Caf\u00e9", "Bar"], "find": "inside"}),
        ("edit_distance", {}),
    ],
)
def test_a_letter_is_the_same_in_one_sign_or_two(name, options):
    """What macOS writes and what models write differ so, and look alike."""
    one, two = "Caf\u00e9", "Cafe\u0301"
    for output, target in ((one, two), (two, one)):
        found = kind(name).prepare(options).judge(execution(output), row(target))
        assert found.value == 1, found
        if name == "class_match":
            assert found.detail["target"] == found.detail["predicted"]


def test_options_that_came_later_leave_versions_as_they_were():
    judge = {"model": "m", "verdict": "select", "choices": ["a", "b"]}
    for name, settings, later in (
        ("rouge", {}, {"stem": False}),
        ("llm_judge", judge, {"good": [], "bad": []}),
    ):
        spec = make_spec(name, settings | later)
        assert later.keys().isdisjoint(spec["settings"])
        assert "options" not in spec
        assert spec == make_spec(name, settings)
        assert kind(name).prepare(read_spec(spec)[1]) == kind(name).prepare(settings | later)
    assert make_spec("rouge", {"stem": True})["settings"]["stem"] is True
    called = make_spec("llm_judge", judge | {"bad": ["b"]})
    assert ("good" in called["settings"], called["settings"]["bad"]) == (False, ["b"])
    assert called["options"] == [{"name": "a", "valence": "neutral"}, {"name": "b", "valence": "negative"}]


def test_choices_that_nobody_lists_are_bounded_and_listed_ones_are_not() -> None:
    """Statistics count each of them."""
    long = "x" * 1_001
    one, several = (AnswerOptions(answers=kind) for kind in ("select", "multi_select"))
    assert one.refusal("It is", long[1:]) is None
    assert "over 1,000 characters" in str(one.refusal("It is", long))
    assert "101 choices, of 100" in str(several.refusal("It is", [f"c{n}" for n in range(101)]))
    assert several.refusal("It is", [f"c{n}" for n in range(100)]) is None
    assert AnswerOptions(answers="select", choices=(long, "b")).refusal("It is", long) is None
    assert "none of the choices" in str(
        AnswerOptions(answers="select", choices=(long,)).refusal("It is", "b")
    )


@pytest.mark.parametrize(
    ("choices", "said"), [(("a", "b", "a"), "“a” is there twice"), (("a", " "), "is empty")]
)
def test_choices_of_a_service_have_to_be_told_apart_too(choices: tuple[str, ...], said: str) -> None:
    options = WebhookOptions(url="http://127.0.0.1:9/judge", answers="select", choices=choices)
    with pytest.raises(Invalid, match=said):
        Webhook().refuse(options)


def test_a_refusal_quotes_no_wall_of_text():
    with pytest.raises(Invalid) as caught:
        kind("retrieval").prepare({"retrieved": "log." + "x" * 200_000 + " ["})
    assert len(caught.value.message) < 1_200
    with pytest.raises(Invalid) as caught:
        kind("llm_judge").prepare(
            {"model": "m", "examples": ["a"] * 5_000, **{f"more {n}": 1 for n in range(500)}}
        )
    assert 0 < len(caught.value.fields) <= 20
