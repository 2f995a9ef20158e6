"""What is particular to prompts in the answers of the API."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy.orm import Session

from app.files.models import Version
from app.prompts.template import compile_prompt

_WITH_TEMPLATES = frozenset({"prompt", "agent"})
"""Kinds of files."""


def inputs_of(_session: Session, versions: Sequence[Version]) -> Mapping[str, Any]:
    """The variables that each prompt's template names, in its order; those of Jinja are sorted."""
    return {
        version.id: [{"name": name} for name in template_variables(version.spec)]
        for version in versions
        if version.file.kind in _WITH_TEMPLATES
    }


def template_variables(kernel: Mapping[str, Any]) -> tuple[str, ...]:
    """The variables in the template of a prompt's content."""
    template = kernel.get("template")
    return _variables(orjson.dumps(template), kernel.get("template_language")) if template else ()


@lru_cache(maxsize=4096)
def _variables(template: bytes, language: str | None) -> tuple[str, ...]:
    """Kept, because a prompt is fetched before each call, and a template in Jinja is read in the sandbox."""
    return tuple(compile_prompt(orjson.loads(template), language).variables)
