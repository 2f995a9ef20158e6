"""A number, with tolerance."""

import math
import re
from typing import Any, Literal

from pydantic import Field

from app.evaluators.kinds.comparing import TargetKind, TargetOptions, text_of
from app.evaluators.kinds.contract import Traits, Verdict, storable

# Thousands with commas, apostrophes or blanks at which no line breaks; decimals, exponents; a minus after a word or a digit is a dash, not a sign. In Chinese and
# Japanese words have no end that can be seen: behind them it is one.
_NUMBER = re.compile(
    r"(?<![\d.])(?:(?<![^\W\u2e80-\ua4cf\uac00-\ud7af])[-+−])?(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d{1,3}(?:['’]\d{3})+(?!\d)|\d{1,3}(?:[\u00a0\u2009\u202f]\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?"
)
_BETWEEN = re.compile(r"[,'’\s]")
_SWAPPED = str.maketrans(",.", ".,")
_SAME_DIGITS = 1e-9  # what adding decimals in binary may lose is no difference


class NumericOptions(TargetOptions):
    find: Literal["last", "first", "whole"] = "last"
    """Which number of the output counts: the last one, the first one, or the output must be a number and nothing else."""
    absolute: float = Field(0, ge=0, allow_inf_nan=False)
    """How far it may be from the target, in the same unit."""
    relative: float = Field(0, ge=0, allow_inf_nan=False)
    """How far it may be from the target, as a share of it: 0.01 is one percent. The larger of the two counts."""
    decimal_comma: bool = False
    """Numbers are written 1.234,5 instead of 1,234.5."""


class Numeric(TargetKind[NumericOptions]):
    """Is the number in the output the target, within a tolerance?

    Reads thousands in groups of three digits (1,234 or 1'234; a common blank parts two numbers), decimals, exponents and signs; units, currencies and percent signs are ignored. An
    output without a number does not match.
    """

    name = "numeric"
    title = "Numeric match"
    purpose = "Comparison with a target"
    keywords = "maths math tolerance"
    returns = Traits("boolean", needs_target=True)
    Options = NumericOptions

    def compare(self, options: NumericOptions, output: str, accepted: list[Any]) -> Verdict:
        wanted = [_target(value, options) for value in accepted]
        numbers = [number for number in wanted if number is not None]
        if len(numbers) < len(wanted):
            return Verdict(None, error=storable(f"The target is no number: {text_of(accepted)}", 300))
        found = _find(output, options)
        if found is None:
            return Verdict(False, rationale="no number in the output")
        nearest = min(numbers, key=lambda number: abs(found - number))
        margin = max(options.absolute, options.relative * abs(nearest))
        return Verdict(
            abs(found - nearest) <= margin + _SAME_DIGITS * abs(nearest),
            rationale=f"found {found:.12g}, wanted {nearest:.12g}",
        )


def _target(value: Any, options: NumericOptions) -> float | None:
    if isinstance(value, str):
        return _find(value, options)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return None
    return number if math.isfinite(number) else None


def _find(text: str, options: NumericOptions) -> float | None:
    """The number that counts, None when there is none or it is too large for a float."""
    if options.decimal_comma:
        text = text.translate(_SWAPPED)
    if options.find == "whole":
        whole = _NUMBER.fullmatch(text.strip())
        found = whole[0] if whole else None
    else:
        numbers = _NUMBER.findall(text)
        found = (numbers[-1] if options.find == "last" else numbers[0]) if numbers else None
    if found is None:
        return None
    number = float(_BETWEEN.sub("", found).replace("−", "-"))
    return number if math.isfinite(number) else None
