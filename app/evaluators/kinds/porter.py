"""Stems of English words: the algorithm of Porter (1980), “An algorithm for suffix stripping”, with the changes of NLTK.

rouge-score stems so; `rouge` compares with its figures.
"""

import itertools
from functools import lru_cache

_POOL = {
    "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie", "news": "news", "innings": "inning",
    "inning": "inning", "outings": "outing", "outing": "outing", "cannings": "canning", "canning": "canning",
    "howe": "howe", "proceed": "proceed", "exceed": "exceed", "succeed": "succeed", "sky": "sky",
}  # fmt: skip
_SHORTEST = 3
_STEP_2 = (
    ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("bli", "ble"),
    ("alli", "al"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous"), ("ization", "ize"), ("ation", "ate"),
    ("ator", "ate"), ("alism", "al"), ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous"), ("aliti", "al"),
    ("iviti", "ive"), ("biliti", "ble"), ("fulli", "ful"),
)  # fmt: skip
_STEP_3 = (
    ("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", ""),
)  # fmt: skip
_STEP_4 = (
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate", "iti",
    "ous", "ive", "ize",
)  # fmt: skip


@lru_cache(maxsize=10_000)
def stem(word: str) -> str:
    """The stem of a word in small letters; words of one or two letters are their own."""
    if word in _POOL or len(word) < _SHORTEST:
        return _POOL.get(word, word)
    word = _past(_plural(word))
    if word.endswith("y") and len(word) > 2 and _consonants(word[:-1])[-1]:
        word = f"{word[:-1]}i"
    word = _replaced(_second(word), _STEP_3)
    for ending in _STEP_4:
        if word.endswith(ending):
            rest = word.removesuffix(ending)
            if _measure(rest) > 1 and (ending != "ion" or rest.endswith(("s", "t"))):
                word = rest
            break
    rest = word.removesuffix("e")
    if rest != word and (_measure(rest) > 1 or (_measure(rest) == 1 and not _ends_short(rest))):
        word = rest
    return word[:-1] if word.endswith("ll") and _measure(word[:-1]) > 1 else word


def _plural(word: str) -> str:
    """Step 1a."""
    if word.endswith("ies"):
        return word[:-1] if len(word) == len("dies") else word[:-2]
    return word[:-2] if word.endswith("sses") else word if word.endswith("ss") else word.removesuffix("s")


def _past(word: str) -> str:
    """Step 1b."""
    if word.endswith("ied"):
        return word[:-1] if len(word) == len("died") else word[:-2]
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) else word
    rest = next((word.removesuffix(one) for one in ("ed", "ing") if word.endswith(one)), "")
    if all(_consonants(rest)):
        return word
    if rest.endswith(("at", "bl", "iz")):
        return f"{rest}e"
    if rest[-2:] == rest[-1] * 2 and _consonants(rest)[-1]:
        return rest if rest[-1] in "lsz" else rest[:-1]
    return f"{rest}e" if _measure(rest) == 1 and _ends_short(rest) else rest


def _second(word: str) -> str:
    """Step 2."""
    if word.endswith("alli") and _measure(word[:-4]):
        return _second(word[:-2])
    if word.endswith("logi"):
        return word[:-1] if _measure(word[:-3]) else word
    return _replaced(word, _STEP_2)


def _replaced(word: str, rules: tuple[tuple[str, str], ...]) -> str:
    """The word by the first rule whose ending it has, if something is left before it that counts."""
    for ending, other in rules:
        if word.endswith(ending):
            rest = word.removesuffix(ending)
            return rest + other if _measure(rest) else word
    return word


def _consonants(word: str) -> list[bool]:
    """For each letter whether it is a consonant: y is one at the start and behind a vowel."""
    found: list[bool] = []
    for letter in word:
        found.append(letter not in "aeiou" if letter != "y" else not found or not found[-1])
    return found


def _measure(word: str) -> int:
    """How often a consonant follows a vowel: Porter's m."""
    kinds = _consonants(word)
    return sum(not one and other for one, other in itertools.pairwise(kinds))


def _ends_short(word: str) -> bool:
    """Whether it ends with consonant, vowel, consonant other than w, x and y, or is vowel and consonant alone."""
    kinds = _consonants(word)
    return kinds == [False, True] or (kinds[-3:] == [True, False, True] and word[-1] not in "wxy")
