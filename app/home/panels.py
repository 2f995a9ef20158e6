"""Panels of a page that fail alone: what goes wrong in one of them takes nothing from the others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog
from sqlalchemy.orm import Session

log = structlog.get_logger()
Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class Panel(Generic[Content]):
    """What a panel shows; None where it failed."""

    content: Content | None


def build_panel(session: Session, name: str, build: Callable[[], Content]) -> Panel[Content]:
    """What `build` makes, in a transaction of its own within the page's; nothing where it fails, and why goes to the log."""
    try:
        with session.begin_nested():
            return Panel(build())
    except Exception:
        log.exception("a panel of the home page failed", panel=name)
        return Panel(None)
