"""What the database's sessions leave behind."""

from sqlalchemy import Engine

from app.core.database import each_statement_commits


def test_all_statements_that_commit_by_themselves_share_one_engine(database: Engine) -> None:
    with each_statement_commits() as first, each_statement_commits() as second:
        assert first.get_bind() is second.get_bind()
        assert first.get_bind() is not database
