"""Calls of prompts as production makes them all day, made ready together: what a version and its provider say is kept, and
the database is only asked whether it is still so.

A call that says more than which version it is of and on what goes the other way (`calling.prepare_call`), and so does one
of a prompt that depends on more than its version and its provider, or that cannot be called: there it is said why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from app.core.access import Action, Principal
from app.core.database import each_statement_commits
from app.core.errors import DomainError
from app.core.gathering import Gatherer
from app.core.kept import Kept
from app.core.settings import get_settings
from app.files import fetching, repository
from app.files.include_syntax import includes_others
from app.files.models import FileKind, Version
from app.files.paths import plain_path
from app.files.presentation import present_one
from app.files.resolution_repository import Resolved, Wanted, resolve
from app.generations import service
from app.generations.calling import ReadyCall, about_log, make_ready, origin_of
from app.generations.prepared import PreparedPrompt
from app.generations.schemas import PromptCall
from app.generations.usual_call_repository import stamp_providers
from app.workspaces.service import holders_of


@dataclass(frozen=True, slots=True)
class UsualCall:
    """A call, and the key that it came with."""

    secret: str
    call: PromptCall
    version_id: str | None = None
    environment: str | None = None

    @property
    def is_usual(self) -> bool:
        """Whether it says no more than which version is called on what."""
        call = self.call
        says_more = call.prompt is not None or call.provider_api_keys or call.log_id or call.trace_parent_id
        return bool(self.secret and (call.id or call.path)) and not says_more


@dataclass(frozen=True, slots=True)
class _Known:
    """A version made ready to be called, and as the API shows it."""

    prompt: PreparedPrompt
    shown: Mapping[str, Any]


class _Unusual:
    """In place of a prompt that is not called in this way."""


_PROMPTS: Kept[str, PreparedPrompt | _Unusual] = Kept(most=200)
_SHOWN: Kept[str, Mapping[str, Any]] = Kept(most=200)
_LARGEST = 64 * 1024
"""Characters of a template: a larger one takes its time, for which others would wait."""


def _make_ready(asked: Sequence[UsualCall]) -> list[ReadyCall | Exception | None]:
    """Each call made ready, or what is wrong with what it says; None where it has to go the other way."""
    try:
        with each_statement_commits() as session:
            return _ready(session, asked)
    except (DataError, TypeError):  # what one of them names is no text that a database could hold
        return [None] * len(asked)


def _ready(session: Session, asked: Sequence[UsualCall]) -> list[ReadyCall | Exception | None]:
    holders = holders_of(session, {one.secret for one in asked})
    wanted = [
        _wanted(holder, one) if (holder := holders.get(one.secret)) and holder.may(Action.RUN) else None
        for one in asked
    ]
    distinct = list(dict.fromkeys(one for one in wanted if one))
    versions = dict(zip(distinct, resolve(session, distinct, also="steady"), strict=True))
    providers = stamp_providers(session, {want.workspace_id for want, version in versions.items() if version})
    files = {version.file_id for version in versions.values() if version}
    changing = {file_id for among in fetching.CHANGING_ELSEWHERE for file_id in among(session, files)}
    found = {
        want: _known(
            session,
            version,
            f"{version.steady} {providers[want.workspace_id]} {get_settings().practice_url}",
            want.workspace_id,
            keeps=version.file_id not in changing,
        )
        for want, version in versions.items()
        if version and want.workspace_id in providers
    }
    ready: list[ReadyCall | Exception | None] = []
    for one, want in zip(asked, wanted, strict=True):
        known, version = (found.get(want), versions[want]) if want else (None, None)
        if known is None or version is None:
            ready.append(None)
            continue
        try:
            ready.append(_one_ready(session, holders[one.secret], one, version, known))
        except Exception as error:  # noqa: BLE001 - raised to the one who asked, and to nobody else
            ready.append(error)
    return ready


def _wanted(holder: Principal, one: UsualCall) -> Wanted:
    path = None if one.call.id or one.call.path is None else plain_path(one.call.path)
    return Wanted(
        holder.workspace_id,
        FileKind.PROMPT,
        one.call.id or None,
        path,
        one.version_id or None,
        one.environment or None,
    )


def _known(
    session: Session, version: Resolved, stamp: str, workspace_id: str, *, keeps: bool
) -> _Known | None:
    """A version as it is now; None where what it is called with depends on more, or it cannot be called. `keeps` is False
    where what the API shows of it changes with rows that a stamp knows nothing of."""
    version_id = version.version_id
    kept, shown = _PROMPTS.get(version_id, stamp), _SHOWN.get(version_id, stamp)
    if isinstance(kept, _Unusual):
        return None
    if kept and shown and keeps:
        return _Known(kept, {**shown, **version.use})
    row = next(iter(repository.find_versions(session, workspace_id, [version_id])), None)
    if row is None:  # it was deleted just now
        return None
    prompt = kept or _prompt(session, row)
    _PROMPTS.put(version_id, stamp, prompt or _Unusual())
    if prompt is None:
        return None
    shown = present_one(session, row)
    if keeps:
        _SHOWN.put(version_id, stamp, shown)
    return _Known(prompt, shown)


def _prompt(session: Session, version: Version) -> PreparedPrompt | None:
    """A version ready to be called, if that is all it takes."""
    spec = version.spec
    template = spec.get("template") or ""
    depends = (
        spec.get("linked_tools") or spec.get("template_language") == "jinja" or includes_others(template)
    )
    if depends or len(str(template)) > _LARGEST:
        return None
    try:
        prompt = service.prepare(session, version)
    except DomainError:
        return None
    return None if prompt.tools else prompt


def _one_ready(
    session: Session, principal: Principal, one: UsualCall, version: Resolved, known: _Known
) -> ReadyCall:
    about = about_log(session, principal, one.call)
    origin = origin_of(principal.workspace_id, version.file_id, version.version_id, one.call, one.environment)
    return make_ready(one.call, known.prompt, origin, about, known.shown)


CALLS: Gatherer[UsualCall, ReadyCall | None] = Gatherer(_make_ready, most=50, beside=2)
"""For the door: ask it where a call `is_usual`, and where it has no answer, make the call ready by itself."""
