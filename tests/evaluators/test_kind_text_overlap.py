"""BLEU, chrF and TER against sacrebleu, ROUGE against figures of rouge-score: each row, and all rows together."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU, CHRF, TER

from app.evaluators.kinds import kind
from app.evaluators.kinds.contract import Verdict
from app.evaluators.kinds.porter import stem
from app.statistics.bootstrap import bootstrap_interval
from tests.evaluators.cases import execution, row, value, verdict
from tests.evaluators.data import rows_of

STEMMED = Path(__file__).with_name("porter_nltk_3_10_4.txt")
"""Words of tests/data, and some for each rule, with the stems that nltk 3.10.4 gives them."""
ROUGE_SCORED = Path(__file__).with_name("rouge_score_0_1_2.jsonl")
SUMMARIES = [(one["extractive_oracle"], one["references"]) for one in rows_of("scitldr/abstracts.jsonl")]
TRANSLATIONS = [
    (one["zh"], [other["zh"]])
    for one, other in zip(
        rows_of("xquad_parallel/questions.jsonl"), rows_of("xquad_parallel/questions.jsonl")[1:], strict=False
    )
]
ODD = [
    ("", ["a b"]),
    ("a", ["a"]),
    ("a b c", [""]),
    ("a &amp; b.", ["a & b ."]),
    ("no match", ["other words"]),
]

METRICS = [
    ("bleu", {}, BLEU(effective_order=True), BLEU()),
    ("bleu", {"ignore_case": True}, BLEU(effective_order=True, lowercase=True), BLEU(lowercase=True)),
    ("bleu", {"tokenizer": "intl"}, BLEU(effective_order=True, tokenize="intl"), BLEU(tokenize="intl")),
    ("bleu", {"tokenizer": "zh"}, BLEU(effective_order=True, tokenize="zh"), BLEU(tokenize="zh")),
    ("bleu", {"tokenizer": "char"}, BLEU(effective_order=True, tokenize="char"), BLEU(tokenize="char")),
    ("chrf", {}, CHRF(), CHRF()),
    ("chrf", {"words": True}, CHRF(word_order=2), CHRF(word_order=2)),
    ("chrf", {"ignore_case": True}, CHRF(lowercase=True), CHRF(lowercase=True)),
    ("ter", {}, TER(), TER()),
    ("ter", {"ignore_case": False}, TER(case_sensitive=True), TER(case_sensitive=True)),
    ("ter", {"punctuation": False}, TER(no_punct=True), TER(no_punct=True)),
]
every_metric = pytest.mark.parametrize(
    ("name", "options", "sentence", "corpus"),
    METRICS,
    ids=[f"{name} {options}" for name, options, *_ in METRICS],
)


def short_enough(name, pairs):
    longest = 100 if name == "ter" else 10**6
    return [pair for pair in pairs if max(len(text.split()) for text in (pair[0], *pair[1])) <= longest]


@every_metric
def test_a_row_has_sacrebleus_sentence_score(name, options, sentence, corpus):
    for output, references in short_enough(name, SUMMARIES + TRANSLATIONS[:20] + ODD):
        expected = sentence.sentence_score(output, references).score / 100
        found = value(name, output, {"output": references}, **options)
        assert found == pytest.approx(expected, abs=1e-12), (output, references)


@every_metric
@pytest.mark.parametrize("pairs", [SUMMARIES, TRANSLATIONS, ODD, ODD[-1:]], ids=["sum", "zh", "odd", "none"])
def test_all_rows_together_have_sacrebleus_corpus_score(name, options, sentence, corpus, pairs):
    pairs = short_enough(name, pairs)
    bound = kind(name).prepare(options)
    verdicts = [bound.judge(execution(output), row({"output": refs})) for output, refs in pairs]
    metric = bound.summarise(verdicts)[name]

    def expected(chosen):
        most = max(len(refs) for _, refs in chosen)
        references = [
            [refs[place] if place < len(refs) else None for _, refs in chosen] for place in range(most)
        ]
        return corpus.corpus_score([output for output, _ in chosen], references).score / 100

    assert metric.value == pytest.approx(expected(pairs), abs=1e-9)
    assert metric.detail == {"signature": str(corpus.get_signature())}
    drawn = np.random.default_rng(1).integers(0, len(pairs), len(pairs))
    weights = np.bincount(drawn, minlength=len(pairs)).astype(np.int32)
    resample = [pair for pair, times in zip(pairs, weights, strict=True) for _ in range(times)]
    assert metric.statistic(weights[None, :])[0] == pytest.approx(expected(resample), abs=1e-9)


def test_verdicts_of_earlier_days_have_a_score_and_no_signature():
    bound = kind("bleu").prepare({})
    (verdict,) = [bound.judge(execution(SUMMARIES[0][0]), row({"output": SUMMARIES[0][1]}))]
    earlier = Verdict(verdict.value, detail={"counts": verdict.detail["counts"]})
    metric = bound.summarise([verdict, earlier])["bleu"]
    assert (metric.value > 0, metric.detail) == (True, None)


def test_the_functions_of_sacrebleu_say_the_same():
    outputs, references = [pair[0] for pair in SUMMARIES], [[pair[1][0] for pair in SUMMARIES]]
    for name, corpus_of in (("bleu", sacrebleu.corpus_bleu), ("chrf", sacrebleu.corpus_chrf)):
        bound = kind(name).prepare({})
        verdicts = [
            bound.judge(execution(output), row({"output": one}))
            for output, one in zip(outputs, references[0], strict=True)
        ]
        expected = corpus_of(outputs, references).score / 100
        assert bound.summarise(verdicts)[name].value == pytest.approx(expected)


def test_a_corpus_score_has_an_interval_that_is_quick_to_work_out():
    import time

    bound = kind("bleu").prepare({})
    one = bound.judge(execution(SUMMARIES[0][0]), row({"output": SUMMARIES[0][1]}))
    other = bound.judge(execution(SUMMARIES[1][0]), row({"output": SUMMARIES[1][1]}))
    metric = bound.summarise([one, other] * 2_500)["bleu"]
    started = time.process_time()
    interval = bootstrap_interval(metric.statistic, 5_000)

    assert interval.lo < metric.value < interval.hi
    assert time.process_time() - started < 10


def test_no_rows_have_no_summary():
    for name in ("bleu", "chrf", "ter"):
        assert kind(name).prepare({}).summarise([]) is None


def test_ter_counts_down_and_is_no_share():
    traits = kind("ter").prepare({}).traits
    assert (traits.wanted, traits.unit) == ("lower", "points")
    assert value("ter", "a b c d e f", "a") == pytest.approx(5)
    metric = kind("ter").prepare({}).summarise([verdict("ter", "b", "a")])["ter"]
    assert (metric.wanted, metric.unit, metric.value) == ("lower", "points", 1.0)


@pytest.mark.parametrize("measure", ["rouge1", "rouge2", "rougeL"])
def test_rouge_counts_as_rouge_score_does(measure):
    """The figures were made with rouge-score 0.1.2, without stemming."""
    summaries = rows_of("scitldr/rouge.jsonl")
    assert len(summaries) == len(SUMMARIES)
    typed = [json.loads(line) for line in ROUGE_SCORED.read_text("utf-8").splitlines()]
    cases = [(*texts, figures) for texts, figures in zip(SUMMARIES, summaries, strict=True)]
    cases += [(one["output"], one["references"], one) for one in typed]
    for output, references, figures in cases:
        found = value("rouge", output, {"output": references}, measure=measure)
        assert found == pytest.approx(figures[measure], abs=1e-11), (output, references)


def test_rouge_of_texts_as_long_as_they_may_be_is_quick():
    output, target = "to be or not " * 7_000, "not to be " * 9_000
    started = time.process_time()
    assert value("rouge", output, target) > 0.3
    assert time.process_time() - started < 1


def test_stems_are_those_of_nltk_by_which_rouge_score_stems():
    pairs = [line.split() for line in STEMMED.read_text(encoding="utf-8").splitlines()]
    assert len(pairs) == 688
    assert [(word, stem(word)) for word, _ in pairs] == [(word, wanted) for word, wanted in pairs]


def test_versions_of_rouge_keep_judging_whether_they_stem_or_not():
    compared = {"output": "The cats agreed happiness", "target": "the cat agrees happy"}
    for stemmed, score in ((False, 0.25), (True, 1.0)):
        assert value("rouge", **compared, measure="rouge1", stem=stemmed) == pytest.approx(score)
    assert value("rouge", "a ties", "a tie", measure="rouge1", stem=True) == 1
    assert value("rouge", "the was", "the wa", measure="rouge1", stem=True) == 0.5  # three letters stay


@given(st.text(alphabet="aeiouybcdlstzngm", min_size=1, max_size=14))
def test_every_word_has_a_stem(word):
    assert 0 < len(stem(word)) <= len(word) + 1


@pytest.mark.parametrize(
    ("name", "output", "said"),
    [
        ("bleu", "x" * 100_001, "100,001 characters, at most 100,000 are"),
        ("chrf", "x" * 100_001, "100,001 characters, at most 100,000 are"),
        ("rouge", "x" * 100_001, "100,001 characters, at most 100,000 are"),
        ("ter", "x " * 101, "1,000 words, at most 100 are"),
    ],
)
def test_what_is_too_long_is_an_error_and_says_the_limit(name, output, said):
    assert verdict(name, output, "word " * 1_000).error == f"too long to compare: {said}"


def test_texts_are_not_kept():
    from app.evaluators.kinds.bleu import _metric

    value("bleu", "a secret that no cache may hold", "another")
    tokenizer = type(_metric("13a", False).tokenizer)
    assert tokenizer.__call__.cache_info().currsize == 0
