"""Versions that were there before specs kept their order: all of them stay, and are found by what they say."""

import psycopg
from alembic import command

from app.commands.migrate import configuration
from app.core import ids
from app.embedded.external import psycopg_url
from tests.stack import Stack


def test_versions_are_kept_both_ways(stack: Stack) -> None:
    url = stack.create_database()
    config = configuration()
    config.attributes["url"] = url
    command.downgrade(config, "c4f7a1d92b60")
    said = '{"model": "m", "response_format": {"schema": {"properties": {"reason": 1, "ok": 2}}}}'
    with psycopg.connect(psycopg_url(url), autocommit=True) as connection:
        connection.execute("insert into workspace (id, name, slug) values ('w', 'W', 'w')")
        connection.execute("insert into directory (id, workspace_id, path) values ('d', 'w', '')")
        connection.execute(
            "insert into file (id, workspace_id, directory_id, kind, path) values ('f', 'w', 'd', 'prompt', 'p')"
        )
        connection.execute(
            "insert into version (id, workspace_id, file_id, number, content_hash, spec) values ('v', 'w', 'f', 1, 'h', %s)",
            (said,),
        )
    for step, order in (
        (lambda: command.upgrade(config, "head"), ["ok", "reason"]),
        (lambda: command.downgrade(config, "c4f7a1d92b60"), ["ok", "reason"]),
    ):
        step()
        with psycopg.connect(psycopg_url(url)) as connection:
            ((spec, digest),) = connection.execute("select spec, content_hash from version").fetchall()
        assert list(spec["response_format"]["schema"]["properties"]) == order, "as jsonb had it"
        assert (ids.canonical_json(spec), digest) == (
            ids.canonical_json(
                {"model": "m", "response_format": {"schema": {"properties": {"ok": 2, "reason": 1}}}}
            ),
            "h",
        )
    command.upgrade(config, "head")
    with psycopg.connect(psycopg_url(url)) as connection:
        connection.execute("update version set spec = %s", (said,))
        ((spec,),) = connection.execute("select spec from version").fetchall()
    assert list(spec["response_format"]["schema"]["properties"]) == ["reason", "ok"]
