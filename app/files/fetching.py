"""Fetching files by the API: what production does before each call, done together for all requests of a moment."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import orjson
import structlog
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from app.core.access import Action, Principal
from app.core.database import each_statement_commits
from app.core.gathering import Gatherer
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
    resolved = dict(zip(distinct, resolve(session, distinct, stamped=True), strict=True))
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
    for (workspace_id, raw), found in groups.items():
        versions = repository.find_versions(session, workspace_id, found)
        for each in present(session, versions, also=["raw_file_content"] if raw else []):
            version = found[each["version_id"]]
            answer = shown[workspace_id, version, raw] = encoded(each)
            counts_rows = each["type"] == FileKind.EVALUATOR  # judgments are, and no stamp knows of them
            elsewhere = version.file_id in never or any(depends(each) for depends in DEPENDING_ON_OTHERS)
            if not counts_rows and not elsewhere:
                _KEPT.put((version.version_id, raw), version.stamp, answer)
    return shown


class _Kept:
    """Answers that were given before, each with the stamp of what it was made of. Safe to use from many threads."""

    def __init__(self, most: int, largest: int) -> None:
        """At most `most` answers of at most `largest` bytes."""
        self._most, self._largest = most, largest
        self._answers: OrderedDict[tuple[str, bool], tuple[str | None, bytes]] = OrderedDict()
        self._turn = Lock()

    def get(self, key: tuple[str, bool], stamp: str | None) -> bytes | None:
        """The answer that was kept under this stamp."""
        with self._turn:
            kept_as, answer = self._answers.get(key, (None, b""))
            if kept_as is None or kept_as != stamp:
                return None
            self._answers.move_to_end(key)
            return answer

    def put(self, key: tuple[str, bool], stamp: str | None, answer: bytes) -> None:
        """Keep an answer in place of the one before. The least used one makes room."""
        if len(answer) > self._largest:
            return
        with self._turn:
            self._answers[key] = (stamp, answer)
            self._answers.move_to_end(key)
            if len(self._answers) > self._most:
                self._answers.popitem(last=False)


_KEPT = _Kept(most=500, largest=32 * 1024)
CHANGING_ELSEWHERE: list[Callable[[Session, Collection[str]], Collection[str]]] = []
"""Which of these files have answers made of rows that a stamp knows nothing of; packages above say it, through `main`."""
DEPENDING_ON_OTHERS: list[Callable[[Mapping[str, Any]], bool]] = []
"""Whether an answer is made of other files, too, of which a stamp knows nothing; said by packages above, through `main`."""
FETCHES: Gatherer[Fetch, bytes | None] = Gatherer(_fetch, most=_MOST, beside=_BESIDE)
"""For the doors: ask it, and where it has no answer, look for the file by itself, which says why."""
