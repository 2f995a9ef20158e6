"""What `pull` and `push` share: their options, what they print, and how they end."""

import argparse
import difflib
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from app.commands.folder import Folder, FolderError, opened, plain
from app.commands.server import Server, ServerError
from app.commands.workspace_files import Scope, Tree, Workspace

Side = Literal["ours", "theirs"]
NOT_DONE = 2
_MOST_LINES = 200
_EPILOG = """\
exit codes: 0 done; 1 a file is in conflict, or could not be taken, and the others were; 2 not done at all, or broken off.

WHETSTONE_URL is the server's address (WHETSTONE_BASE_URL will do, too), WHETSTONE_API_KEY a key of the workspace: of a
viewer to pull, of a member to push. docs/prompts-in-git.md says how the sides are compared."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of both commands."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("directory", type=Path, metavar="DIR", help="the directory of the files")
    parser.add_argument(
        "--path",
        default="",
        metavar="PATH",
        help="only what lies in this directory of the workspace, or one file: its path, or its name here",
    )
    for side, said in (("ours", "the files here"), ("theirs", "the workspace")):
        parser.add_argument(
            f"--{side}",
            nargs="*",
            metavar="PATH",
            help=f"settle conflicts by {said}: in these files or directories, or in all where none is named",
        )
    parser.add_argument("--base-url", metavar="URL", help="the server's address (default: WHETSTONE_URL)")
    parser.add_argument(
        "--api-key",
        metavar="KEY",
        help="the key (default: WHETSTONE_API_KEY, which other users of this machine do not see)",
    )


@dataclass
class Teller:
    """Prints what happens to each file, and counts it."""

    counts: Counter[str] = field(default_factory=Counter)
    failed: bool = False

    def count(self, what: str) -> None:
        """Note that one more file was `what`, without a line of its own."""
        self.counts[what] += 1

    def tell(self, what: str, key: str, said: str = "") -> None:
        """Say that a file is `what`."""
        self.count(what)
        self._line(what, key, said)

    def problem(self, key: str, said: str) -> None:
        """Say why a file was not taken."""
        self.failed = True
        self.tell("not taken", key, said)

    def conflict(self, key: str, said: str, lines: Iterable[str] = ()) -> None:
        """Say how both sides changed a file."""
        self.failed = True
        self.count("in conflict")
        self._line("CONFLICT", key, said)
        for line in lines:
            print(printable(line))

    def _line(self, what: str, key: str, said: str) -> None:
        print(printable(f"{what:<12}  {key}{f'  {said}' if said else ''}"), flush=True)

    def summary(self) -> str:
        """The counts in words."""
        said = [f"{count:,} {what}" for what, count in sorted(self.counts.items())]
        return f"{', '.join(said)}." if said else "There is no prompt and no agent here or there."


def printable(text: Any) -> str:
    """The text without whatever a terminal would take for a command."""
    return "".join(
        character if character.isprintable() or character == "\t" else "�" for character in str(text)
    )


def differences(here: str | None, there: str | None, version: str) -> list[str]:
    """How the workspace's text differs from the one here, as a diff."""
    lines = list(
        difflib.unified_diff(
            plain(here or "").split("\n"),
            plain(there or "").split("\n"),
            "here",
            f"the workspace, {version}",
            lineterm="",
        )
    )
    more = len(lines) - _MOST_LINES
    return lines if more <= 0 else [*lines[:_MOST_LINES], f"… {more:,} more lines"]


def with_line(said: str) -> str:
    """What a server says of a file's text, without the name of the field that carried it."""
    for name in ("prompt: ", "agent: "):
        said = said.replace(name, "")
    return said


@dataclass(frozen=True)
class Sync:
    """One pull or push: both sides, what is meant, and how conflicts are settled."""

    folder: Folder
    workspace: Workspace
    tree: Tree
    scope: Scope
    teller: Teller
    sides: Sequence[tuple[Scope, Side]]

    def side(self, key: str) -> Side | None:
        """By which side a conflict in this file is settled; None where it is told."""
        return next((side for scope, side in self.sides if scope.has(key)), None)

    def check_named(self, keys: Iterable[str]) -> None:
        """Refuse options that mean no file at all. Raises: FolderError."""
        keys = list(keys)
        for scope, option in [(self.scope, "--path"), *((scope, f"--{side}") for scope, side in self.sides)]:
            if scope.text and not any(scope.has(key) for key in keys):
                raise FolderError(
                    f"{option} {scope.text}: no prompt and no agent is called so, here or there."
                )


def run(options: argparse.Namespace, work: Callable[[Sync], None], *, make: bool) -> int:
    """Do `work` on the directory and the workspace that the options name; the exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    teller = Teller()
    try:
        sides = _sides(options)
        workspace = Workspace(_server(options))
        tree = workspace.tree()
        with opened(options.directory, make=make) as folder:
            folder.belongs_to(tree.workspace)
            try:
                work(Sync(folder, workspace, tree, Scope(options.path), teller, sides))
            finally:
                folder.save()
    except (ServerError, FolderError) as error:
        return _broken_off(teller, str(error))
    except OSError as error:
        return _broken_off(teller, f"{error.filename or options.directory}: {error.strerror or error}.")
    except (LookupError, TypeError, ValueError, AttributeError) as error:  # of reading an unknown answer
        said = f"The server's answer is not what this command reads ({type(error).__name__}: {error})"
        return _broken_off(teller, f"{said}: use the command of its version.")
    with suppress(BrokenPipeError):
        print(teller.summary())
    return int(teller.failed)


def _broken_off(teller: Teller, said: str) -> int:
    done = f" Before that: {teller.summary()} Start it again: it goes on from there." if teller.counts else ""
    print(printable(f"{said}{done}"), file=sys.stderr)
    return NOT_DONE


def _sides(options: argparse.Namespace) -> list[tuple[Scope, Side]]:
    named: list[tuple[Scope, Side]] = []
    everything: list[tuple[Scope, Side]] = []
    for side, given in (("ours", options.ours), ("theirs", options.theirs)):
        if given is not None:
            (named if given else everything).extend((Scope(text), side) for text in given or [""])  # type: ignore[misc]
    if len(everything) > 1:
        raise FolderError("--ours and --theirs both mean all files: name those of one side.")
    return named + everything


def _server(options: argparse.Namespace) -> Server:
    named = "--base-url" if options.base_url else "WHETSTONE_URL"
    url = options.base_url or os.environ.get("WHETSTONE_URL") or os.environ.get("WHETSTONE_BASE_URL") or ""
    if not url:
        raise ServerError("Set WHETSTONE_URL to the server's address, such as https://whetstone.example.com.")
    key = (options.api_key or os.environ.get("WHETSTONE_API_KEY", "")).strip()
    if not key:
        raise ServerError("Set WHETSTONE_API_KEY to a key of the workspace: Settings, API keys makes one.")
    return Server(url, key, named=named)


def main(
    name: str,
    summary: str,
    options_of: Callable[[argparse.ArgumentParser], None],
    run_with: Callable[[argparse.Namespace], int],
    words: Sequence[str],
) -> int:
    """The command by itself, without the packages that others need; its exit code."""
    parser = argparse.ArgumentParser(prog=f"./whetstone {name}", description=summary)
    options_of(parser)
    try:
        return run_with(parser.parse_args(words))
    except KeyboardInterrupt:
        print(
            "Stopped. What was taken is remembered: start it again, and it goes on from there.",
            file=sys.stderr,
        )
        return 130
