"""What is particular to evaluators in the answers of the API."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.core.template import variables
from app.evaluators.kinds import read_spec, shown_spec
from app.files.includes import Includes
from app.files.models import FileKind, Version


def inputs_of(session: Session, versions: Sequence[Version]) -> Mapping[str, Any]:
    """The variables that each judge's template or rubric names with what it includes, such as `log.output`; none for other
    evaluators."""
    includes = Includes(session, versions[0].workspace_id) if versions else None
    return {
        version.id: [{"name": name} for name in _names(version.spec, includes)]
        for version in versions
        if includes and version.file.kind == FileKind.EVALUATOR
    }


def specs_of(_session: Session, versions: Sequence[Version]) -> Mapping[str, Any]:
    """The specs of evaluators, as clients of the API know them."""
    return {
        version.id: shown_spec(version.spec)
        for version in versions
        if version.file.kind == FileKind.EVALUATOR
    }


def _names(spec: Mapping[str, Any], includes: Includes) -> list[str]:
    _, settings = read_spec(spec)
    prompt = settings.get("prompt") or {}
    template = settings.get("rubric") or prompt.get("template") or ""
    return variables(includes.look(template, prompt.get("template_language")).template)
