"""Judges that are models, from the editor to the estimate: templates to begin with, votes, panels."""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core import ids
from app.core.database import unit_of_work
from app.evaluations import repository
from app.evaluations.figures.scores import load_scores
from app.evaluations.given_judgments import Given, give_judgment
from app.evaluations.new_evaluation.estimate import Work, estimate
from app.evaluators.kinds.judge_templates import TEMPLATES
from app.files.models import Version
from app.logs.models import Judgment
from app.providers import service as providers
from app.providers.service import ProviderChange
from tests import factories
from tests.endpoint import Endpoint, running_endpoint
from tests.web import csrf_of, signed_in, with_key


@pytest.fixture
def endpoint(redis_url: str, committed_team: factories.Team) -> Iterator[Endpoint]:
    """A provider called `fake` whose judges say yes."""
    with running_endpoint(0) as endpoint, unit_of_work() as session:
        change = ProviderChange(name="fake", base_url=endpoint.base_url, api_key="k")
        providers.create_provider(session, committed_team.admin, change)
        session.commit()
        yield endpoint


def _url(team: factories.Team) -> str:
    return f"/w/{team.workspace.slug}/evaluators"


def _result(page: str) -> str:
    found = page.split('id="result"')[1].split("</section>", maxsplit=1)[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", found)).split())


def test_a_rubric_is_begun_from_a_template(client: TestClient, committed_team: factories.Team) -> None:
    client = signed_in(client, committed_team.admin)
    page = client.get(f"{_url(committed_team)}/new?kind=llm_judge").text
    assert "Begin with a template" in page
    for one in TEMPLATES:
        assert f"?kind=llm_judge&amp;example={one.name}" in page
    graded = client.get(f"{_url(committed_team)}/new?kind=llm_judge&example=correctness-graded").text

    assert "How correct is the answer?" in graded
    assert "<option selected>select" in graded
    assert "right\npartly right\nwrong" in graded
    assert 'value="0"' in graded.split('name="s.temperature"')[1][:60], (
        "what a template leaves open begins as ever"
    )
    assert "Begin with" not in client.get(f"{_url(committed_team)}/new?kind=exact").text


def test_the_api_lists_the_templates(client: TestClient, committed_team: factories.Team) -> None:
    with_key(client, committed_team.admin)
    kinds = {one["kind"]: one for one in client.get("/v5/evaluator-kinds").json()}

    templates = {one["name"]: one for one in kinds["llm_judge"]["templates"]}
    assert set(templates) == {one.name for one in TEMPLATES}
    assert templates["helpfulness"]["settings"]["highest"] == 5
    assert len(kinds["code"]["templates"]) == 10
    assert kinds["exact"]["templates"] == []
    settings = {"model": "m"} | templates["safety"]["settings"]
    body = {"path": "Judges/Safe", "spec": {"kind": "llm_judge", "settings": settings}}
    assert client.post("/v5/evaluators", json=body).status_code == 200


def test_a_panel_that_votes_shows_each_vote(
    client: TestClient, committed_team: factories.Team, endpoint: Endpoint
) -> None:
    client = signed_in(client, committed_team.admin)
    form = {
        "_csrf": csrf_of(client), "kind": "llm_judge", "s.model": "first", "s.provider": "fake", "s.verdict": "boolean",
        "s.panel": "second\nfake/third", "s.votes": "2", "s.lowest": "1", "s.highest": "5", "s.wanted": "higher",
        "s.rubric": "Is this polite? {{log.output}}", "s.fence": "on", "output": "With pleasure.",
    }  # fmt: skip
    tried = _result(client.post(f"{_url(committed_team)}/new/test", data=form).text)

    assert "Pass" in tried
    assert "6 of 6 votes. as the reference says" in tried
    assert "The 6 votes" in tried
    assert tried.count("“as the reference says”") == 6
    assert "6 calls of first, second, third at fake" in tried
    assert sum(endpoint.calls().values()) == 6
    cold = client.post(f"{_url(committed_team)}/new/test", data=form | {"s.temperature": "0"})
    assert cold.status_code == 422
    assert "leave the temperature empty" in cold.text


def test_each_model_of_a_panel_is_estimated_by_its_own_price(session: Session) -> None:
    team = factories.team(session)
    prices = {"big": ("10", "10"), "small": ("1", "1")}
    change = ProviderChange(name="acme", base_url="https://93.184.216.34/v1", prices=prices)
    providers.create_provider(session, team.admin, change)
    version, rows = factories.prompt(session, team.admin), factories.dataset(session, team.admin, 5)
    judge = factories.evaluator(
        session, team.admin, "llm_judge", model="big", provider="acme", panel=["small"], votes=3
    )

    found = estimate(session, Work([version], rows, [judge], rows=100, repeats=1, concurrency=10))

    _, big, small = found.parts
    assert [(part.model, part.calls) for part in (big, small)] == [("big", 300), ("small", 300)]
    assert float(big.usd or 0) == pytest.approx(10 * float(small.usd or 0))
    assert found.calls == 700


def test_a_pairwise_verdict_shows_both_orders(
    client: TestClient, committed_team: factories.Team, endpoint: Endpoint
) -> None:
    client = signed_in(client, committed_team.admin)
    form = {
        "_csrf": csrf_of(client), "kind": "pairwise_judge", "s.model": "m", "s.provider": "fake", "s.temperature": "0",
        "s.against": "testcase.target", "s.criteria": "Shorter is better.", "output": "Yes.", "target": "Yes, of course.",
    }  # fmt: skip
    tried = _result(client.post(f"{_url(committed_team)}/new/test", data=form).text)

    assert "0.5 " in tried
    assert "A tie: the verdict changes with the order. as the reference says" in tried
    assert "Changes with the order" in tried
    assert "This output shown first this output" in tried
    assert "The other answer shown first the other answer" in tried
    assert "2 calls of m at fake" in tried


def test_verdicts_of_people_become_examples(client: TestClient, committed_team: factories.Team) -> None:
    admin = committed_team.admin
    rubric = "Is it right? {{testcase.inputs.question}} {{log.output}}"
    with unit_of_work() as session:
        version, rows = factories.prompt(session, admin), factories.dataset(session, admin, 12)
        settings = {"model": "m", "provider": "practice", "rubric": rubric}
        judge = factories.evaluator(session, admin, "llm_judge", "tests/Right", **settings)
        unasked = factories.evaluator(session, admin, "llm_judge", "tests/Unasked", **settings)
        people = factories.evaluator(session, admin, "human", "tests/People", instructions="Is it right?")
        evaluation = factories.evaluation(session, admin, version, judge, people)
        run = factories.started_run(session, admin, evaluation, version, rows)
        factories.finish_run(session, run, [f"said {number}" for number in range(12)])
        made = session.execute(
            text("select log_id from run_item where run_id = :run order by position"), {"run": run.id}
        )
        for number, log_id in enumerate(made.scalars().all()):
            given = Given(number not in (2, 3), rationale=f"reason {number}")
            give_judgment(session, admin, people, log_id, given)
            give_judgment(session, admin, people, log_id, replace(given, rationale="of a user", user="u"))
    client = signed_in(client, admin)
    url = f"{_url(committed_team)}/{judge.file_id}"
    before = client.get(url).text
    page = client.get(f"{url}?fill=people").text
    area = page.split('name="s.examples"')[1].split(">", 1)[1].split("</textarea>")[0]
    found = json.loads(html.unescape(area))

    assert "Fill in people&#39;s verdicts" in before or "Fill in people's verdicts" in before
    assert "reason 3" not in before
    assert "of a user" not in page
    assert len(found) == 8
    assert [one["verdict"] for one in found].count(False) == 2, "both that say no, among ten that say yes"
    names = {"testcase.inputs.question", "log.output"}
    assert all(one["material"].keys() == names for one in found)
    assert {
        "material": {"testcase.inputs.question": "question 3", "log.output": "said 3"},
        "verdict": False,
        "reason": "reason 3",
    } in found
    assert "No member has judged" in client.get(f"{_url(committed_team)}/{unasked.file_id}?fill=people").text
    form = {
        "_csrf": csrf_of(client), "kind": "llm_judge", "note": "As people do", "s.model": "m", "s.provider": "practice",
        "s.verdict": "boolean", "s.lowest": "1", "s.highest": "5", "s.wanted": "higher", "s.votes": "1", "s.rubric": rubric,
        "s.fence": "on",
    }  # fmt: skip
    broken = client.post(url, data=form | {"s.examples": "[{"})
    assert broken.status_code == 422
    assert "[{" in broken.text
    assert client.post(url, data=form | {"s.examples": json.dumps(found)}).status_code == 303
    with unit_of_work() as session:
        stored = session.scalars(
            select(Version.spec).where(Version.file_id == judge.file_id).order_by(Version.number)
        ).all()
    assert stored[-1]["settings"]["examples"] == found


def test_judges_that_come_late_are_held_by_the_same_limits(
    client: TestClient, committed_team: factories.Team, endpoint: Endpoint
) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        prompt = factories.prompt(session, admin)
        rows = factories.dataset(session, admin, [{"inputs": {"question": "q"}, "target": "a"}])
        of = factories.evaluation(session, admin, prompt, factories.evaluator(session, admin, "exact"))
        run = factories.started_run(session, admin, of, prompt, rows, max_cost_usd=Decimal(5))
        factories.finish_run(session, run, ["a"])
        settings = {"model": "nobody-knows", "provider": "fake", "rubric": "Is it right? {{log.output}}"}
        judge = factories.evaluator(session, admin, "llm_judge", "judges/unpriced", **settings)
        url, said = f"/v5/evaluations/{of.id}/evaluators", {"evaluators": [{"version_id": judge.id}]}
    with_key(client, admin)

    refused = client.post(url, json=said)
    assert refused.status_code == 422
    assert "There is no price for nobody-knows, so that the cap cannot hold" in refused.text
    provider = next(one for one in client.get("/v5/providers").json() if one["name"] == "fake")
    priced = {"prices": {"nobody-knows": {"input": "1", "output": "1"}}}
    assert client.patch(f"/v5/providers/{provider['id']}", json=priced).is_success
    assert client.patch("/v5/budget", json={"monthly_usd": 0}).is_success
    assert client.post(url, json=said).status_code == 402
    assert client.patch("/v5/budget", json={"monthly_usd": 5}).is_success
    assert client.post(url, json=said).is_success


def test_choices_that_a_judge_calls_good_or_bad_become_its_score(
    committed_team: factories.Team, endpoint: Endpoint
) -> None:
    settings = {
        "verdict": "select",
        "choices": ["right", "partly", "wrong"],
        "model": "m",
        "provider": "fake",
    }
    with unit_of_work() as session:
        admin = committed_team.admin
        prompt, rows = factories.prompt(session, admin), factories.dataset(session, admin, 3)
        judges = [
            factories.evaluator(session, admin, "llm_judge", **settings, **called)
            for called in ({"good": ["right"]}, {"bad": ["wrong"]}, {})
        ]
        exact = factories.evaluator(session, admin)
        evaluation = factories.evaluation(session, admin, prompt, exact)
        run = factories.started_run(session, admin, evaluation, prompt, rows)
        factories.finish_run(session, run, ["a", "b", "c"])
        query = text("select log_id from run_item where run_id = :run order by position")
        for log_id, said in zip(
            session.scalars(query, {"run": run.id}), ("right", "partly", "wrong"), strict=True
        ):
            session.add_all(
                Judgment(
                    id=ids.new_id("jdg"), workspace_id=committed_team.workspace.id, log_id=log_id,
                    evaluator_version_id=judge.id, text_value=said,
                )
                for judge in judges
            )  # fmt: skip
        session.flush()
        as_scored = repository.list_runs(session, [evaluation.id])
        table = load_scores(session, as_scored, [judge.id for judge in judges])

    found = [list(table.column(run.id, judge.id).by_row().values()) for judge in judges]
    assert found == [[1, 0, 0], [1, 1, 0], []]
