"""Writing the members of an export: into a folder, or into a ZIP file that leaves while it is made."""

import io
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from app.core import clock
from app.core.errors import Conflict
from app.transfer.exporting import Member
from app.transfer.layout import DONE, is_name, part_number


def write_folder(members: Iterable[Member], folder: Path) -> int:
    """Write an export into a folder, which is made if it is not there; how many files it has. One that fails leaves nothing.

    Raises:
        Conflict: there is something in the folder already.
        OSError: the disk does not take it.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict(f"{folder} is there already, and not empty: name a new folder.")
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return _write(members, folder)
    except BaseException:
        for path in [folder] if made else folder.iterdir():
            shutil.rmtree(path, ignore_errors=True)
        raise


def _write(members: Iterable[Member], folder: Path) -> int:
    count = 0
    for member in members:
        path = folder / _checked(member.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.writelines(member.content)
        count += 1
    return count


def _checked(name: str) -> str:
    """The name of a member. Ids are parts of it, and imported ids were chosen elsewhere."""
    for part in name.split("/"):
        if (
            not is_name(part.removesuffix(".json").removesuffix(".log"))
            and part != DONE
            and not part_number(part)
        ):
            raise Conflict(f"“{part}” cannot be the name of a file.")
    return name


class _Outlet(io.RawIOBase):
    """Where a ZIP file is written to, and taken from piece by piece: nobody can go back in it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """What was written since the last time."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def zip_stream(members: Iterable[Member], root: str) -> Iterator[bytes]:
    """A ZIP file with all members in the folder `root`, piece by piece. One that breaks off cannot be opened."""
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for member in members:
            about = zipfile.ZipInfo(f"{root}/{_checked(member.name)}", clock.now().timetuple()[:6])
            about.compress_type = zipfile.ZIP_DEFLATED
            about.external_attr = 0o644 << 16
            with archive.open(about, "w", force_zip64=True) as file:
                for piece in member.content:
                    file.write(piece)
                    if ready := outlet.take():
                        yield ready
            if ready := outlet.take():
                yield ready
    yield outlet.take()
