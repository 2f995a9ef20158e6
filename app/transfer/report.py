"""What came of an import: what was written, what was there before, and what was left out and why."""

from collections import Counter
from dataclasses import dataclass, field

MOST_NAMED = 100
"""Further ones are counted, not named: a broken disk can make millions."""


@dataclass
class Told:
    """Sentences, of which the first are kept and the others counted."""

    first: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, sentence: str) -> None:
        self.count += 1
        if self.count <= MOST_NAMED:
            self.first.append(sentence)


@dataclass
class Report:
    """Counts by what they count (`logs`, `versions`), with the sentences that explain them. Its size is bounded."""

    written: Counter[str] = field(default_factory=Counter)
    there: Counter[str] = field(default_factory=Counter)
    """What the workspace had already, by id."""
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By what, and why."""
    named: Told = field(default_factory=Told)
    """Where each thing stands that was left out."""
    gaps: Told = field(default_factory=Told)
    """What the export itself does not hold, though it should."""
    notes: Told = field(default_factory=Told)
    """What is here, but not as it was."""

    def leave_out(self, what: str, reason: str, where: str) -> None:
        """Count something that is not imported, and say where it stands."""
        self.left_out[what, reason] += 1
        self.named.add(f"{where}: {reason}")

    @property
    def is_whole(self) -> bool:
        """Whether everything that the export holds is in the workspace now."""
        return not self.left_out

    def lines(self) -> list[str]:
        """The report as text, a line each."""
        told = []
        for what in sorted({*+self.written, *+self.there}):
            counts = (self.written[what], "imported"), (self.there[what], "here already")
            told.append(f"{what}: {', '.join(f'{count:,} {how}' for count, how in counts if count)}")
        if not told:
            told.append("There was nothing to import.")
        told += _section("The export lacks", self.gaps)
        told += _section("Imported, but not as it was", self.notes)
        if self.left_out:
            told.append("")
            told.append("Left out:")
            told += [
                f"  {what}, {count:,}: {reason}"
                for (what, reason), count in sorted(self.left_out.items(), key=lambda item: -item[1])
            ]
            told += _section("Where", self.named)
        return told


def _section(title: str, told: Told) -> list[str]:
    if not told.count:
        return []
    lines = ["", f"{title}:", *(f"  {each}" for each in told.first)]
    if told.count > len(told.first):
        lines.append(f"  … and {told.count - len(told.first):,} more")
    return lines
