"""Logs that carry a run's results stay; members delete logs of their own runs only; who deleted is written down."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from app.core import clock, ids
from app.core.access import Principal, Role
from app.core.database import unit_of_work
from app.core.errors import Conflict, Forbidden
from app.evaluations.models import Run, RunItem
from app.logs import deleting, repository
from app.logs.records import LogRecord
from app.workspaces.models import AuditEntry
from tests import factories
from tests.web import with_key


def _log(session: Session, run: Run, run_id: str | None) -> str:
    now = clock.now().isoformat()
    log = LogRecord(
        ids.new_id("log"), run.workspace_id, "pr_any", run.version_id, "evaluation", now, now,
        run_id=run_id,
    )  # fmt: skip
    repository.insert_logs(session, [log])
    return log.id


def _run(session: Session, by: Principal) -> Run:
    prompt, rows = factories.prompt(session, by), factories.dataset(session, by, 2)
    evaluation = factories.evaluation(session, by, prompt, factories.evaluator(session, by))
    return factories.finish_run(
        session, factories.started_run(session, by, evaluation, prompt, rows), ["a", "b"]
    )


def test_a_runs_results_stay_whoever_asks(session: Session) -> None:
    admin = factories.team(session).admin
    run = _run(session, admin)
    results = list(session.scalars(select(RunItem.log_id).where(RunItem.run_id == run.id)))
    loose = _log(session, run, run.id)
    with pytest.raises(Conflict, match="2 of these logs are the result of a row"):
        deleting.delete_logs(session, admin, [*results, loose])
    assert repository.find_log(session, run.workspace_id, loose), "all or none"

    deleting.delete_logs(session, admin, [loose, "log_unknown"])
    session.flush()
    assert repository.find_log(session, run.workspace_id, loose) is None
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "logs.deleted")).one()
    assert (entry.detail["count"], entry.detail["ids"]) == (1, [loose])


def test_what_a_judge_was_sent_of_a_log_goes_with_it(client: TestClient) -> None:
    with unit_of_work() as session:
        team, other = factories.team(session), factories.team(session)
        rows = [  # id, workspace, parent, source
            ("judged", team, None, "api"),
            ("vote", team, "judged", "judge"),
            ("nested", team, "judged", "api"),
            ("kept", team, None, "api"),
            ("vote on the kept", team, "kept", "judge"),
            ("of others", other, "judged", "judge"),
        ]
        insert = """insert into log (id, workspace_id, file_id, version_id, parent_id, source)
            values (:id, :w, 'fl_x', 'flv_x', :parent, :source)"""
        for log_id, where, parent, source in rows:
            said = {"id": log_id, "w": where.workspace.id, "parent": parent, "source": source}
            session.execute(text(insert), said)
    assert with_key(client, team.admin).delete("/v5/logs", params={"id": ["judged"]}).status_code == 204
    with unit_of_work() as session:
        left = set(session.scalars(text("select id from log")))
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "logs.deleted")).one()
    assert left == {"nested", "kept", "vote on the kept", "of others"}
    assert entry.detail["count"] == 1


@pytest.mark.parametrize("by_user", [False, True], ids=["by id", "by user"])
def test_a_judge_forgets_a_step_that_is_deleted_of_what_it_judged(session: Session, by_user: bool) -> None:
    """Who judges a flow is shown what is nested in it."""
    team = factories.team(session)
    rows = [  # id, parent, source, user
        ("flow", None, "api", None),
        ("call", "flow", "api", None),
        ("step", "call", "api", "bob"),
        ("beside", "flow", "api", None),
        ("on flow", "flow", "judge", None),
        ("on call", "call", "judge", None),
        ("on step", "step", "judge", None),
        ("on beside", "beside", "judge", None),
    ]
    insert = """insert into log (id, workspace_id, file_id, version_id, trace_id, parent_id, source, "user", output, prompt_cost)
        values (:id, :w, 'fl_x', 'flv_x', :trace, :parent, :source, :user, 'bob is ill', 1)"""
    for log_id, parent, source, user in rows:
        said = {"id": log_id, "w": team.workspace.id, "parent": parent, "source": source, "user": user}
        session.execute(text(insert), said | {"trace": None if source == "judge" else "flow"})
    if by_user:
        deleting.delete_logs_of_user(session, team.admin, "bob")
    else:
        deleting.delete_logs(session, team.admin, ["step"])
    left = session.execute(text("select id, output is not null, prompt_cost from log order by id")).all()
    assert {log_id: told for log_id, told, _ in left} == {
        "flow": True, "call": True, "beside": True, "on beside": True, "on call": False, "on flow": False,
    }  # fmt: skip
    assert {cost for *_, cost in left} == {1}, "what it cost stays"


def test_a_member_deletes_logs_of_own_runs_only(session: Session) -> None:
    team = factories.team(session)
    member = factories.member(session, team.workspace, Role.MEMBER)
    others, own = _run(session, team.admin), _run(session, member)
    for log_id in (_log(session, others, others.id), _log(session, others, None)):
        with pytest.raises(Forbidden):
            deleting.delete_logs(session, member, [log_id])
    deleting.delete_logs(session, member, [_log(session, own, own.id)])


def test_a_member_deletes_what_they_sent_or_called_for(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        members = [factories.member(session, committed_team.workspace, Role.MEMBER) for _ in range(2)]
    hours = {"tool_type": "snippet", "setup_values": {"berlin": "9 to 5"}}
    sent = [
        ("/v5/flows/log", {"path": "own/flow", "output": "1"}),
        ("/v5/logs/batch", {"logs": [{"type": "flow", "path": "own/flow"}]}),
        ("/v5/tools/call", {"path": "own/hours", "tool": hours, "inputs": {"key": "berlin"}}),
    ]

    def delete(by: Principal, log_ids: list[str]) -> int:
        return with_key(client, by).delete("/v5/logs", params={"id": log_ids}).status_code

    for url, body in sent:
        log_ids = []
        for member in members:
            answer = with_key(client, member).post(url, json=body)
            assert answer.status_code == 200, answer.text
            log_ids.append(answer.json().get("id") or answer.json()["ids"][0])
        assert delete(members[0], log_ids) == 403, "one of them is somebody else's"
        assert delete(members[0], log_ids[:1]) == 204
        assert delete(committed_team.admin, log_ids[1:]) == 204


def test_what_is_nested_under_the_logs_of_an_end_user_goes_with_them(client: TestClient) -> None:
    with unit_of_work() as session:
        team = factories.team(session)
        rows = [  # id, trace, parent, user, source
            ("root", "root", None, "u1", "api"),
            ("step", "root", "root", None, "api"),
            ("deep", "root", "step", None, "api"),
            ("vote", None, "deep", None, "judge"),
            ("theirs", "theirs", None, None, "api"),
            ("inner", "theirs", "theirs", "u1", "api"),
            ("sibling", "theirs", "theirs", None, "api"),
            ("other vote", None, "sibling", None, "judge"),
        ]
        for log_id, trace, parent, user, source in rows:
            session.execute(
                text(
                    'insert into log (id, workspace_id, file_id, version_id, trace_id, parent_id, "user", source)'
                    " values (:id, :w, 'fl_x', 'flv_x', :trace, :parent, :user, :source)"
                ),
                {
                    "id": log_id,
                    "w": team.workspace.id,
                    "trace": trace,
                    "parent": parent,
                    "user": user,
                    "source": source,
                },
            )
    with_key(client, team.admin)
    answer = client.post("/v5/logs/delete-of-user", json={"user": "u1"})
    assert answer.json() == {"deleted": 5, "kept": 0, "datasets": [], "prompt_drafts": []}
    with unit_of_work() as session:
        left = set(session.scalars(text("select id from log")))
    assert left == {"theirs", "sibling", "other vote"}


def test_the_logs_of_an_end_user_go_but_for_results_of_runs(client: TestClient, database: Engine) -> None:
    with unit_of_work() as session:
        team, other = factories.team(session), factories.team(session)
        prompt, rows = factories.prompt(session, team.admin), factories.dataset(session, team.admin)
        evaluation = factories.evaluation(
            session, team.admin, prompt, factories.evaluator(session, team.admin)
        )
        run = factories.started_run(session, team.admin, evaluation, prompt, rows)
        factories.finish_run(session, run, ["a", "b", "c"])
        session.execute(text("update log set \"user\" = 'canary-user' where run_id = :run"), {"run": run.id})
        for number, (where, user) in enumerate(
            [(team, "canary-user")] * 3 + [(team, "canary-user-2"), (team, None), (other, "canary-user")]
        ):
            session.execute(
                text(
                    "insert into log (id, workspace_id, file_id, version_id, \"user\") values (:id, :w, 'pr_x', 'prv_x', :u)"
                ),
                {"id": f"log_{number}", "w": where.workspace.id, "u": user},
            )
    with_key(client, team.admin)
    answer = client.post("/v5/logs/delete-of-user", json={"user": "canary-user"})
    assert answer.json() == {"deleted": 3, "kept": 3, "datasets": [], "prompt_drafts": []}
    assert client.post("/v5/logs/delete-of-user", json={"user": ""}).status_code == 422
    with unit_of_work() as session:
        left = set(session.scalars(text("select id from log where id like 'log__' order by id")))
        assert left == {"log_3", "log_4", "log_5"}
        assert session.scalar(text("select count(*) from judgment")) == 3
        told = session.scalar(
            text("select detail::text from audit_entry where action = 'logs.deleted_of_user'")
        )
        assert told
        assert "canary" not in told
