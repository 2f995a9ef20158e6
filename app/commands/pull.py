"""`pull`: bring the prompts and agents of a workspace into a directory. Asks a server by HTTP, and runs on Python alone.

A file that changed here stays; one that changed on both sides is a conflict, and is shown.
"""

import argparse
import sys
from functools import partial

from app.commands import syncing
from app.commands.folder import Base, FolderError, digest, refusal, twins
from app.commands.syncing import Sync, differences
from app.commands.workspace_files import Remote

_SAVE_EACH = 50


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `pull`."""
    syncing.arguments(parser)
    parser.add_argument(
        "--environment",
        metavar="NAME",
        help="the versions that run there (default: the newest, whatever runs where)",
    )


def run(options: argparse.Namespace) -> int:
    """Pull, and say what was done; the exit code."""
    return syncing.run(options, partial(_pull, environment=options.environment), make=True)


def _pull(sync: Sync, environment: str | None) -> None:
    local, _ = sync.folder.find()
    sync.check_named([*sync.tree.keys.values(), *local, *sync.folder.bases])
    remotes = list(sync.workspace.files(sync.tree, sync.scope, environment))
    _take_away(sync, {remote.key for remote in remotes}, environment)
    local, left_out = sync.folder.find()
    too_alike = twins([*sync.tree.keys.values(), *local])
    for number, remote in enumerate(remotes, start=1):
        key = remote.key
        if key in too_alike:
            said = f"only upper and lower case tell it from {too_alike[key]}: rename one of them"
            sync.teller.problem(key, said)
        elif why := left_out.get(key) or refusal(key):
            sync.teller.problem(key, why)
        else:
            _attempt(sync, key, partial(_take, sync, remote, environment))
        if number % _SAVE_EACH == 0:
            sync.folder.save()


def _take_away(sync: Sync, there: set[str], environment: str | None) -> None:
    """First what is gone: its name, or one that differs from it in case only, may be another's now."""
    known = sorted(key for key in sync.folder.bases if sync.scope.has(key) and key not in there)
    now = sync.workspace.tree().keys if known else {}  # anew: what came or moved meanwhile was not deleted
    for key in known:
        lies_at = now.get(sync.folder.bases[key].file_id)
        _attempt(sync, key, partial(_gone, sync, key, lies_at, environment))


def _attempt(sync: Sync, key: str, work: partial[None]) -> None:
    try:
        work()
    except FolderError as error:
        sync.teller.problem(key, str(error))


def _take(sync: Sync, remote: Remote, environment: str | None) -> None:
    """Bring one file here, unless it changed here."""
    key, folder, tell = remote.key, sync.folder, sync.teller.tell
    here, base, side = folder.read(key), folder.bases.get(key), sync.side(key)
    seen = Base(remote.file_id, remote.version_id, digest(remote.text), environment)
    changed_there = base is None or (base.file_id, base.version_id) != (remote.file_id, remote.version_id)
    changed_here = base is None or here is None or digest(here) != base.sha256
    if here is not None and digest(here) == seen.sha256:
        sync.teller.count("unchanged")
    elif (here is None and base is None) or side == "theirs" or (changed_there and not changed_here):
        folder.write(key, remote.text)
        tell("new" if here is None else "changed", key, f"v{remote.number}")
    elif not changed_there:
        assert base is not None  # noqa: S101 - without one, it counts as changed there
        seen = Base(base.file_id, base.version_id, base.sha256, environment)
        if here is None:
            tell("deleted here", key, "still in the workspace: --theirs brings it back")
        elif changed_here:
            tell("changed here", key, "push sends it")
        else:
            sync.teller.count("unchanged")
    elif here is not None and sync.workspace.same(key, here, remote.text):
        seen = Base(remote.file_id, remote.version_id, digest(here), environment)
        sync.teller.count("unchanged")
    elif side == "ours":
        tell("kept", key, f"v{remote.number} of the workspace is passed over")
    else:
        _tell_conflict(sync, remote, here)
        return
    folder.bases[key] = seen


def _tell_conflict(sync: Sync, remote: Remote, here: str | None) -> None:
    version = f"v{remote.number}" + (f" by {remote.made_by}" if remote.made_by else "")
    if here is None:
        sync.teller.conflict(remote.key, f"deleted here, and changed in the workspace: {version}")
    else:
        said = f"changed here, and in the workspace: {version}"
        sync.teller.conflict(remote.key, said, differences(here, remote.text, f"v{remote.number}"))


def _gone(sync: Sync, key: str, lies_at: str | None, environment: str | None) -> None:
    """Take away a file that the workspace has no more, unless it changed here."""
    folder, base, side = sync.folder, sync.folder.bases[key], sync.side(key)
    here = folder.read(key)
    if lies_at == key:
        if environment and base.environment == environment:
            sync.teller.tell("kept", key, f"nothing of it runs in {environment} any more")
        return
    said = f"it lies at {lies_at} in the workspace" if lies_at else "it was deleted in the workspace"
    if here is None:
        sync.teller.count("removed")
    elif side == "theirs" or digest(here) == base.sha256:
        folder.remove(key)
        sync.teller.tell("removed", key, said)
    elif side == "ours":
        sync.teller.tell("kept", key, f"{said}; push sends this as a new file")
    else:
        sync.teller.conflict(key, f"changed here, and {said}")
        return
    del folder.bases[key]


if __name__ == "__main__":
    sys.exit(
        syncing.main(
            "pull", "Bring prompts and agents of a workspace into a directory.", arguments, run, sys.argv[1:]
        )
    )
