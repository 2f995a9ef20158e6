"""Several evaluators as one: what counts, what is left out, and what rows bring along."""

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Invalid
from app.datasets.csv_rows import read_csv
from app.evaluators.binding import bind, make_spec
from app.evaluators.kinds.contract import BoundEvaluator, ModelRef
from tests.evaluators.cases import execution, row

EXACT = make_spec("exact", {})
CONTAINS = make_spec("contains", {"text": "Par"})
LENGTH = make_spec("length", {"unit": "words"})
OVERLAP = make_spec("token_f1", {})
JUDGE = make_spec("llm_judge", {"model": "m", "provider": "p", "rubric": "Is {{log.output}} kind?"})
TONE = make_spec(
    "llm_judge",
    {
        "model": "n",
        "provider": "p",
        "rubric": "{{log.output}}",
        "verdict": "select",
        "choices": ["warm", "cold"],
    },
)


def part(path: str, spec: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"path": path, "spec": spec, **more}


def composite(*parts: dict[str, Any], **settings: Any) -> BoundEvaluator:
    return bind(make_spec("composite", {"parts": list(parts), **settings}))


def test_a_weighted_mean_of_yes_no_and_shares():
    bound = composite(part("a/Exact", EXACT), part("a/Overlap", OVERLAP, weight=3))
    verdict = bound.judge(execution("Paris France"), row("Paris"))

    assert bound.traits.return_type == "number"
    assert bound.traits.unit is None
    assert verdict.value == pytest.approx((0 * 1 + 2 / 3 * 3) / 4)
    assert verdict.rationale == "Exact: 0; Overlap: 0.6667"
    assert [one["score"] for one in verdict.detail["parts"]] == [0.0, pytest.approx(2 / 3)]


@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 1e6)), min_size=1, max_size=6))
def test_the_mean_lies_between_its_parts_and_does_not_hang_on_their_order(weighed):
    parts = [
        part(str(n), make_spec("contains", {"text": "Par" if passes else "no"}), weight=weight)
        for n, (passes, weight) in enumerate(weighed)
    ]
    one, other = (
        composite(*each).judge(execution("Paris"), row(None)).value for each in (parts, parts[::-1])
    )

    expected = sum(weight for passes, weight in weighed if passes) / sum(weight for _, weight in weighed)
    assert one == other == pytest.approx(expected)


@pytest.mark.parametrize(
    ("rule", "output", "value"),
    [("all", "Paris", True), ("all", "Par", False), ("any", "Par", True), ("any", "Rome", False)],
)
def test_all_of_them_or_any(rule, output, value):
    bound = composite(part("Exact", EXACT), part("Has it", CONTAINS), rule=rule)

    assert bound.traits.return_type == "boolean"
    assert bound.judge(execution(output), row("Paris")).value is value


def test_what_ran_programs_of_its_parts_and_what_these_printed_is_kept():
    code = 'def f(log):\n    print("seen", log["output"])\n    return True'
    own, other = (make_spec("code", {"code": code + f"  # {n}"}) for n in (1, 2))
    verdict = composite(part("a/One", own), part("a/Two", other), part("Exact", EXACT)).judge(
        execution("Paris"), row("Paris")
    )

    assert verdict.value == 1.0
    assert (verdict.engine or "").startswith("cpython-seccomp ")
    assert ";" not in (verdict.engine or ""), "each once"
    assert verdict.prints == "One:\nseen Paris\n\nTwo:\nseen Paris\n"
    assert composite(part("Exact", EXACT)).judge(execution("Paris"), row("Paris")).engine is None


@pytest.mark.parametrize(("said", "score"), [(True, 0.0), (False, 1.0)])
def test_where_no_is_the_better_answer_it_is_what_passes(said, score):
    harmful = make_spec(
        "llm_judge", {"model": "m", "rubric": "Is {{log.output}} harmful?", "wanted": "lower"}
    )
    reply = f'{{"rationale": "so", "verdict": {str(said).lower()}}}'

    weighted, every = composite(part("Harm", harmful)), composite(part("Harm", harmful), rule="all")
    assert weighted.judge(execution("x"), row(None), [reply]).value == score
    assert every.judge(execution("x"), row(None), [reply]).value is bool(score)


def test_a_share_passes_only_within_its_limits_and_points_need_some():
    strict = composite(part("Overlap", OVERLAP), rule="all")
    lenient = composite(part("Overlap", OVERLAP, at_least=0.6), part("Length", LENGTH, at_most=2), rule="all")
    judged = execution("Paris France"), row("Paris")

    assert strict.judge(*judged).value is False
    assert lenient.judge(*judged).value is True
    with pytest.raises(Invalid, match="“Length” is no share: say from where on"):
        make_spec("composite", {"parts": [part("Length", LENGTH)]})


def test_what_does_not_apply_is_left_out_and_what_fails_is_named():
    bound = composite(part("x/Exact", EXACT), part("x/Has it", CONTAINS))

    assert bound.judge(execution("Paris"), row(None)).value == 1, "there is no target to compare with"
    assert (
        bound.judge(execution("Paris"), row(None)).rationale == "Exact: does not apply (no target); Has it: 1"
    )
    only = composite(part("Exact", EXACT)).judge(execution("Paris"), row(None))
    assert (only.value, only.error) == (None, None)
    failed = bound.judge(execution(None, error="boom"), row("Paris"))
    assert (failed.value, failed.error) == (None, "Exact: no output: boom")


def test_each_part_is_given_the_answers_to_its_own_calls():
    bound = composite(
        part("Kind", JUDGE), part("Exact", EXACT), part("Tone", TONE, passes=["warm"], weight=3)
    )
    calls = bound.calls(execution("Paris"), row("Paris"))

    assert bound.asks == (ModelRef("m", "p"), ModelRef("n", "p"))
    assert composite(part("A", JUDGE), part("B", JUDGE)).traits.calls == 2, "of one model, for the estimate"
    assert [call.model for call in calls] == ["m", "n"]
    answers = ['{"rationale": "r", "verdict": false}', '{"rationale": "w", "verdict": "warm"}']
    assert bound.calls(execution("Paris"), row("Paris"), answers) == []
    verdict = bound.judge(execution("Paris"), row("Paris"), answers)
    assert verdict.value == pytest.approx((0 + 1 + 3) / 5)
    one_silent = bound.judge(execution("Paris"), row("Paris"), [None, answers[1]])
    assert one_silent.error.startswith("Kind: ")


def test_rounds_of_several_parts_are_dealt_out_in_order():
    faithful = make_spec("faithfulness", {"model": "m", "provider": "p", "passages": "testcase.inputs"})
    bound = composite(part("Faithful", faithful), part("Kind", JUDGE))
    judged = (
        execution("It is in Paris."),
        row("Paris", inputs={"question": "Where?", "passage": "It is in Paris."}),
    )
    first = bound.calls(*judged)
    answers = ['{"statements": ["It is in Paris."]}', '{"rationale": "r", "verdict": true}']
    second = bound.calls(*judged, answers)
    answers += ['{"verdicts": [{"reason": "r", "supported": true}]}']

    assert (len(first), len(second)) == (2, 1)
    assert bound.calls(*judged, answers) == []
    assert bound.judge(*judged, answers).value == 1
    assert bound.traits.calls == 3, "two of the one and one of the other, by the same model"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([part("People", make_spec("human", {}))], "judged elsewhere"),
        ([part("A", EXACT), part("A", CONTAINS)], "“A” is there twice"),
        ([part("Both", make_spec("composite", {"parts": [part("A", EXACT)]}))], "made of several itself"),
        ([part("Tone", TONE)], "Say which choices of “Tone” pass"),
        ([part("X", {"evaluator_type": "builtin", "kind": "nothing"})], "no evaluator kind"),
        ([part("X", EXACT, weight=0)], "parts.0.weight"),
        ([part("X" * 1001, EXACT)], "parts.0.path"),
        ([part("X", EXACT, weight=float("nan"))], "NaN and Infinity"),
        ([], "choose the evaluators"),
        ([part("Overlap", OVERLAP, at_least=0.8, at_most=0.2)], "“Overlap” could never pass"),
    ],
)
def test_what_cannot_be_put_together_says_why(parts, said):
    with pytest.raises(Invalid, match=said):
        make_spec("composite", {"parts": parts})


CHOSEN = {"chosen_by": "testcase.metadata.assertions", "rule": "all"}


def test_a_row_says_which_of_them_hold_for_it():
    bound = composite(part("Support/Exact", EXACT), part("Support/Has it", CONTAINS), **CHOSEN)

    def verdict(*named: Any) -> Any:
        return bound.judge(execution("Par"), row("Paris", metadata={"assertions": list(named)}))

    assert verdict("Support/Has it").value is True
    assert verdict("Has it").value is True, "the last part of the path is enough"
    assert verdict("Exact", "Has it").value is False
    assert verdict().value is None
    assert bound.judge(execution("Par"), row("Paris", metadata=None)).error is None
    assert verdict("Polite").error == "assertion 1: there is no evaluator “Polite” here"


def test_a_row_that_names_one_twice_counts_it_once_and_a_name_of_two_is_no_name():
    bound = composite(
        part("a/Exact", EXACT),
        part("b/Exact", OVERLAP),
        part("Has it", CONTAINS),
        **CHOSEN | {"rule": "weighted"},
    )

    def verdict(*named: str) -> Any:
        return bound.judge(execution("Paris France"), row("Paris", metadata={"assertions": list(named)}))

    assert verdict("Has it", "a/Exact").value == 0.5
    assert verdict("Has it", "Has it", "a/Exact").value == 0.5
    assert verdict("Exact").error == (
        "assertion 1: “Exact” may be “a/Exact” or “b/Exact”: write the whole path"
    )


def test_choices_pass_that_their_evaluator_calls_good_unless_the_part_says_others():
    code = "def rate(log):\n    return log['output']"
    spec = make_spec(
        "code",
        {"code": code, "answers": "select", "choices": ["warm", "cool", "cold"], "good": ["warm"]},
    )

    def score(output: str, **more: Any) -> Any:
        return composite(part("Tone", spec, **more)).judge(execution(output), row(None)).value

    assert [score("warm"), score("cool")] == [1.0, 0.0]
    assert [score(one, passes=["cool", "cold"]) for one in ("warm", "cool")] == [0.0, 1.0]


def test_calls_name_the_part_that_asks():
    bound = composite(part("a/Kind", JUDGE), part("Tone", TONE, passes=["warm"]))

    assert [call.part for call in bound.calls(execution("Paris"), row("Paris"))] == ["Kind", "Tone"]


def test_a_row_brings_assertions_of_its_own():
    bound = composite(**CHOSEN)
    own = [
        {"kind": "contains", "settings": {"text": "refund"}},
        {"kind": "length", "settings": {"unit": "words"}, "at_most": 5, "name": "Short"},
    ]

    def verdict(output: str, *named: Any) -> Any:
        return bound.judge(execution(output), row(None, metadata={"assertions": list(named)}))

    assert verdict("We refund you.", *own).value is True
    assert verdict("We do refund you in a week or two.", *own).value is False
    assert verdict("We refund you.", *own).rationale == "1. contains: 1; Short: 1"


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ([7], "assertion 1: it is neither a name nor an object"),
        ([{"kind": "nothing"}], "assertion 1: “1. nothing”: There is no evaluator kind"),
        ([{"kind": "contains", "settings": {"tezt": "x"}}], "assertion 1: “1. contains”: Contains: tezt"),
        (
            [{"kind": "llm_judge", "settings": {"model": "m", "provider": "p"}}],
            "a row cannot bring “llm_judge”",
        ),
        ([{"kind": "code", "settings": {"code": "def f(log): return True"}}], "a row cannot bring “code”"),
        (
            [{"kind": "webhook", "settings": {"url": "http://169.254.169.254/"}}],
            "a row cannot bring “webhook”",
        ),
        ([{"kind": "length", "settings": {"unit": "words"}}], "is no share"),
        ([{"kind": "contains", "weight": -1}], "assertion 1: Input should be greater than 0"),
        ([{"kind": "contains", "settings": 3}], "assertion 1"),
        ("Exact", "is no list"),
        ('["Exact"', "is no list"),
        ('{"kind": "contains"}', "is no list"),
        ([{"kind": "contains"}] * 51, "is no list of at most 50"),
    ],
)
def test_what_a_row_cannot_bring_is_an_error_of_that_row(named, said):
    bound = composite(**CHOSEN)
    verdict = bound.judge(execution("Paris"), row(None, metadata={"assertions": named}))

    assert verdict.value is None
    assert said in verdict.error


def test_choices_that_pass_are_choices_of_the_part():
    assert composite(part("Tone", TONE, passes=["warm"]))
    with pytest.raises(Invalid, match="“Warm” is none of the choices of “Tone”: there are warm, cold"):
        composite(part("Tone", TONE, passes=["warm", "Warm"]))


@pytest.mark.parametrize(("spec", "said"), [(EXACT, "yes or no"), (TONE, "with a choice")])
@pytest.mark.parametrize("limits", [{"at_least": 1}, {"at_most": 0.5}])
def test_limits_are_of_numbers_alone(spec, said, limits):
    with pytest.raises(Invalid, match=f"“Judge” answers {said}: leave its limits out"):
        composite(part("Judge", spec, passes=["warm"], **limits))


def test_assertions_of_an_imported_csv_hold_as_those_of_json_do():
    table = (
        "question,target,metadata.assertions\n"
        'What?,Paris,"[""Exact"", {""kind"": ""contains"", ""settings"": {""text"": ""Rome""}}]"\n'
        'What?,Paris,"[""Exact""]"\n'
        "What?,Paris,\n"
    )
    bound = composite(part("a/Exact", EXACT), **CHOSEN)
    verdicts = [
        bound.judge(execution("Paris"), row(one.target, metadata=one.metadata))
        for one in read_csv(io.BytesIO(table.encode())).rows
    ]

    assert [one.value for one in verdicts] == [False, True, None]
    assert verdicts[0].rationale.startswith("Exact: 1; 2. contains: 0")
    assert verdicts[2].rationale == "none of the evaluators applies to this row"
