"""Fine-tuning: a softmax regression on hashed words, trained on the examples of a file and on nothing else."""

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.practice.memory import remembered
from app.practice.noise import Noise
from app.practice.text import features

DIMENSIONS = 8_192
MOST_ANSWERS = 500
"""With the dimensions they bound a model to 16 MiB."""
TEXT_CHARACTERS = 4_000
EPOCHS = 8
_BATCH = 32
_RATE = 0.5
_TINY = 1e-8

Example = tuple[str, str]
"""What is asked, and the answer to it."""
Weights = npt.NDArray[np.float32]
Sparse = tuple[npt.NDArray[np.intp], Weights]
"""The places of a text's features, and their weights."""


class Stopped(Exception):
    """Somebody cancelled the training."""


@dataclass(frozen=True, slots=True)
class Step:
    """How the training stands after an epoch."""

    epoch: int
    loss: float
    """The mean of −ln of what the right answer got, over the examples as they came."""
    accuracy: float
    valid_accuracy: float | None = None


@dataclass(frozen=True, slots=True)
class Tuned:
    """What was learned: a weight for each feature and answer, and how rare each feature is."""

    answers: tuple[str, ...]
    weights: Weights
    rarity: Weights
    examples: int

    def choose(self, text: str, noise: Noise) -> tuple[str, float]:
        """The most likely answer, and its probability."""
        places, values = _sparse(text, self.rarity)
        scores = _softmax(values @ self.weights[places]).astype(np.float64)
        best = int(np.argmax(noise(scores)))
        return self.answers[best], float(scores[best])


def train(
    examples: Sequence[Example],
    validation: Sequence[Example],
    *,
    epochs: int,
    seed: int,
    report: Callable[[Step], None],
) -> Tuned:
    """Learn to answer as the examples do. The same examples, epochs and seed give the same model.

    Gradient descent with a rate per weight (AdaGrad: Duchi, Hazan and Singer 2011) on the cross-entropy, over the words of
    32 examples at a time. `report` is called after each epoch, and may raise `Stopped`.
    """
    answers = tuple(dict.fromkeys(answer for _, answer in examples))
    rarity = _rarity([text for text, _ in examples])
    read = [_sparse(text, rarity) for text, _ in examples]
    place = {answer: at for at, answer in enumerate(answers)}
    wanted = np.array([place[answer] for _, answer in examples])
    weights = np.zeros((DIMENSIONS, len(answers)), np.float32)
    squares = np.zeros_like(weights)
    order = np.random.RandomState(
        seed % 2**32
    )  # its stream of numbers never changes, unlike that of newer ones
    for epoch in range(1, epochs + 1):
        shuffled, loss, right = order.permutation(len(examples)), 0.0, 0
        for start in range(0, len(shuffled), _BATCH):
            batch = shuffled[start : start + _BATCH]
            batch_loss, batch_right = _learn([read[at] for at in batch], wanted[batch], weights, squares)
            loss, right = loss + batch_loss, right + batch_right
        tuned = Tuned(answers, weights, rarity, len(examples))
        report(Step(epoch, loss / len(examples), right / len(examples), _accuracy(tuned, validation)))
    return Tuned(answers, weights, rarity, len(examples))


def _learn(
    texts: Sequence[Sparse], wanted: npt.NDArray[np.intp], weights: Weights, squares: Weights
) -> tuple[float, int]:
    """One step on a batch, in place; the sum of its losses, and how many were right before it."""
    used = np.unique(np.concatenate([places for places, _ in texts]))
    given = np.zeros((len(texts), len(used)), np.float32)
    for row, (places, values) in enumerate(texts):
        given[row, np.searchsorted(used, places)] = values
    likely = _softmax(given @ weights[used])
    rows = np.arange(len(texts))
    loss = -float(np.log(likely[rows, wanted] + _TINY).sum())
    right = int((likely.argmax(axis=1) == wanted).sum())
    likely[rows, wanted] -= 1
    slope = given.T @ likely
    squares[used] += slope**2
    weights[used] -= _RATE * slope / (np.sqrt(squares[used]) + _TINY)
    return loss, right


def _accuracy(tuned: Tuned, validation: Sequence[Example]) -> float | None:
    if not validation:
        return None
    hits = [tuned.choose(text, lambda scores: scores)[0] == answer for text, answer in validation]
    return sum(hits) / len(hits)


def _softmax(scores: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: npt.NDArray[np.floating] = powers / powers.sum(axis=-1, keepdims=True)
    return shares


@remembered(200_000)
def _hashed(text: str) -> tuple[tuple[int, float], ...]:
    """The features of a text as (place, weight): pairs of words stand beside words, and some share a place."""
    found: dict[int, float] = {}
    for feature, weight in features(text).items():
        name = feature if isinstance(feature, str) else " ".join(feature)
        at = zlib.crc32(name.encode()) % DIMENSIONS  # the same in every process, unlike `hash`
        found[at] = found.get(at, 0.0) + weight
    return tuple(sorted(found.items()))


def _sparse(text: str, rarity: Weights) -> Sparse:
    """The features by rarity, with length 1."""
    found = _hashed(text[:TEXT_CHARACTERS])
    places = np.array([at for at, _ in found], np.intp)
    values = np.array([weight for _, weight in found], np.float32) * rarity[places]
    length = math.sqrt(float(values @ values)) or 1.0
    return places, values / np.float32(length)


def _rarity(texts: Sequence[str]) -> Weights:
    counts = np.zeros(DIMENSIONS, np.float32)
    for text in texts:
        counts[[at for at, _ in _hashed(text[:TEXT_CHARACTERS])]] += 1
    rarity: Weights = np.log((1 + len(texts)) / (1 + counts)).astype(np.float32) + 1
    return rarity
