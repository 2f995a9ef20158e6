"""What a caller of the API sends to review, found in the workspace."""

from typing import cast

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import Invalid, NotFound
from app.evaluations import service as evaluations
from app.evaluations.figures.report import compared_of
from app.evaluations.repository import list_runs
from app.files import repository as files
from app.logs import own_ids
from app.logs.listing import Filters
from app.review.choosing import MOST_OUTPUTS, FromEvaluation
from app.review.from_logs import FromLogs
from app.review.models import LOG_ROWS, ROWS, LogRows, Rows
from app.review.schemas import LogsSought, QueueCreate


def source_of(session: Session, principal: Principal, body: QueueCreate) -> FromEvaluation | FromLogs:
    """Where the outputs come from that are asked for.

    Raises:
        NotFound: there is no such evaluation, run, file or version.
        Invalid: not one of the three was named, or `rows` are none of it.
    """
    if sum((bool(body.evaluation_id), bool(body.log_ids), body.logs is not None)) != 1:
        said = "Name one of evaluation_id, log_ids and logs."
        raise Invalid(said, fields={"evaluation_id": said})
    if body.side_by_side and not body.evaluation_id:
        said = "Outputs are compared side by side in an evaluation: name its id."
        raise Invalid(said, fields={"side_by_side": said})
    if body.evaluation_id:
        return _evaluation(session, principal, body, body.evaluation_id)
    if body.log_ids:
        _refuse_unless(body, "chosen")
        stored = own_ids.find_stored(session, principal.workspace_id, body.log_ids)
        return FromLogs(principal.workspace_id, list(stored.values()), rows="chosen")
    _refuse_unless(body, *(one for one in LOG_ROWS if one != "chosen"))
    sought = filters_of(session, principal, body.logs or LogsSought())
    return FromLogs(
        principal.workspace_id,
        (),
        sought,
        cast("LogRows", body.rows or "newest"),
        body.most_rows or MOST_OUTPUTS,
    )


def _evaluation(
    session: Session, principal: Principal, body: QueueCreate, evaluation_id: str
) -> FromEvaluation:
    _refuse_unless(body, *ROWS)
    evaluation = evaluations.get_evaluation(session, principal, evaluation_id)
    known = {run.id: run for run in list_runs(session, [evaluation.id])}
    if missing := [run_id for run_id in body.run_ids if run_id not in known]:
        raise NotFound(f"The evaluation has no run with the id {missing[0]}.")
    runs = [known[run_id] for run_id in dict.fromkeys(body.run_ids)]
    return FromEvaluation(
        evaluation,
        runs or compared_of(session, evaluation)[0],
        cast("Rows", body.rows or "all"),
        most_rows=body.most_rows,
        is_pair=body.side_by_side,
    )


def _refuse_unless(body: QueueCreate, *rows: str) -> None:
    if body.rows and body.rows not in rows:
        said = f"`rows` is one of {', '.join(rows)} here."
        raise Invalid(said, fields={"rows": said})


def filters_of(session: Session, principal: Principal, sought: LogsSought) -> Filters:
    """The same filters as the page of logs has them in its address.

    Raises:
        NotFound: there is no such version, or it is none of the file.
    """
    file_id, number = sought.file_id or "", ""
    if sought.version_id:
        version = files.find_version_anywhere(session, principal.workspace_id, sought.version_id)
        if version is None or file_id not in ("", version.file_id):
            raise NotFound(f"There is no version with the id {sought.version_id}.")
        file_id, number = version.file_id, str(version.number)
    if file_id and not files.find_files_ever(session, principal.workspace_id, [file_id]):
        raise NotFound(f"There is no file with the id {file_id}.")
    return Filters(
        file=file_id,
        version=number,
        environment=sought.environment,
        source=sought.source,
        user=sought.user,
        session=sought.session_id,
        q=sought.search,
        metadata=sought.metadata_search,
        since=sought.since.isoformat() if sought.since else "",
        until=sought.until.isoformat() if sought.until else "",
        state=sought.state or "",
        slower=_typed(sought.slower_than_s),
        dearer=_typed(sought.dearer_than_usd),
    )


def _typed(number: float | None) -> str:
    return "" if number is None else repr(number)
