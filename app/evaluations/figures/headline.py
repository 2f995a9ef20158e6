"""The sentence at the top of a report: what happened to the primary score, by how much, and how sure that is."""

from dataclasses import dataclass

from app.core import formats
from app.evaluations.figures.numbers import Change
from app.evaluations.figures.report import EvaluatorRow, Report
from app.evaluations.models import Run
from app.evaluators.describing import EvaluatorInfo
from app.statistics.intervals import Interval
from app.statistics.paired import Changes

_NEUTRAL = "Neither is better by this evaluator."


@dataclass(frozen=True, slots=True)
class Headline:
    """A finding in three parts, so that the page can set the number apart."""

    before: str
    number: str
    """The size of the change, or empty."""
    after: str
    detail: str
    tone: str = ""
    """`better`, `worse` or nothing: how the number is coloured."""
    next: str = ""
    """What to do about it, in a few words that are of no other finding; empty where there is nothing to do yet."""

    @property
    def text(self) -> str:
        """The whole sentence."""
        return f"{self.before} {self.number}{self.after}".replace("  ", " ").strip()


def headline(report: Report, candidate: Run | None) -> Headline:
    """The sentence about `candidate` against the baseline by the primary evaluator."""
    row = report.primary
    if not report.runs:
        return Headline("Not started", "", "", "Choose versions and rows, and start.")
    if row is None:
        return Headline("No evaluator yet", "", "", "Add one, and the outputs that are there will be judged.")
    if report.baseline is None or candidate is None:
        return _single(report, row)
    change = row.changes[candidate.id]
    old, new = report.baseline.name, candidate.name
    return _Sentence(row, change, old, new, report).write()


def _single(report: Report, row: EvaluatorRow) -> Headline:
    run = report.runs[0]
    name = run.name
    if run.status in ("pending", "running"):
        return Headline(
            "Too early to say", "", "", f"{run.done_count} of {run.items_count} rows of {name} are done."
        )
    interval = row.cells[run.id].interval
    if interval is None and run.status == "cancelled":
        done = f"{run.done_count:,} of {run.items_count:,} rows of {name} are done."
        return Headline("Stopped before there was a score", "", "", f"{done} It can be resumed.")
    if interval is None:
        return Headline(
            f"{name} has no score by {row.version.file.name}",
            "",
            "",
            "Every row failed, or none has a target.",
        )
    hint = (
        "Add a second version to compare it with."
        if len(report.runs) == 1
        else "Choose a baseline to compare."
    )
    detail = f"95% CI {span(interval, row.info)}, {interval.method}, {rows(interval)}. {hint}"
    return Headline(
        f"{name} scores", level(interval.estimate, row.info), f" by {row.version.file.name}", detail
    )


class _Sentence:
    """Writes the sentence of one change."""

    def __init__(self, row: EvaluatorRow, change: Change, old: str, new: str, report: Report) -> None:
        self.row, self.change, self.old, self.new, self.report = row, change, old, new, report

    def write(self) -> Headline:
        name = self.change.verdict.name
        if name == "failed":
            return Headline(
                f"{self.row.version.file.name} failed on every row",
                "",
                "",
                "No change can be told.",
            )
        if name == "scoring":
            return self._early()
        if name == "too_few":
            return self._too_few()
        if name in ("better", "worse"):
            return self._moved(name)
        if name == "no_relevant_difference":
            words = f"No relevant difference between {self.old} and {self.new}"
            advice = "Use either, and choose by cost and latency: the scores differ by less than matters."
            return Headline(words, "", "", f"{self._evidence()} {self._alike()}", next=advice)
        words = f"No clear change from {self.old} to {self.new}"
        advice = f"Keep {self.old}, the baseline, for now: neither is clearly better."
        if self.row.info.is_neutral:
            advice = f"Choose by other scores. {_NEUTRAL}"
        return Headline(words, "", "", f"{self._evidence()} {self._alike()}".strip(), next=advice)

    def _early(self) -> Headline:
        done = sum(run.done_count for run in self.report.runs)
        total = sum(run.items_count for run in self.report.runs)
        return Headline(
            "Too early to say", "", "", f"{done:,} of {total:,} answers are in. What is shown may still move."
        )

    def _too_few(self) -> Headline:
        detail = self._evidence() if self.change.delta else "No row has a score from both versions."
        title = f"Too few rows to tell {self.new} from {self.old}"
        return Headline(
            title,
            "",
            "",
            detail,
            next=add_rows("rows", self.old, self.row.info),
        )

    def _moved(self, name: str) -> Headline:
        delta = self.change.delta
        assert delta is not None  # noqa: S101 - better and worse have an interval
        info = self.row.info
        by = f" on {self.row.version.file.name}"
        if info.is_neutral:
            scores = f"{self.new} scores {self.change.verdict.word.lower()} than {self.old} by"
            return Headline(scores, size(abs(delta.estimate), info), by, f"{self._evidence()} {_NEUTRAL}")
        return Headline(
            f"{self.new} is {name} than {self.old} by",
            size(abs(delta.estimate), info),
            by,
            self._evidence(),
            name,
            next=f"Use {self.new}." if name == "better" else f"Keep {self.old}.",
        )

    def _alike(self) -> str:
        """What tells "no relevant difference" from "no clear change"; empty where nobody said what is too small to matter."""
        alike, info = self.change.alike, self.row.info
        if alike is None:
            return ""
        span = f"{change_text(alike.lo, info)} to {change_text(alike.hi, info)}"
        limit = f"±{size(alike.limit, info)}, which was set as the smallest difference that matters"
        name = interval_name(self.change.looked_at, alike.confidence).replace("CI", "interval")
        if self.change.verdict.name == "no_relevant_difference":
            return f"Its {name}, {span}, lies within {limit}."
        return f"Its {name}, {span}, reaches beyond {limit}: there may be one."

    def _evidence(self) -> str:
        change, info = self.change, self.row.info
        delta = change.delta
        if delta is None:
            return "No row has a score from both versions."
        parts = []
        if change.verdict.name not in ("better", "worse"):  # else the title says by how much, and on what
            moved = change_text(delta.estimate, info) + (" points" if info.is_share else "")
            parts.append(f"{self.row.version.file.name} {moved}")
        if delta.lo is not None and delta.hi is not None:
            parts.append(f"{interval_name(change.looked_at)} {signed_span(delta, info)}")
        parts.append(f"paired on the same {rows(delta)}")
        if change.test:
            parts.append(f"{change.test.name.split(',')[0]} {p_text(change.test.p)}")
        sentence = ", ".join(parts) + "."
        if change.changes and (moved := _moved_rows(change.changes, info)):
            sentence += f" {moved}"
        if change.verdict.borderline:
            sentence += " Borderline: the interval and the test disagree."
        if delta.warning:
            sentence += f" {delta.warning[:1].upper()}{delta.warning[1:]}."
        return sentence


def add_rows(many: str, old: str, info: EvaluatorInfo) -> str:
    """The step where rows are too few, and what to use meanwhile where more or less is better at all."""
    meanwhile = "Add" if info.is_neutral else f"Keep {old}, and add"
    return f"{meanwhile} {many} before you decide: these tell nothing yet."


def _moved_rows(changes: Changes, info: EvaluatorInfo) -> str:
    """How many rows moved each way, as the evaluator wants it; nothing where none did."""
    if info.is_neutral:
        up, down = changes.higher, changes.lower
        return (
            f"{up:,} row{'' if up == 1 else 's'} higher, {down:,} lower." if up or down else "No row moved."
        )
    better, worse = (
        (changes.higher, changes.lower) if info.wanted == "higher" else (changes.lower, changes.higher)
    )
    if not better and not worse:
        return "No row got better or worse."
    return f"{better:,} row{'' if better == 1 else 's'} got better, {worse:,} worse."


def interval_name(looked_at: bool, confidence: float = 0.95) -> str:
    """What an interval is called: one that holds however often one looks is a confidence sequence."""
    return f"{confidence * 100:g}% {'confidence sequence' if looked_at else 'CI'}"


def rows(interval: Interval) -> str:
    """How many rows stand behind an interval, with their clusters."""
    text = f"{interval.n:,} row{'' if interval.n == 1 else 's'}"
    return f"{text} in {interval.clusters} clusters" if interval.clusters else text


def p_text(p: float) -> str:
    """A p-value with as many digits as mean something."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def level(value: float, info: EvaluatorInfo) -> str:
    """A score in its own unit: 83.5%, 1.42 s, $0.0012, 3.4."""
    if info.is_share:
        return formats.percent(value)
    if info.unit == "s":
        return formats.seconds(value * 1000)
    if info.unit == "usd":
        return formats.money(value)
    return formats.number(value, 2)


def size(value: float, info: EvaluatorInfo) -> str:
    """The size of a change: 4.0 points, 0.24 s."""
    if info.is_share:
        return f"{formats.number(value * 100, 1)} points"
    return level(value, info)


def change_text(value: float, info: EvaluatorInfo) -> str:
    """A change with its sign, in its unit: +4.0, −0.24 s."""
    if info.is_share:
        return formats.signed(value * 100)
    if info.unit in ("s", "usd"):
        sign = "" if value == 0 else "+" if value > 0 else "−"
        return sign + level(abs(value), info)
    return formats.signed(value, 2)


def span(interval: Interval, info: EvaluatorInfo) -> str:
    """An interval of a score: 80.0–86.6, clipped to what a share can be for reading only."""
    if interval.lo is None or interval.hi is None:
        return "not known"
    if info.is_share:
        return share_span(interval)
    return f"{level(interval.lo, info)}–{level(interval.hi, info)}"


def share_span(interval: Interval) -> str:
    """An interval of a share, as `span`."""
    if interval.lo is None or interval.hi is None:
        return "not known"
    lo, hi = max(0.0, interval.lo), min(1.0, interval.hi)
    return f"{formats.number(lo * 100, 1)}–{formats.number(hi * 100, 1)}"


def signed_span(interval: Interval, info: EvaluatorInfo) -> str:
    """An interval of a change: +1.2 to +6.7."""
    if interval.lo is None or interval.hi is None:
        return "not known"
    return f"{change_text(interval.lo, info)} to {change_text(interval.hi, info)}"
