"""Fetching files by the API: what production does before each call, done together for all requests of a moment."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from app.core.access import Action, Principal
from app.core.database import each_statement_commits
from app.core.gathering import Gatherer
from app.core.kept import Kept
from app.files import repository
from app.files.models import FileKind
from app.files.paths import plain_path
from app.files.presentation import present
from app.files.resolution_repository import Resolved, Wanted, resolve
from app.workspaces.service import holders_of

_MOST = 50
_BESIDE = 2
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Fetch:
    """One request for a file: with which API key, and how the version is named."""

    secret: str
    kind: FileKind | None = None
    file_id: str | None = None
    path: str | None = None
    version_id: str | None = None
    environment: str | None = None
    raw: bool = False
    """With the text of its `.prompt` or `.agent` file."""


def encoded(shown: Any) -> bytes:
    """An answer as it is sent."""
    return orjson.dumps(shown, option=orjson.OPT_UTC_Z)


def _fetch(asked: Sequence[Fetch]) -> list[bytes | None]:
    """The answer to each, and None where there is none, or it could not be found out together with the others."""
    try:
        with each_statement_commits() as session:
            holders = holders_of(session, {one.secret for one in asked if one.secret})
            return _answers(session, asked, holders)
    except (DataError, TypeError) as error:  # what one of them asks for is no text that a database could hold
        log.info("fetched one by one", error=type(error).__name__)
        return [None] * len(asked)


def _answers(session: Session, asked: Sequence[Fetch], holders: dict[str, Principal]) -> list[bytes | None]:
    wanted: dict[Fetch, Wanted] = {}
    for one in asked:
        holder = holders.get(one.secret)
        if holder and holder.may(Action.READ):
            wanted[one] = Wanted(
                holder.workspace_id,
                one.kind,
                one.file_id,
                plain_path(one.path) if one.path is not None else None,
                one.version_id or None,
                one.environment or None,
            )
    distinct = list(dict.fromkeys(wanted.values()))
    resolved = dict(zip(distinct, resolve(session, distinct, also="stamp"), strict=True))
    meant = {
        one: (named.workspace_id, found, one.raw)
        for one, named in wanted.items()
        if (found := resolved[named])
    }
    shown = _shown(session, set(meant.values()))
    return [shown.get(meant[one]) if one in meant else None for one in asked]


_Meant = tuple[str, Resolved, bool]
"""A workspace, a version of it, and whether it is shown with the text of its file."""


def _shown(session: Session, meant: Collection[_Meant]) -> dict[_Meant, bytes]:
    """The answer about each version: the one that was given before, where everything is as it was then."""
    never = {
        file_id
        for changing in CHANGING_ELSEWHERE
        for file_id in changing(session, {version.file_id for _, version, _ in meant})
    }
    shown: dict[_Meant, bytes] = {}
    groups: dict[tuple[str, bool], dict[str, Resolved]] = {}
    for workspace_id, version, raw in meant:
        kept = None if version.file_id in never else _KEPT.get((version.version_id, raw), version.stamp)
        if kept is None:
            groups.setdefault((workspace_id, raw), {})[version.version_id] = version
        else:
            shown[workspace_id, version, raw] = kept
    for (workspace_id, raw), missed in groups.items():
        found, steady = dict(missed), _steady(session, workspace_id, missed.values())
        for version_id, version in missed.items():
            now = steady.get(version_id)
            before = (
                _SHOWN.get((version_id, raw), now.steady) if now and version.file_id not in never else None
            )
            if now and before is not None:  # it was logged since
                answer = shown[workspace_id, version, raw] = encoded({**before, **now.use})
                _KEPT.put((version_id, raw), str(version.stamp), answer)
                del found[version_id]
        versions = repository.find_versions(session, workspace_id, found) if found else []
        for each in present(session, versions, also=["raw_file_content"] if raw else []) if versions else ():
            version = found[each["version_id"]]
            answer = shown[workspace_id, version, raw] = encoded(each)
            counts_rows = each["type"] == FileKind.EVALUATOR  # judgments are, and no stamp knows of them
            elsewhere = version.file_id in never or any(depends(each) for depends in DEPENDING_ON_OTHERS)
            if len(answer) <= _LARGEST and not (counts_rows or elsewhere):
                _KEPT.put((version.version_id, raw), str(version.stamp), answer)
                if each["type"] == FileKind.PROMPT and (now := steady.get(version.version_id)):
                    _SHOWN.put((version.version_id, raw), str(now.steady), each)
    return shown


def _steady(session: Session, workspace_id: str, versions: Iterable[Resolved]) -> dict[str, Resolved]:
    """Versions with the stamp that logs do not change, by their ids."""
    wanted = [
        Wanted(workspace_id, file_id=version.file_id, version_id=version.version_id) for version in versions
    ]
    return {found.version_id: found for found in resolve(session, wanted, also="steady") if found}


_KEPT: Kept[tuple[str, bool], bytes] = Kept(most=500)
_SHOWN: Kept[tuple[str, bool], dict[str, Any]] = Kept(most=500)
"""Of prompts, which are called as often as they are fetched: answers as they are but for how often that was."""
_LARGEST = 32 * 1024
"""Bytes of an answer that is kept."""
CHANGING_ELSEWHERE: list[Callable[[Session, Collection[str]], Collection[str]]] = []
"""Which of these files have answers made of rows that a stamp knows nothing of; packages above say it, through `main`."""
DEPENDING_ON_OTHERS: list[Callable[[Mapping[str, Any]], bool]] = []
"""Whether an answer is made of other files, too, of which a stamp knows nothing; said by packages above, through `main`."""
FETCHES: Gatherer[Fetch, bytes | None] = Gatherer(_fetch, most=_MOST, beside=_BESIDE)
"""For the doors: ask it, and where it has no answer, look for the file by itself, which says why."""
