import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics.pairwise import cosine_similarity

from tests.evaluators.cases import value, verdict
from tests.evaluators.data import rows_of

VECTORIZERS = {
    "characters": {"analyzer": "char_wb", "ngram_range": (3, 5)},
    "words": {"token_pattern": r"\w+"},
}
PAIRS = [(one["extractive_oracle"], one["references"][0]) for one in rows_of("scitldr/abstracts.jsonl")]
PAIRS += [(one["zh"], one["en"]) for one in rows_of("xquad_parallel/questions.jsonl")[:10]]


@pytest.mark.parametrize("unit", VECTORIZERS)
def test_it_is_the_cosine_of_scikit_learns_counts(unit):
    for output, target in PAIRS:
        counts = CountVectorizer(**VECTORIZERS[unit]).fit_transform([output, target])
        expected = cosine_similarity(counts)[0, 1]
        assert value("lexical_similarity", output, target, unit=unit) == pytest.approx(expected, abs=1e-9)


def test_ends():
    assert value("lexical_similarity", "The same.", "the  same.") == pytest.approx(1)
    assert value("lexical_similarity", "abc", "xyz") == 0.0
    assert value("lexical_similarity", "", "xyz") == 0.0
    assert value("lexical_similarity", "", "", unit="words") == 1.0
    assert value("lexical_similarity", "card arrival", ["refund", "card arrivals"]) > 0.8
    assert value("lexical_similarity", "b a", "a b", unit="words") == pytest.approx(1)


def test_what_is_too_long_is_an_error():
    assert verdict("lexical_similarity", "x" * 100_001, "x").error.startswith("too long to compare")
