"""The layout of an export: which folders and files it has, and which names they may carry.

    files/<file id>/file.json, .done, deployments.json
                    versions/<version id>
                    datapoints/<version id>/N.jsonl           of datasets
                    logs/N.jsonl
                    evaluations/<evaluation id>/evaluation.json, stats.json, runs/<run id>, logs/N.jsonl

It is the one that humanloop/humanloop-export writes.
"""

import re

FILES = "files"
DONE = ".done"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,199}")
_PART = re.compile(r"([0-9]{1,9})\.jsonl")


def is_name(text: object) -> bool:
    """Whether an id may be the name of a file or folder: it then leads nowhere else."""
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def part_number(name: str) -> int | None:
    """Which part of a list the file `name` is; None where it is none."""
    found = _PART.fullmatch(name)
    return int(found[1]) if found else None


def part_name(number: int) -> str:
    """The file of the part `number` of a list, from 1."""
    return f"{number}.jsonl"
