"""What is particular to prompts in the answers of the API."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy.orm import Session

from app.files.include_syntax import includes_others
from app.files.includes import Expanded, Includes
from app.files.models import FileKind, Version
from app.prompts.service import raw_file_content
from app.prompts.template import compile_prompt

_WITH_TEMPLATE = (FileKind.PROMPT, FileKind.AGENT)


def inputs_of(session: Session, versions: Sequence[Version]) -> Mapping[str, Any]:
    """The variables that the template of each prompt and agent names, with what it includes, in its order; those of Jinja
    are sorted."""
    includes = Includes(session, versions[0].workspace_id) if versions else None
    return {
        version.id: [{"name": name} for name in template_variables(full_spec(session, version, includes))]
        for version in versions
        if version.file.kind in _WITH_TEMPLATE
    }


def raw_files_of(_session: Session, versions: Sequence[Version]) -> Mapping[str, Any]:
    """The `.prompt` or `.agent` file of each prompt and agent."""
    return {
        version.id: raw_file_content(version) for version in versions if version.file.kind in _WITH_TEMPLATE
    }


def full_template(session: Session, version: Version, includes: Includes | None = None) -> Expanded:
    """The template of a version with what it includes, to be shown."""
    spec = version.spec
    includes = includes or Includes(session, version.workspace_id)
    return includes.look(spec.get("template") or [], spec.get("template_language"), version.file_id)


def full_spec(session: Session, version: Version, includes: Includes | None = None) -> Mapping[str, Any]:
    """The content of a version with what its template includes."""
    expanded = full_template(session, version, includes)
    return {**version.spec, "template": expanded.template} if expanded.included else version.spec


def changes_with_others(shown: Mapping[str, Any]) -> bool:
    """Whether what the API shows of a version depends on other files, too."""
    return bool(shown.get("linked_tools")) or includes_others(shown.get("template"))


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
