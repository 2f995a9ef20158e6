"""From the logs of an export to the rows that are written: logs, the logs nested under them, and judgments. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.evaluations.verdicts.judging import set_verdict
from app.evaluators.binding import Verdict
from app.files.models import FileKind
from app.logs.presentation import BESIDE_JUDGMENTS
from app.logs.records import JudgmentRecord, LogRecord
from app.logs.repository import END_USER
from app.transfer.report import Report
from app.transfer.said import Said

Json = dict[str, Any]
_EMBEDDED = tuple(kind.value for kind in FileKind if kind is not FileKind.DATASET)
"""A log carries its file, at its version, under the name of the file's kind."""
_APART = frozenset({*_EMBEDDED, "trace_children", "evaluator_logs", "parent"})
_LONGEST_ID = 200
LOGS, JUDGMENTS = "logs", "judgments"


@dataclass(slots=True)
class Batch:
    """Rows that are written together."""

    logs: dict[str, LogRecord] = field(default_factory=dict)
    """By id: the same log comes again and again."""
    judgments: dict[str, JudgmentRecord] = field(default_factory=dict)
    roots: set[str] = field(default_factory=set)
    """Logs that begin a trace by themselves."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where logs are read from, for what they do not say themselves."""

    workspace_id: str
    report: Report
    file_id: str | None = None
    """The file in whose folder they lie."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A log in the tree of a line."""

    said: Said
    above: LogRecord | None
    judges: str | None
    """The log that it is about, where it stands among the judgments of one."""


def take(values: Mapping[str, Any], where: str, source: Source, batch: Batch) -> str | None:
    """Put a log, what is nested under it, and the judgments on all of them into the batch; the log's id.

    What cannot be kept is left out, each part by itself; None where the log itself is.
    """

    def dropped(name: str) -> None:
        source.report.leave_out("members of logs", f"`{name}` is not of the type that it must be", where)

    top: str | None = None
    waiting = [_Found(Said(values, dropped), None, None)]
    is_top = True
    while waiting:
        found = waiting.pop()
        taken = _take_one(found, where, source, batch)
        if is_top:
            top, is_top = taken.id if taken else None, False
        inside = taken if isinstance(taken, LogRecord) else None
        waiting += [
            _Found(Said(each, dropped), inside, None) for each in found.said.objects("trace_children")
        ]
        if inside:
            judgments = found.said.objects("evaluator_logs")
            waiting += [_Found(Said(each, dropped), None, inside.id) for each in judgments]
    return top


def take_judgments(judgments: list[Json], log_id: str, where: str, source: Source, batch: Batch) -> None:
    """Put judgments on a log into the batch."""
    for each in judgments:
        _take_one(_Found(Said(each), None, log_id), where, source, batch)


class _LeftOut(Exception):
    """What cannot be kept; the message says why."""


def _take_one(found: _Found, where: str, source: Source, batch: Batch) -> LogRecord | JudgmentRecord | None:
    values = found.said.values
    is_judgment = bool(found.judges) or "evaluator" in values or "judgment" in values
    try:
        return _judgment(found, source, batch) if is_judgment else _log(found, source, batch)
    except _LeftOut as reason:
        named = f"{where}, {values['id']}" if isinstance(values.get("id"), str) else where
        source.report.leave_out(JUDGMENTS if is_judgment else LOGS, str(reason), named)
        return None


def _checked_id(said: Said) -> str:
    row_id = said.text("id")
    if row_id is None or len(row_id) > _LONGEST_ID:
        raise _LeftOut(f"it has no id of up to {_LONGEST_ID} characters")
    return row_id


def _check(said: Said) -> None:
    own = {name: value for name, value in said.values.items() if value is not None and name not in _APART}
    if problem := Said(own).problem:  # null is looked at twice, and most members are
        raise _LeftOut(problem)


def _version_of(said: Said, source: Source) -> tuple[str | None, str | None]:
    embedded = next((file for name in _EMBEDDED if isinstance(file := said.values.get(name), dict)), {})
    file = Said(embedded)
    file_id = file.text("id") or said.text("file_id") or source.file_id
    return file_id, file.text("version_id") or said.text("version_id", "evaluator_version_id")


def _parent_of(said: Said) -> str | None:
    parent = said.values.get("parent")
    return Said(parent).text("id") if isinstance(parent, dict) else None


def _log(found: _Found, source: Source, batch: Batch) -> LogRecord:
    said = found.said
    log_id = _checked_id(said)
    if known := batch.logs.get(log_id):
        return known
    _check(said)
    file_id, version_id = _version_of(said, source)
    if file_id is None or version_id is None:
        raise _LeftOut("it names no version")
    record = _record(said, log_id, (file_id, version_id), source, found.above)
    batch.logs[log_id] = record
    if record.parent_id is None and ("flow" in said.values or said.objects("trace_children")):
        batch.roots.add(log_id)
    return record


def _record(
    said: Said, log_id: str, version: tuple[str, str], source: Source, above: LogRecord | None
) -> LogRecord:
    prompt = said.values.get("prompt")
    spec = Said(prompt if isinstance(prompt, dict) else {})
    started, ended = said.moment("start_time"), said.moment("end_time")
    latency = said.number("provider_latency")
    if latency is None and started and ended and ended >= started:
        latency = (ended - started).total_seconds()
    choice = said.values.get("tool_choice")
    cleared = said.time("payload_cleared_at")
    created = said.time("created_at", "start_time", "end_time")
    parent_id = said.text("trace_parent_id") or (above.id if above else None)
    return LogRecord(
        id=log_id,
        workspace_id=source.workspace_id,
        file_id=version[0],
        version_id=version[1],
        source=said.text("source"),
        start_time=started.isoformat() if started else None,
        end_time=ended.isoformat() if ended else None,
        run_id=said.text("run_id"),
        datapoint_id=said.text("source_datapoint_id"),
        environment=said.text("environment"),
        parent_id=parent_id if parent_id != log_id else None,
        trace_id=said.text("trace_id") or (above.trace_id if above else None),
        inputs=said.object("inputs") or None,
        messages=said.objects("messages") or None,
        output=said.written("output"),
        output_message=said.object("output_message"),
        error=said.text("error"),
        provider=said.text("provider") or spec.text("provider"),
        model=said.text("model") or spec.text("model"),
        finish_reason=said.text("finish_reason"),
        prompt_tokens=said.count("prompt_tokens"),
        output_tokens=said.count("output_tokens"),
        reasoning_tokens=said.count("reasoning_tokens"),
        prompt_cost=said.usd("prompt_cost"),
        output_cost=said.usd("output_cost"),
        latency_ms=None if latency is None else round(latency * 1000, 9),
        attempts=0,  # made elsewhere, or paid before: it costs this month's budget nothing
        provider_request=said.object("provider_request"),
        provider_response=said.object("provider_response"),
        status="incomplete" if said.text("log_status", "trace_status") == "incomplete" else "complete",
        created_at=created,
        session_id=said.text("session_id"),
        user=said.text("user"),
        metadata=said.object("metadata") or None,
        tool_choice=choice if isinstance(choice, str | dict) else None,
        stdout=said.written("stdout"),
        included=said.objects("included") or None,
        payload_cleared_at=cleared or (created if said.values.get("save") is False else None),
    )


def _judgment(found: _Found, source: Source, batch: Batch) -> JudgmentRecord:
    said = found.said
    judgment_id = _checked_id(said)
    if known := batch.judgments.get(judgment_id):
        return known
    _check(said)
    log_id = found.judges or said.text("parent_id") or _parent_of(said)
    if log_id is None:
        raise _LeftOut("it does not say which log it is about")
    version_id = _version_of(said, source)[1]
    if version_id is None:
        raise _LeftOut("it names no version of an evaluator")
    record = JudgmentRecord(judgment_id, source.workspace_id, log_id, version_id)
    record.author = _author_of(said)
    detail = said.object("detail")
    if "detail" not in said.values:
        detail = {name: said.values[name] for name in BESIDE_JUDGMENTS if said.values.get(name)} or None
    rationale = said.text("rationale")
    if rationale is None and "rationale" not in said.values:
        rationale = _text_of(said.object("output_message")) or said.text("output")
    set_verdict(
        record,
        Verdict(
            _value_of(said),
            rationale=rationale,
            error=said.text("error"),
            detail=detail,
            prints=said.written("stdout"),
        ),
    )
    record.marked_completed = said.flag("marked_completed")
    record.judge_log_id = said.text("judge_log_id")
    record.cost = said.usd("cost")
    record.created_at = said.time("created_at", "end_time", "start_time")
    batch.judgments[judgment_id] = record
    return record


def _author_of(said: Said) -> str:
    """Empty for machines. Whoever used an application is told from the team."""
    if "author" in said.values:
        return said.text("author") or ""
    evaluator = said.values.get("evaluator")
    spec = evaluator.get("spec") if isinstance(evaluator, dict) else None
    if isinstance(spec, dict) and spec.get("evaluator_type") != "human":
        return ""
    user = said.text("user")
    return f"{END_USER}{user}" if user else said.person("created_by")[0] or ""


def _value_of(said: Said) -> bool | float | str | list[str] | None:
    value = said.values.get("judgment")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, list):
        return [str(each) for each in value]
    return value if value is None or isinstance(value, bool | str) else str(value)


def _text_of(message: Json | None) -> str | None:
    content = (message or {}).get("content")
    return content if isinstance(content, str) and content else None
