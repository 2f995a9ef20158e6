"""The two ladders: each real improvement of a prompt raises the score, with an interval that excludes 0."""

import random

import numpy as np
import pytest

from app.practice.embedding import embed
from app.statistics.intervals import wilson
from app.statistics.paired import paired_difference
from tests.practice.prompts import EXAMPLES, LABELS, MESSAGES, QUESTIONS, answerer, classifier, say, token_f1

ROWS = 200


def hits(prompt, rows=MESSAGES[:ROWS]):
    """Exact matches of the label, 0 or 1 a row."""
    return [float(say(prompt(row["text"])) == row["category"]) for row in rows]


def f1s(prompt, rows):
    return [token_f1(say(prompt(row)), row["answers"]) for row in rows]


def upper(scores):
    """The upper end of the Wilson interval of a share."""
    return wilson(int(sum(scores)), len(scores)).hi


@pytest.fixture(scope="module")
def bare():
    return hits(classifier)


@pytest.fixture(scope="module")
def listed():
    return hits(lambda text: classifier(text, LABELS))


@pytest.fixture(scope="module")
def few_shot():
    return hits(lambda text: classifier(text, LABELS, EXAMPLES))


class TestClassifier:
    def test_listing_the_labels_helps(self, bare, listed):
        assert paired_difference(bare, listed).lo > 0

    def test_examples_help_further(self, listed, few_shot):
        assert paired_difference(listed, few_shot).lo > 0

    def test_names_that_mean_nothing_drop_to_chance(self):
        renamed = dict(zip(LABELS, random.Random(1).sample(LABELS, len(LABELS)), strict=True))
        rows = [{**row, "category": renamed[row["category"]]} for row in MESSAGES[:ROWS]]

        assert upper(hits(lambda text: classifier(text, LABELS), rows)) < 0.06

    def test_examples_with_shuffled_labels_drop_to_chance(self):
        """Names without meaning, so that only the examples could tell, and they tell nothing."""
        opaque = {label: f"intent_{i:02}" for i, label in enumerate(LABELS)}
        rows = [{**row, "category": opaque[row["category"]]} for row in MESSAGES[:ROWS]]
        right = [(text, opaque[answer]) for text, answer in EXAMPLES]
        answers = random.Random(1).sample([answer for _, answer in right], len(right))
        wrong = [(text, answer) for (text, _), answer in zip(right, answers, strict=True)]

        true, shuffled = (
            hits(lambda text, shots=shots: classifier(text, list(opaque.values()), shots), rows)
            for shots in (right, wrong)
        )

        assert upper(shuffled) < 0.06
        assert paired_difference(shuffled, true).lo > 0.3


@pytest.fixture(scope="module")
def questions():
    return QUESTIONS[:ROWS]


@pytest.fixture(scope="module")
def paragraphs(questions):
    """The cluster of each row: questions about one paragraph are not independent."""
    return [row["passage"] for row in questions]


@pytest.fixture(scope="module")
def closed_book(questions):
    return f1s(lambda row: answerer(row["question"]), questions)


@pytest.fixture(scope="module")
def retrieved(questions):
    corpus = list(dict.fromkeys(row["passage"] for row in QUESTIONS))
    vectors = embed(corpus, 256)

    def nearest(question):
        return corpus[int(np.argmax((vectors * embed([question], 256)).sum(axis=1)))]

    return f1s(lambda row: answerer(row["question"], nearest(row["question"])), questions)


@pytest.fixture(scope="module")
def gold(questions):
    return f1s(lambda row: answerer(row["question"], row["passage"]), questions)


class TestAnswerer:
    def test_a_retrieved_passage_helps(self, closed_book, retrieved, paragraphs):
        assert paired_difference(closed_book, retrieved, paragraphs).lo > 0

    def test_the_right_passage_helps_further(self, retrieved, gold, paragraphs):
        assert paired_difference(retrieved, gold, paragraphs).lo > 0


class TestDemo:
    """On all of the demo's rows the steps that it shows are clear."""

    def test_classifier(self):
        scores = [
            hits(prompt, MESSAGES)
            for prompt in (
                classifier,
                lambda text: classifier(text, LABELS),
                lambda text: classifier(text, LABELS, EXAMPLES),
            )
        ]

        assert paired_difference(scores[0], scores[1]).lo > 0.2
        assert paired_difference(scores[1], scores[2]).lo > 0.15

    def test_answerer(self):
        without = f1s(lambda row: answerer(row["question"]), QUESTIONS)
        given = f1s(lambda row: answerer(row["question"], row["passage"]), QUESTIONS)

        assert paired_difference(without, given, [row["passage"] for row in QUESTIONS]).lo > 0.2
