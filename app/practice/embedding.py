"""Lexical embeddings: hashed words and character n-grams. They know spelling, not meaning."""

import functools
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from app.practice.text import STOP, stem, words

Vectors = npt.NDArray[np.float32]


@functools.lru_cache(50_000)
def _hashed(word: str) -> tuple[tuple[int, float], ...]:
    """(hash, signed weight) of the stem and of the word's three- and four-letter pieces."""
    framed = f"<{word}>"
    pieces = {stem(word): 1.0} | {framed[i : i + n]: 0.3 for n in (3, 4) for i in range(len(framed) - n + 1)}
    hashes = ((zlib.crc32(piece.encode()), weight) for piece, weight in pieces.items())
    return tuple((h, weight if h >> 31 else -weight) for h, weight in hashes)


def embed(texts: Sequence[str], dimensions: int) -> Vectors:
    """Unit vectors, one row a text; a text without content words is the zero vector."""
    out = np.zeros((len(texts), dimensions))
    for row, text in zip(out, texts, strict=True):
        for word in words(text):
            if word not in STOP:
                for place, weight in _hashed(word):
                    row[place % dimensions] += weight
    out = np.sign(out) * np.sqrt(np.abs(out))
    norms = np.sqrt((out**2).sum(axis=1, keepdims=True))
    vectors: Vectors = (out / np.maximum(norms, 1e-9)).astype(np.float32)
    return vectors
