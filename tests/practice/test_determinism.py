"""The same request gives the same answer: in another process, under another hash seed, in whatever order."""

import json
import os
import subprocess
import sys

import numpy as np

from app.practice.embedding import embed
from tests.practice.prompts import EXAMPLES, LABELS, MESSAGES, QUESTIONS, ROOT, answerer, ask, classifier, say

SCRIPT = """
import json, hashlib
from app.practice.embedding import embed
from tests.practice.prompts import *
shots = two_each(EXAMPLES)
answers = [say(classifier(row["text"], LABELS, shots), temperature=t, seed=7) for row in MESSAGES[:40] for t in (0, 1)]
answers += [say(answerer(row["question"], row["passage"]), temperature=t) for row in QUESTIONS[:40] for t in (0, 1)]
schema = {"properties": {"email": {"type": "string"}, "intent": {"enum": LABELS}}}
answers += [say(classifier(row["text"]), shape="json_schema", schema=schema) for row in MESSAGES[:20]]
answers += [hashlib.sha256(embed([row["text"] for row in MESSAGES], 256).tobytes()).hexdigest()]
print(json.dumps(answers))
"""


def answers(hash_seed):
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_two_hash_seeds_give_the_same_answers():
    assert answers("1") == answers("2")


def several(temperature, seed):
    return [
        say(classifier(row["text"], LABELS, EXAMPLES), temperature=temperature, seed=seed)
        for row in MESSAGES[:60]
    ]


def test_the_seed_decides_near_ties_only_when_there_is_a_temperature():
    assert several(0, 1) == several(0, 2)
    assert several(1, 1) == several(1, 1)

    changed = np.mean([a != b for a, b in zip(several(1, 1), several(1, 2), strict=True)])
    assert 0.05 < changed < 0.6


def test_choices_differ_at_a_temperature_and_are_the_same_without():
    def texts(temperature):
        rows = QUESTIONS[:20]
        asked = (
            ask(answerer(row["question"], row["passage"]), choices=3, temperature=temperature) for row in rows
        )
        return [{reply.text for reply in completion.replies} for completion in asked]

    assert {len(found) for found in texts(0)} == {1}
    assert max(len(found) for found in texts(1.5)) > 1


class TestEmbeddings:
    def test_vectors_have_length_one(self):
        vectors = embed([row["text"] for row in MESSAGES[:50]], 256)

        assert vectors.shape == (50, 256)
        assert np.allclose((vectors**2).sum(axis=1), 1, atol=1e-5)

    def test_near_texts_are_nearer_than_others(self):
        near, same, far = embed(
            ["my card was stolen", "somebody stole my cards", "the weather in Paris"], 1024
        )

        assert (near * same).sum() > (near * far).sum() + 0.2

    def test_a_text_without_words_is_the_zero_vector(self):
        assert not embed(["", "?!"], 64).any()
