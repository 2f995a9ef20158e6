"""The SQL that tells whether what is known of a prompt and its provider is still so."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

_STATES = text("""
    select v.id, v.logs_count, f.logs_count, f.last_used_at,
        exists (select from budget b where b.workspace_id = v.workspace_id),
        concat_ws(' ', f.updated_at, f.path,
            md5(row(f.directory_id, f.description, f.tags, f.readme, f.created_by, f.created_at,
                    v.name, v.note, v.author_id, v.author_name)::text),
            (select u.xmin from user_account u where u.id = f.created_by),
            (select string_agg(concat_ws(' ', e.id, e.xmin, d.version_id), ',' order by e.id)
             from deployment d join environment e on e.id = d.environment_id
             where d.file_id = f.id and d.ended_at is null),
            (select string_agg(concat_ws(' ', p.id, p.xmin), ',' order by p.id)
             from provider p where p.workspace_id = v.workspace_id))
    from version v join file f on f.id = v.file_id where v.id = any(:versions)
""")
"""`xmin` is new with each new state of a row. The rows of file and version have one with each log, which counts there: what
else is said of them stands in the stamp itself."""


class State(NamedTuple):
    """A version as it is now."""

    version_id: str
    version_logs_count: int
    total_logs_count: int
    last_used_at: datetime
    has_budget: bool
    stamp: str
    """Changes with what an answer says of the version beside those counts, and with every provider of the workspace."""


def find_states(session: Session, version_ids: Collection[str]) -> dict[str, State]:
    """Versions as they are now, by their ids."""
    if not version_ids:
        return {}
    rows = session.execute(_STATES, {"versions": list(version_ids)})
    return {row[0]: State(*row) for row in rows}
