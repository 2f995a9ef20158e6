"""Classifying: the label whose name, description and examples share most with the input."""

from typing import NamedTuple

import numpy as np

from app.practice.examples import Pairs
from app.practice.labels import Labels
from app.practice.memory import remembered
from app.practice.noise import Noise
from app.practice.text import STOP, Index, index, words


class Choice(NamedTuple):
    """A label and its similarity with the input, 0 to about 1."""

    label: str
    similarity: float


class LabelIndex(NamedTuple):
    """The labels and one document for each."""

    names: tuple[str, ...]
    documents: Index


@remembered()
def label_index(labels: Labels, examples: Pairs) -> LabelIndex:
    """The labels' names, twice, with their descriptions and examples; without labels, the examples' answers."""
    listed = labels or tuple((answer, "") for _, answer in examples)
    documents = {name: [name, name, description] for name, description in listed}
    folded = {name.strip().lower(): name for name in documents}
    for example, answer in examples:
        name = folded.get(answer.strip().lower())
        if name is not None:
            documents[name].append(example)
    return LabelIndex(tuple(documents), Index(" ".join(texts) for texts in documents.values()))


def classify(text: str, labels: Labels, examples: Pairs, noise: Noise) -> Choice:
    """The most similar label; there must be a label or an example."""
    known = label_index(labels, examples)
    scores = noise(known.documents.scores(text))
    best = int(np.argmax(scores))
    return Choice(known.names[best], float(scores[best]))


def made_up_label(text: str) -> str:
    """A name out of the message's own words: without a list of labels there is nothing else to go by."""
    return "_".join(list(dict.fromkeys(w for w in words(text) if w not in STOP))[-2:]) or "other"


def most_similar(text: str, examples: Pairs, noise: Noise) -> str:
    """The answer of the example that is most similar to the text."""
    scores = noise(index(tuple(example for example, _ in examples)).scores(text))
    return examples[int(np.argmax(scores))][1]
