"""Searching a workspace: files, what can be done with them, evaluations, pages and actions, in a few statements."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from sqlalchemy.orm import Session

from app.core import formats
from app.core.access import Principal
from app.evaluations.models import Evaluation
from app.files import repository as files
from app.files.models import File, FileKind
from app.files.paths import parent_of
from app.files.sidebar import ICONS, file_url
from app.home import search_repository
from app.home.destinations import ACTIONS, FILE_ACTIONS, PAGES, Destination, FileAction
from app.home.search_words import LONGEST, Pieces, begins, marked, words_of
from app.workspaces import repository as workspaces

_RECENT, _FEW, _ON_ONE = 6, 5, 4
_SHORTEST_VERB = 2
"""Letters: one alone begins too many words to say what is to be done."""
_VERSION = re.compile(r"v(\d{1,6})")


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was found, and where it is."""

    type: str
    """The kind of a file, or `evaluation`, `version`, `page`, `action` or `workspace`."""
    title: str
    pieces: Pieces
    """The title with what was searched for marked."""
    note: str
    icon: str
    url: str
    """Without the server's own address; empty where `does` says what happens."""
    id: str | None = None
    path: str | None = None
    does: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Hits of one sort."""

    title: str
    hits: Sequence[Hit]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, best first."""

    text: str
    groups: Sequence[Group]
    more: bool = False
    """Whether there are more files than are shown."""

    @property
    def total(self) -> int:
        """How many are shown."""
        return sum(len(group.hits) for group in self.groups)


@dataclass(frozen=True, slots=True)
class _Search:
    session: Session
    principal: Principal
    text: str
    words: Sequence[str]
    most: int

    @property
    def base(self) -> str:
        return f"/w/{self.principal.workspace_slug}"


def search(session: Session, principal: Principal, text: str, *, most: int = 8) -> Found:
    """What there is by the words of `text`, each the beginning of one in a path, a name or a title; at most `most` files.
    Only what the role may do is offered. Without words: what changed last, and what can be done."""
    text = " ".join(text[:LONGEST].replace("\x00", " ").split())
    asked = _Search(session, principal, text, words_of(text), most)
    if not asked.words:
        return _at_first(asked)
    found = search_repository.find_files(session, principal.workspace_id, text, asked.words, limit=most + 1)
    versions = [] if found else _versions(asked)
    groups = [
        Group("Files", [_file(asked, file) for file in found[:most]]),
        Group("Versions", versions),
        *_on_files(asked, found),
        Group("Go to", _destinations(asked, PAGES, "page") + _workspaces(asked)),
        Group("Actions", _destinations(asked, ACTIONS, "action")),
        Group("Evaluations", _evaluations(asked)),
    ]
    return Found(text, [group for group in groups if group.hits], more=len(found) > most)


def _at_first(asked: _Search) -> Found:
    recent = search_repository.find_files(asked.session, asked.principal.workspace_id, "", [], limit=_RECENT)
    groups = (
        Group("Changed last", [_file(asked, file) for file in recent]),
        Group("Actions", _destinations(asked, ACTIONS, "action")),
        Group("Go to", _destinations(asked, PAGES, "page") + _workspaces(asked)),
    )
    return Found("", [group for group in groups if group.hits])


def _hit(asked: _Search, hit_type: str, title: str, note: str, icon: str, url: str) -> Hit:
    return Hit(hit_type, title, marked(title, asked.words), note, icon, url)


def _file(asked: _Search, file: File) -> Hit:
    url = file_url(asked.principal.workspace_slug, file.kind, file.id)
    folder = parent_of(file.path)
    note = f"{folder} · {formats.ago(file.updated_at)}" if folder else formats.ago(file.updated_at)
    hit = _hit(asked, file.kind, file.name, note, ICONS[FileKind(file.kind)], url)
    return replace(hit, id=file.id, path=file.path)


def _on_files(asked: _Search, found: Sequence[File]) -> list[Group]:
    """What can be done with files: with those that the rest of the words names where one of them says what, or else with
    the first that was found."""
    wanted = _wanted(asked)
    said = {word for word in asked.words for action in wanted if begins(word, action.words)}
    rest = [word for word in asked.words if word not in said]
    if wanted and (rest or not found):
        kinds = [kind for kind, actions in FILE_ACTIONS.items() if wanted & set(actions)]
        meant = search_repository.find_files(
            asked.session, asked.principal.workspace_id, " ".join(rest), rest, kinds=kinds, limit=_FEW
        )
        hits = [
            _action(asked, action, file)
            for file in meant
            for action in FILE_ACTIONS[FileKind(file.kind)]
            if action in wanted
        ]
        if hits:
            return [Group("Actions on files", hits[:_FEW])]
    if not found:
        return []
    actions = [each for each in FILE_ACTIONS[FileKind(found[0].kind)] if asked.principal.may(each.needs)]
    return [Group(f"Actions on {found[0].name}", [_action(asked, a, found[0]) for a in actions[:_ON_ONE]])]


def _wanted(asked: _Search) -> set[FileAction]:
    """The actions on files that one of the words begins to name, and that the role may do; those only that most name."""
    every = {action for actions in FILE_ACTIONS.values() for action in actions}
    named = {
        action: sum(_says(word, action) for word in asked.words)
        for action in every
        if asked.principal.may(action.needs)
    }
    most = max(named.values(), default=0)
    return {action for action, count in named.items() if count == most and most}


def _says(word: str, action: FileAction) -> int:
    """How well a word says what is to be done: `deploy` means Deploy more than it means Deployments."""
    if len(word) < _SHORTEST_VERB or not begins(word, action.words):
        return 0
    return 2 if word in action.words else 1


def _action(asked: _Search, action: FileAction, file: File) -> Hit:
    title = action.title.format(file.name)
    url = asked.base + action.address.format(file.id)
    hit = _hit(asked, "action", title, parent_of(file.path), action.icon, url)
    return replace(hit, id=file.id, path=file.path)


def _versions(asked: _Search) -> list[Hit]:
    """A version that is named by its number beside words of its prompt: intent v14."""
    numbers = [int(found[1]) for word in asked.words if (found := _VERSION.fullmatch(word))]
    rest = [word for word in asked.words if not _VERSION.fullmatch(word)]
    if len(numbers) != 1 or not rest:
        return []
    meant = search_repository.find_files(
        asked.session, asked.principal.workspace_id, " ".join(rest), rest, kinds=[FileKind.PROMPT], limit=1
    )
    if not meant or not files.find_version_by_number(asked.session, meant[0].id, numbers[0]):
        return []
    file, number = meant[0], numbers[0]
    page = f"{asked.base}/prompts/{file.id}"
    shown = [("prompt", f"{file.name} v{number}", f"{page}/versions/{number}")]
    if number > 1:
        shown.append(
            ("branch", f"Compare v{number} with v{number - 1}", f"{page}/diff?from={number - 1}&to={number}")
        )
    return [
        replace(_hit(asked, "version", title, parent_of(file.path), icon, url), id=file.id, path=file.path)
        for icon, title, url in shown
    ]


def _destinations(asked: _Search, among: Iterable[Destination], hit_type: str) -> list[Hit]:
    return [
        replace(
            _hit(asked, hit_type, each.title, "", each.icon, "" if each.does else _address(asked, each)),
            does=each.does,
        )
        for each in among
        if asked.principal.may(each.needs) and each.has(asked.words)
    ]


def _address(asked: _Search, destination: Destination) -> str:
    of_server = destination.address.startswith("/docs")
    return destination.address if of_server else asked.base + destination.address


def _workspaces(asked: _Search) -> list[Hit]:
    """The other workspaces of the person, where a word names them."""
    if not asked.words:
        return []
    return [
        _hit(
            asked,
            "workspace",
            each.workspace.name,
            "another workspace",
            "updown",
            f"/w/{each.workspace.slug}",
        )
        for each in workspaces.list_memberships(asked.session, asked.principal.user_id)
        if each.workspace_id != asked.principal.workspace_id
        and all(begins(word, words_of(f"{each.workspace.name} workspace")) for word in asked.words)
    ][:_FEW]


def _evaluations(asked: _Search) -> list[Hit]:
    found = search_repository.find_evaluations(
        asked.session, asked.principal.workspace_id, asked.words, limit=_FEW
    )
    return [_evaluation(asked, evaluation, path) for evaluation, path in found]


def _evaluation(asked: _Search, evaluation: Evaluation, path: str | None) -> Hit:
    of = f"{path.rsplit('/', 1)[-1]} · " if path else ""
    url = f"{asked.base}/evaluations/{evaluation.id}"
    note = f"{of}{formats.ago(evaluation.created_at)}"
    return replace(_hit(asked, "evaluation", evaluation.name, note, "scale", url), id=evaluation.id)


def logs_url(principal: Principal, text: str) -> str:
    """Where the same words are searched for in logs."""
    return f"/w/{principal.workspace_slug}/logs?q={quote(text)}"
