"""The shapes of files, of what they lie in, and of where they run."""

from typing import Any, Literal

from app.reference.answers.shape import Json, Moment, Shape


class Person(Shape):
    id: str | None
    full_name: str
    email_address: str


class Environment(Shape):
    id: str
    name: str
    tag: Literal["default", "other"]
    protected: bool
    """Only admins and its approvers deploy there."""
    created_at: str


class SearchHit(Shape):
    """One thing that a search found."""

    type: Literal[
        "prompt",
        "tool",
        "dataset",
        "evaluator",
        "flow",
        "agent",
        "version",
        "evaluation",
        "page",
        "action",
        "workspace",
    ]
    group: str
    """The heading that it stands under."""
    id: str | None
    """Of the file that it is or is about, or of the evaluation."""
    title: str
    path: str | None
    """Of the file that it is or is about."""
    url: str
    """Its page, for people."""


class Need(Shape):
    """Something that needs a person."""

    kind: str
    """For example `reviews_wait` or `rows_failed`."""
    title: str
    detail: str
    url: str
    """Where it is seen to, for people."""


class SampledMeasure(Shape):
    """A number of the last 24 hours, as people read it, with its 95% interval and that of the 7 days before."""

    now: str
    interval: str
    n: int
    """Logs that it rests on; of a sample of unequal weights, as many of equal weight say as much."""
    before: str | None
    change: str | None
    verdict: str | None
    """The word for the change."""


class FaredFile(Shape):
    """How a file that runs somewhere fared in the last 24 hours."""

    file: Json
    """`id`, `path` and `type`."""
    url: str
    live: list[Json]
    """What runs where: `environment` and `version_number`."""
    calls: str
    sampled: bool
    """Whether there may have been more calls than were read: then `calls` and `cost` are estimates."""
    calls_read: int
    """Calls that were read: `calls` and `cost` rest on them."""
    errors: SampledMeasure | None
    latency_p95: Json
    """`now`, the `n` logs behind it, and `before`; empty where these are fewer than 20."""
    cost: str
    score: SampledMeasure | None
    evaluator: str | None
    """Whose score it is."""


class Overview(Shape):
    """What the home page says."""

    needs: list[Need]
    production: list[FaredFile]


class EnvironmentWithApprovers(Environment):
    approvers: list[str]
    """Ids of developers that deploy there beside the admins."""


class MonitoringEvaluator(Shape):
    """An evaluator that judges each new log of a file."""

    version_reference: Json
    """`type` version with `version`, or `type` environment with `file` and `environment`."""
    version: "Evaluator | None"
    state: Literal["active", "inactive"]
    sampling: float
    """The share of logs that it judges."""
    created_at: str
    updated_at: str


class File(Shape):
    """A file at one of its versions."""

    id: str
    path: str
    name: str
    type: Literal["prompt", "tool", "dataset", "evaluator", "flow", "agent"]
    directory_id: str | None
    description: str | None
    tags: list[str] | None
    readme: str | None
    version_id: str
    version_number: int
    version_name: str | None
    version_description: str | None
    status: Literal["committed"]
    created_at: str
    updated_at: str
    version_created_at: Moment
    last_used_at: str
    created_by: Person | None
    environments: list[Environment]
    """Where this version runs."""
    evaluators: list[MonitoringEvaluator]
    evaluator_aggregates: list[Json]
    """If asked for: the last score by each evaluator."""


class Input(Shape):
    name: str


class Counted(File):
    """A file of which there are logs."""

    version_logs_count: int
    """Of an evaluator, its judgments, exact up to 10,000."""
    total_logs_count: int
    inputs: list[Input]


class Prompt(Counted):
    """A prompt with its content: model, template and parameters."""

    template: list[Json] | str | None
    tools: list[Json]
    linked_tools: list[Any]


class PopulatedPrompt(Prompt):
    populated_template: list[Json] | str | None


class Agent(Counted):
    """An agent with its content."""

    template: list[Json] | str | None
    tools: list[Json]


class Tool(Counted):
    """A tool with its content."""

    function: Json | None
    source_code: str | None
    setup_values: Json | None
    attributes: Json | None
    tool_type: str | None
    signature: str | None


class ToolVariable(Shape):
    name: str
    value: Literal[""]
    """What it was set to is never shown."""
    origin: str | None
    """Scheme, host and port that it is sent to."""


class Evaluator(Counted):
    """An evaluator with its settings."""

    spec: Json
    attributes: Json | None


class Flow(File):
    """A flow with its attributes."""

    attributes: Json
    version_logs_count: int


class Datapoint(Shape):
    """A row."""

    id: str
    inputs: Json
    messages: list[Json] | None
    target: Json | None
    context: list[str] | None
    cluster: str | None
    metadata: Json | None
    split: Literal["train", "validation", "test", "sealed"] | None


class Dataset(File):
    """A dataset; its rows only if they are asked for."""

    datapoints_count: int
    datapoints: list[Datapoint] | None
    attributes: Json | None


class FrequentTarget(Shape):
    value: str
    rows: int


class NearDuplicates(Shape):
    """Rows that ask the same as another one, but for capitals, spaces and punctuation."""

    rows: int
    questions: int
    """What they ask, each counted once."""
    with_different_targets: int
    """Questions whose rows have different targets: at most one can be right."""
    in_training_and_test: int
    """Questions that stand in training and in validation, test or sealed."""
    datapoint_ids: list[str]
    """At most 500; those that are alike beside each other."""


class SuspectTarget(Shape):
    """A row whose target three versions or more speak against, with one answer, while none gave what is wanted."""

    datapoint_id: str
    answer: str
    """What they agree on; its first 500 characters."""
    versions: list[str]


class SyntheticRows(Shape):
    """Rows that a model wrote: those with `metadata.synthetic`."""

    rows: int
    in_validation_and_test: int
    """Of these, the ones in validation, test or sealed."""


class DatasetHealth(Shape):
    version_id: str
    rows: int
    splits: dict[str, int]
    """Rows of no split under the empty name."""
    clusters: int
    without_target: int
    smallest_detectable_change: float | None
    """In a share, as a part of 1; null where there are too few rows for any."""
    rows_for_two_points: int
    distinct_targets: int
    """Counted up to a thousand."""
    rare_targets: int
    """With fewer than four rows; 0, and `frequent_targets` empty, where targets hardly repeat."""
    frequent_targets: list[FrequentTarget]
    synthetic: SyntheticRows
    suspect_targets: list[SuspectTarget]
    """At most 500."""
    near_duplicates: NearDuplicates | None
    """Null where there are more than 200,000 rows to compare."""


AnyFile = Prompt | Agent | Tool | Evaluator | Flow | Dataset
"""Told apart by `type`."""


class TrashedFile(Shape):
    """A file in the trash."""

    id: str
    path: str
    name: str
    type: Literal["prompt", "tool", "dataset", "evaluator", "flow", "agent"]
    deleted_at: str
    deleted_by: Person | None
    """Null where it is not known."""
    deletion_id: str | None
    """The same for files that were deleted together."""
    folder: str | None
    """The folder that it was deleted with."""
    versions_count: int
    logs_count: int


class RestoredFile(Shape):
    """A file that was brought back."""

    id: str
    path: str
    name: str
    type: Literal["prompt", "tool", "dataset", "evaluator", "flow", "agent"]
    directory_id: str
    path_before: str
    """Where it lay: something else lies there where the two differ, unless another path was asked for."""


class RestoredDeletion(Shape):
    """What was deleted together, and is back."""

    folder: str | None
    files: list[RestoredFile]


class DeployedEnvironment(Environment):
    """An environment with the version of a file that runs there."""

    file: Json | None


class Directory(Shape):
    id: str
    parent_id: str | None
    """Null for the root."""
    name: str
    path: str
    tags: list[str]
    created_at: str
    updated_at: str


class DirectoryWithContents(Directory):
    subdirectories: list[Directory]
    files: list[Json]
    parents: list[Directory]


class DirectoryTree(Directory):
    subdirectories: list["DirectoryTree"]
    files: list[Json]


class Imported(Shape):
    """What came of an import: a new version, or the one that is there if the rows are the same."""

    version_id: str | None
    rows: int
    added: int
    duplicates: int
    errors: list[Json]
    warnings: list[Any]


class EvaluatorKind(Shape):
    kind: str
    title: str
    purpose: str
    help: str
    templates: list[Json]
    """Settings to begin with."""
    settings: list[Json]


class KeptDatabase(Shape):
    database: str
    """Its hash, for `settings.database`."""
    name: str
    bytes: int
    tables: list[Any]
