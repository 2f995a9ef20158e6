"""The checks of a gate: each holds a number of the report against a limit, and says what came of it.

The numbers are the report's own statistics, over the rows that the gate counts (`gate.scores`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.evaluations.figures import headline as words
from app.evaluations.figures.numbers import at_every_look
from app.evaluations.figures.score_repository import Usage
from app.evaluations.figures.scores import Pairs
from app.evaluations.gate.plan import LIMITS, Check, Kind, figure_text
from app.evaluations.gate.rules import GateRules
from app.evaluations.gate.scores import GateScores, ends_of
from app.evaluations.models import Run
from app.evaluators.binding import is_judged_here
from app.evaluators.describing import EvaluatorInfo, describe
from app.files.models import Version
from app.statistics import stopping
from app.statistics.comparisons import holm
from app.statistics.intervals import Interval, clopper_pearson, mean_interval
from app.statistics.paired import PairedTest, paired_difference, paired_test
from app.statistics.samples import Sample, is_binary

_UNKNOWN: dict[Kind, str] = {
    "max_failed": "The run has no rows.",
    "max_cost_per_1000_usd": "No answer has a known cost: set the model's price in Settings, Providers.",
    "max_p95_latency_s": "No answer has a known latency.",
}


@dataclass(frozen=True, slots=True)
class Compared:
    """What the checks are about."""

    rules: GateRules
    candidate: Run
    baseline: Run | None
    scores: GateScores
    usage: Usage | None


def settle(about: Compared, checks: Sequence[Check]) -> list[Check]:
    """What came of the checks. A loss counts where Holm over all tests of the gate rejects "no change"."""
    measured = [_measured(about, check) for check in checks]
    p_values = [check.test.p for check in measured if check.test and _is_open(check)]
    adjusted = iter(holm(p_values).tolist())
    return [
        _with_test(check, next(adjusted), len(p_values), about.rules) if _is_open(check) else check
        for check in measured
    ]


def _is_open(check: Check) -> bool:
    """Whether it was measured, and its test waits for the others."""
    return check.kind == "no_regression" and not check.reason


def _measured(about: Compared, check: Check) -> Check:
    """The check decided; one of `no_regression` only with its change and its test."""
    if check.reason:
        return check
    if check.evaluator is None:
        return _figure(about, check)
    if check.kind in LIMITS:
        return _limit(about, check, check.evaluator)
    changed = _with_change(about, check, check.evaluator)
    return changed if changed.reason or check.kind == "no_regression" else _margin(changed)


def _limit(about: Compared, check: Check, evaluator: Version) -> Check:
    """Whether the score, or the end of its interval on that side, keeps to the limit."""
    info, rules = describe(evaluator.spec), about.rules
    check = replace(
        check,
        missing=about.scores.missing(about.candidate, evaluator),
        without_score=about.scores.column(about.candidate, evaluator).without_score,
    )
    if problem := _unusable(about, [about.candidate], evaluator, info):
        return check.undecided(problem)
    worst = _ends(about, info)[1]
    if info.is_neutral and worst is not None:  # the worst for this limit: there is no other
        worst = 0.0 if check.kind == "min" else 1.0
    values, clusters = about.scores.sample(about.candidate, evaluator, worst)
    score = _interval(rules, values, clusters, info, about.candidate)
    check = replace(check, score=score, result=_score_words(check, about.candidate, score, info, rules))
    bound = score.lo if check.kind == "min" else score.hi
    if problem := _too_little(rules, score, needs_interval=rules.limits_on == "bound"):
        return check.undecided(problem)
    value = score.estimate if rules.limits_on == "estimate" or bound is None else bound
    kept = _keeps(check, value)
    reason = _limit_reason(check, value, info, kept=kept, on_estimate=rules.limits_on == "estimate")
    if not kept and _keeps(check, score.estimate):
        reason += " The estimate keeps to it: more rows would narrow the interval."
    return replace(check, outcome="passed" if kept else "failed", value=value, reason=reason)


def _keeps(check: Check, value: float) -> bool:
    assert check.limit is not None  # noqa: S101 - it is a limit
    return value >= check.limit if check.kind == "min" else value <= check.limit


def _limit_reason(check: Check, value: float, info: EvaluatorInfo, *, kept: bool, on_estimate: bool) -> str:
    assert check.limit is not None  # noqa: S101 - it is a limit
    end = "lower" if check.kind == "min" else "upper"
    what = "The estimate" if on_estimate else f"The {end} end of the interval"
    side = {("min", True): "at least", ("max", True): "at most", ("min", False): "below"}
    said, limit = words.level(value, info), words.level(check.limit, info)
    if said == limit and value != check.limit:  # apart only in digits that nobody is shown
        said, limit = f"{value:.6g}", f"{check.limit:.6g}"
    return f"{what}, {said}, is {side.get((check.kind, kept), 'above')} {limit}."


def _interval(
    rules: GateRules,
    values: Sequence[float],
    clusters: Sequence[str] | None,
    info: EvaluatorInfo,
    candidate: Run,
) -> Interval:
    if (
        candidate.stops_by
    ):  # how many rows there are hung on what they scored: the interval has to hold for any number
        at_any_look = stopping.mean_sequence(
            list(values), planned=candidate.rows_count, level=rules.alpha, ends=info.ends
        )
        assert at_any_look is not None  # noqa: S101 - as below
        return at_any_look
    sample = Sample.of(values, clusters)
    if rules.exact and info.is_share and sample.codes is None and is_binary(sample.values):
        return clopper_pearson(int(sample.values.sum()), sample.n, rules.confidence)
    found = mean_interval(values, clusters, rules.confidence, share=info.is_share)
    assert found is not None  # noqa: S101 - `_unusable` has looked for a row
    return found


def _with_change(about: Compared, check: Check, evaluator: Version) -> Check:
    """The check with the paired change and its test, or with the reason why there is none that decides anything."""
    info, rules, scores = describe(evaluator.spec), about.rules, about.scores
    baseline, candidate = about.baseline, about.candidate
    if baseline is None:
        return check.undecided(
            "There is no baseline to compare with: choose one in the evaluation, or name one for the gate."
        )
    check = replace(
        check,
        missing=scores.missing(candidate, evaluator),
        missing_baseline=scores.missing(baseline, evaluator),
        without_score=scores.column(candidate, evaluator).without_score,
    )
    if problem := _unusable(about, [baseline, candidate], evaluator, info):
        return check.undecided(problem)
    pairs = scores.pairs(baseline, candidate, evaluator, _ends(about, info))
    change, test = _change_and_test(rules, pairs, info, baseline, candidate)
    if change is None:
        return check.undecided(f"No row has a score of both {baseline.name} and {candidate.name}.")
    check = replace(
        check,
        change=change,
        test=test,
        result=_change_words(check, baseline, candidate, change, test, info, rules),
    )
    return replace(check, reason=_too_little(rules, change, needs_interval=True) or "")


def _change_and_test(
    rules: GateRules, pairs: Pairs, info: EvaluatorInfo, baseline: Run, candidate: Run
) -> tuple[Interval | None, PairedTest | None]:
    """Of runs that end as soon as it is clear, by numbers that hold for any number of rows: whatever the score, for how many
    rows there are hung on one that it may go with."""
    if _looked_at(baseline, candidate):
        found = at_every_look(pairs, baseline, candidate, info, rules.alpha)
        return found.delta, found.test
    before, after, clusters = pairs.baseline, pairs.candidate, pairs.clusters
    return (
        paired_difference(before, after, clusters, rules.confidence, share=info.is_share),
        paired_test(before, after, clusters, share=info.is_share),
    )


def _looked_at(*runs: Run) -> bool:
    """Whether how many rows there came to be hung on a score of one of the runs."""
    return any(run.stops_by for run in runs)


def _with_test(check: Check, p_adjusted: float, tests: int, rules: GateRules) -> Check:
    """Whether a loss is more than chance, as the test says once it is adjusted for the others."""
    assert check.evaluator  # noqa: S101 - those that are tested have one
    assert check.change  # noqa: S101
    info = describe(check.evaluator.spec)
    edge = _edge(check.change, info)
    failed = _gain(check.change.estimate, info) < 0 and p_adjusted <= rules.alpha
    if failed:
        reason = "It is worse than the baseline, by more than chance explains."
    elif _gain(edge, info) < 0:
        reason = f"No loss that can be told from chance. The interval reaches {_change(edge, info)}: a margin would rule a loss out."
    else:
        reason = "No loss."
    result = check.result
    if tests > 1:
        result += f", after Holm over {tests} tests {words.p_text(p_adjusted)}"
    return replace(
        check,
        outcome="failed" if failed else "passed",
        p_adjusted=p_adjusted,
        result=result,
        reason=reason,
    )


def _margin(check: Check) -> Check:
    """Whether the interval of the change rules out a loss of the margin: non-inferiority."""
    assert check.evaluator  # noqa: S101 - it is about one
    assert check.change  # noqa: S101 - as `_with_change` left it
    assert check.limit is not None  # noqa: S101
    info, margin = describe(check.evaluator.spec), check.limit
    edge = _edge(check.change, info)
    text = words.size(margin, info)
    if _gain(edge, info) > -margin:
        said = f"The interval reaches {_change(edge, info)}: a loss of {text} is ruled out."
        return replace(check, outcome="passed", value=edge, reason=said)
    said = f"The interval reaches {_change(edge, info)}: a loss of {text} cannot be ruled out."
    if _gain(check.change.estimate, info) > -margin:
        said += " The estimate is inside the margin: more rows would narrow the interval."
    return replace(check, outcome="failed", value=edge, reason=said)


def _figure(about: Compared, check: Check) -> Check:
    """Whether a figure of the candidate's answers keeps to its limit. Figures have no interval."""
    assert check.limit is not None  # noqa: S101 - figures have one
    run, usage = about.candidate, about.usage
    value: float | None = None
    rows = run.done_count if run.ended_when_clear else run.items_count
    if check.kind == "max_failed" and rows:
        value = (run.failed_count + rows - run.done_count) / rows
    elif check.kind == "max_cost_per_1000_usd" and usage:
        value = usage.cost_per_1000_usd
    elif check.kind == "max_p95_latency_s" and usage and usage.p95_latency_ms is not None:
        value = usage.p95_latency_ms / 1000
    if value is None:
        return check.undecided(_UNKNOWN[check.kind])
    kept, text = value <= check.limit, figure_text(check.kind, value)
    basis = f"of {rows:,}" if check.kind == "max_failed" else "without an interval"
    return replace(
        check,
        value=value,
        outcome="passed" if kept else "failed",
        result=f"{text} {basis}",
        reason=f"{text} is {'at most' if kept else 'above'} {figure_text(check.kind, check.limit)}.",
    )


def _unusable(about: Compared, runs: Sequence[Run], evaluator: Version, info: EvaluatorInfo) -> str | None:
    """Why an evaluator's scores of runs decide nothing; None where they may."""
    for run in runs:
        column = about.scores.column(run, evaluator)
        if column.n == 0 and column.errors:
            return f"The evaluator has no score of {run.name}: {_rows(column.errors)} failed. The report says why; retry them."
        if column.n == 0:
            return f"No row of {run.name} has a score by it."
    for run in runs:
        missing = about.scores.missing(run, evaluator)
        if missing and about.rules.missing == "worst" and ends_of(info) is None:
            return (
                f"{_rows(missing)} of {run.name} should have a score and {'has' if missing == 1 else 'have'} none, and"
                " this scale has no worst value to count: retry them, or leave them out (`missing`)."
            )
    return None


def _ends(about: Compared, info: EvaluatorInfo) -> tuple[float | None, float | None]:
    """What a missing score counts as: of the baseline the best, of the candidate the worst; None: it is left out."""
    ends = ends_of(info) if about.rules.missing == "worst" else None
    return (ends[1], ends[0]) if ends else (None, None)


def _too_little(rules: GateRules, interval: Interval, *, needs_interval: bool) -> str | None:
    if interval.n < rules.min_rows:
        return (
            f"{_rows(interval.n)}, and a decision takes {rules.min_rows:,} (`min_rows`): run it on more rows."
        )
    if needs_interval and interval.lo is None:
        return f"There is no interval ({interval.warning}): run it on more rows."
    return None


def _gain(change: float, info: EvaluatorInfo) -> float:
    """A change as a gain: above 0 is better."""
    return change if info.wanted == "higher" else -change


def _edge(change: Interval, info: EvaluatorInfo) -> float:
    """The end of a change's interval on the side of a loss."""
    edge = change.lo if info.wanted == "higher" else change.hi
    assert edge is not None  # noqa: S101 - `_too_little` has looked
    return edge


def _change(value: float, info: EvaluatorInfo) -> str:
    return words.change_text(value, info) + (" points" if info.is_share else "")


def _score_words(check: Check, candidate: Run, score: Interval, info: EvaluatorInfo, rules: GateRules) -> str:
    name = words.interval_name(candidate.stops_by is not None, rules.confidence)
    span = f", {name} {words.span(score, info)}" if score.lo is not None else ""
    return f"{words.level(score.estimate, info)}{span}, {words.rows(score)}{_judged(check, candidate, score)}{_counted(check, rules)}"


def _change_words(
    check: Check,
    baseline: Run,
    candidate: Run,
    change: Interval,
    test: PairedTest | None,
    info: EvaluatorInfo,
    rules: GateRules,
) -> str:
    name = words.interval_name(_looked_at(baseline, candidate), rules.confidence)
    span = f", {name} {words.signed_span(change, info)}" if change.lo is not None else ""
    p = f", {test.name.split(',')[0]} {words.p_text(test.p)}" if test else ""
    return f"{_change(change.estimate, info)}{span}, {words.rows(change)}{_judged(check, candidate, change)}{_counted(check, rules)}{p}"


def _judged(check: Check, candidate: Run, found: Interval) -> str:
    """Of how many rows, where people or programs elsewhere judge: those that nobody judged are not missing."""
    rows = candidate.items_count // candidate.repeats
    if check.evaluator is None or is_judged_here(check.evaluator.spec) or found.n >= rows:
        return ""
    return f" of {rows:,}, those that were judged"


def _counted(check: Check, rules: GateRules) -> str:
    """How many rows have no score, and what became of them."""
    missing = check.missing + check.missing_baseline
    if not missing:
        return ""
    became = "counted at the worst" if rules.missing == "worst" else "left out"
    return f", {missing:,} without a score {became}"


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
