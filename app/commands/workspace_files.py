"""The prompts and agents of a workspace as `pull` and `push` see them: by the v5 API alone."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.commands.folder import KINDS, plain, split
from app.commands.server import Json, Server, ServerError
from app.core.property_order import is_same_content

_PAGE = 100


@dataclass(frozen=True, slots=True)
class Remote:
    """A file of the workspace at one version."""

    key: str
    """Its path, with its kind as the end."""
    file_id: str
    version_id: str
    number: int
    text: str
    made_by: str
    """Who made the version and why, in words; empty where nobody said."""


@dataclass(frozen=True, slots=True)
class Tree:
    """What lies where, without content."""

    workspace: str
    """What tells this workspace from others: the id of its uppermost directory."""
    keys: dict[str, str]
    """Of every prompt and agent, by the file's id."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which files are meant: all, those below a directory, or one."""

    text: str = ""

    def has(self, key: str) -> bool:
        """Whether the file is meant: by its name here, by its path there, or by a directory above it."""
        meant = self.text.strip("/").removeprefix("./")
        return meant in ("", ".") or key == meant or split(key)[0] == meant or key.startswith(f"{meant}/")


class Workspace:
    """The workspace of a key. What it raises is a ServerError."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def tree(self) -> Tree:
        """Where everything lies now."""
        top = self._server.get("/directories/structure")
        keys: dict[str, str] = {}
        directories = [top]
        while directories:
            directory = directories.pop()
            directories += directory["subdirectories"]
            for file in directory["files"]:
                if file["type"] in KINDS:
                    keys[file["id"]] = f"{file['path']}.{file['type']}"
        return Tree(str(top["id"]), keys)

    def files(self, tree: Tree, scope: Scope, environment: str | None) -> Iterator[Remote]:
        """The files that are meant: at their newest version, or at the one that runs in `environment`."""
        meant = [key for key in tree.keys.values() if scope.has(key)]
        if not meant:
            return
        query: dict[str, str | int] = {"size": _PAGE, "sort_by": "created_at", "order": "asc"}
        query |= {"environment": environment} if environment else {"newest": "true"}
        query["include_raw_file_content"] = "true"
        if len(meant) == 1:
            folder, _, name = split(meant[0])[0].rpartition("/")
            query |= {"name": name} | ({"path": folder} if folder else {})
        elif folder := _common_folder(meant):
            query["path"] = folder
        seen: set[str] = set()
        for kind in KINDS:
            page, total = 1, 1
            while (page - 1) * _PAGE < total:
                answer = self._server.get("/files", **query, type=kind, page=page)
                page, total = page + 1, int(answer["total"])
                for each in answer["records"]:
                    remote = _remote(each)
                    if scope.has(remote.key) and remote.key not in seen:
                        seen.add(remote.key)  # a page may begin with what another ended with
                        yield remote

    def content(self, key: str, text: str) -> Json:
        """What the text of a file says, as it can be written."""
        kind = split(key)[1]
        return self._server.post(f"/{kind}s/deserialize", {kind: text}, again=True)

    def same(self, key: str, text: str, other: str) -> bool:
        """Whether two texts are the same, or say the same."""
        if plain(text) == plain(other):
            return True
        try:
            return is_same_content(self.content(key, text), self.content(key, other))
        except ServerError as error:
            if error.status != 422:
                raise
            return False

    def write(
        self, key: str, content: Json, message: str, file_id: str | None, newest: str | None = None
    ) -> Json:
        """Write content to a file, or to a new one at its path; how the file is then. Refused where another version than
        `newest` is the newest by then."""
        path, kind = split(key)
        where = {"id": file_id} if file_id else {"path": path}
        guard = {"newest_version_id": newest} if newest else {}
        return self._server.post(
            f"/{kind}s",
            content | where | {"version_description": message, "property_order_counts": True} | guard,
            again=True,
        )


def _common_folder(keys: list[str]) -> str:
    """The nearest directory above all of these files."""
    folders = [key.split("/")[:-1] for key in keys]
    shared = []
    for parts in zip(*folders, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return "/".join(shared)


def _remote(said: Json) -> Remote:
    maker = (said.get("version_created_by") or {}).get("full_name")
    why = said.get("version_description")
    made_by = ", ".join(filter(None, [maker, f"“{why}”" if why else None]))
    return Remote(
        key=f"{said['path']}.{said['type']}",
        file_id=str(said["id"]),
        version_id=str(said["version_id"]),
        number=int(said["version_number"]),
        text=str(said["raw_file_content"]),
        made_by=made_by,
    )
