"""Every action that is recorded has words for people, and the code stays where machines read it."""

import ast
import re
from pathlib import Path

from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.workspaces import audit
from app.workspaces.audit_words import WORDS, in_words
from tests import factories
from tests.web import signed_in, with_key

APP = Path(__file__).parents[2] / "app"
CODE = re.compile(r"[a-z_]+\.[a-z_]+")
RECORDS = {"record", "record_by_itself", "record_by_stranger", "record_of_person"}


def _recorded() -> set[str]:
    """The codes in every module that records: as they stand in it, whichever way they reach the call."""
    found = set()
    for path in APP.rglob("*.py"):
        tree = ast.parse(path.read_text())
        calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        names = {getattr(each, "attr", getattr(each, "id", "")) for each in calls}
        if names & RECORDS:
            texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
            found |= {each for each in texts if isinstance(each, str) and CODE.fullmatch(each)}
    return found


def test_every_action_has_words_and_no_words_are_left_over() -> None:
    jobs = {"demo.seed", "evaluations.run_shard", "evaluations.score_run"}
    assert _recorded() - jobs == set(WORDS)
    assert len(set(WORDS.values())) == len(WORDS), "two actions read alike"


def test_an_action_of_another_version_is_readable() -> None:
    assert in_words("new_thing.came_about") == "New thing came about"


def test_the_page_has_words_and_export_and_filter_have_codes(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        audit.record(session, committed_team.admin, "member.role_changed", "user", "usr_1", name="Rea")
    signed_in(client, committed_team.admin)
    url = f"/w/{committed_team.workspace.slug}/audit"
    page = client.get(url, params={"action": "member.role_changed"}).text
    assert '<td title="member.role_changed">Changed a role</td>' in page
    assert '<option value="member.role_changed" selected>Changed a role</option>' in page
    assert "member.role_changed" in client.get(f"{url}/export", params={"action": "member"}).text
    records = with_key(client, committed_team.admin).get("/v5/audit", params={"action": "member"}).json()
    assert "member.role_changed" in {each["action"] for each in records["records"]}
