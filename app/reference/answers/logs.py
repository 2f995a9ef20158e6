"""The shapes of logs, calls and judgments."""

from typing import Any, Literal

from app.reference.answers.files import Agent, Evaluator, Flow, Prompt, Tool
from app.reference.answers.shape import Json, Moment, Shape

Judgment = bool | float | str | list[str] | None


class JudgmentLog(Shape):
    """What an evaluator said of a log."""

    id: str
    parent_id: str
    """The log that was judged."""
    evaluator_version_id: str
    judgment: Judgment
    rationale: str | None
    error: str | None
    author: str | None
    stdout: str | None
    created_at: str
    cost: float | None
    marked_completed: bool | None
    inputs: Json
    output: str | None
    """What the judge said in its own words, where whoever sent the judgment told."""
    source: str | None
    environment: str | None
    evaluator_logs: list[Any]
    trace_children: list[Any]
    evaluator: Evaluator | None = None


class Included(Shape):
    """What a template included, at the version that it had then."""

    type: Literal["prompt", "tool"]
    path: str
    environment: str | None
    """The one that the template names."""
    file_id: str
    version_id: str
    number: int


class Log(Shape):
    """One execution, with exactly one of `prompt`, `tool`, `flow` and `agent`: clients tell logs apart by that."""

    id: str
    version_id: str
    file_id: str
    environment: str | None
    run_id: str | None
    source_datapoint_id: str | None
    trace_id: str | None
    trace_flow_id: str | None
    trace_parent_id: str | None
    session_id: str | None
    user: str | None
    source: str | None
    log_status: Literal["complete", "incomplete"]
    save: bool
    created_at: str
    """When it took place, as its sender says."""
    received_at: str
    """When the server wrote it."""
    start_time: Moment
    end_time: Moment
    inputs: Json
    messages: list[Any]
    included: list[Included]
    """What the template of its prompt included."""
    output: str | None
    output_message: Json | None
    tool_choice: Any
    error: str | None
    stdout: str | None
    metadata: Json
    provider: str | None
    model: str | None
    finish_reason: str | None
    prompt_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    prompt_cost: float | None
    output_cost: float | None
    provider_latency: float | None
    """In seconds."""
    provider_request: Json | None
    provider_response: Json | None
    evaluator_logs: list[JudgmentLog]
    trace_children: list["Log"]
    trace_children_cut: bool = False
    """Left out where all are there."""
    prompt: Prompt | None = None
    tool: Tool | None = None
    flow: Flow | None = None
    agent: Agent | None = None


AnyLog = Log | JudgmentLog
"""Of an evaluator, its judgments."""


class LoggedPrompt(Shape):
    id: str
    prompt_id: str
    version_id: str
    session_id: str | None


class LoggedAgent(Shape):
    id: str
    agent_id: str
    version_id: str
    session_id: str | None
    log_status: Literal["complete", "incomplete"]


class LoggedTool(Shape):
    id: str
    tool_id: str
    version_id: str
    session_id: str | None


class LoggedFlow(Shape):
    id: str
    flow_id: str
    version_id: str
    session_id: str | None
    log_status: Literal["complete", "incomplete"]


class LoggedJudgment(Shape):
    id: str
    parent_id: str
    version_id: str
    session_id: str | None


class LoggedBatch(Shape):
    ids: list[str]


class TakenSpans(Shape):
    records: list[str]
    """An id for each span; of one that cannot be read it begins with `qua_`."""


class CopiedRows(Shape):
    """A dataset with rows that were made from logs."""

    id: str
    path: str
    rows: int


class RepeatingDrafts(Shape):
    """Drafts of a prompt and states of their history that repeat what an end user said."""

    id: str | None
    """Null: of a prompt that is not saved yet."""
    path: str | None
    member: str
    """Whose they are: nobody else can discard them."""
    drafts: int


class DeletedLogs(Shape):
    deleted: int
    kept: int
    """Results of runs, which stay until their evaluation is deleted."""
    datasets: list[CopiedRows]
    """Where rows are that were made from the logs: they stay."""
    prompt_drafts: list[RepeatingDrafts]
    """Drafts of prompts that repeat what was said in the logs: they stay, too."""


class Sample(Shape):
    """One of the answers to a call."""

    index: int
    id: str
    output: str | None
    output_message: Json | None
    finish_reason: str | None
    prompt_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    prompt_cost: float | None
    output_cost: float | None
    provider_latency: float | None
    created_at: Moment
    error: str | None


class CalledPrompt(Shape):
    """What was called, and its answers."""

    id: str
    log_id: str
    prompt: Prompt
    inputs: Json
    environment: str | None
    trace_id: str | None
    start_time: str
    end_time: str
    logs: list[Sample]


class CalledTool(Log):
    """The log of the call, with what went in and came out also where the log does not keep it."""

    log_id: str


class LogsInPart(Shape):
    """The logs of one part of a time."""

    since: str
    until: str
    logs: int
    failed: int
    """Those that failed a check."""


class DeploymentInTime(Shape):
    at: str
    file_id: str
    path: str
    version: int
    environment: str


class LogsOverTime(Shape):
    since: str
    until: str
    seconds: int
    """How long each part is."""
    logs: int
    failed: int
    counted_since: Moment
    """What came before that is not counted; null where all is."""
    failed_counted_since: Moment
    """The same of checks."""
    records: list[LogsInPart]
    deployments: list[DeploymentInTime]
    """The newest 20."""


class LogView(Shape):
    """A name for filters of the page of logs."""

    id: str
    name: str
    filters: dict[str, str]
    """As they stand in the address of the page."""
    shared: bool
    """Whether everybody of the workspace has it."""
    created_at: str
