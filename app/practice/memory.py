"""A bounded memory for pure functions: a prompt's fixed part is read once while it is in use."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Remembered(Generic[P, R]):
    """A pure function of hashable arguments that keeps its latest results.

    The bound is on the characters of the arguments, not on their number: prompts differ in size by a factor
    of a thousand, and what is built from one grows with its text.
    """

    def __init__(self, function: Callable[P, R], characters: int) -> None:
        self._function = function
        self._capacity = characters
        self._held = 0
        self._kept: OrderedDict[object, tuple[R, int]] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        with self._lock:
            found = self._kept.get(args)
            if found is not None:
                self._kept.move_to_end(args)
                return found[0]
        result = self._function(*args, **kwargs)
        self._keep(args, result)
        return result

    def knows(self, *args: P.args, **kwargs: P.kwargs) -> bool:  # noqa: ARG002 - the function's own signature
        """Whether a call with these arguments would be answered from memory."""
        return args in self._kept

    def _keep(self, args: object, result: R) -> None:
        size = measure(args)
        with self._lock:
            if args in self._kept or size > self._capacity:
                return
            self._kept[args] = (result, size)
            self._held += size
            while self._held > self._capacity:
                self._held -= self._kept.popitem(last=False)[1][1]


def measure(value: object) -> int:
    """The characters in a value, counted through tuples; anything else counts as eight."""
    if isinstance(value, str):
        return len(value) + 8
    if isinstance(value, tuple):
        return 8 + sum(measure(item) for item in value)
    return 8


def remembered(characters: int = 1_000_000) -> Callable[[Callable[P, R]], Remembered[P, R]]:
    """Decorate a pure function so that it keeps results for up to this many characters of arguments."""
    return lambda function: Remembered(function, characters)
