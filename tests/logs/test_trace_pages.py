"""Traces that are larger than their page."""

from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.database import unit_of_work
from app.logs import tree
from tests import factories
from tests.web import signed_in


def test_a_root_that_came_after_all_that_is_shown_is_there(
    client: TestClient, committed_team: factories.Team
) -> None:
    browser = signed_in(client, committed_team.admin)
    with unit_of_work() as session:
        version = factories.prompt(session, committed_team.admin, "support/answer")
        flow = factories.flow(session, committed_team.admin, "support/flow")
        step = factories.logged(session, committed_team.admin, version, output="step")
        root = factories.logged(session, committed_team.admin, flow, output="all")
        more = """
            insert into log (id, workspace_id, file_id, version_id, trace_id, parent_id, created_at)
            select 'log_step' || n, workspace_id, file_id, version_id, :root, :root, created_at - interval '1 minute'
            from log, generate_series(1, :most) n where id = :step"""
        session.execute(text(more), {"root": root, "step": step, "most": tree.MOST})
        placed = "update log set trace_id = :root, parent_id = nullif(:root, id) where id in (:root, :step)"
        session.execute(text(placed), {"root": root, "step": step})
    for chosen in ("log_step1", step, root):
        page = browser.get(f"/w/{committed_team.workspace.slug}/logs/{chosen}").text
        assert "1,001 logs, the oldest" in page or "1,002 logs, the oldest" in page
        assert "is not there" not in page
        assert f'/logs/{root}"' in page
    with unit_of_work() as session:
        session.execute(text("delete from log where id = :root"), {"root": root})
    page = browser.get(f"/w/{committed_team.workspace.slug}/logs/{step}").text
    assert "is not there" in page
