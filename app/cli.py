"""The command line: `python -m app.cli COMMAND`, which is what `./whetstone COMMAND` runs in its environment."""

import argparse
import gc
import importlib
import sys
from types import ModuleType

from app.core.errors import DomainError
from app.core.settings import read_settings
from app.embedded.layout import StackError

COMMANDS = {
    "up": "start everything on this machine, and print the address",
    "test": "run the test suite on a stack of its own",
    "check": "run what CI runs before the tests",
    "init": "make a workspace and its first admin",
    "migrate": "bring the database to this version's tables",
    "backup": "write the whole database into one file",
    "restore": "put a backup in the place of an empty database",
    "rotate-secret": "seal what is stored under another secret",
    "seed": "fill the demo workspace by running its evaluations",
    "import": "put the rows of a file into a dataset, or an export into a workspace",
    "export": "write a workspace into a folder",
    "key": "make an API key",
    "pull": "bring prompts and agents of a workspace into a directory",
    "push": "send prompts and agents that changed in a directory to a workspace",
    "gate": "decide whether a version may pass, for pipelines",
    "erase": "erase the account of somebody who belongs to no workspace",
    "signin": "print a one-time sign-in link for a person",
    "sbom": "print what an installation consists of, as a CycloneDX document",
    "web": "serve the pages and the API: one process of the stack",
    "reaper": "send lost work again: one process of the stack",
    "alive": "say whether the worker or the reaper of this machine has reported lately: used by health checks",
    "welcome": "make the first account if there is none, and print what to open first, as JSON: used by `up`",
}

_WITHOUT_SETTINGS = frozenset({"test", "check", "sbom", "gate", "pull", "push"})
"""They take none from their surroundings."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code. An expected failure is one line on stderr and exit code 1."""
    words = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog="./whetstone", description="Whetstone: see what changed, and prove that it helped."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if words[:1] == [name]:  # only the command that runs is imported
            _load(name).arguments(command)
    options, rest = parser.parse_known_args(words)
    if rest and options.command != "test":
        parser.error(f"unrecognised: {' '.join(rest)}")
    options.rest = rest  # what pytest is to get
    try:
        if options.command not in _WITHOUT_SETTINGS:
            read_settings()
        return int(_load(options.command).run(options))
    except (StackError, DomainError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _load(name: str) -> ModuleType:
    """The module of a command. Loading takes a fifth less while nobody looks for garbage among the new classes."""
    gc.disable()
    try:
        return importlib.import_module(f"app.commands.{name.replace('-', '_')}")
    finally:
        gc.freeze()
        gc.enable()


if __name__ == "__main__":
    sys.exit(main())
