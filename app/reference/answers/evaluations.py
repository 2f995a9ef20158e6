"""The shapes of evaluations, runs and what they came to."""

from typing import Any, Literal

from app.reference.answers.files import Datapoint, Dataset, Evaluator, Flow, Person, Prompt
from app.reference.answers.logs import Judgment, JudgmentLog, Log
from app.reference.answers.shape import Json, Moment, Shape

RunStatus = Literal["pending", "running", "completed", "cancelled"]


class EvaluationEvaluator(Shape):
    version: Evaluator
    orchestrated: bool
    """Whether it is judged here."""
    added_at: str


class Evaluation(Shape):
    id: str
    name: str | None
    file_id: str | None
    runs_count: int
    evaluators: list[EvaluationEvaluator]
    primary_evaluator: str | None
    smallest_difference: float | None
    stops_when_clear: bool
    """Whether its runs end as soon as the primary score is clear."""
    created_at: str
    created_by: Person | None
    updated_at: str
    url: str
    """Its report, for people."""


class Run(Shape):
    id: str
    orchestrated: bool
    """Whether the server makes the outputs."""
    control: bool
    """Whether it is the baseline."""
    status: RunStatus
    added_at: str
    created_at: str
    created_by: Person | None
    started_at: Moment
    finished_at: Moment
    dataset: Dataset | None
    version: Prompt | Flow | None
    """Null, as `dataset`, in a run of logs that are of none, or of any."""
    repeats: int
    concurrency: int
    fresh: bool
    split: str | None
    items_count: int
    done_count: int
    failed_count: int
    reused_count: int
    retried_count: int
    max_cost_usd: float | None
    max_calls: int | None
    spent_usd: float
    calls_count: int
    stops_when_clear: bool
    """Whether it is, or was, looked at while it runs."""
    clear_after: int | None
    """After how many rows it was clear, where it was."""
    not_run: str | None
    """Why its rows without a result were not run, where that is because it was clear."""


class Runs(Shape):
    runs: list[Run]
    """Newest first."""


class EvaluatorStats(Shape):
    """Numbers have `mean`, `sum`, `std` and `percentiles`, true and false `num_true` and `num_false`, choices
    `num_judgments_per_option`."""

    evaluator_version_id: str
    total_logs: int
    num_judgments: int
    num_nulls: int
    num_errors: int


class RunStats(Shape):
    run_id: str
    version_id: str | None
    batch_id: str | None
    num_logs: int
    status: RunStatus
    evaluator_stats: list[EvaluatorStats]


class EvaluationStats(Shape):
    run_stats: list[RunStats]
    """Newest first."""
    status: RunStatus
    progress: str
    report: str
    """A table in plain text."""


class EvaluationLog(Shape):
    run_id: str
    datapoint: Datapoint | None
    log: Log
    evaluator_logs: list[JudgmentLog]


class Interval(Shape):
    """An estimate, and how sure it is."""

    estimate: float
    lo: float | None
    hi: float | None
    n: int
    method: str


class ComparisonSummary(Shape):
    n: int
    baseline: Interval | None
    candidate: Interval | None
    delta: Interval | None
    test: Json | None
    verdict: str
    improved: int
    worsened: int
    baseline_run_id: str
    candidate_run_id: str
    evaluator: Json


class ComparisonCell(Shape):
    log_id: str | None
    output: str | None
    error: str | None
    score: float | None
    judgments: list[JudgmentLog]
    latency: float | None
    cost: float | None


class ComparisonRow(Shape):
    datapoint: Datapoint
    baseline: ComparisonCell | None
    candidate: ComparisonCell | None
    delta: float | None
    disagreement: float | None
    """How far the evaluator and people, asked the same, are apart; null where one of the two said nothing."""
    flip_rate: float | None
    """The share of pairs of repeats that do not score alike; null where nothing was repeated."""


class Comparison(Shape):
    summary: ComparisonSummary
    records: list[ComparisonRow]
    page: int
    size: int
    total: int


class LineageVersion(Shape):
    version_id: str
    number: int
    name: str | None


class LineageNode(LineageVersion):
    run_id: str


class ScoredVersion(LineageNode):
    score: Interval | None
    """On the rows that all versions share."""


class StepTest(Shape):
    name: str
    p: float


class Judged(Shape):
    """A paired change on the shared rows."""

    delta: Interval
    test: StepTest
    adjusted_p: float
    """Holm's, over the steps, or over the single changes of a bundle; of the total its own p."""
    verdict: str
    borderline: bool
    """Whether the interval and the adjusted p disagree."""
    higher: int
    """Rows that score more."""
    lower: int


class ChangedComponent(Shape):
    component: Literal[
        "prompt_text", "examples", "context", "model", "parameters", "tools", "response_schema", "attributes"
    ]
    size: str
    """In words."""


class Mix(Shape):
    """The older version with some components of the newer."""

    components: list[str]
    version_id: str | None
    """Null where there is no such version yet."""
    run_id: str | None
    status: RunStatus | None
    refusal: str | None
    """Why there can be none."""


class SingleChange(Mix):
    effect: Judged | None
    """Against the older version; null until it has run."""


class LineageStep(Judged):
    from_version_id: str
    to_version_id: str
    skipped: list[LineageVersion]
    """Versions between the two that have not run: what they changed is part of the step."""
    changed: list[ChangedComponent]
    bundled: bool
    """Whether more than one component that a model sees changed."""
    single_changes: list[SingleChange]
    """Of a bundled step: each component alone."""


class ComponentEffect(Shape):
    component: str
    effect: Interval


class Interaction(Shape):
    components: list[str]
    effect: Interval
    """The difference of differences."""
    adjusted_p: float | None
    """Holm's, over all interactions."""


class FactorialEffects(Shape):
    total: Interval
    main: list[ComponentEffect]
    shapley: list[ComponentEffect]
    """Shares of the total: they add up to it."""
    interactions: list[Interaction]


class Factorial(Shape):
    """All combinations of what differs between two versions."""

    older_version_id: str
    newer_version_id: str
    components: list[str]
    combinations: list[Mix]
    """Empty where only one component differs, or more than four."""
    missing: int
    calls: int
    """Calls of models that the missing ones would take, at most."""
    effects: FactorialEffects | None
    """Null until all have run."""


class LineageEvaluator(Shape):
    version_id: str
    path: str


class Lineage(Shape):
    evaluation_id: str
    evaluator: LineageEvaluator | None
    dataset_version_id: str | None
    rows: int
    """Rows that every version of the line has a score for: those of all steps."""
    left_out: int
    """Rows that only some of them have one for."""
    versions: list[ScoredVersion]
    """Oldest first."""
    steps: list[LineageStep]
    total: Judged | None
    sum_of_steps: float | None
    running: list[LineageNode]
    without_score: list[LineageNode]
    """Versions that the evaluator has judged no row of: they are in no step."""
    not_run: list[LineageVersion]
    factorial: Factorial | None


class Estimate(Shape):
    """About what a run would take."""

    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    priced: bool
    unpriced_models: list[Any]
    seconds: float
    detectable_difference: float | None


class RunLimits(Shape):
    most_concurrency: int | None
    usual_concurrency: int


class Trial(Shape):
    """What an evaluator says of an output that it was shown."""

    judgment: Judgment
    rationale: str | None
    stdout: str
    engine: str | None
    error: str | None
    ms: float
