"""The form of a tool: what it is as JSON, its source beside it, both in the editor that colours."""

import html

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.files import repository
from tests import factories
from tests.web import csrf_of, signed_in

SOURCE = 'def weather(city):\n    return "dry"\n'


def _url(client: TestClient, team: factories.Team) -> str:
    with unit_of_work() as session:
        tool = factories.tool(session, team.admin, "support/weather", source_code=SOURCE)
    signed_in(client, team.admin)
    return f"/w/{team.workspace.slug}/tools/{tool.file_id}"


def _save(client: TestClient, url: str, **form: str):
    return client.post(f"{url}/edit", data={"_csrf": csrf_of(client)} | form, follow_redirects=False)


def _spec(url: str) -> dict:
    with unit_of_work() as session:
        version = repository.newest_version(session, url.rpartition("/")[2])
        assert version
        return dict(version.spec)


def test_source_and_json_are_coloured_and_plain_text_areas_too(
    client: TestClient, committed_team: factories.Team
) -> None:
    page = client.get(f"{_url(client, committed_team)}/edit").text
    assert '<div class="line"><span class="tok-keyword">def</span> weather(city):</div>' in page
    assert '<span class="tok-keyword">&#34;function&#34;</span>' in page
    assert f"{html.escape(SOURCE, quote=False)}</textarea>".replace('"', "&#34;") in page
    assert "source_code&#34;" not in page, "the source stands in its own field alone"


def test_saving_what_was_shown_is_the_version_that_is_there(
    client: TestClient, committed_team: factories.Team
) -> None:
    url = _url(client, committed_team)
    function = '{"function": {"name": "weather"}}'
    assert _save(client, url, spec=function, source=SOURCE.replace("\n", "\r\n")).status_code == 303
    spec = _spec(url)
    assert (spec["source_code"], spec["function"]["name"]) == (SOURCE, "weather")
    assert _save(client, url, spec=function).status_code == 303
    assert "source_code" not in _spec(url), "an empty field takes it out"


@pytest.mark.parametrize(("source", "status"), [("", 303), ("a = 1", 303), ("b = 2", 422)])
def test_a_source_in_the_json_holds_unless_another_stands_beside_it(
    client: TestClient, committed_team: factories.Team, source: str, status: int
) -> None:
    url = _url(client, committed_team)
    said = _save(client, url, spec='{"source_code": "a = 1"}', source=source)
    assert said.status_code == status
    if status == 303:
        assert _spec(url)["source_code"] == "a = 1"
    else:
        assert "The JSON has another `source_code`. Keep one of the two." in said.text
        assert "b = " in said.text
        assert _spec(url)["source_code"] == SOURCE, "nothing was committed"


def test_a_call_is_written_in_coloured_json(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        tool = factories.tool(session, committed_team.admin, "support/other")
    signed_in(client, committed_team.admin)
    page = client.get(f"/w/{committed_team.workspace.slug}/tools/{tool.file_id}").text
    assert 'data-language="json"' in page
    assert "/static/js/prompt-editor.js" in page
