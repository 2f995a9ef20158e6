"""Somebody's directory of prompts, and the commands that they give there."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.database import unit_of_work
from app.embedded.layout import CLONE
from app.files import repository, service
from app.files.models import Version
from tests import factories

BASE_PYTHON = sys._base_executable
"""A Python outside any environment, as somebody's who has only a checkout."""
STATE = ".whetstone.json"


@dataclass
class Checkout:
    """A directory of somebody's, and the address and key that they use."""

    url: str
    key: str
    folder: Path
    admin: factories.Principal

    def command(self, *words: str) -> list[str]:
        return [BASE_PYTHON, str(CLONE / "whetstone"), words[0], str(self.folder), *words[1:]]

    def environment(self, key: str | None = None) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "WHETSTONE_URL": self.url, "WHETSTONE_API_KEY": key or self.key}

    def run(self, *words: str, code: int = 0, key: str | None = None) -> str:
        ran = subprocess.run(
            self.command(*words), env=self.environment(key), capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
        assert ran.returncode == code, ran.stdout + ran.stderr
        assert "Traceback" not in ran.stderr
        return ran.stdout + ran.stderr

    def prompt(self, path: str, said: str, **spec: Any) -> Version:
        with unit_of_work() as session:
            template = [{"role": "user", "content": said}]
            return factories.prompt(session, self.admin, path, template=template, **spec)

    def texts(self) -> dict[str, str]:
        return {
            path.relative_to(self.folder).as_posix(): path.read_text()
            for path in self.folder.rglob("*")
            if path.is_file()
        }

    def edit(self, name: str, before: str, after: str) -> None:
        path = self.folder / name
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))

    def versions(self, path: str) -> list[Version]:
        with unit_of_work() as session:
            file = service.get_file_by_path(session, self.admin, path)
            return repository.list_versions(session, file.id)

    def delete(self, path: str) -> None:
        with unit_of_work() as session:
            service.delete_file(session, self.admin, service.get_file_by_path(session, self.admin, path))

    def move(self, path: str, to: str) -> None:
        with unit_of_work() as session:
            service.move_file(session, self.admin, service.get_file_by_path(session, self.admin, path), to)
