"""The files of a workspace as a tree, each with its newest version, what is live, and its last score."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.evaluations.figures import headline as words
from app.evaluations.figures import last_score_repository
from app.evaluations.figures.last_score_repository import LastScore
from app.evaluations.figures.models_used import models_of
from app.evaluations.file_pages.dashboard import ScoreText
from app.evaluators.describing import describe
from app.files import repository as files
from app.files import tree_repository as tree
from app.files.models import Directory, Environment, File, FileKind, Version
from app.files.paths import folders_above
from app.files.sidebar import ICONS, PAGES, file_url, folder_url
from app.statistics.intervals import Interval

LINES_A_PAGE = 20


@dataclass(frozen=True, slots=True)
class FileLine:
    """A file in the list."""

    file: File
    icon: str
    url: str
    depth: int
    newest: Version | None
    live: Sequence[tuple[Environment, int]]
    """What runs where: environment and version number."""
    score: ScoreText | None
    measured_by: str
    practice: bool
    """Whether the score is the practice model's, which is not an LLM."""
    is_share: bool
    bar: tuple[float, float, float] | None
    """Low end, estimate and high end of a share, from 0 to 1, for drawing."""


@dataclass(frozen=True, slots=True)
class FolderLine:
    """A folder in the list, and how many files lie in and below it."""

    directory: Directory
    url: str
    depth: int
    count: int
    closed: bool
    """Whether what lies in it is left out of the list."""


@dataclass(frozen=True, slots=True)
class FileList:
    """A folder's files and all below it."""

    lines: Sequence[FolderLine | FileLine]
    counts: Mapping[str, int] = field(default_factory=dict)
    """Files by kind, before `kind` chose one."""
    total: int = 0
    folders: int = 0
    more: int = 0
    """Lines after this page."""


@dataclass(frozen=True, slots=True)
class FileQuery:
    """What to list: below a folder, of one kind, whose name holds some text."""

    under: str = ""
    kind: str = ""
    text: str = ""
    closed: frozenset[str] = frozenset()
    """Paths of folders whose content is left out."""
    page: int = 1

    def hides(self, path: str) -> bool:
        """Whether `path` lies below a closed folder. A search looks into all of them."""
        return not self.text and any(path.startswith(f"{folder}/") for folder in self.closed)


def list_tree(session: Session, principal: Principal, query: FileQuery) -> FileList:
    """The tree that `query` asks for, in a fixed number of statements. Files are read for the page alone."""
    asked = list(PAGES), query.text or None, query.under or None
    held = tree.count_files(session, principal.workspace_id, *asked)
    counts = {kind.value: sum(each.files for each in held if each.kind == kind) for kind in PAGES}
    every = files.list_directories(session, principal.workspace_id)
    direct = Counter[str]()
    for each in held:
        if not query.kind or each.kind == query.kind:
            direct[each.directory_id] += each.files
    inside = Counter[str]()
    for directory in every:
        for path in (*folders_above(directory.path), directory.path):
            inside[path] += direct[directory.id]
    prefix = f"{query.under}/" if query.under else ""
    below = [each for each in every if each.path and each.path.startswith(prefix)]
    filtered = bool(query.kind or query.text)
    folders = {
        each.id: _folder(principal, each, prefix, inside[each.path], closed=each.path in query.closed)
        for each in below
        if (inside[each.path] or not filtered) and not query.hides(each.path)
    }
    first = (query.page - 1) * LINES_A_PAGE
    page = tree.list_lines(
        session,
        files.matching(principal.workspace_id, *asked),
        list(folders),
        kind=query.kind,
        closed=() if query.text else query.closed,
        offset=first,
        limit=LINES_A_PAGE,
    )
    filled = _files(session, principal, [line.id for line in page if not line.is_directory], prefix)
    known: Mapping[str, FolderLine | FileLine] = {**folders, **filled}
    lines = [known[line.id] for line in page if line.id in known]  # it may have been deleted meanwhile
    shown = sum(direct[each.id] for each in every if not query.hides(f"{each.path}/"))
    more = max(0, len(folders) + shown - first - LINES_A_PAGE)
    return FileList(lines, counts, sum(each.files for each in held), len(below), more)


def _folder(
    principal: Principal, directory: Directory, prefix: str, count: int, *, closed: bool
) -> FolderLine:
    url = folder_url(principal.workspace_slug, directory.path)
    return FolderLine(directory, url, directory.path.removeprefix(prefix).count("/"), count, closed)


def _files(
    session: Session, principal: Principal, file_ids: Sequence[str], prefix: str
) -> dict[str, FileLine]:
    """A line for each file, by its id."""
    newest = files.newest_versions(session, file_ids)
    live: dict[str, list[tuple[Environment, int]]] = {}
    for environment, deployment in files.deployed_environments(session, file_ids):
        live.setdefault(deployment.file_id, []).append((environment, deployment.version.number))
    scores = last_score_repository.list_last_scores(session, file_ids)
    models = models_of(session, [found[0].version for found in scores.values()])
    lines = {}
    for file in files.find_files(session, principal.workspace_id, file_ids):
        last = scores.get(file.id, [None])[0]
        text, by = last_score_text(last) if last else (None, "")
        share = last is not None and describe(last.evaluator.spec).is_share
        lines[file.id] = FileLine(
            file=file,
            icon=ICONS[FileKind(file.kind)],
            url=file_url(principal.workspace_slug, file.kind, file.id),
            depth=file.path.removeprefix(prefix).count("/"),
            newest=newest.get(file.id),
            live=live.get(file.id, []),
            score=text,
            measured_by=by,
            practice=last is not None and models[last.version.id].practice,
            is_share=share,
            bar=_bar(last) if last and share else None,
        )
    return lines


def _bar(last: LastScore) -> tuple[float, float, float] | None:
    score = last.score
    if score.lo is None or score.hi is None:
        return None
    return max(0.0, score.lo), score.value, min(1.0, score.hi)


def last_score_text(last: LastScore) -> tuple[ScoreText, str]:
    """A kept score in words, and what measured it on how many rows."""
    info, score = describe(last.evaluator.spec), last.score
    interval = Interval(score.value, score.lo, score.hi, score.n, "")
    text = ScoreText(words.level(score.value, info), words.span(interval, info), words.rows(interval))
    return text, f"{last.evaluator.file.name}, v{last.version.number}, {text.rows}"
