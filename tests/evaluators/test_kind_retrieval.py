import json
import random

import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from app.core.errors import Invalid
from app.evaluators.kinds import kind
from app.evaluators.kinds.contract import Verdict
from tests.evaluators.cases import execution, row
from tests.evaluators.data import rows_of

TREC = {
    ("recall", None): "set_recall", ("recall", 5): "recall_5", ("precision", None): "set_P", ("precision", 5): "P_5",
    ("hit", 5): "success_5", ("mrr", None): "recip_rank", ("ndcg", None): "ndcg", ("ndcg", 5): "ndcg_cut_5",
    ("map", None): "map", ("map", 5): "map_cut_5",
}  # fmt: skip


def judged(found, target, **options):
    return kind("retrieval").prepare(options).judge(execution(json.dumps(found)), row(target))


def trec(found, grades, measure):
    run = {"q": {one: float(len(found) - place) for place, one in enumerate(found)}}
    evaluator = pytrec_eval.RelevanceEvaluator({"q": grades}, {measure})
    return evaluator.evaluate(run)["q"][measure]


ids = st.sampled_from([f"d{number}" for number in range(12)])


@given(
    found=st.lists(ids, min_size=1, max_size=12, unique=True),
    grades=st.dictionaries(ids, st.integers(0, 3), min_size=1).filter(lambda one: any(one.values())),
)
@pytest.mark.parametrize(("measure", "k"), TREC)
def test_it_is_what_trec_eval_says(measure, k, found, grades):
    score = judged(found, {"ids": grades}, measure=measure, **({"k": k} if k else {})).value
    assert score == pytest.approx(trec(found, grades, TREC[measure, k]))


@pytest.mark.parametrize(("measure", "k"), TREC)
def test_real_questions(measure, k):
    """The ten paragraphs of each question, in a random order, against the two that hold its answer."""
    shuffle = random.Random(3)
    for one in rows_of("hotpotqa/questions.jsonl"):
        found = shuffle.sample(one["titles"], len(one["titles"]))
        score = judged(
            found, {"titles": one["gold_titles"]}, measure=measure, **({"k": k} if k else {})
        ).value
        assert score == pytest.approx(trec(found, dict.fromkeys(one["gold_titles"], 1), TREC[measure, k]))


@pytest.mark.parametrize(
    ("found", "target", "score"),
    [
        (["3.10", "x"], "3.10", 1.0),
        (["3.1", "x"], "3.10", 0.0),
        (["12e5"], "12e5", 1.0),
        (["0012"], "0012", 1.0),
        (["7"], 7.0, 1.0),
        ([7.0, 7.5], ["7", "7.5"], 1.0),
        ([{"id": 7.0}], ["7"], 1.0),
        (["Caf\u00e9"], ["Cafe\u0301"], 1.0),
        (["Caf\u00e9"], {"Cafe\u0301": 2}, 1.0),
        (["b"], '["a", "b"]', 0.5),
        (["b"], '"b"', 1.0),
        (["b"], '{"b": 2, "a": 1, "c": 0}', 0.5),
    ],
)
def test_ids_are_the_same_however_a_table_or_json_spells_them(found, target, score):
    assert judged(found, {"ids": target}).value == score


def test_an_output_that_could_be_a_number_is_an_id_as_it_is_spelled():
    for output, score in (("3.10", 1.0), ("```\n3.10\n```", 1.0), ("3.1", 0.0)):
        assert kind("retrieval").prepare({}).judge(execution(output), row({"ids": ["3.10"]})).value == score


def test_ndcg_is_scikit_learns_too():
    grades = {"a": 3, "b": 2, "c": 0, "d": 1}
    for found in (["a", "b", "c", "d"], ["d", "c", "b", "a"], ["b", "d", "a", "c"]):
        truth = [[grades[one] for one in found]]
        expected = ndcg_score(truth, [[4, 3, 2, 1]], k=3)
        assert judged(found, {"ids": grades}, measure="ndcg", k=3).value == pytest.approx(expected)


def test_reciprocal_rank_stops_at_k():
    assert judged(["x", "y", "a"], {"ids": ["a"]}, measure="mrr", k=3).value == pytest.approx(1 / 3)
    assert judged(["x", "y", "a"], {"ids": ["a"]}, measure="mrr", k=2).value == 0.0


def test_precision_divides_by_k_even_where_fewer_were_found():
    assert judged(["a"], {"ids": ["a"]}, measure="precision", k=5).value == pytest.approx(0.2)
    assert judged(["a"], {"ids": ["a"]}, measure="precision").value == 1.0
    assert judged([], {"ids": ["a"]}, measure="precision").value == 0.0


def test_an_id_that_comes_twice_counts_once():
    assert judged(["a", "a", "b"], {"ids": ["a", "b"]}, measure="recall", k=2).value == 1.0
    assert judged(["a", "a"], {"ids": ["a", "b"]}, measure="map").value == 0.5


@pytest.mark.parametrize("target", [{"ids": []}, {"ids": {"a": 0}}, {"ids": [None, ""]}, {"ids": "[]"}])
def test_a_row_without_a_relevant_passage_has_no_score(target):
    found = judged(["a"], target)
    assert (found.value, found.error, found.rationale) == (None, None, "no relevant passage")


def test_a_row_that_says_nothing_has_no_target():
    for target in (None, {}, {"ids": None}):
        assert judged(["a"], target) == Verdict(None, rationale="no target")
    assert judged(["a"], {"x": ["a"], "y": ["b"]}).error.startswith("The target has several fields")
    assert judged(["a"], {"x": ["a"], "y": ["b"]}, target_field="x").value == 1.0


PASSAGES = [{"id": 1, "text": "…"}, {"id": 2, "text": "…"}]


@pytest.mark.parametrize(
    ("options", "output", "given"),
    [
        ({"retrieved": "log.output"}, '["1", "2"]', {}),
        ({"retrieved": "log.output"}, "```json\n[1, 2]\n```", {}),
        ({"retrieved": "log.output"}, json.dumps(PASSAGES), {}),
        ({"retrieved": "log.output.found"}, json.dumps({"found": PASSAGES}), {}),
        ({"retrieved": "log.output[0]"}, '[["1", "2"], []]', {}),
        ({"retrieved": "testcase.context"}, "an answer", {"context": ["1", "2"]}),
        ({"retrieved": "testcase.inputs.passages"}, "an answer", {"inputs": {"passages": PASSAGES}}),
        (
            {"retrieved": "testcase.inputs.passages"},
            "an answer",
            {"inputs": {"passages": json.dumps(PASSAGES)}},
        ),
        ({"retrieved": "testcase.metadata.found"}, "an answer", {"metadata": {"found": [1, 2]}}),
        (
            {"retrieved": "testcase.metadata.found", "id_field": "key"},
            "an answer",
            {"metadata": {"found": [{"key": "1"}, {"key": "2"}]}},
        ),
    ],
)
def test_where_the_found_passages_stand(options, output, given):
    found = kind("retrieval").prepare(options).judge(execution(output), row({"ids": ["2", "3"]}, **given))
    assert (found.value, found.rationale) == (0.5, "1 of 2 relevant among 2")


def test_the_relevant_passages_may_stand_in_the_metadata():
    bound = kind("retrieval").prepare({"relevant": "testcase.metadata.gold"})
    assert bound.judge(execution('["a"]'), row(None, metadata={"gold": ["a"]})).value == 1.0
    assert not bound.traits.needs_target
    assert bound.judge(execution('["a"]'), row(None)).rationale == "no target"


def test_an_output_that_cannot_be_read_found_nothing():
    bound = kind("retrieval").prepare({})
    found = bound.judge(execution("I found a and b"), row({"ids": ["a"]}))
    assert found.value == 0.0
    assert found.rationale.startswith("not JSON")
    nowhere = kind("retrieval").prepare({"retrieved": "log.output.ids"})
    assert nowhere.judge(execution("{}"), row({"ids": ["a"]})).value == 0.0


def test_a_row_without_the_found_passages_is_an_error():
    bound = kind("retrieval").prepare({"retrieved": "testcase.metadata.found"})
    assert (
        bound.judge(execution("x"), row({"ids": ["a"]})).error
        == "The row has nothing at testcase.metadata.found"
    )
    unnamed = kind("retrieval").prepare({"retrieved": "testcase.context"})
    found = unnamed.judge(execution("x"), row({"ids": ["a"]}, context=[{"text": "…"}]))
    assert found.error.startswith("A passage has no id or doc_id")


@pytest.mark.parametrize(
    ("place", "log"),
    [
        ("log.metadata.found", {"about": {"metadata": {"found": [{"id": "b"}, {"id": "a"}]}}}),
        ("log.inputs.found", {"inputs": {"found": ["b", "a"]}}),
    ],
)
def test_what_a_program_noted_beside_its_answer(place, log):
    """Of outputs that are sent, the log alone knows what was found."""
    bound = kind("retrieval").prepare({"retrieved": place, "measure": "mrr"})
    assert bound.judge(execution("Paris", **log), row({"ids": ["a"]})).value == 0.5
    assert bound.judge(execution(None, error="x", **log), row({"ids": ["a"]})).value == 0.5
    for nothing in ({}, {"about": {"metadata": None}}, {"about": {"metadata": {"found": None}}}):
        assert (
            bound.judge(execution("Paris", **nothing), row({"ids": ["a"]})).error
            == f"The log has nothing at {place}"
        )


def test_a_search_that_needs_no_output_is_judged_where_the_answer_failed():
    bound = kind("retrieval").prepare({"retrieved": "testcase.context"})
    assert bound.judge(execution(None, error="x"), row({"ids": ["a"]}, context=["a"])).value == 1.0


def test_hit_answers_yes_or_no():
    bound = kind("retrieval").prepare({"measure": "hit", "k": 1})
    assert bound.traits.return_type == "boolean"
    assert judged(["b", "a"], {"ids": ["a"]}, measure="hit", k=1).value is False
    assert judged(["b", "a"], {"ids": ["a"]}, measure="hit", k=2).value is True


def test_a_place_that_there_is_not_is_refused():
    with pytest.raises(Invalid, match="“output” is no place: it begins with log"):
        kind("retrieval").prepare({"retrieved": "output"})
    with pytest.raises(Invalid, match="is no place"):
        kind("retrieval").prepare({"relevant": "testcase.outputs"})
