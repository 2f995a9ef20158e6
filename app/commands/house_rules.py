"""Rules of this repository that no linter knows: what may not stand in a file, how long one may be, where SQL lives."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from app.embedded.layout import CLONE

LONGEST_FILE = 400
LONGEST_TEMPLATE = 200
WIDEST_TEMPLATE = 180
_UNMEASURED = ("app/demo/data/",)
_NOT_TEXT = frozenset({".png", ".ico", ".woff2", ".gz"})
_REGISTRIES = re.compile(r"pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|yarnpkg\.com")
_STATEMENTS = frozenset({"select", "insert", "update", "delete", "text", "exists", "union", "union_all"})
_HOLDS_SQL = re.compile(r"(^|_)(models|repository|queries)$")


def broken_rules(clone: Path = CLONE) -> list[str]:
    """What is wrong in `clone`, one line each: file, line, rule."""
    found = []
    for path in tracked_files(clone):
        name = path.relative_to(clone).as_posix()
        if path.suffix in _NOT_TEXT or not path.is_file() or name.startswith(_UNMEASURED):
            continue
        text = path.read_text(errors="replace")
        found += [f"{name}:{line}: {rule}" for line, rule in _of_text(text, clone)]
        found += [f"{name}: {rule}" for rule in _of_length(name, text)]
        if name.startswith("app/") and path.suffix == ".py":
            found += [f"{name}:{line}: {rule}" for line, rule in _of_sql(name, text)]
    return found


def tracked_files(clone: Path) -> list[Path]:
    """The files that git tracks; every file outside dot folders where there is no git."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=clone, capture_output=True, text=True, check=False)  # noqa: S607 - from PATH
    if listed.returncode:
        return [
            path
            for path in clone.rglob("*")
            if not any(part.startswith(".") for part in path.relative_to(clone).parts)
        ]
    return [clone / name for name in listed.stdout.split("\0") if name]


def _of_text(text: str, clone: Path) -> Iterator[tuple[int, str]]:
    folder = str(clone)
    for number, line in enumerate(text.splitlines(), start=1):
        if _REGISTRIES.search(line):
            yield number, "names a package registry"
        if folder != "/app" and folder + "/" in line:  # /app is the container's own folder
            yield number, "holds a path of this machine"


def _of_length(name: str, text: str) -> Iterator[str]:
    lines = text.count("\n")
    if name.startswith(("app/", "worker/", "tests/")) and name.endswith(".py") and lines > LONGEST_FILE:
        yield f"{lines} lines; split it by use case (at most {LONGEST_FILE})"
    if name.startswith("templates/") and lines > LONGEST_TEMPLATE:
        yield f"{lines} lines; move parts into files of their own (at most {LONGEST_TEMPLATE})"
    widest = max(map(len, text.splitlines()), default=0)
    if name.startswith("templates/") and widest > WIDEST_TEMPLATE:
        yield f"a line of {widest} characters; lay out what is nested in lines of its own (at most {WIDEST_TEMPLATE})"


def _of_sql(name: str, text: str) -> Iterator[tuple[int, str]]:
    module = Path(name).stem
    if _HOLDS_SQL.search(module) or name.startswith(("app/core/", "app/embedded/")):
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "sqlalchemy":
            statements = sorted(alias.name for alias in node.names if alias.name in _STATEMENTS)
            if statements:
                yield (
                    node.lineno,
                    f"imports {', '.join(statements)}: SQL lives in repository.py, models.py and *_queries.py",
                )
