"""An output that is right becomes the target of the row that it answered: in the draft of whoever says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import Conflict, Invalid, NotFound
from app.datasets import drafts
from app.datasets.cells import shown, typed, value_at
from app.datasets.drafts import RowEdit
from app.datasets.rows import Destination
from app.files.models import File
from app.generations.editing import ChosenRow
from app.logs import repository as logs

_MEMBER = "output"
"""Of a target that has none yet."""
_LISTED = 10


@dataclass(frozen=True, slots=True)
class Saved:
    """A target that was written."""

    dataset: File
    number: int
    """The row's."""
    before: str
    after: str


def save_output(session: Session, principal: Principal, row: ChosenRow | None, log_id: str) -> Saved:
    """Write a log's output as the target of the row that it answered, into the principal's draft of the dataset.

    Raises:
        NotFound: no such log, or the dataset has the row no more.
        Conflict: the log is not of this row.
        Invalid: the log has no output, or the target has members that the output does not name.
    """
    log = logs.find_logs(session, principal.workspace_id, [log_id]).get(log_id)
    if log is None:
        raise NotFound("This output is not there any more: run the draft again.")
    if row is None or log.datapoint_id != row.datapoint.id:
        raise Conflict(
            "This output answered another row, or inputs that were typed over. Add it to a dataset as a row of its own."
        )
    if not log.output:
        raise Invalid("This answer has no text that could be a target.")
    draft = drafts.opened(session, principal, row.file)
    now = drafts.get_row(session, draft, row.datapoint.id).content
    values = _values(now.get("target") or {}, log.output)
    before = "; ".join(shown(value_at(now, None, place)) for place in values)
    drafts.edit(session, draft, [RowEdit(row.datapoint.id, values)])
    return Saved(row.file, row.number, before, "; ".join(shown(value) for value in values.values()))


def _values(target: Mapping[str, Any], output: str) -> dict[Destination, Any]:
    """What of the target the output says: its members where it names them, else all of it."""
    try:
        said = orjson.loads(output)
    except orjson.JSONDecodeError:
        said = None
    if target and isinstance(said, dict) and set(target) <= set(said):
        return {Destination("target", name): said[name] for name in target}
    if len(target) > 1:
        listed = ", ".join(list(target)[:_LISTED])
        msg = f"The target of this row has several members ({listed}), and this output does not name them all. Change it in the dataset."
        raise Invalid(msg)
    place = Destination("target", next(iter(target), _MEMBER))
    return {place: typed(target.get(place.name or ""), output, place)}
