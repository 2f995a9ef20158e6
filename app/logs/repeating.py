"""Finding texts again: whether something repeats what an end user said."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

SHORTEST = 8
"""Characters. A shorter text, such as the name of a language, stands in many places for reasons of their own."""


class Repeating:
    """Texts to look for. Looking takes time by the length of what is looked through, however many texts there are."""

    def __init__(self, said: Iterable[Any]) -> None:
        self._texts: defaultdict[str, set[str]] = defaultdict(set)
        for value in said:
            for text in _texts_in(value):
                if len(text) >= SHORTEST:
                    self._texts[text[:SHORTEST]].add(text)

    def __bool__(self) -> bool:
        return bool(self._texts)

    def is_in(self, value: Any) -> bool:
        """Whether any of the texts stands somewhere in a text of this JSON."""
        return any(self._is_in(text) for text in _texts_in(value))

    def _is_in(self, text: str) -> bool:
        for at in range(len(text) - SHORTEST + 1):
            if (found := self._texts.get(text[at : at + SHORTEST])) and any(
                text.startswith(one, at) for one in found
            ):
                return True
        return False


def _texts_in(value: Any) -> Iterator[str]:
    """Every text of a JSON value but the names of its members, with line ends as we keep them and none around."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str(text):
                yield text.replace("\r\n", "\n").strip()
            case dict(members):
                waiting.extend(members.values())
            case list(items):
                waiting.extend(items)
