"""A regular expression."""

from typing import Any, Literal

from pydantic import Field, model_validator

from app.evaluators.kinds.comparing import OutputKind
from app.evaluators.kinds.contract import Execution, KindOptions, Traits, Verdict, storable
from app.evaluators.kinds.patterns import compiled, takes_long, too_long_for

_SHOWN_CHARS = 200


class RegexOptions(KindOptions):
    pattern: str = Field(min_length=1, max_length=5_000)
    """The expression, in the syntax of RE2, such as `^\\d{4}-\\d{2}-\\d{2}$`. It has no look-around and no back references."""
    match: Literal["search", "whole"] = "search"
    """It is found somewhere in the output, or it must match the whole output."""
    negate: bool = False
    """Pass where it does not match: for what must not be in an output."""
    ignore_case: bool = False
    """Treat capital and small letters as the same."""
    multi_line: bool = False
    """`^` and `$` match at the ends of each line, not only of the whole output."""
    dot_all: bool = False
    """A `.` matches line breaks too."""

    @model_validator(mode="after")
    def _compiles(self) -> "RegexOptions":
        _compiled(self)
        return self


class Regex(OutputKind[RegexOptions]):
    """Does the output match a regular expression?

    For forms such as dates, order numbers and addresses, or with “negate” for what must never be said. Matching takes
    a time that grows with the length of the output and of the expression, repetitions written out, and never explodes;
    where it would take more than some 30 seconds, it is an error.
    """

    name = "regex"
    title = "Regular expression"
    purpose = "Format"
    keywords = "regexp pattern"
    returns = Traits("boolean")
    Options = RegexOptions

    def takes_long(self, options: RegexOptions, execution: Execution) -> bool:
        return takes_long(_compiled(options), execution.output or "")

    def check(self, options: RegexOptions, output: str) -> Verdict:
        pattern = _compiled(options)
        # RE2 reads UTF-8: a lone surrogate has none.
        text = output.encode("utf-8", "replace")
        if problem := too_long_for(pattern, text):
            return Verdict(None, error=problem)
        found = pattern.fullmatch(text) if options.match == "whole" else pattern.search(text)
        if found is None:
            return Verdict(options.negate, rationale="no match")
        shown = storable(found[0].decode("utf-8", "replace"), _SHOWN_CHARS)
        return Verdict(not options.negate, rationale=f"matched “{shown}”")


def _compiled(options: RegexOptions) -> Any:
    return compiled(
        options.pattern,
        ignore_case=options.ignore_case,
        multi_line=options.multi_line,
        dot_all=options.dot_all,
    )
