"""`push`: send the prompts and agents that changed in a directory to a workspace. Asks a server by HTTP, and runs on
Python alone.

Nothing is deleted in the workspace, and what moved on there since the last pull is a conflict, and is shown.
"""

import argparse
import sys
from dataclasses import dataclass
from functools import partial

from app.commands import syncing
from app.commands.folder import Base, FolderError, digest
from app.commands.server import Json, ServerError
from app.commands.syncing import Sync, differences, with_line
from app.commands.workspace_files import Remote
from app.core.property_order import is_same_content

_OF_ONE_FILE = frozenset({400, 404, 409, 413, 422})


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `push`."""
    syncing.arguments(parser)
    parser.add_argument("--message", metavar="WHY", help="the note of the versions that are made")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")


def run(options: argparse.Namespace) -> int:
    """Push, and say what was done; the exit code."""
    message = (options.message or "").strip()
    return syncing.run(options, partial(_push, message=message, only_say=options.dry_run), make=False)


@dataclass(frozen=True, slots=True)
class _Send:
    """A file that is to be sent."""

    key: str
    text: str
    content: Json
    file_id: str | None
    """None for a new file."""
    shown: Remote | None
    """The version that it is compared with."""
    environment: str | None


def _push(sync: Sync, message: str, *, only_say: bool) -> None:
    local, left_out = sync.folder.find()
    sync.check_named([*sync.tree.keys.values(), *local, *sync.folder.bases])
    for key, why in sorted(left_out.items()):
        if sync.scope.has(key):
            sync.teller.problem(key, why)
    changed = _changed(sync, local)
    _tell_missing(sync, {*local, *left_out})
    sends = _Deciding(sync, changed, only_say).sends() if changed else []
    if not sends:
        return
    if only_say:
        for send in sends:
            sync.teller.tell("to send", send.key, "a new file" if send.file_id is None else "a new version")
        return
    if not message:
        raise FolderError(
            f"Nothing was sent. Say by --message why {len(sends):,} "
            f"{'file' if len(sends) == 1 else 'files'} changed: it is the note of the new versions."
        )
    _send(sync, sends, message)


def _send(sync: Sync, sends: list[_Send], message: str) -> None:
    """Send the files; those that are refused again once others are there, which they may include."""
    newest = _newest(sync, sends)
    problems: dict[str, ServerError] = {}
    while sends:
        problems = {}
        for send in sends:
            try:
                _write(sync, send, newest.get(send.key), message)
            except ServerError as error:
                if error.status not in _OF_ONE_FILE:
                    raise
                problems[send.key] = error
            sync.folder.save()
        if len(problems) == len(sends):
            break
        sends = [send for send in sends if send.key in problems]
    for key, problem in problems.items():
        sync.teller.problem(key, with_line(problem.said or str(problem)))


def _changed(sync: Sync, local: list[str]) -> dict[str, str]:
    """The texts of the files that are not as they were when both sides last met."""
    changed: dict[str, str] = {}
    for key in local:
        if not sync.scope.has(key):
            continue
        try:
            text = sync.folder.read(key)
        except FolderError as error:
            sync.teller.problem(key, str(error))
            continue
        base = sync.folder.bases.get(key)
        if text is None or (base and base.sha256 == digest(text)):
            sync.teller.count("unchanged")
        else:
            changed[key] = text
    return changed


def _tell_missing(sync: Sync, local: set[str]) -> None:
    """Say which files are deleted here, and forget those that the workspace has no more, either."""
    for key, base in sorted(sync.folder.bases.items()):
        if key in local or not sync.scope.has(key):
            continue
        if base.file_id in sync.tree.keys:
            sync.teller.tell("deleted here", key, "still in the workspace: push deletes nothing there")
        else:
            del sync.folder.bases[key]


def _newest(sync: Sync, sends: list[_Send]) -> dict[str, Remote]:
    """The newest versions of what is sent, which `shown` are not where they are of an environment."""
    if all(send.environment is None for send in sends):
        return {send.key: send.shown for send in sends if send.shown}
    return {remote.key: remote for remote in sync.workspace.files(sync.tree, sync.scope, None)}


class _Deciding:
    """What is to be done about each changed file."""

    def __init__(self, sync: Sync, changed: dict[str, str], only_say: bool) -> None:
        self._sync, self._changed, self._only_say = sync, changed, only_say
        bases = sync.folder.bases
        self._shown: dict[tuple[str, str | None], Remote] = {}
        for environment in sorted(
            {None, *(bases[key].environment for key in changed if key in bases)}, key=str
        ):
            for remote in sync.workspace.files(sync.tree, sync.scope, environment):
                self._shown[remote.key, environment] = remote

    def sends(self) -> list[_Send]:
        """Those that are to be sent. Conflicts and what cannot be read are told."""
        found = []
        for key, text in sorted(self._changed.items()):
            try:
                if send := self._decide(key, text):
                    found.append(send)
            except FolderError as error:
                self._sync.teller.problem(key, str(error))
            except ServerError as error:
                if error.status not in _OF_ONE_FILE:
                    raise
                self._sync.teller.problem(key, with_line(error.said or str(error)))
        return found

    def _decide(self, key: str, text: str) -> _Send | None:
        sync, base = self._sync, self._sync.folder.bases.get(key)
        environment = base.environment if base else None
        shown = self._shown.get((key, environment))
        content = sync.workspace.content(key, text)
        if shown and is_same_content(content, sync.workspace.content(key, shown.text)):
            sync.teller.tell("unchanged", key, f"it says the same as v{shown.number}")
            self._remember(key, Base(shown.file_id, shown.version_id, digest(text), environment))
            return None
        lies_at = sync.tree.keys.get(base.file_id) if base else None
        if base and lies_at not in (None, key):
            sync.teller.conflict(key, f"changed here, and it lies at {lies_at} in the workspace: pull first")
            return None
        file_id = shown.file_id if shown else base.file_id if base and lies_at else None
        send = _Send(
            key,
            text,
            content,
            file_id,
            shown,
            environment,
        )
        if base and shown is None and lies_at == key:
            return send  # nothing of it runs in the environment that it was pulled from
        if (base is None and shown is None) or (
            base and shown and (base.file_id, base.version_id) == (shown.file_id, shown.version_id)
        ):
            return send
        return self._settle(send)

    def _settle(self, send: _Send) -> _Send | None:
        """A file that changed on both sides."""
        sync, key, shown = self._sync, send.key, send.shown
        side = sync.side(key)
        if side == "ours":
            return send
        if side is None:
            there = f"v{shown.number}" if shown else ""
            by = f"{there} by {shown.made_by}" if shown and shown.made_by else there
            said = f"changed here, and in the workspace: {by}" if shown else "changed here, and deleted there"
            lines = differences(send.text, shown.text, there) if shown else ()
            sync.teller.conflict(key, said, lines)
        elif self._only_say:
            sync.teller.tell("to change" if shown else "to remove", key, "as in the workspace")
        elif shown:
            sync.folder.write(key, shown.text)
            self._remember(key, Base(shown.file_id, shown.version_id, digest(shown.text), send.environment))
            sync.teller.tell("changed", key, f"v{shown.number}")
        else:
            sync.folder.remove(key)
            sync.folder.bases.pop(key, None)
            sync.teller.tell("removed", key, "it was deleted in the workspace")
        return None

    def _remember(self, key: str, base: Base) -> None:
        if not self._only_say:
            self._sync.folder.bases[key] = base


def _write(sync: Sync, send: _Send, newest: Remote | None, message: str) -> None:
    """Send one file, and remember what came of it."""
    seen = newest.version_id if newest else None
    answer = sync.workspace.write(send.key, send.content, message, send.file_id, seen)
    number, last = int(answer["version_number"]), newest.number if newest else 0
    made = str(answer["version_id"])
    if number > last:
        sync.teller.tell("sent", send.key, f"v{number}")
    else:
        sync.teller.tell(
            "sent", send.key, f"v{number} says this already: no version was made, v{last} stays the newest"
        )
        made = newest.version_id if newest else made
    if send.environment:  # compared with what runs there, which a new version does not change
        made = send.shown.version_id if send.shown else sync.folder.bases[send.key].version_id
    sync.folder.bases[send.key] = Base(str(answer["id"]), made, digest(send.text), send.environment)


if __name__ == "__main__":
    sys.exit(
        syncing.main(
            "push",
            "Send prompts and agents that changed in a directory to a workspace.",
            arguments,
            run,
            sys.argv[1:],
        )
    )
