"""Outputs that come from elsewhere: runs whose rows are answered on the caller's side, and sent as logs."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.core import jobs
from app.core.errors import Conflict, Invalid
from app.evaluations import arrival_repository, shard_repository
from app.evaluations.channels import announce
from app.evaluations.models import EVALUATED, Run
from app.files import repository as files
from app.files.models import File
from app.logs import own_ids
from app.logs import repository as logs
from app.logs.arrivals import Arrival
from app.logs.models import Log


def concerned(_session: Session, arrivals: Sequence[Arrival]) -> bool:
    """Whether a log may be of a run."""
    return any(one.run_id or one.datapoint_id or one.of_flow is not False or not one.new for one in arrivals)


def take(session: Session, arrivals: Sequence[Arrival]) -> None:
    """Give logs to the rows of runs that wait for them, and have those judged that are whole.

    A log that names a row but no run goes to every open run of its version that waits for this row. One that names a
    run but no row, or that comes when its row has an output already, stands for itself, or is a row of its own where the
    run takes any log.
    """
    nameless = {
        one.version_id
        for one in arrivals
        if one.of_flow is not False and not one.run_id and not one.datapoint_id and one.status == "complete"
    }
    open_flows = arrival_repository.flows_with_open_runs(session, nameless) if nameless else set()
    runless = {one.id for one in arrivals if one.new and one.datapoint_id and not one.run_id}
    waiting = arrival_repository.runs_that_wait_for(session, runless) if runless else {}
    for arrival in arrivals:
        for run_id, datapoint_id in waiting.get(arrival.id, ()):
            arrival_repository.give_output(
                session, arrival.workspace_id, run_id, datapoint_id, arrival.id, named=False
            )
        if arrival.run_id:
            _place(session, arrival.workspace_id, arrival.run_id, arrival.datapoint_id, arrival.id)
        elif arrival.version_id in open_flows and not arrival.datapoint_id:
            # A client that can no longer mark its spans loses both names on the way.
            found = arrival_repository.find_unfilled(session, arrival.version_id, arrival.id)
            if found and arrival.status == "complete":
                arrival_repository.give_output(session, arrival.workspace_id, *found, arrival.id, named=False)
        named = arrival.run_id or arrival.id in waiting or (arrival.datapoint_id and not arrival.new)
        if arrival.status == "complete" and (named or arrival.version_id in open_flows):
            _have_judged(session, arrival.id)


def _place(
    session: Session, workspace_id: str, run_id: str, datapoint_id: str | None, log_id: str
) -> int | None:
    """Find the place of a log in a run: the row that it names and that waits, else the end; None where it has none."""
    position = None
    if datapoint_id:
        position = arrival_repository.give_output(session, workspace_id, run_id, datapoint_id, log_id)
    if position is None:
        position = arrival_repository.append_output(session, workspace_id, run_id, log_id)
        if position is not None:  # of such runs alone, no version has said what their evaluation is about
            arrival_repository.name_subject(session, run_id, log_id)
    return position


def _have_judged(session: Session, log_id: str) -> None:
    for run_id, position in arrival_repository.items_of(session, log_id):
        for shard_id in shard_repository.insert_shards(session, run_id, [(position, position + 1)]):
            jobs.enqueue(session, "evaluations.run_shard", shard_id=shard_id)
        announce(session, run_id)


def add_logs(session: Session, run: Run, log_ids: Sequence[str]) -> None:
    """Make logs that are there the outputs of a run's rows, each of the row that it was made for. One that the run has
    already, as a log that came while it was open, is not added again.

    Where the run takes any log, one of no row that waits is a row of its own.

    Raises:
        Conflict: the run was cancelled.
        Invalid: the workers make this run's outputs; or a log is unknown, or of a file that is not evaluated in this run,
            or names no row of the run that waits.
    """
    if run.orchestrated:
        raise Invalid(
            "The server makes the outputs of this run: logs are added to runs with `orchestrated` false."
        )
    if run.status == "cancelled":
        raise Conflict("This run was cancelled. Resume it, then add logs.")
    stored = own_ids.find_stored(session, run.workspace_id, log_ids)
    by_id = logs.find_logs(session, run.workspace_id, list(stored.values()))
    found = {said: by_id[of_it] for said, of_it in stored.items() if of_it in by_id}
    of = files.find_files_ever(session, run.workspace_id, {log.file_id for log in found.values()})
    for log_id in dict.fromkeys(log_ids):
        log = found.get(log_id)
        if log is None:
            _refuse(f"There is no log with the id {log_id}.", f"{log_id} is unknown.")
        elif problem := _problem(run, log, of.get(log.file_id)):
            _refuse(problem)
        else:
            _add(session, run, log)


def _add(session: Session, run: Run, log: Log) -> None:
    if _place(session, run.workspace_id, run.id, log.datapoint_id, log.id) is not None:
        if log.status == "complete":
            _have_judged(session, log.id)
    elif arrival_repository.has_log(session, run.id, log.id):
        return
    elif not run.takes_any_log:
        _refuse(
            f"{log.id} is of no row of this run that waits for an output: give it a `source_datapoint_id`."
        )
    else:
        _refuse("This run has as many rows as a run may have.")


def _problem(run: Run, log: Log, file: File | None) -> str | None:
    """Why a log cannot be an output in a run. Versions do not count: what a caller ran may have become another one."""
    if file is None or file.kind not in EVALUATED:
        what = f"of {file.path}, which is a {file.kind}" if file else "of a file that is gone"
        return f"{log.id} is {what}: the logs of prompts, flows and agents are evaluated."
    if run.version and run.version.file_id != file.id:
        return f"{log.id} is of {file.path}, and this run is about {run.version.file.path}."
    return None


def _refuse(said: str, why: str | None = None) -> None:
    raise Invalid(said, fields={"log_ids": why or said})
