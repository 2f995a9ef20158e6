"""Beginning with a prompt of the library: its files, as ordinary ones of the workspace."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import Conflict
from app.datasets import service as datasets
from app.datasets.schemas import DatapointContent
from app.evaluators.binding import make_spec
from app.files import service as files
from app.files.models import FileKind, Version
from app.files.paths import clean_path
from app.files.repository import find_file_by_path
from app.generations.editing import first_model
from app.library.catalogue import Start
from app.prompts.spec import parse_spec

_NOTE = "From the library"


@dataclass(frozen=True, slots=True)
class Begun:
    """What was made, each with its file."""

    prompt: Version
    dataset: Version
    evaluators: Sequence[Version]


def begin(
    session: Session,
    principal: Principal,
    start: Start,
    *,
    folder: str = "",
    model: str | None = None,
    provider: str | None = None,
) -> Begun:
    """Make a starting prompt's files in `folder`, which is called like it if none is named.

    The model is the workspace's first one if none is named, and else where `provider` says.

    Raises:
        Invalid: the folder is no path.
        Conflict: one of the files is there already. Nothing is made then.
    """
    folder = clean_path(folder.strip("/ ") or start.title)
    paths = [f"{folder}/{name}" for name in (start.title, "Rows", *(each.name for each in start.evaluators))]
    if taken := [path for path in paths if find_file_by_path(session, principal.workspace_id, path)]:
        raise Conflict(f"“{taken[0]}” is there already. Choose another folder: nothing is written over.")
    if model is None:
        provider, model = first_model(session, principal.workspace_id)
    of_prompt, of_rows, *of_evaluators = paths
    content = parse_spec(start.content | {"model": model, "provider": provider}).content()
    rows = [DatapointContent.model_validate(row) for row in start.rows]
    written = datasets.write(session, principal, datasets.DatasetChange(rows, path=of_rows, note=_NOTE))
    written.version.file = written.file
    return Begun(
        _committed(session, principal, files.Commit(FileKind.PROMPT, content, path=of_prompt, note=_NOTE)),
        written.version,
        [
            _committed(
                session,
                principal,
                files.Commit(FileKind.EVALUATOR, make_spec(each.kind, each.settings), path=path, note=_NOTE),
            )
            for path, each in zip(of_evaluators, start.evaluators, strict=True)
        ],
    )


def _committed(session: Session, principal: Principal, change: files.Commit) -> Version:
    made = files.commit(session, principal, change)
    made.version.file = made.file
    return made.version
