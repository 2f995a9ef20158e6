"""Comments to measure with."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from tests import factories


def comments_on(session: Session, team: factories.Team, log_id: str) -> str:
    """As many comments on a log as it takes, by statements: a person may not write so many at once. The id of one."""
    values = {"w": team.workspace.id, "log": log_id, "user": team.admin.user_id, "name": team.admin.name}
    session.execute(
        text("""
        insert into comment (id, workspace_id, log_id, body, author_id, author_name)
        select 'com_' || lpad(n::text, 4, '0'), :w, :log, repeat('Look at https://example.com/ again. ', 10) || '@[' || :user || ']',
               :user, :name
        from generate_series(1, 1000) n
        """),
        values,
    )
    session.execute(
        text("insert into mention (comment_id, user_id, workspace_id) select id, :user, :w from comment"),
        values,
    )
    return "com_0001"
