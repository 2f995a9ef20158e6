import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from app.statistics.retrieval import measure, retrieval_intervals, unjudged

PASSAGES = [f"d{number}" for number in range(8)]
gains = st.dictionaries(st.sampled_from(PASSAGES), st.integers(0, 3), max_size=8)


@given(st.permutations(PASSAGES), st.integers(1, 8), gains, st.sampled_from([1, 3, 5]))
def test_measures_equal_trec_eval(order, length, known, k):
    ranking = order[:length]
    found = measure(ranking, known, k)
    if not any(known.values()):
        assert found is None
        return
    names = {f"{name}.{k}" for name in ("recall", "P", "success", "ndcg_cut")} | {"recip_rank", "map"}
    run = {passage: float(100 - rank) for rank, passage in enumerate(ranking)}
    trec = pytrec_eval.RelevanceEvaluator({"q": known}, names).evaluate({"q": run})["q"]

    expected = [trec[f"{name}_{k}"] for name in ("recall", "P", "success")]
    expected += [trec["recip_rank"], trec[f"ndcg_cut_{k}"], trec["map"]]
    assert list(found.values()) == pytest.approx(expected, abs=1e-9)


def test_queries_with_nothing_to_find_are_left_out_and_counted():
    found = retrieval_intervals([["a"], ["b"], ["c"]], [{"a": 1}, {}, {"d": 1}], 1)

    assert (found["recall"].estimate, found["recall"].n) == (0.5, 2)
    assert found["recall"].warning == "1 row without a score left out"
    assert retrieval_intervals([["a"]], [{}], 1) == {}


def test_where_every_query_found_all_the_interval_has_a_width():
    found = retrieval_intervals([["a"]] * 9, [{"a": 1}] * 9, 1)
    assert all(one.method == "Wilson" and one.lo < 1 for one in found.values())


def test_a_passage_that_comes_twice_counts_once():
    assert measure(["a", "a", "b"], {"a": 1, "b": 1}, 2) == measure(["a", "b"], {"a": 1, "b": 1}, 2)


def test_what_nobody_judged_is_counted():
    assert unjudged([["a", "b", "c"], ["x"]], [{"a": 1, "b": 0}, {}], 2) == (1, 3)
