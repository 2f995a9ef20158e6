"""What kinds share that look at the output, or compare it with the target."""

# ruff: noqa: ARG002 - a kind need not look at all that it is given

import json
import re
import unicodedata
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from app.evaluators.kinds.contract import (
    Execution,
    Kind,
    KindOptions,
    OptionsT,
    Row,
    Verdict,
    no_output,
    storable,
)

USUAL_FIELDS = ("output", "value", "answer")

NO_TARGET = Verdict(None, rationale="no target")
NOTHING_TO_FIND = Verdict(None, rationale="no text to look for: it is empty")
"""Every output contains an empty text: such as a cell of a table that nobody filled in."""

LONGEST_COMPARED = 100_000
"""Characters. Two longer texts would keep a worker busy for seconds: a kind whose work grows faster than they do refuses."""
_MOST_COMPARED = 10 * LONGEST_COMPARED
"""Characters of all targets of a row: each of them is compared."""


class TargetOptions(KindOptions):
    """The options of kinds that compare with the target."""

    target_field: str | None = None
    """Which field of the target to compare with. Empty: its only field, or else `output`, `value` or `answer`."""


TargetOptionsT = TypeVar("TargetOptionsT", bound=TargetOptions)


class OutputKind(Kind[OptionsT]):
    """A kind that looks at the output alone. An execution without an output is an error."""

    def judge(
        self, options: OptionsT, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Verdict:
        missing = no_output(execution)
        return missing or self.check(options, execution.output or "")

    @abstractmethod
    def check(self, options: OptionsT, output: str) -> Verdict:
        """The verdict on an output."""


class TargetKind(Kind[TargetOptionsT]):
    """A kind that compares the output with the target. A row without a target has no value, and no error."""

    def judge(
        self, options: TargetOptionsT, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Verdict:
        missing = no_output(execution)
        if missing is not None:
            return missing
        try:
            accepted = self.accepted(options, row)
        except TargetUnclear as unclear:
            return Verdict(None, error=storable(str(unclear)))
        if not accepted:
            return NO_TARGET
        return self.compare(options, execution.output or "", accepted)

    def accepted(self, options: TargetOptionsT, row: Row) -> list[Any]:
        """What the row's target accepts; TargetUnclear when several fields could be meant."""
        return accepted_values(row.target, options.target_field)

    @abstractmethod
    def compare(self, options: TargetOptionsT, output: str, accepted: list[Any]) -> Verdict:
        """The verdict on an output; `accepted` are the values of which any will do, at least one."""


class TargetUnclear(Exception):
    """The target has several fields and nothing says which one counts."""


def accepted_values(target: Mapping[str, Any] | None, target_field: str | None) -> list[Any]:
    """What a target accepts: the items of a list, any of which will do, else the one value. Null is nothing."""
    if not target:
        return []
    return listed(target.get(target_field or usual_field(target)))


def listed(value: Any) -> list[Any]:
    """The items of a list, or the one value; without null."""
    return [one for one in (value if isinstance(value, list) else [value]) if one is not None]


def text_of(value: object) -> str:
    """A value of a target as the text that an output is compared with: other than text as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def composed(text: str) -> str:
    """The text with each letter in one spelling: é may be one sign or two, and nobody can see which (Unicode's NFC)."""
    return unicodedata.normalize("NFC", text)


_UNPARTED = re.compile(
    "(?=\\w)[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""A letter of a script that has no blanks between words, so that words end with others: Thai, Lao, Burmese, Khmer, Chinese,
Japanese or Korean."""


def parted(text: str) -> str:
    """The text with a sign that is no letter around each letter of such a script, to look for words in it."""
    return text if text.isascii() else _UNPARTED.sub("\0\\g<0>\0", text)


def stands_alone(text: str, output: str, *, but_joined: bool = False) -> bool:
    """Whether a text stands somewhere in the output where it is no part of a longer word. Both are `parted`. `but_joined`: nor of
    words that hyphens join, such as “non-toxic”."""
    if text not in output:  # most are not, and an expression takes longer to make than to look with
        return False
    before = "" if text.startswith("\0") else r"(?<!\w)"
    behind = "" if text.endswith("\0") else r"(?!\w)"
    if but_joined:
        before, behind = rf"(?<![^\W_]-)(?<!\0-){before}", rf"{behind}(?!-[^\W_])(?!-\0)"
    return re.search(f"{before}{re.escape(text)}{behind}", output) is not None


def too_long(*texts: str) -> Verdict | None:
    """The verdict where a text, or all of them together, are longer than is compared, else None."""
    longest, total = max(map(len, texts)), sum(map(len, texts))
    if longest > LONGEST_COMPARED:
        said = f"{longest:,} characters, at most {LONGEST_COMPARED:,} are"
    elif total > _MOST_COMPARED:
        said = f"{total:,} characters in all targets, at most {_MOST_COMPARED:,} are"
    else:
        return None
    return Verdict(None, error=f"too long to compare: {said}")


def usual_field(target: Mapping[str, Any]) -> str:
    """The field of a target that counts where none is named; TargetUnclear when several could be meant."""
    if len(target) == 1:
        return next(iter(target))
    for name in USUAL_FIELDS:
        if name in target:
            return name
    raise TargetUnclear(
        f"The target has several fields ({', '.join(target)}): choose which one to compare with"
    )
