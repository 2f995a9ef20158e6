import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from app.statistics.rag import answer_relevancy, context_precision, supported_share


@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_context_precision_equals_average_precision(useful):
    found = context_precision(useful)
    if not any(useful):
        assert found is None
    else:
        scores = range(len(useful), 0, -1)
        assert found == pytest.approx(average_precision_score(useful, list(scores)))


def test_an_empty_denominator_is_undefined():
    assert supported_share([]) is context_precision([]) is answer_relevancy([], []) is None
    assert supported_share([1, 0, 1, 1]) == 0.75


def test_relevancy_is_nothing_only_where_all_questions_are_noncommittal():
    assert answer_relevancy([0.8, 0.6], [0, 1]) == pytest.approx(0.7)
    assert answer_relevancy([0.8, 0.6], [1, 1]) == 0
    assert answer_relevancy([0.8, 0.6], []) == pytest.approx(0.7)
