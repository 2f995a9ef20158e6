"""Outputs that come from elsewhere: runs whose rows are answered on the caller's side, and sent as logs."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.core import events, jobs
from app.core.errors import Invalid
from app.evaluations import arrival_repository, repository, shard_repository
from app.evaluations.channels import evaluation_channel
from app.evaluations.models import Run
from app.logs import repository as logs
from app.logs.arrivals import Arrival


def take(session: Session, arrivals: Sequence[Arrival]) -> None:
    """Give logs to the rows of runs that wait for them, and have those judged that are whole.

    A log that names a row but no run goes to every open run of its version that waits for this row. One that names a
    run but no row, or that comes when its row has an output already, stands for itself.
    """
    nameless = {
        one.version_id
        for one in arrivals
        if not one.run_id and not one.datapoint_id and one.status == "complete"
    }
    open_flows = arrival_repository.flows_with_open_runs(session, nameless) if nameless else set()
    runless = {one.id for one in arrivals if one.new and one.datapoint_id and not one.run_id}
    waiting = arrival_repository.runs_that_wait_for(session, runless) if runless else {}
    for arrival in arrivals:
        for run_id, datapoint_id in waiting.get(arrival.id, ()):
            arrival_repository.give_output(
                session, arrival.workspace_id, run_id, datapoint_id, arrival.id, named=False
            )
        if arrival.run_id and arrival.datapoint_id:
            arrival_repository.give_output(
                session, arrival.workspace_id, arrival.run_id, arrival.datapoint_id, arrival.id
            )
        elif arrival.version_id in open_flows and not arrival.run_id and not arrival.datapoint_id:
            # A client that can no longer mark its spans loses both names on the way.
            found = arrival_repository.find_unfilled(session, arrival.version_id, arrival.id)
            if found and arrival.status == "complete":
                arrival_repository.give_output(session, arrival.workspace_id, *found, arrival.id, named=False)
        named = arrival.run_id or arrival.id in waiting or (arrival.datapoint_id and not arrival.new)
        if arrival.status == "complete" and (named or arrival.version_id in open_flows):
            _have_judged(session, arrival.id)


def _have_judged(session: Session, log_id: str) -> None:
    for run_id, position in arrival_repository.items_of(session, log_id):
        for shard_id in shard_repository.insert_shards(session, run_id, [(position, position + 1)]):
            jobs.enqueue(session, "evaluations.run_shard", shard_id=shard_id)
        if run := repository.find_run_to_work_on(session, run_id):
            events.emit(session, evaluation_channel(run.evaluation_id), run=run_id)


def add_logs(session: Session, run: Run, log_ids: Sequence[str]) -> None:
    """Make logs that are there the outputs of a run's rows, each of the row that it was made for.

    Raises:
        Invalid: the workers make this run's outputs; or a log is unknown, or names no row of the run that waits.
    """
    if run.orchestrated:
        raise Invalid(
            "The server makes the outputs of this run: logs are added to runs with `orchestrated` false."
        )
    found = logs.find_logs(session, run.workspace_id, log_ids)
    for log_id in log_ids:
        log = found.get(log_id)
        if log is None:
            raise Invalid(
                f"There is no log with the id {log_id}.", fields={"log_ids": f"{log_id} is unknown."}
            )
        position = log.datapoint_id and arrival_repository.give_output(
            session, run.workspace_id, run.id, log.datapoint_id, log.id
        )
        if position is None:
            said = f"{log_id} is of no row of this run that waits for an output: give it a `source_datapoint_id`."
            raise Invalid(said, fields={"log_ids": said})
        if log.status == "complete":
            _have_judged(session, log.id)
