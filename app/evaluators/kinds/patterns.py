"""Regular expressions of people, and over outputs of any length: RE2, whose time is linear in the text."""

from functools import lru_cache
from typing import Any

from app.evaluators.kinds.contract import storable

_MOST_STEPS = 1_000_000_000
"""Some 30 seconds, where RE2 has to try all of an expression at each place."""
_FEW_STEPS = 1_000_000


@lru_cache(maxsize=64)  # each may hold 8 MiB
def compiled(
    pattern: str, *, ignore_case: bool = False, multi_line: bool = False, dot_all: bool = False
) -> Any:
    """The expression, to be used on UTF-8.

    Raises:
        ValueError: it cannot be read; says why in RE2's words.
    """
    import re2  # noqa: PLC0415 - the start of the application must not wait for it

    flags = re2.Options()
    flags.log_errors = False
    flags.case_sensitive = not ignore_case
    flags.dot_nl = dot_all
    written = pattern.encode("utf-8", "replace")
    try:
        found = re2.compile(written, flags)  # as it was written, so that an error says nothing of our prefix
        return re2.compile(b"(?m)" + written, flags) if multi_line else found
    except re2.error as error:
        said = error.args[0] if error.args else error
        why = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        msg = f"the expression cannot be read: {storable(why, 300)}"
        raise ValueError(msg) from None


def takes_long(expression: Any, text: str) -> bool:
    """Whether looking for it may take more than a moment."""
    return bool(expression.programsize * len(text) > _FEW_STEPS)


def too_long_for(expression: Any, text: bytes) -> str | None:
    """Why an expression is not looked for in a text; None where it is.

    The time is linear in the text, and in the size of the expression, too: `(?:[ab]{0,1000}c?)` written twenty times
    has 40,000 steps.
    """
    most = _MOST_STEPS // expression.programsize
    if len(text) <= most:
        return None
    return (
        f"too long for this expression: {len(text):,} bytes, at most {most:,} are looked through. Shorten its "
        "repetitions, such as {0,1000}, to look through more"
    )
