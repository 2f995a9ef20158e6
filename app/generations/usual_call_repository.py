"""The SQL that tells whether what is known of a workspace's providers is still so."""

from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.orm import Session

_STAMPS = text("""
    select w.id, (select string_agg(concat_ws(' ', p.id, p.xmin), ',' order by p.id) from provider p where p.workspace_id = w.id)
    from workspace w where w.id = any(:workspaces) and not exists (select from budget b where b.workspace_id = w.id)
""")
"""Postgres gives every new state of a row the number of the transaction that wrote it (`xmin`)."""


def stamp_providers(session: Session, workspace_ids: Collection[str]) -> dict[str, str]:
    """What changes with every provider of each workspace. Those that have a budget are left out: each call is counted there."""
    if not workspace_ids:
        return {}
    rows = session.execute(_STAMPS, {"workspaces": list(workspace_ids)})
    return {workspace_id: stamp or "" for workspace_id, stamp in rows}
