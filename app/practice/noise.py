"""What a temperature above 0 does: noise on the candidates' scores, the same for the same request everywhere."""

import hashlib
from collections.abc import Callable

import numpy as np

from app.practice.text import Scores

Noise = Callable[[Scores], Scores]

SPREAD = 0.08
"""Of the best score, at temperature 1: enough to decide near ties, too little to make nonsense win."""


def silent(scores: Scores) -> Scores:
    """Temperature 0."""
    return scores


def gumbel(temperature: float, request: bytes) -> Noise:
    """Gumbel noise from a hash of the request: numpy does not promise the same random stream for ever."""
    key = int.from_bytes(hashlib.blake2b(request, digest_size=8).digest(), "little")

    def noise(scores: Scores) -> Scores:
        drawn = -np.log(-np.log(_uniform(key, len(scores))))
        noisy: Scores = scores + temperature * SPREAD * scores.max() * drawn
        return noisy

    return noise


def _uniform(key: int, count: int) -> Scores:
    """Numbers in (0, 1) by SplitMix64 (Steele, Lea and Flood 2014) from the counters after the key."""
    z = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = (z ^ (z >> np.uint64(31))) >> np.uint64(12)
    numbers: Scores = z.astype(np.float64) / 2**52 + 2**-54
    return numbers
