"""The files whose logs are judged, each at its version, as evaluators see them."""

from collections.abc import Collection, Mapping
from typing import Any

import orjson
from sqlalchemy.orm import Session

from app.logs.models import Log
from app.logs.showing import shown_files

JudgedFile = Mapping[str, Any]
_OF_PEOPLE = ("created_by", "version_created_by")
"""Judges and services that evaluators ask have no need of names and addresses."""
_EMPTY = ("schema", "evaluators", "evaluator_aggregates")
"""What the API fills elsewhere."""


def load_files(session: Session, workspace_id: str, logs: Collection[Log]) -> dict[str, JudgedFile]:
    """The file of each log at the log's version, by the versions' ids: the API's files as JSON, without people."""
    return {
        version_id: as_judged(file)
        for version_id, file in (shown_files(session, workspace_id, logs) if logs else {}).items()
    }


def as_judged(file: Mapping[str, Any]) -> JudgedFile:
    """A file as the API shows it, made ready for evaluators."""
    kept = {name: value for name, value in file.items() if name not in (*_OF_PEOPLE, *_EMPTY)}
    return dict(orjson.loads(orjson.dumps(kept)))
