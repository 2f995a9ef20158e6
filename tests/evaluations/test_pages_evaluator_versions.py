"""The versions of an evaluator: which runs where, deploying another, what changed, and who is judged by it."""

import html
import re

from fastapi.testclient import TestClient

from app.core.access import Role
from app.core.database import unit_of_work
from app.files import repository
from app.monitoring.schemas import MonitorActivation, MonitoringChange
from app.monitoring.service import change_monitoring
from tests import factories
from tests.web import csrf_of, signed_in


def _words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.rsplit("<main", maxsplit=1)[-1])).split())


def test_a_newer_version_is_deployed_by_page_and_then_taken_by_path(
    client: TestClient, committed_team: factories.Team
) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        first = factories.evaluator(session, admin, "exact", "tests/Right")
        both = {"parts": [{"version_id": first.id, "path": "tests/Right", "spec": first.spec, "weight": 1}]}
        composite = factories.evaluator(session, admin, "composite", "tests/All", **both)
        factories.evaluator(session, admin, "exact", "tests/Right", ignore_case=True)
        places = repository.list_environments(session, admin.workspace_id)
    client = signed_in(client, admin)
    url = f"/w/{committed_team.workspace.slug}/evaluators"
    page = _words(client.get(f"{url}/{first.file_id}").text)
    assert "v1 v2 is newer" in page
    assert "Deploy v2" in page
    parts = _words(client.get(f"{url}/{composite.file_id}").text)
    assert "holds v1 , v2 is not deployed" in parts

    dialog = client.get(f"{url}/{first.file_id}/deploy", params={"version": 2, "environment": places[0].id})
    assert "1 setting changed, from v1" in _words(dialog.text)
    form = {"_csrf": csrf_of(client), "version": "2", "environment": places[0].id}
    answer = client.post(f"{url}/{first.file_id}/deploy", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{url}/{first.file_id}/versions")
    assert "v2 when saved" in _words(client.get(f"{url}/{composite.file_id}").text)
    assert "runs now" in _words(client.get(f"{url}/{first.file_id}/versions").text)
    composed = {"_csrf": csrf_of(client), "kind": "composite", "note": "newer parts", "s.parts.0.path": "tests/Right",
                "s.parts.0.weight": "1", "s.rule": "weighted"}  # fmt: skip
    assert client.post(f"{url}/{composite.file_id}", data=composed).status_code == 303
    assert "when saved" not in _words(client.get(f"{url}/{composite.file_id}").text)


def test_who_may_not_deploy_and_where_it_is_protected_nothing_changes(
    client: TestClient, committed_team: factories.Team
) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        first = factories.evaluator(session, admin, "exact", "tests/Right")
        factories.evaluator(session, admin, "exact", "tests/Right", ignore_case=True)
        place = repository.list_environments(session, admin.workspace_id)[0]
        place.protected = True
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
        developer = factories.member(session, committed_team.workspace, Role.DEVELOPER)
    url = f"/w/{committed_team.workspace.slug}/evaluators/{first.file_id}/deploy"
    for member, said in ((viewer, ""), (developer, "protected")):
        client = signed_in(client, member)
        form = {"_csrf": csrf_of(client), "version": "2", "environment": place.id}
        refused = client.post(url, data=form)
        assert refused.status_code == 403
        assert said in refused.text
        client.cookies.clear()
    assert (
        signed_in(client, admin).post(url, data={"version": "2", "environment": place.id}).status_code == 403
    )
    with unit_of_work() as session:
        running = repository.find_deployment(session, first.file_id, place.id)
        assert running is not None
        assert running.version_id == first.id


def test_the_difference_of_two_versions_shows_long_texts_word_by_word(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        code = 'def evaluate(log):\n    return "yes" in log["output"]'
        judge = factories.evaluator(session, committed_team.admin, "code", "tests/Mine", code=code)
        code = code.replace("yes", "no")
        factories.evaluator(session, committed_team.admin, "code", "tests/Mine", code=code, target="needed")
    client = signed_in(client, committed_team.admin)
    url = f"/w/{committed_team.workspace.slug}/evaluators/{judge.file_id}"
    page = client.get(f"{url}/diff").text

    assert re.search(r"<del>[^<]*yes", page)
    assert re.search(r"<ins>[^<]*no", page)
    assert re.search(r"<del>not needed</del></td><td><ins>needed</ins>", page)
    assert f"{url}/diff?to=2" in client.get(f"{url}/versions").text
    assert f"{url}/versions" in client.get(url).text
    assert client.get(f"{url}/diff?to=1").status_code == 404


def test_who_is_judged_as_logs_come_stands_where_an_evaluator_is_used(
    client: TestClient, committed_team: factories.Team
) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        judge = factories.evaluator(session, admin, "json_valid", "tests/JSON")
        prompt = factories.prompt(session, admin, "tests/Watched")
        other = factories.prompt(session, admin, "tests/By environment")
        place = repository.list_environments(session, admin.workspace_id)[0]
        by_version = MonitorActivation(evaluator_version_id=judge.id, sampling=0.25)
        change_monitoring(session, admin, prompt.file, MonitoringChange(activate=[by_version]))
        by_place = MonitorActivation(evaluator_id=judge.file_id, environment_id=place.id)
        change_monitoring(session, admin, other.file, MonitoringChange(activate=[by_place]))
    client = signed_in(client, admin)
    url = f"/w/{committed_team.workspace.slug}/evaluators"
    page = _words(client.get(f"{url}/{judge.file_id}").text)

    assert "tests/Watched v1 25% of logs" in page
    assert f"tests/By environment what runs in {place.name} every log" in page
    assert "judges the logs of tests/By environment, tests/Watched" in _words(client.get(url).text)
