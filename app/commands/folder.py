"""A directory of `.prompt` and `.agent` files, and what `.whetstone.json` in it remembers of where each came from.

Nothing outside the directory is read or written, and no link in it is followed.
"""

import fcntl
import hashlib
import json
import os
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STATE = ".whetstone.json"
KINDS = ("prompt", "agent")
_PARTIAL = ".whetstone-part-"
_LONGEST_NAME_BYTES = 255  # of the usual file systems


class FolderError(Exception):
    """The directory, or a file in it, is not as it would have to be; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Base:
    """What a file and the workspace had in common when they last met."""

    file_id: str
    version_id: str
    """The version that the workspace showed then."""
    sha256: str
    """Of the file's text then."""
    environment: str | None = None
    """Where that version ran; None for the newest."""


def split(key: str) -> tuple[str, str]:
    """The path in the workspace and the kind of the file `key`, such as `support/answer.prompt`."""
    path, _, kind = key.rpartition(".")
    return path, kind


def plain(text: str) -> str:
    """The text without what editors and checkouts change: the mark at its beginning, and line ends where all are Windows'."""
    text = text.removeprefix("\ufeff")
    return text.replace("\r\n", "\n") if "\r" in text.partition("\n")[0] else text


def digest(text: str) -> str:
    """The SHA-256 by which a changed text is noticed."""
    return hashlib.sha256(plain(text).encode("utf-8", "surrogatepass")).hexdigest()


def refusal(key: str) -> str | None:
    """Why no file is called so on both sides; None where one may be."""
    path, kind = split(key)
    parts = path.split("/")
    reasons = {
        f"it ends neither in .{' nor in .'.join(KINDS)}": kind not in KINDS,
        "a part of its name is empty, or only dots": any(part in ("", ".", "..") for part in parts),
        "a part of its name begins with a dot: such files are left alone": any(
            part.startswith(".") for part in parts
        ),
        "a part of its name begins or ends with a blank, which the workspace would take away": any(
            part != part.strip() for part in parts
        ),
        "its name has a character that cannot be shown or typed": not key.isprintable() or "\\" in key,
        f"a part of its name is longer than the {_LONGEST_NAME_BYTES} bytes that a file system holds": any(
            len(part.encode("utf-8", "surrogatepass")) > _LONGEST_NAME_BYTES for part in key.split("/")
        ),
    }
    return next((why for why, holds in reasons.items() if holds), None)


def twins(keys: Iterable[str]) -> dict[str, str]:
    """Those that a file system which ignores case takes for another, or puts into another's folder; each with that other."""
    spellings: dict[str, set[str]] = {}
    prefixes = {
        key: ["/".join(parts[: n + 1]) for n in range(len(parts))]
        for key in keys
        for parts in [key.split("/")]
    }
    for each in prefixes.values():
        for prefix in each:
            spellings.setdefault(prefix.casefold(), set()).add(prefix)
    found = {}
    for key, each in prefixes.items():
        others = [other for prefix in each for other in sorted(spellings[prefix.casefold()] - {prefix})]
        if others:
            found[key] = others[0]
    return found


class Folder:
    """The directory, opened by `opened`. Keys are paths in the workspace with the kind as their end."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._places: dict[str, Path] = {}
        self.workspace: str | None = None
        self.bases: dict[str, Base] = {}
        self._read_state()

    def find(self) -> tuple[list[str], dict[str, str]]:
        """Every file, and, by their names, why some are left out. Remains of a write that was killed are removed."""
        self._places.clear()
        left_out: dict[str, str] = {}
        for above, folders, names in os.walk(self._root):
            here = Path(above)
            for name in [each for each in folders if (here / each).is_symlink()]:
                left_out[self._key(here / name)] = "it is a link, and links are not followed"
            folders[:] = sorted(each for each in folders if not each.startswith("."))
            for name in names:
                if name.startswith(_PARTIAL):  # of one that was killed: this one holds the directory
                    (here / name).unlink(missing_ok=True)
                elif name.endswith((".prompt", ".agent")) and not name.startswith("."):
                    self._note(here / name, left_out)
        left_out |= {
            key: f"only upper and lower case tell it from {other}: rename one of them"
            for key, other in twins(self._places).items()
        }
        return sorted(self._places.keys() - left_out.keys()), left_out

    def _note(self, place: Path, left_out: dict[str, str]) -> None:
        key = self._key(place)
        if place.is_symlink() or not place.is_file():
            left_out[key] = "it is no plain file, and links are not followed"
        elif why := refusal(key):
            left_out[key] = why
        elif key in self._places:
            left_out[key] = "two names differ only in how their letters are composed: rename one of them"
        else:
            self._places[key] = place

    def _key(self, place: Path) -> str:
        return unicodedata.normalize("NFC", place.relative_to(self._root).as_posix())

    def read(self, key: str) -> str | None:
        """The file's text; None where there is none. Raises: FolderError, with the line, where it is no text."""
        place = self._place(key)
        try:
            content = place.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FolderError(f"It cannot be read: {error.strerror}.") from None
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise FolderError(f"Line {line}: this is not UTF-8. Save the file as UTF-8.") from None

    def write(self, key: str, text: str) -> None:
        """Put `text` in the place of the file: wholly, or not at all. Raises: FolderError."""
        place = self._place(key)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            _replace(place, text)
        except (OSError, UnicodeEncodeError) as error:
            raise FolderError(
                f"It cannot be written: {getattr(error, 'strerror', None) or 'it is no text'}."
            ) from None

    def remove(self, key: str) -> None:
        """Take the file away, and the folders that it leaves empty. Raises: FolderError."""
        place = self._place(key)
        try:
            place.unlink(missing_ok=True)
            for above in place.parents:
                if above == self._root or not above.is_dir() or any(above.iterdir()):
                    break
                above.rmdir()
        except OSError as error:
            raise FolderError(f"It cannot be removed: {error.strerror}.") from None

    def _place(self, key: str) -> Path:
        """Where the file lies. Raises: FolderError, where that is not in the directory for certain."""
        if why := refusal(key):
            raise FolderError(f"{why[0].upper()}{why[1:]}.")
        place = self._places.get(key) or self._root / key
        for each in (place, *place.parents):
            if each == self._root:
                break
            if each.is_symlink():
                raise FolderError(f"{each.relative_to(self._root)} is a link, and links are not followed.")
        return place

    def belongs_to(self, workspace: str) -> None:
        """Remember whose files these are. Raises: FolderError, where they are another workspace's."""
        if self.bases and self.workspace not in (None, workspace):
            raise FolderError(
                f"These files came from another workspace than the key's. Use its key, or another directory;"
                f" or delete {STATE}: then all is compared anew."
            )
        self.workspace = workspace

    def save(self) -> None:
        """Write what is remembered. Without times and in order, so that it changes only where files did."""
        files = {
            key: {"id": base.file_id, "version": base.version_id, "sha256": base.sha256}
            | ({"environment": base.environment} if base.environment else {})
            for key, base in self.bases.items()
        }
        state = {"files": files, "workspace": self.workspace}
        try:
            text = json.dumps(state, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
            if self._state_text() != text:
                _replace(self._root / STATE, text)
        except OSError as error:
            raise FolderError(f"{STATE} cannot be written: {error.strerror}.") from None

    def _state_text(self) -> str | None:
        place = self._root / STATE
        if place.is_symlink():
            raise FolderError(f"{STATE} is a link, and links are not followed.")
        try:
            return place.read_text("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise FolderError(f"{STATE} cannot be read: {error}.") from None

    def _read_state(self) -> None:
        text = self._state_text()
        if text is None:
            return
        way_out = f"Settle a merge by either side, or delete {STATE}: then all is compared anew."
        try:
            state = json.loads(text)
        except ValueError as error:
            line = getattr(error, "lineno", 1)
            raise FolderError(f"{STATE}, line {line}: this is not JSON. {way_out}") from None
        try:
            self.workspace = None if state["workspace"] is None else str(state["workspace"])
            self.bases = {key: _base(said) for key, said in state["files"].items() if not refusal(key)}
        except (LookupError, TypeError, AttributeError):
            raise FolderError(f"{STATE} is not what pull writes. {way_out}") from None


def _base(said: Mapping[str, Any]) -> Base:
    environment = said.get("environment")
    return Base(
        str(said["id"]),
        str(said["version"]),
        str(said["sha256"]),
        str(environment) if environment else None,
    )


def _replace(place: Path, text: str) -> None:
    """Write a file so that nobody ever finds half of it. A link in its place is replaced, not followed."""
    content = text.encode()
    mode = 0o666 & ~_umask()
    handle, name = tempfile.mkstemp(prefix=_PARTIAL, dir=place.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(place.stat().st_mode & 0o777 if place.is_file() else mode)
        Path(name).replace(place)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@contextmanager
def opened(path: Path, *, make: bool) -> Iterator[Folder]:
    """The directory, held against another pull or push, and its state saved at the end. Raises: FolderError."""
    try:
        if make:
            path.mkdir(parents=True, exist_ok=True)
        root = path.resolve(strict=True)
        held = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise FolderError(f"{path} cannot be opened: {error.strerror}.") from None
    try:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderError(f"Another pull or push works in {path}: wait for it.") from None
        yield Folder(root)
    finally:
        os.close(held)
