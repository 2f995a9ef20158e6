"""Near-duplicates among the rows of a dataset."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain

from app.datasets.repository import Asked

_MOST_IDS = 500
_TESTS = frozenset(("validation", "test", "sealed"))
_SIGNS = dict.fromkeys(
    chain(
        range(0x21),
        map(ord, "!\"'(),.:;?[\\]_`{}¡«»¿"),
        range(0x2000, 0x2060),  # spaces, dashes, quotation marks
        range(0x3000, 0x3004),  # and those of Chinese and Japanese
        range(0x3008, 0x3012),
        range(0xFF01, 0xFF10),
        range(0xFF1A, 0xFF21),
    )
)
"""Spaces and punctuation. Letters, digits and signs such as + or € make another question."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Near-duplicates: rows that ask the same but for capitals, spaces and punctuation."""

    rows: int
    groups: int
    torn: int
    """Groups whose rows have different targets."""
    leaking: int
    """Groups with a row in training and another one in validation, test or sealed."""
    ids: Sequence[str]
    """Of the rows, at most five hundred; those of a group beside each other."""


def find(rows: Iterable[Asked]) -> Alike:
    """The near-duplicates among rows, in their order. Of each row a hash is kept, and no text."""
    groups: dict[bytes, list[tuple[str, str | None, bytes]]] = {}
    for row in rows:
        words = f"{row.inputs}\n{row.messages}".casefold().translate(_SIGNS)
        groups.setdefault(_hash(words), []).append((row.datapoint_id, row.split, _hash(row.target)))
    found = [group for group in groups.values() if len(group) > 1]
    ids = (datapoint_id for group in found for datapoint_id, _, _ in group)
    splits = [{split for _, split, _ in group} for group in found]
    return Alike(
        rows=sum(map(len, found)),
        groups=len(found),
        torn=sum(len({target for _, _, target in group}) > 1 for group in found),
        leaking=sum("train" in one and not one.isdisjoint(_TESTS) for one in splits),
        ids=[one for _, one in zip(range(_MOST_IDS), ids, strict=False)],
    )


def _hash(text: str) -> bytes:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
