"""The SQL of erasing a person. Tables of packages above are asked by their names."""

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

NAMED = {
    ("version", "author_id", "author_name"),
    ("version_event", "author_id", "author_name"),
    ("deployment", "by_id", "by_name"),
    ("evaluation", "created_by", "created_by_name"),
    ("run", "created_by", "created_by_name"),
    ("invitation", "invited_by", "invited_by_name"),
    ("review_queue", "created_by", "created_by_name"),
    ("comment", "author_id", "author_name"),
}
"""Where a person's name stands beside their id; the audit log is apart. A test looks for columns that are missing."""


def rename(session: Session, user_id: str, name: str) -> None:
    """Put `name` wherever the person's name stands beside their id."""
    for table, key, column in sorted(NAMED):
        statement = f"update {table} set {column} = :name where {key} = :user"  # noqa: S608 - from NAMED
        session.execute(text(statement), {"name": name, "user": user_id})


IMPORTED = ("version", "evaluation", "run")
"""Where an import puts names beside the ids that people had elsewhere."""


def rename_imported(session: Session, user_id: str, known_as: str, email: str, name: str) -> None:
    """Put `name` wherever an import wrote the person's address, or, in a workspace where they ever were, their name.

    A name may be somebody else's: it stays where the id beside it is an account's here.
    """
    for table, key, column in sorted(one for one in NAMED if one[0] in IMPORTED):
        statement = f"""
            update {table} t set {column} = :name
            where not exists (select from user_account u where u.id = t.{key})
              and (lower({column}) = :email or {column} = :known_as and workspace_id in (
                  select workspace_id from audit_entry where actor_id = :user or subject_id = :user))
        """  # noqa: S608 - from NAMED
        session.execute(
            text(statement), {"name": name, "email": email, "known_as": known_as, "user": user_id}
        )


def entries_about(session: Session, user_id: str, name: str, email: str) -> list[tuple[str, dict[str, Any]]]:
    """The entries of the audit log that tell the person's address, or their name: in detail, by id."""
    rows = session.execute(
        text("""
        select id, detail from audit_entry
        where position(lower(:email) in lower(detail::text)) > 0
           or (position(:name in detail::text) > 0
               and (subject_id = :user or action in ('environment.approvers_changed', 'invitation.accepted')))
        """),
        # As JSON writes them: what is not ASCII stands there as it is, and quotes and backslashes escaped.
        {"user": user_id, "email": _in_json(email), "name": _in_json(name)},
    )
    return [(row[0], row[1]) for row in rows]


def _in_json(value: str) -> str:
    return orjson.dumps(value).decode()[1:-1]


def rewrite_audit(session: Session, user_id: str, name: str, details: Mapping[str, dict[str, Any]]) -> None:
    """Take the person's name and addresses out of the audit log, which lets nothing else be changed."""
    session.execute(text("set local whetstone.erases = 'yes'"))
    session.execute(
        text("update audit_entry set actor_name = :name, address = null where actor_id = :user"),
        {"name": name, "user": user_id},
    )
    session.execute(  # they may have mistyped their own password
        text("update audit_entry set address = null where subject_id = :user and action = 'session.refused'"),
        {"user": user_id},
    )
    for entry_id, detail in details.items():
        session.execute(
            text("update audit_entry set detail = cast(:detail as jsonb) where id = :id"),
            {"detail": orjson.dumps(detail).decode(), "id": entry_id},
        )
    session.execute(text("set local whetstone.erases = 'no'"))


def delete_person(session: Session, user_id: str, email: str, throttle_key: str) -> None:
    """Delete the account with its sessions, links, keys and memberships, and the invitations of its address."""
    session.execute(text("delete from invitation where email = :email"), {"email": email})
    session.execute(text("delete from throttle where starts_with(key, :key)"), {"key": throttle_key})
    session.execute(text("delete from user_account where id = :user"), {"user": user_id})
