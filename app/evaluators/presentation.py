"""What is particular to evaluators in the answers of the API."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.core.template import variables
from app.evaluators.kinds import read_spec, shown_spec
from app.files.models import FileKind, Version


def inputs_of(_session: Session, versions: Sequence[Version]) -> Mapping[str, Any]:
    """The variables that each judge's template or rubric names, such as `log.output`; none for other evaluators."""
    return {
        version.id: [{"name": name} for name in variables(_template(version.spec))]
        for version in versions
        if version.file.kind == FileKind.EVALUATOR
    }


def specs_of(_session: Session, versions: Sequence[Version]) -> Mapping[str, Any]:
    """The specs of evaluators, as clients of the API know them."""
    return {
        version.id: shown_spec(version.spec)
        for version in versions
        if version.file.kind == FileKind.EVALUATOR
    }


def _template(spec: Mapping[str, Any]) -> Any:
    _, settings = read_spec(spec)
    return settings.get("rubric") or (settings.get("prompt") or {}).get("template") or ""
