"""What an evaluator is tried on in its editor: a row of a dataset with what a run said on it, or what was pasted."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import Invalid
from app.core.json_values import NotStorable, loads
from app.datasets import repository as datasets
from app.datasets.models import Datapoint
from app.evaluations import repository
from app.evaluations.evaluator_editor.form import Sent
from app.evaluations.evaluator_editor.trying import row_of, row_of_datapoint
from app.evaluations.grid import comparison_repository
from app.evaluations.grid.wording import target_text
from app.evaluations.verdicts.children import Children, load_children
from app.evaluations.verdicts.judged_files import JudgedFile, load_files
from app.evaluations.verdicts.judging import execution_of_log
from app.evaluators.binding import Execution, Row
from app.files import repository as files_repository
from app.files.models import File
from app.logs import repository as logs
from app.logs.models import Log

_GIVEN = ("inputs", "messages", "context", "metadata")


@dataclass(frozen=True, slots=True)
class TriedRow:
    """What the evaluator is tried on."""

    dataset: File | None = None
    number: int = 1
    total: int = 0
    datapoint: Datapoint | None = None
    output: str = ""
    target: str = ""
    case: str = ""
    """What was given, as JSON: inputs, messages, context and metadata."""
    shown: str = ""
    """Which row of a dataset `case` was filled in from."""
    log: Log | None = None
    """Of the last run on the row, if there was one."""
    said_by: str = ""
    """Which version that was."""
    children: Children = ()
    """What stands under the log."""
    file: JudgedFile | None = None
    """What made the log, at its version."""

    @property
    def said(self) -> str:
        """The output of that log as a form sends it back."""
        return _as_sent(self.log.output or "") if self.log else ""

    @property
    def untouched(self) -> bool:
        """Whether the output is that of the log, so that all else that the log says is true of it."""
        return self.log is not None and self.output == self.said

    @property
    def called(self) -> list[str]:
        """The tools that the log's answer called."""
        message = (self.log.output_message or {}) if self.log else {}
        calls = message.get("tool_calls")
        functions = [one.get("function") for one in calls or () if isinstance(one, Mapping)]
        return [str(one.get("name")) for one in functions if isinstance(one, Mapping)]

    @property
    def pasted_target(self) -> str:
        """The target as the form takes it where a row is pasted."""
        return _json(self.datapoint.target) if self.datapoint and self.datapoint.target else ""


def find_row(session: Session, principal: Principal, sets: Sequence[File], sent: Sent) -> TriedRow:
    """The row that was chosen, with what the last run said on it; or what was pasted, which begins as the row that was
    chosen before."""
    if not sent.dataset:
        case = sent.case
        if sent.settings is None and sent.shown:
            before = _chosen(session, sets, *sent.shown.rpartition(":")[::2])
            case = before.case if before else case
        return TriedRow(output=sent.output, target=sent.target, case=case)
    row = _chosen(session, sets, sent.dataset, sent.row)
    if row is None:
        return TriedRow(output=sent.output, target=sent.target, case=sent.case)
    if sent.settings is not None and sent.shown == row.shown:
        row = replace(row, case=sent.case)
    if row.dataset and row.datapoint:
        log, said_by = _last_log(session, principal, row.dataset, row.datapoint)
        children = load_children(session, principal.workspace_id, [log] if log else [])
        made_by = load_files(session, principal.workspace_id, [log] if log else [])
        row = replace(row, log=log, said_by=said_by)
        if log:
            row = replace(row, children=children.get(log.id, ()), file=made_by.get(log.version_id))
    # What was taken from another row's log is not said on this one.
    output = row.said if sent.output in (sent.taken, row.said) else sent.output
    return replace(row, output=output)


def _chosen(session: Session, sets: Sequence[File], dataset_id: str, row: str) -> TriedRow | None:
    """A row of a dataset's newest version; None where there is no such dataset."""
    dataset = next((file for file in sets if file.id == dataset_id), None)
    version = files_repository.newest_version(session, dataset.id) if dataset else None
    if dataset is None or version is None:
        return None
    total = version.rows_count or 0
    number = min(max(1, int(row) if row.isdecimal() and len(row) < 9 else 1), max(1, total))
    rows = datasets.list_rows(session, version, offset=number - 1, limit=1)
    if not rows:
        return TriedRow(dataset, number, total)
    datapoint = rows[0][1]
    return TriedRow(
        dataset,
        number,
        total,
        datapoint,
        target=target_text(datapoint.target),
        case=_case_of(datapoint),
        shown=f"{dataset.id}:{number}",
    )


def _last_log(
    session: Session, principal: Principal, dataset: File, datapoint: Datapoint
) -> tuple[Log | None, str]:
    """What the last run on the dataset said on the row, and which version that was."""
    run = repository.find_last_run_on(session, principal.workspace_id, dataset.id)
    if run is None:
        return None, ""
    cells = comparison_repository.load_cells(session, [run.id], [datapoint.id])
    log_ids = [cell.log_id for cell in cells.get((run.id, datapoint.id), []) if cell.log_id][:1]
    found = logs.find_logs(session, principal.workspace_id, log_ids).values()
    log = next((one for one in found if one.payload_cleared_at is None), None)
    said_by = f"{run.version.file.name} {run.name}" if run.version else run.name
    return log, said_by if log else ""


def _case_of(datapoint: Datapoint) -> str:
    row = row_of_datapoint(datapoint)
    members = {name: getattr(row, name) for name in _GIVEN}
    return _json({name: value for name, value in members.items() if value})


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _as_sent(text: str) -> str:
    """As a text area gives a text back."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_row(tried: TriedRow) -> Row:
    """The row that an evaluator is given: that of the dataset, unless what was given has been changed.

    Raises:
        Invalid: what was given is not JSON, or not that of a row.
    """
    if tried.datapoint is None:
        return _read_case(tried.case, _read_target(tried.target))
    row = row_of_datapoint(tried.datapoint)
    if not tried.case or tried.case == _as_sent(_case_of(tried.datapoint)):
        return row
    return _read_case(tried.case, row.target)


def _read_case(text: str, target: Mapping[str, Any] | None) -> Row:
    try:
        given = loads(text) if text.strip() else {}
    except NotStorable as error:
        raise _unfit(f"{str(error)[:1].upper()}{str(error)[1:]}.".replace("..", ".")) from None
    if not isinstance(given, dict):
        raise _unfit('Write an object, such as {"inputs": {"question": "Where is my card?"}}.')
    if strange := [name for name in given if name not in _GIVEN]:
        raise _unfit(f"“{strange[0]:.60}” is none of {', '.join(_GIVEN[:-1])} and {_GIVEN[-1]}.")
    try:
        return row_of({**given, "target": target})
    except Invalid as error:
        raise _unfit(error.message.replace("testcase.", "")) from None


def _unfit(text: str) -> Invalid:
    return Invalid(text, fields={"case": text})


def _read_target(text: str) -> dict[str, Any] | None:
    """A JSON object is the target itself; anything else is the text that was wanted."""
    if text.lstrip().startswith("{"):
        with suppress(NotStorable):
            return dict(loads(text))
    return {"output": text} if text else None


def execution_on(tried: TriedRow, row: Row) -> Execution:
    """What an evaluator is told that a version did.

    Where the output is that of the last run, it is what a run would tell: all that the log says. Of another output only
    its text is known; the metadata of the log, in which an application says what it retrieved, stay as they were.
    """
    found = execution_of_log(tried.log, tried.children, tried.file) if tried.log else None
    if found and tried.untouched:
        return replace(found, inputs=row.inputs, messages=row.messages) if row.id is None else found
    about = {"metadata": found.about["metadata"]} if found else {}
    return Execution(
        tried.output,
        None,
        None,
        None,
        None,
        None,
        row.inputs,
        row.messages,
        None,
        about=about,
        file=tried.file,
    )
