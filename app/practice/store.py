"""What a workspace keeps at the practice provider: files, fine-tuning jobs and what they made, in a folder of its own."""

import hashlib
import io
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from app.practice.tuning import Tuned

MOST_FILES = 100
MOST_FILE_BYTES = 20_000_000
MOST_BYTES = 200_000_000
MOST_JOBS = 100
_LOADED = 4

Record = dict[str, Any]


def new_id(prefix: str) -> str:
    """A random id that says what it is of."""
    return f"{prefix}-{secrets.token_hex(12)}"


@dataclass(slots=True)
class Store:
    """The folder of one workspace. Records are JSON files, written whole or not at all; what is asked for is looked up there."""

    folder: Path
    _loaded: OrderedDict[str, Tuned] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, kind: str, record: Record) -> None:
        """Write a record of `kind` (`files`, `jobs`, `models`), in place of the one with its id."""
        self._write(self._path(kind, record["id"], "json"), orjson.dumps(record))

    def find(self, kind: str, name: str) -> Record | None:
        """The record with this id."""
        try:
            found: Record = orjson.loads(self._path(kind, name, "json").read_bytes())
        except FileNotFoundError:
            return None
        return found

    def list(self, kind: str) -> list[Record]:
        """All records, the newest first."""
        found = [orjson.loads(path.read_bytes()) for path in (self.folder / kind).glob("*.json")]
        return sorted(found, key=lambda record: (record["created_at"], record.get("serial", 0)), reverse=True)

    def put_content(self, name: str, content: bytes) -> None:
        self._write(self._path("files", name, "content"), content)

    def content(self, name: str) -> bytes:
        """The bytes of a file. FileNotFoundError when there is none."""
        return self._path("files", name, "content").read_bytes()

    def delete(self, kind: str, name: str) -> None:
        """Forget a record and what belongs to it."""
        for ending in ("json", "content", "npz"):
            self._path(kind, name, ending).unlink(missing_ok=True)
        with self._lock:
            self._loaded.pop(name, None)

    def bytes_kept(self) -> int:
        """Of all files."""
        return sum(path.stat().st_size for path in (self.folder / "files").glob("*.content"))

    def put_model(self, name: str, tuned: Tuned) -> None:
        """Keep what was learned under a name."""
        buffer = io.BytesIO()
        answers = np.frombuffer(orjson.dumps(tuned.answers), np.uint8)  # never a pickle
        np.savez(buffer, weights=tuned.weights, rarity=tuned.rarity, answers=answers, examples=tuned.examples)
        self._write(self._path("models", name, "npz"), buffer.getvalue())

    def model(self, name: str) -> Tuned | None:
        """What was learned under this name; the last few that were asked for stay in memory."""
        if not name.startswith("ft:"):
            return None
        with self._lock:
            if name in self._loaded:
                self._loaded.move_to_end(name)
                return self._loaded[name]
        path = self._path("models", name, "npz")
        if not path.exists():
            return None
        with np.load(path, allow_pickle=False) as kept:
            answers = tuple(orjson.loads(kept["answers"].tobytes()))
            tuned = Tuned(answers, kept["weights"], kept["rarity"], int(kept["examples"]))
        with self._lock:
            self._loaded[name] = tuned
            while len(self._loaded) > _LOADED:
                self._loaded.popitem(last=False)
        return tuned

    def _path(self, kind: str, name: str, ending: str) -> Path:
        """Names come from outside, so that only their hash becomes one of a file."""
        return self.folder / kind / f"{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()}.{ending}"

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
        fresh.write_bytes(content)
        fresh.replace(path)


@dataclass(slots=True)
class Stores:
    """The folders of all workspaces, below one."""

    folder: Path
    _open: dict[str, Store] = field(default_factory=dict)

    def of(self, workspace_id: str) -> Store:
        """The store of a workspace; made on first use."""
        if workspace_id not in self._open:
            name = hashlib.sha256(workspace_id.encode()).hexdigest()[:32]
            self._open[workspace_id] = Store(self.folder / name)
        return self._open[workspace_id]

    def all(self) -> list[Store]:
        """Those that have kept something."""
        return [Store(path) for path in self.folder.glob("*") if path.is_dir()]
