"""The SQLite files that evaluators hold: taking one in, and giving them to the evaluators that name them."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, BinaryIO

from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Principal
from app.core.errors import Invalid, TooLarge, Unavailable
from app.evaluators import repository
from app.evaluators.binding import BoundEvaluator, bind
from app.evaluators.kinds.sandboxed import not_here
from app.evaluators.models import EvaluatorDatabase
from app.sandbox.supervisor import SandboxUnavailable, sandbox

MOST_BYTES = 20 * 1024 * 1024
_MAGIC = b"SQLite format 3\0"
_UNNAMED = timedelta(days=1)
"""How long what no version names is kept: somebody may be about to save one."""
_LONGEST_NAME = 200


def take(session: Session, principal: Principal, name: str, file: BinaryIO) -> EvaluatorDatabase:
    """Keep an SQLite file. The same content is the one that is there, under the name it first had.

    Raises:
        TooLarge: it has more than 20 MiB.
        Invalid: it is no SQLite database, or a damaged one.
        Unavailable: there is no sandbox on this machine to look into it.
    """
    content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise TooLarge("The file has more than 20 MiB. Leave out rows that no question needs.")
    if not content.startswith(_MAGIC):
        raise _unfit("This is no SQLite database.")
    database = EvaluatorDatabase(
        workspace_id=principal.workspace_id,
        hash=hashlib.sha256(content).hexdigest(),
        name=_clean(name),
        size_bytes=len(content),
        tables=_tables(content),
        content=content,
    )
    repository.delete_unnamed(session, principal.workspace_id, clock.now() - _UNNAMED)
    repository.keep_database(session, database)
    return get(session, principal.workspace_id, database.hash)


def get(session: Session, workspace_id: str, hash_: str) -> EvaluatorDatabase:
    """A database that the workspace has.

    Raises:
        Invalid: it has none of that hash.
    """
    found = repository.find_database(session, workspace_id, hash_)
    if found is None:
        raise _unfit("There is no such database here. Upload it first.")
    return found


def refuse_missing(session: Session, workspace_id: str, spec: Mapping[str, Any]) -> None:
    """Look at a spec that is about to be saved.

    Raises:
        Invalid: it names a database that the workspace does not have.
    """
    for hash_ in bind(spec).traits.files:
        get(session, workspace_id, hash_)


def bind_with_files(session: Session, workspace_id: str, spec: Mapping[str, Any]) -> BoundEvaluator:
    """The evaluator that a spec describes, with the files that it names.

    Raises:
        NotFound, Invalid: as `bind`.
    """
    bound = bind(spec)
    if not bound.traits.files:
        return bound
    return bound.given(repository.load_contents(session, workspace_id, bound.traits.files))


def _tables(content: bytes) -> list[str]:
    """The names of its tables. Its structure is a program of somebody's, too: it is read in the sandbox."""
    if problem := not_here("query"):
        raise Unavailable(problem)
    try:
        answer = sandbox().run("tables", {}, attachment=content)
    except SandboxUnavailable as unavailable:
        raise Unavailable(f"The database could not be looked at: {unavailable}") from None
    if not isinstance(answer.value, list):
        raise _unfit(answer.error or "The database cannot be read.")
    if not answer.value:
        raise _unfit("The database has no tables.")
    return answer.value


def _unfit(text: str) -> Invalid:
    return Invalid(text, fields={"database": text})


def _clean(name: str) -> str:
    """The last part of a file's name, as it can be stored."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return last.replace("\0", "").encode("utf-8", "replace").decode()[:_LONGEST_NAME] or "database"
