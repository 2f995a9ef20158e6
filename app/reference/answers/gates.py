"""The shapes of what a gate decides, of a report's numbers, and of links to it."""

from typing import Literal

from app.reference.answers.evaluations import Interval, RunStatus
from app.reference.answers.files import Person
from app.reference.answers.shape import Json, Moment, Shape


class GateRun(Shape):
    run_id: str
    version_id: str | None
    name: str
    path: str | None
    status: RunStatus


class GateTest(Shape):
    name: str
    p: float
    p_adjusted: float | None
    """After Holm, over the checks of the gate that test; null where another check decides by the interval."""


class GateCheck(Shape):
    """One thing that was asked. What does not apply is null."""

    kind: Literal[
        "min", "max", "no_regression", "margin", "max_failed", "max_cost_per_1000_usd", "max_p95_latency_s"
    ]
    title: str
    outcome: Literal["passed", "failed", "undecided"]
    result: str
    """The numbers in words."""
    reason: str
    """Why, and what to do about it."""
    evaluator: Json | None
    limit: float | None
    value: float | None
    """What was held against the limit."""
    n: int
    missing: int
    """Rows of the candidate that should have a score and have none."""
    missing_baseline: int
    without_score: int
    """Rows of the candidate whose verdict is no number: they count nowhere."""
    score: Interval | None
    change: Interval | None
    test: GateTest | None


class GateDecision(Shape):
    decision: Literal["passed", "failed", "undecided"]
    """Failed if one check is; else undecided if one is."""
    exit_code: int
    """0 passed, 1 failed, 2 undecided."""
    summary: str
    subject: str
    evaluation: Json
    candidate: GateRun | None
    baseline: GateRun | None
    confidence: float
    synthetic_rows: int
    """Of the candidate's rows, those that a model wrote."""
    unfinished: list[str]
    """Runs that it is about and that go on."""
    done_count: int
    """Rows of these that are done."""
    items_count: int
    checks: list[GateCheck]
    markdown: str
    junit: str
    """JUnit XML."""


class ReportLine(Shape):
    """One version by one evaluator; what does not apply is null."""

    evaluation_id: str
    evaluation: str
    file: str | None
    version: str
    version_id: str | None
    run_id: str
    status: RunStatus
    baseline: bool
    dataset: str | None
    dataset_version: str | None
    rows: int
    rows_failed: int
    rows_not_run: int | None
    """Null while its run goes on."""
    clear_after: int | None
    """After how many rows it was clear, where the run ended for that."""
    evaluator: str
    evaluator_version_id: str
    primary: bool
    wanted: Literal["higher", "lower"]
    unit: str | None
    metric: str
    """`mean`, or the name of a score over all rows, such as `macro_f1`."""
    estimate: float | None
    lo: float | None
    hi: float | None
    confidence: float
    n: int
    clusters: int | None
    method: str | None
    warning: str | None
    errors: int | None
    without_score: int | None
    change: float | None
    """Against the baseline, on the rows that both have a score for."""
    change_lo: float | None
    change_hi: float | None
    change_n: int | None
    change_clusters: int | None
    change_method: str | None
    improved: int | None
    worsened: int | None
    unpaired: int | None
    test: str | None
    p: float | None
    verdict: str | None
    borderline: bool | None


class EarlyEnd(Shape):
    clear_after: int | None
    """Null where it was not clear, or not yet."""
    rows: int
    rows_saved: int
    """Rows that would have taken a call, over all runs, repeats included: those with an output of an earlier run do not count."""
    calls_saved: int
    """Estimated, as all that was saved, at the mean of the rows that ran."""
    cost_saved_usd: float | None
    """Null where the price of a call is not known."""
    seconds_saved: float
    said: str
    """The same as sentences, with how to read the intervals."""


class ReportStep(Shape):
    step: str
    """What to do about what was found: use it, keep the baseline, add rows, choose by something else."""
    why: str
    """What speaks for it, and what to look at before; may be empty."""
    more_rows: int | None
    """About how many rows it takes to tell; null where rows are not what it takes, or nobody can say."""
    rows_that_got_worse_url: str | None
    """The comparison of exactly the rows to read first; null where there are none, or they are not what to look at."""


class ReportEquivalence(Shape):
    limit: float
    """The evaluation's `smallest_difference`: what lies within, to both sides of 0, is too small to matter."""
    lo: float
    hi: float
    confidence: float
    """0.9: inside of the limits, two one-sided tests at 0.05 each say that the versions are alike. 0.95 of runs that stop as
    soon as it is clear, whose interval holds at every look."""


class ReportFinding(Shape):
    run_id: str | None
    """The version that is compared with the baseline; null where there are not two."""
    sentence: str
    """What happened to the primary score."""
    evidence: str
    """The interval, the rows and the test that it rests on."""
    missing: str | None
    """What the rows without a score could make of the change; null where none is missing, or nobody can bound it."""
    equivalence: ReportEquivalence | None
    """The interval that tells "no relevant difference"; null where no smallest difference was set, or nothing is compared."""
    next: ReportStep | None
    """Null where there is nothing to do yet."""


class ReportTable(Shape):
    columns: list[str]
    """In the order of the files."""
    records: list[ReportLine]
    findings: list[ReportFinding]
    """One of each version that is compared with the baseline."""
    early_end: EarlyEnd | None
    """Of an evaluation that stops as soon as it is clear."""
    synthetic_rows: dict[str, int]
    """By run, the rows that a model wrote; runs without any are left out."""


class ReportLink(Shape):
    id: str
    created_by: Person
    created_at: str
    expires_at: str
    last_opened_at: Moment
    """To the minute."""
    open: bool
    """False while its maker may not share reports: then it opens nothing."""


class NewReportLink(ReportLink):
    url: str
    """Shown this once."""
