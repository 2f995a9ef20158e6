"""The files whose logs are judged, each at its version, as evaluators see them."""

from collections.abc import Collection, Mapping
from typing import Any

import orjson
from sqlalchemy.orm import Session

from app.logs.models import Log
from app.logs.showing import shown_files

JudgedFile = Mapping[str, Any]
_LEFT_OUT = frozenset(
    # people and what they wrote beside the content: judges and services have no need of it
    {
        "created_by",
        "version_created_by",
        "readme",
        "description",
        "version_description",
        "commit_message",
        "tags",
    }
    # what is another tomorrow: a log that is judged again is judged by the same
    | {"environments", "version_logs_count", "total_logs_count", "last_used_at", "updated_at", "directory_id"}
    # what may hold a password
    | {"setup_values"}
    # what the API fills elsewhere
    | {"schema", "evaluators", "evaluator_aggregates", "raw_file_content"}
)


def load_files(session: Session, workspace_id: str, logs: Collection[Log]) -> dict[str, JudgedFile]:
    """The file of each log at the log's version, by the versions' ids, as JSON.

    Of a version that is there no more, and of a draft's, which never was, the model is that of the log, and there is no other content.
    """
    shown = shown_files(session, workspace_id, logs) if logs else {}
    models = {log.version_id: {"model": log.model, "provider": log.provider} for log in logs}
    return {
        version_id: as_judged(file if file["version_number"] else file | models[version_id])
        for version_id, file in shown.items()
    }


def as_judged(file: Mapping[str, Any]) -> JudgedFile:
    """A file as the API shows it, without what evaluators have no need of."""
    kept = {name: value for name, value in file.items() if name not in _LEFT_OUT}
    return dict(orjson.loads(orjson.dumps(kept)))
