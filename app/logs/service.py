"""Logging: executions that took place elsewhere are kept, and more can be said of them later."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Principal
from app.core.errors import Conflict, Invalid, NotFound, about
from app.files.models import FileKind
from app.files.resolution_repository import resolve
from app.logs import arrivals, own_ids, repository, traces
from app.logs.models import Log
from app.logs.recording import PAYLOADS, LoggedVersion, duration_ms, record_of, values_of
from app.logs.records import LogRecord
from app.logs.schemas import AnyLog, AnyUpdate, Belonging, FlowLogUpdate
from app.logs.versions import content_of, kind_of, logged_version, model_of, version_of, wanted_by


@dataclass(frozen=True, slots=True)
class Entry:
    """A log, and how the caller names its version beside what the log says."""

    said: AnyLog
    version_id: str | None = None
    environment: str | None = None


def record_logs(
    session: Session, principal: Principal, entries: Sequence[Entry], *, late: bool = False
) -> list[LogRecord]:
    """Write logs in their order, all or none, each into its trace: what was written. `late` ones are written even where
    their trace is complete.

    Raises:
        Invalid: a log names no file, or is nested under itself.
        NotFound: no such file, version or environment.
        Forbidden: there is content of a version, and the principal may not write versions.
        Conflict: the id of a log is taken by another one, a trace is complete, or a path holds something else.

    Each says which of the logs it is about, as far as it is about one.
    """
    keys, numbered = _by_version(entries)
    versions = _versions_of(session, principal, numbered)
    records = _records(principal, entries, [versions[key] for key in keys])
    roots = {
        record.id
        for record, entry in zip(records, entries, strict=True)
        if kind_of(entry.said) is FileKind.FLOW
    }
    chosen = [entry.said.log_id for entry in entries if entry.said.log_id]
    write_in_traces(session, principal.workspace_id, records, roots=roots, chosen=chosen, late=late)
    return records


def record_plain_logs(
    session: Session, principal: Principal, entries: Sequence[Entry]
) -> list[LogRecord] | None:
    """As `record_logs`, of logs that stand for themselves and of which nobody is to be told: all are written by one statement,
    the last that there is, so that it may commit by itself. None: nothing was written, for there is more to it.

    Raises:
        Invalid: the content of a version cannot be read.
    """
    if not all(_stands_for_itself(entry.said) for entry in entries):
        return None
    keys, numbered = _by_version(entries)
    versions = _versions_there(session, principal, numbered)
    if len(versions) < len(numbered):
        return None
    records = _records(principal, entries, [versions[key] for key in keys])
    return records if arrivals.write_if_nobody_is_concerned(session, records) else None


def _stands_for_itself(said: AnyLog) -> bool:
    """Whether a log is in no trace and no run, and nobody can have named it."""
    beside = said.log_id or said.trace_parent_id or said.run_id or said.source_datapoint_id
    return not beside and kind_of(said) is not FileKind.FLOW


def _by_version(entries: Sequence[Entry]) -> tuple[list[bytes], dict[bytes, tuple[int, Entry]]]:
    """What tells the version of each entry, and the first entry of each version with its number."""
    keys: list[bytes] = []
    first: dict[bytes, tuple[int, Entry]] = {}
    for number, entry in enumerate(entries):
        with about(number):
            keys.append(_version_key(entry))
        first.setdefault(keys[-1], (number, entry))
    return keys, first


def _records(
    principal: Principal, entries: Sequence[Entry], versions: Sequence[LoggedVersion]
) -> list[LogRecord]:
    records = []
    for entry, version in zip(entries, versions, strict=True):
        record = record_of(entry.said, version, entry.environment)
        record.created_by = principal.user_id
        records.append(record)
    return records


def _versions_there(
    session: Session, principal: Principal, entries: Mapping[bytes, tuple[int, Entry]]
) -> dict[bytes, LoggedVersion]:
    """The versions of the numbered entries, as far as they are there and nothing else is to be looked at."""
    plain = {
        key: wanted
        for key, (_, entry) in entries.items()
        if (wanted := wanted_by(principal, entry.said, entry.version_id, entry.environment))
    }
    found = resolve(session, list(plain.values()))
    return {
        key: LoggedVersion(principal.workspace_id, one.file_id, one.version_id, *model_of(one))
        for key, one in zip(plain, found, strict=True)
        if one
    }


def _versions_of(
    session: Session, principal: Principal, entries: Mapping[bytes, tuple[int, Entry]]
) -> dict[bytes, LoggedVersion]:
    """The version of each of the numbered entries: those that are there at once, and then those that are to be made, or are
    missing."""
    versions = _versions_there(session, principal, entries)
    missing = [(key, *numbered) for key, numbered in entries.items() if key not in versions]
    for key, number, entry in sorted(missing, key=lambda each: _file_key(each[2])):
        # Files in one order for all, so that two batches never wait for each other.
        with about(number):
            version = version_of(session, principal, entry.said, entry.version_id, entry.environment)
        versions[key] = logged_version(version)
    return versions


def _file_key(entry: Entry) -> tuple[str, str, str]:
    return entry.said.id or "", entry.said.path or "", kind_of(entry.said)


def _version_key(entry: Entry) -> bytes:
    """Equal for entries of the same version."""
    return orjson.dumps([*_file_key(entry), entry.version_id, entry.environment, content_of(entry.said)])


def write_in_traces(
    session: Session,
    workspace_id: str,
    records: Sequence[LogRecord],
    *,
    roots: Collection[str] = (),
    chosen: Collection[str] = (),
    late: bool = False,
    resent: bool = True,
) -> None:
    """Write logs, each into the trace of the log that it is nested under.

    `roots` are the ids of those that begin a trace by themselves, `chosen` those that callers chose. Logs that are
    `late` are written even where their trace is complete. Where logs may be `resent`, one whose id is there passes if it
    says what is there; calls that were made here are never the same, whatever they say.

    Raises:
        Invalid: a log is nested under itself.
        Conflict: the id of a log is taken by another one, or a trace is complete.
    """
    told = {record.id: record for record in records if record.id in roots}
    chosen = own_ids.name_records(session, workspace_id, records, chosen)
    roots = {record.id for record in told.values()}
    joined = traces.find_place(session, workspace_id, records, roots, chosen, late=late)
    written = arrivals.write_logs(session, records)
    if len(written) < len(records):
        if not resent:
            raise Conflict("The id of a log is taken.")
        _refuse_others(session, workspace_id, records, written)
    traces.settle(session, workspace_id, joined)


_OF_ITS_OWN = (
    "file_id", "version_id", "parent_id", "run_id", "datapoint_id", "session_id", "user", "environment", "source",
    "inputs", "messages", "output", "output_message", "error", "status",
)  # fmt: skip
"""What one log says and another with the same id does not."""


def _refuse_others(
    session: Session, workspace_id: str, records: Sequence[LogRecord], written: Collection[str]
) -> None:
    """Of the logs whose ids were there already, let those pass that say what is there: they were sent again, because
    the first answer was not heard.

    Raises:
        Conflict: one says something else.
    """
    there = repository.find_logs(session, workspace_id, [record.id for record in records])
    for number, record in enumerate(records):
        log = there.get(record.id)
        if log is None or any(getattr(log, name) != getattr(record, name) for name in _OF_ITS_OWN):
            with about(number):
                raise Conflict(
                    "Two of the logs have the same id. Give each its own."
                    if record.id in written
                    else f"There is a log with the id {own_ids.said_id(workspace_id, record.id)} already, and it says something else. "
                    "Choose another id, or update that log."
                )


def _place_anew(session: Session, log: Log, said: Belonging) -> None:
    """Say of a log what it belongs to. What it was said to belong to stays where another one has been told of it.

    Raises:
        Invalid: it would be nested under itself, or under what is nested under it.
        Conflict: it is nested under another log, or part of another run; or the trace is complete.
    """
    if said.run_id and log.run_id not in (None, said.run_id):
        raise Conflict(f"This log is of the run {log.run_id}, and stays there.")
    above = said.trace_parent_id and own_ids.find_one(session, log.workspace_id, said.trace_parent_id)
    if above and above != log.parent_id:
        if log.parent_id:
            there = own_ids.said_id(log.workspace_id, log.parent_id)
            raise Conflict(f"This log is nested under {there}, and stays there.")
        log.parent_id = above
        joined = traces.find_place(session, log.workspace_id, [log], (), [log.id])
        if log.trace_id == log.id:
            raise Invalid(
                f"{said.trace_parent_id} is nested under this log itself.",
                fields={"trace_parent_id": "This log is nested under it: name another one."},
            )
        session.flush()
        traces.settle(session, log.workspace_id, joined)
    log.user = said.user or log.user
    log.environment = said.environment or log.environment
    log.session_id = said.session_id or log.session_id
    log.datapoint_id = said.source_datapoint_id or log.datapoint_id
    log.run_id = said.run_id or log.run_id


def update_log(
    session: Session,
    principal: Principal,
    kind: FileKind,
    log_id: str,
    said: AnyUpdate,
    file_id: str | None = None,
) -> Log:
    """Say more of a log of this kind of file: what is given takes the place of what was said.

    A flow's log ends when it is said to be complete. Of a log that was not to be kept, payloads are still not kept.

    Raises:
        NotFound: there is no such log, or it is not of this file.
        Conflict: it is the result of a row in a run, a flow's complete log is to be incomplete again, or it belongs to another
            log or run already.
        Invalid: it would be nested under itself.
    """
    stored = own_ids.find_one(session, principal.workspace_id, log_id)
    log = repository.lock_log_of_kind(session, principal.workspace_id, stored, kind)
    if log is None or (file_id and log.file_id != file_id):
        raise NotFound(f"There is no log of this {kind} with the id {log_id}.")
    if log.status == "complete":
        if repository.count_results(session, [log.id]):
            raise Conflict(f"The log {log_id} is the result of a row in a run, and stays as it is.")
        if kind is FileKind.FLOW and said.log_status == "incomplete":
            raise Conflict(f"The log {log_id} is complete, and cannot be incomplete again.")
    values = values_of(said)
    if not isinstance(said, FlowLogUpdate):
        _place_anew(session, log, said)
    if kind is FileKind.FLOW and said.log_status == "complete" and log.status != "complete":
        values.setdefault("end_time", clock.now())
    for name, value in values.items():
        if log.payload_cleared_at is None or name not in PAYLOADS:
            setattr(log, "details" if name == "metadata" else name, value)
    if log.latency_ms is None:
        log.latency_ms = duration_ms(log.start_time, log.end_time)
    log.status = said.log_status or log.status
    arrivals.tell_changed(session, log)
    return log
