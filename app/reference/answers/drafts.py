"""The shapes of drafts and of the states of their history."""

from typing import Literal

from app.reference.answers.shape import Json, Shape


class Draft(Shape):
    id: str
    path: str | None
    """Where a prompt that is not saved yet is to lie."""
    content: Json
    """As a version of a prompt has it; settings that cannot be read yet are texts."""
    problems: dict[str, str]
    """Why it is no valid version yet, by field; empty where it is one."""
    prompt_id: str | None
    """Null for a prompt that is not saved yet."""
    base_version_id: str | None
    """The version that it began on."""
    base_number: int | None
    newest_version_id: str | None
    """Another one than its base: somebody has committed since, or it began on an older one."""
    revision: str
    """Another one with each saving."""
    began_at: str
    saved_at: str


class State(Shape):
    id: str
    prompt_id: str | None
    base_number: int | None
    saved_at: str
    reason: Literal["typed", "discarded", "replaced", "elsewhere"]
    """What became of it; `elsewhere` was typed in a tab that had not seen what another one saved."""
    added: int
    """Lines and settings that are new or changed since the state before it."""
    removed: int
