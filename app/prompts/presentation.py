"""What is particular to prompts in the answers of the API."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy.orm import Session

from app.files.models import FileKind, Version
from app.prompts.service import raw_file_content
from app.prompts.template import compile_prompt

_WITH_TEMPLATE = (FileKind.PROMPT, FileKind.AGENT)


def inputs_of(_session: Session, versions: Sequence[Version]) -> Mapping[str, Any]:
    """The variables that the template of each prompt and agent names, in its order; those of Jinja are sorted."""
    return {
        version.id: [{"name": name} for name in template_variables(version.spec)]
        for version in versions
        if version.file.kind in _WITH_TEMPLATE
    }


def raw_files_of(_session: Session, versions: Sequence[Version]) -> Mapping[str, Any]:
    """The `.prompt` or `.agent` file of each prompt and agent."""
    return {
        version.id: raw_file_content(version) for version in versions if version.file.kind in _WITH_TEMPLATE
    }


def template_variables(kernel: Mapping[str, Any]) -> tuple[str, ...]:
    """The variables in the template of a prompt's content."""
    template = kernel.get("template")
    try:
        return _variables(orjson.dumps(template), kernel.get("template_language")) if template else ()
    except _NoneFoundError:
        return ()


class _NoneFoundError(Exception):
    """A template has no variables, or was not read because the sandbox was busy: that is not to be remembered."""


@lru_cache(maxsize=256)  # templates may be of megabytes
def _variables(template: bytes, language: str | None) -> tuple[str, ...]:
    """Kept, because a prompt is fetched before each call, and a template in Jinja is read in the sandbox."""
    found = tuple(compile_prompt(orjson.loads(template), language).variables)
    if not found:
        raise _NoneFoundError
    return found
