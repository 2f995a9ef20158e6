"""The SQLite files that evaluators hold: what is taken, how long it stays, and who may name it."""

import dataclasses
import hashlib
import io
import sqlite3

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import ids
from app.core.database import unit_of_work
from app.core.errors import Invalid, TooLarge
from app.evaluations.verdicts.plan import load_plan
from app.evaluators import databases, repository
from app.evaluators.binding import make_spec
from app.workspaces.models import Workspace
from tests import factories
from tests.evaluators.cases import execution, row
from tests.web import with_key


@pytest.fixture
def team(session: Session, redis_url: str) -> factories.Team:
    return factories.team(session)


def _take(session: Session, team: factories.Team, content: bytes, name: str = "shop.db"):
    return databases.take(session, team.admin, name, io.BytesIO(content))


def _count(session: Session, team: factories.Team) -> int:
    counted = text("select count(*) from evaluator_database where workspace_id = :w")
    return session.scalar(counted, {"w": team.workspace.id}) or 0


def test_a_file_is_kept_once_with_its_tables(session: Session, team: factories.Team) -> None:
    content = factories.sqlite_file("create table b (x); create view a as select 1; create index i on b (x)")
    kept = _take(session, team, content, "C:\\data\\../shop\0.db")
    again = _take(session, team, content, "other.db")

    assert kept.hash == again.hash == hashlib.sha256(content).hexdigest()
    assert (again.name, again.tables, again.size_bytes) == ("shop.db", ["a", "b"], len(content))
    assert _count(session, team) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "This is no SQLite database."),
        (b"PK\3\4" + bytes(100), "This is no SQLite database."),
        (b"SQLite format 3\0" + b"\xff" * 5_000, "The database cannot be read: "),
        (factories.sqlite_file("create table t (a)")[:4_000], "The database "),
        (factories.sqlite_file("create table t (a); drop table t"), "The database has no tables."),
    ],
    ids=["empty", "zip", "damaged", "cut", "no tables"],
)
def test_what_is_no_database_is_refused(
    session: Session, team: factories.Team, content: bytes, said: str
) -> None:
    with pytest.raises(Invalid) as caught:
        _take(session, team, content)
    assert caught.value.fields is not None
    assert caught.value.fields["database"].startswith(said)
    assert _count(session, team) == 0


def test_20_mib_are_taken_and_no_byte_more(session: Session, team: factories.Team) -> None:
    with sqlite3.connect(":memory:") as made:
        made.execute("pragma page_size = 65536")
        made.execute("create table t (a blob)")
        made.executemany("insert into t values (zeroblob(?))", [(1 << 20,)] * 20)
        made.commit()
        content = made.serialize()
    with pytest.raises(TooLarge, match="more than 20 MiB"):
        _take(session, team, content)
    less = factories.sqlite_file("create table t (a); insert into t values (zeroblob(20900000))")
    assert databases.MOST_BYTES - 100_000 < _take(session, team, less).size_bytes <= databases.MOST_BYTES


def test_what_no_version_names_goes_after_a_day(session: Session, team: factories.Team) -> None:
    named = factories.database(session, team.admin, "create table named (a)")
    unnamed = factories.database(session, team.admin, "create table unnamed (a)")
    in_a_part = factories.database(session, team.admin, "create table part (a)")
    factories.evaluator(session, team.admin, "sql_match", database=named)
    part = {"path": "a part", "spec": make_spec("sql_match", {"database": in_a_part})}
    factories.evaluator(session, team.admin, "composite", parts=[part])
    session.execute(text("update evaluator_database set given_at = now() - interval '2 days'"))
    fresh = factories.database(session, team.admin, "create table fresh (a)")
    session.expire_all()

    found = {
        name: repository.find_database(session, team.workspace.id, hash_) is not None
        for name, hash_ in {"named": named, "part": in_a_part, "unnamed": unnamed, "fresh": fresh}.items()
    }
    assert found == {"named": True, "part": True, "unnamed": False, "fresh": True}


def test_it_goes_with_its_workspace(session: Session, team: factories.Team) -> None:
    bare = Workspace(id=ids.new_id("ws"), name="Bare", slug=f"bare-{team.workspace.slug}")
    session.add(bare)
    session.flush()
    factories.database(session, dataclasses.replace(team.admin, workspace_id=bare.id))
    bare_team = factories.Team(bare, team.admin)
    assert _count(session, bare_team) == 1
    session.execute(text("delete from workspace where id = :w"), {"w": bare.id})

    assert _count(session, bare_team) == 0


def test_a_run_is_judged_on_the_database_of_its_evaluator(session: Session, team: factories.Team) -> None:
    held = factories.database(session, team.admin)
    judge = factories.evaluator(session, team.admin, "sql_match", database=held)
    version = factories.prompt(session, team.admin)
    rows = factories.dataset(
        session, team.admin, [{"inputs": {"question": "?"}, "target": {"sql": "select 7"}}]
    )
    evaluation = factories.evaluation(session, team.admin, version, judge)
    run = factories.started_run(session, team.admin, evaluation, version, rows)

    plan = load_plan(session, run.id)
    assert plan is not None
    evaluator = plan.judges[0].evaluator
    assert evaluator is not None
    assert evaluator.judge(execution("select a from t"), row("select 7")).value is True


def test_the_api_takes_a_file_and_versions_name_it(
    client: TestClient, committed_team: factories.Team
) -> None:
    client = with_key(client, committed_team.admin)
    content = factories.sqlite_file("create table t (a); insert into t values (7)")
    answer = client.post("/v5/evaluator-databases", files={"file": ("shop.sqlite", content)})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "database": hashlib.sha256(content).hexdigest(),
        "name": "shop.sqlite",
        "bytes": len(content),
        "tables": ["t"],
    }
    spec = {"kind": "sql_match", "settings": {"database": answer.json()["database"]}}
    made = client.post("/v5/evaluators", json={"path": "sql/match", "spec": spec})
    assert made.status_code == 200, made.text
    tried = {"log": {"output": "select a from t"}, "testcase": {"target": {"sql": "values (7)"}}}
    assert client.post(f"/v5/evaluators/{made.json()['id']}/test", json=tried).json()["judgment"] is True

    for wrong, status in ((b"no", 422), (b"SQLite format 3\0" + bytes(21 << 20), 413)):
        refused = client.post("/v5/evaluator-databases", files={"file": ("x", wrong)})
        assert refused.status_code == status, refused.text


def test_another_workspaces_database_cannot_be_named(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        theirs = factories.database(session, factories.team(session).admin)
    spec = {"kind": "sql_match", "settings": {"database": theirs}}
    answer = with_key(client, committed_team.admin).post(
        "/v5/evaluators", json={"path": "sql/theirs", "spec": spec}
    )

    assert answer.status_code == 422
    assert "There is no such database here. Upload it first." in answer.text
