"""A whole prompt as a judge, on the evaluators' page: as the API would write it."""

import html
import json
import re

from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.providers import service as providers
from app.providers.service import ProviderChange
from tests import factories
from tests.endpoint import running_endpoint
from tests.web import csrf_of, signed_in, with_key

PROMPT = {"model": "m", "provider": "fake", "template": "ECHO<It says please.\nTrue> {{log.output}}"}


def _prompt_on(page: str) -> str:
    return html.unescape(re.search(r'name="s\.prompt"[^>]*>\s*(.*?)</textarea>', page, re.DOTALL)[1])


def test_a_prompt_judges_and_is_saved(
    client: TestClient, committed_team: factories.Team, redis_url: str
) -> None:
    signed_in(client, committed_team.admin)
    url = f"/w/{committed_team.workspace.slug}/evaluators"
    began = client.get(f"{url}/new?kind=prompt_judge").text
    assert json.loads(_prompt_on(began))["template"][0]["role"] == "user", "it begins with an example"
    form = {
        "_csrf": csrf_of(client), "kind": "prompt_judge", "s.prompt": json.dumps(PROMPT), "s.answers": "boolean",
        "s.wanted": "higher", "s.target": "not needed", "output": "Please wait.", "path": "judges/polite",
    }  # fmt: skip
    with running_endpoint(0) as endpoint:
        with unit_of_work() as session:
            change = ProviderChange(name="fake", base_url=endpoint.base_url, api_key="k")
            providers.create_provider(session, committed_team.admin, change)
        tried = client.post(f"{url}/new/test", data=form).text
    assert "It says please." in tried
    assert ">Pass<" in re.sub(r"\s*<svg.*?</svg>\s*", "", tried, flags=re.DOTALL)
    wrong = client.post(f"{url}/new", data=form | {"s.prompt": "Is it polite?"})
    assert wrong.status_code == 422
    assert "this is a JSON object, such as" in wrong.text
    saved = client.post(f"{url}/new", data=form)
    assert saved.status_code == 303, saved.text

    page = client.get(saved.headers["location"]).text
    assert json.loads(_prompt_on(page)) == PROMPT
    spec = {"evaluator_type": "llm", "prompt": PROMPT, "return_type": "boolean"}
    answer = with_key(client, committed_team.admin).post(
        "/v5/evaluators", json={"path": "judges/polite", "spec": spec}
    )
    versions = client.get(f"/v5/evaluators/{answer.json()['id']}/versions").json()["records"]
    assert len(versions) == 1, "the page and the API write the same version"


def test_a_choice_without_choices_is_refused_where_it_is_written(
    client: TestClient, committed_team: factories.Team
) -> None:
    signed_in(client, committed_team.admin)
    form = {
        "_csrf": csrf_of(client), "kind": "prompt_judge", "s.prompt": json.dumps(PROMPT), "s.answers": "select",
        "s.choices": " \n", "s.wanted": "higher", "s.target": "not needed", "path": "judges/which",
    }  # fmt: skip
    url = f"/w/{committed_team.workspace.slug}/evaluators/new"
    refused = client.post(url, data=form)
    assert refused.status_code == 422
    assert "The judge has no choices that a verdict could be read by" in refused.text
    assert client.post(url, data=form | {"s.choices": "good\nbad"}).status_code == 303
