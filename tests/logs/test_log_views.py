"""Saved views of the page of logs: names for filters, somebody's own or the workspace's."""

import html
import json

import pytest
from fastapi.testclient import TestClient

from app.core.access import Role
from app.core.database import unit_of_work
from app.logs import views
from tests import factories
from tests.logs.pages_of_logs import beside, url
from tests.web import csrf_of, signed_in, with_key

FILTERS = {"state": "error", "q": "lost & found"}


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


def saved(api: TestClient, name: str = "Errors", status: int = 201, **more) -> dict:
    answer = api.post("/v5/log-views", json={"name": name, "filters": FILTERS} | more)
    assert answer.status_code == status, answer.text
    return answer.json()


def names(api: TestClient) -> list[str]:
    return [view["name"] for view in api.get("/v5/log-views").json()["records"]]


def test_own_views_are_ones_own_and_shared_ones_everybodys(
    client: TestClient, api: TestClient, committed_team: factories.Team
) -> None:
    own, shared = saved(api, "b own"), saved(api, "A shared", shared=True)
    assert (own["filters"], own["shared"], shared["shared"]) == (FILTERS, False, True)
    assert names(api) == ["A shared", "b own"]
    with unit_of_work() as session:
        other = factories.member(session, committed_team.workspace, Role.DEVELOPER)
        member = factories.member(session, committed_team.workspace, Role.MEMBER)
        stranger = factories.team(session).admin
    with_key(client, other)
    assert names(client) == ["A shared"]
    assert client.patch(f"/v5/log-views/{own['id']}", json={"name": "x"}).status_code == 404
    assert client.patch(f"/v5/log-views/{shared['id']}", json={"name": "Renamed"}).json()["name"] == "Renamed"
    with_key(client, member)
    assert client.delete(f"/v5/log-views/{shared['id']}").status_code == 403
    with_key(client, stranger)
    assert client.delete(f"/v5/log-views/{shared['id']}").status_code == 404
    with_key(client, committed_team.admin)
    assert client.delete(f"/v5/log-views/{shared['id']}").status_code == 204
    assert names(client) == ["b own"]


def test_names_are_told_apart_by_whose_they_are(api: TestClient) -> None:
    first = saved(api)
    assert "You have a view “Errors” already" in saved(api, " Errors ", 409)["detail"]
    shared = saved(api, shared=True)
    assert "The workspace has" in saved(api, status=409, shared=True)["detail"]
    taken = api.patch(f"/v5/log-views/{first['id']}", json={"shared": True})
    assert taken.status_code == 409
    assert [view["shared"] for view in api.get("/v5/log-views").json()["records"]].count(True) == 1
    changed = api.patch(f"/v5/log-views/{shared['id']}", json={"filters": {"user": "u"}, "name": "Users"})
    assert (changed.json()["filters"], changed.json()["name"]) == ({"user": "u"}, "Users")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "  "}, "Name the view"), ({"name": "x" * 81}, "at most 80"), ({"filters": {}}, "Set a filter first"),
        ({"filters": {"nonsense": "x"}}, "“nonsense” is no filter of logs"), ({"filters": {"q": "x" * 501}}, "at most 500"),
    ],
)  # fmt: skip
def test_what_is_no_view_is_refused_with_a_reason(api: TestClient, change: dict, said: str) -> None:
    answer = api.post("/v5/log-views", json={"name": "x", "filters": FILTERS} | change)
    assert answer.status_code == 422
    assert said in json.dumps(answer.json(), ensure_ascii=False)


def test_there_are_so_many(api: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        for number in range(views.MOST_OWN):
            views.save(session, committed_team.admin, f"view {number}", FILTERS, shared=False)
    assert "50 such views already" in saved(api, status=409)["detail"]


def test_the_page_saves_opens_renames_and_deletes(client: TestClient, committed_team: factories.Team) -> None:
    browser = signed_in(client, committed_team.admin)
    token = {"_csrf": csrf_of(browser)}
    empty = browser.get(url(committed_team)).text
    assert "A view is a name for filters" in empty
    assert "Save these filters as" not in empty
    page = browser.get(url(committed_team), params=FILTERS).text
    assert "Save these filters as" in page
    query = "q=lost+%26+found&state=error"
    assert f'name="query" value="{html.escape(query)}"' in page
    made = browser.post(
        beside(committed_team, "/log-views"), data={"name": "Errors", "query": query, "shared": "1"} | token
    )
    assert made.status_code == 303
    there = made.headers["location"]
    listed = browser.get(there).text
    assert 'aria-current="true">Errors</a>' in listed
    assert "the workspace’s" in listed
    again = browser.post(
        beside(committed_team, "/log-views"), data={"name": "Errors", "query": query, "shared": "1"} | token
    )
    assert again.status_code == 409
    assert f'value="{html.escape(query)}"' in again.text
    assert 'name="name" value="Errors"' in again.text
    view_id = listed.partition("/log-views/")[2].partition('"')[0]
    renamed = browser.post(beside(committed_team, f"/log-views/{view_id}"), data={"name": "Trouble"} | token)
    assert renamed.headers["location"] == there
    assert ">Trouble</a>" in browser.get(there).text
    refused = browser.post(beside(committed_team, f"/log-views/{view_id}"), data={"name": " "} | token)
    assert refused.status_code == 422
    assert browser.post(beside(committed_team, f"/log-views/{view_id}/delete"), data=token).status_code == 303
    assert "Trouble" not in browser.get(url(committed_team)).text
