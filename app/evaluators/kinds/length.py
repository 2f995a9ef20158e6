"""Length."""

from typing import Literal

from pydantic import Field, model_validator

from app.evaluators.kinds.comparing import OutputKind
from app.evaluators.kinds.contract import KindOptions, Traits, Verdict, Wanted


class LengthOptions(KindOptions):
    unit: Literal["words", "characters", "lines"] = "words"
    """What to count: what blanks separate, characters with the blanks between them, or lines that are not blank."""
    shortest: int | None = Field(None, ge=0)
    """The fewest that pass. Empty: no lower limit."""
    longest: int | None = Field(None, ge=0)
    """The most that pass. Empty: no upper limit."""
    wanted: Wanted = "lower"
    """Without limits the length itself is the score: whether a longer or a shorter output is the better one."""

    @model_validator(mode="after")
    def _possible(self) -> "LengthOptions":
        if self.shortest is not None and self.longest is not None and self.shortest > self.longest:
            msg = "the shortest length must not be over the longest"
            raise ValueError(msg)
        return self


class Length(OutputKind[LengthOptions]):
    """How long is the output, or is it within limits?

    With a limit it passes or fails; without one the length is the score. Blanks at both ends do not count. Languages
    that are written without blanks, such as Chinese, have characters to count, not words.
    """

    name = "length"
    title = "Length"
    purpose = "Format"
    returns = Traits("number", wanted="lower", unit="points")
    Options = LengthOptions

    def traits(self, options: LengthOptions) -> Traits:
        if options.shortest is None and options.longest is None:
            return Traits("number", wanted=options.wanted, unit="points")
        return Traits("boolean")

    def check(self, options: LengthOptions, output: str) -> Verdict:
        length = _count(output, options.unit)
        if options.shortest is None and options.longest is None:
            return Verdict(float(length))
        low = options.shortest is None or length >= options.shortest
        high = options.longest is None or length <= options.longest
        unit = options.unit if length != 1 else options.unit[:-1]
        return Verdict(low and high, rationale=f"{length:,} {unit}")


def _count(output: str, unit: str) -> int:
    if unit == "characters":
        return len(output.strip())
    if unit == "words":
        return len(output.split())
    return sum(1 for line in output.splitlines() if line.strip())
