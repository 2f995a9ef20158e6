"""What a path may look like. Paths name files for people; they are never paths of a file system."""

import unicodedata
from collections.abc import Iterator

from app.core.errors import Invalid

LONGEST_PATH = 500
LONGEST_NAME = 120


def plain_path(path: str) -> str:
    """`path` as it would be stored: composed, without slashes around it and blanks around its parts."""
    path = unicodedata.normalize("NFC", path).strip().strip("/")
    return "/".join(part.strip() for part in path.split("/"))


def clean_path(path: str) -> str:
    """`path` as it is stored.

    Raises:
        Invalid: it is empty, too long, or has a part that could be taken for something else.
    """
    path = plain_path(path)
    parts = path.split("/")
    problem = None
    if not path:
        problem = "Give the file a path, such as support/intent classifier."
    elif len(path) > LONGEST_PATH or any(len(part) > LONGEST_NAME for part in parts):
        problem = f"Keep names under {LONGEST_NAME} characters and whole paths under {LONGEST_PATH}."
    elif any(part in ("", ".", "..") for part in parts):
        problem = "A part of the path is empty, or is only dots."
    elif not all(character.isprintable() for character in path) or "\\" in path:
        problem = "The path has a character that cannot be shown or typed."
    if problem:
        raise Invalid(problem, fields={"path": problem})
    return path


def parent_of(path: str) -> str:
    """The directory that `path` lies in; empty for the root."""
    return path.rpartition("/")[0]


def folders_above(path: str) -> Iterator[str]:
    """Every directory that `path` lies in or below, the nearest first, but for the root."""
    while path := parent_of(path):
        yield path
