"""What the sidebar shows: the workspaces of the person, and the tree of files."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from sqlalchemy.orm import Session

from app.core.access import Action, Principal
from app.files import repository
from app.files.models import FileKind
from app.workspaces import repository as workspaces
from app.workspaces.models import Workspace

MOST_SHOWN = 60
MOST_COUNTED = 1_000
"""Items that wait for a person: of more, it is said that there are more."""
WAITING: list[Callable[[Session, str, str, int], int]] = []
"""Count, up to a number, what waits in a workspace for a person: `main` fills it, for they stand above."""
ICONS = {
    FileKind.PROMPT: "prompt",
    FileKind.TOOL: "tool",
    FileKind.DATASET: "table",
    FileKind.EVALUATOR: "gauge",
    FileKind.FLOW: "flow",
    FileKind.AGENT: "spark",
}
PAGES = {kind: f"{kind}s" for kind in FileKind}
"""The part of a page's address that names the kind of its file."""


@dataclass(frozen=True, slots=True)
class Node:
    """A line of the tree."""

    name: str
    path: str
    url: str
    icon: str
    depth: int
    is_file: bool


@dataclass(frozen=True, slots=True)
class Sidebar:
    """The tree, cut where it would be too long to scan."""

    workspaces: list[Workspace]
    """Those the person is a member of, by name."""
    tree: list[Node]
    total: int
    more: bool
    waiting: int
    """Items that wait for the person's review; `MOST_COUNTED` for as many or more."""


def file_url(workspace_slug: str, kind: str, file_id: str) -> str:
    """The page of a file. It keeps the id: paths may change."""
    return f"/w/{workspace_slug}/{PAGES[FileKind(kind)]}/{file_id}"


def folder_url(workspace_slug: str, path: str) -> str:
    """The page of a folder, whatever its name is made of; that of all files for the root."""
    return f"/w/{workspace_slug}/files/{quote(path)}".removesuffix("/")


def build_sidebar(session: Session, principal: Principal) -> Sidebar:
    """The first files of the workspace by path, under their directories."""
    files, total = repository.list_files(
        session,
        principal.workspace_id,
        kinds=list(PAGES),
        sort_by="path",
        descending=False,
        limit=MOST_SHOWN,
    )
    tree: list[Node] = []
    seen: set[str] = set()
    for file in files:
        parts = file.path.split("/")
        for depth in range(len(parts) - 1):
            path = "/".join(parts[: depth + 1])
            if path not in seen:
                seen.add(path)
                url = folder_url(principal.workspace_slug, path)
                tree.append(Node(parts[depth], path, url, "folder", depth, is_file=False))
        url = file_url(principal.workspace_slug, file.kind, file.id)
        tree.append(Node(file.name, file.path, url, ICONS[FileKind(file.kind)], len(parts) - 1, is_file=True))
    member_of = [each.workspace for each in workspaces.list_memberships(session, principal.user_id)]
    counted = (count(session, principal.workspace_id, principal.user_id, MOST_COUNTED) for count in WAITING)
    waiting = sum(counted) if principal.may(Action.JUDGE) else 0
    return Sidebar(member_of, tree, total, more=total > len(files), waiting=waiting)
