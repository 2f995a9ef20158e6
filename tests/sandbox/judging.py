"""When an attack has succeeded, in a sandbox or without one, and the honest program that must not notice it."""

import math
from dataclasses import dataclass
from typing import Any

from app.sandbox.frames import MOST_ERROR, MOST_PRINTS, Answer
from app.sandbox.programs.evaluate import MOST_RETURNED

WALL_S = 0.3
"""What an attack on time is given in the sandbox."""
GRACE_S = 1.7
"""What a busy machine may need besides."""
WATCHED_S = 0.8
"""How long an attack on time must go on without a sandbox."""
HONEST = """
import collections, decimal, importlib, json, random, re, statistics, string, sys, time, warnings, weakref
def depth(n):
    return n and 1 + depth(n - 1)
def evaluate(log, testcase):
    import math
    print("measuring", log["output"])
    found = json.loads(log["output"])
    warnings.warn("only a warning")
    return json.dumps([
        len(found), sum(found), statistics.mean(found), round(2.6), sorted("ba"), 1 + 1, math.sqrt(16),
        random.Random(7).random(), re.sub("a", "b", "aa"), str(decimal.Decimal(1) / 3), string.ascii_lowercase,
        depth(200), len(bytearray(1 << 22)), time.strftime("%H", time.localtime(0)), len(str(10 ** 700)),
        collections.Counter("aab").most_common(1),
    ])
"""
HONEST_ARGUMENTS: list[Any] = [{"output": "[1, 2, 6]"}, {"target": 3}]
HONEST_VALUE = (
    '[3, 9, 3, 3, ["a", "b"], 2, 4.0, 0.32383276483316237, "bb", "0.3333333333333333333333333333", '
    '"abcdefghijklmnopqrstuvwxyz", 200, 4194304, "00", 701, [["a", 2]]]'
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attack, and of an honest program after it."""

    answer: Answer
    overran: bool
    """It was still there when it should not have been."""
    next: Answer


def succeeded(aim: str, outcome: Outcome) -> bool:
    """Whether an attack got what its class is after."""
    answer = outcome.answer
    match aim:
        case "time":
            return outcome.overran
        case "output":
            return not _is_short(answer)
        case "forged verdicts":
            return answer.value == "FORGED" or not _is_plain(answer.value) or not _is_short(answer)
        case "poisons the next row":
            return outcome.next.value != HONEST_VALUE
        case _:
            return answer.value is True


def _is_short(answer: Answer) -> bool:
    texts = answer.value if isinstance(answer.value, list) else [answer.value]
    returned = sum(len(text) for text in texts if isinstance(text, str))
    return (
        returned <= MOST_RETURNED
        and len(texts) <= 1_000
        and len(answer.prints) <= MOST_PRINTS
        and len(answer.error or "") <= MOST_ERROR
    )


def _is_plain(value: object) -> bool:
    """As a column of the database can hold it."""
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list):
        return all(isinstance(item, str) and _is_plain(item) for item in value)
    return value is None or (isinstance(value, str) and "\0" not in value)
