"""The page of a lineage over the real doors: its four states, its steps, and the buttons that run what is missing."""

import html
import re
from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.core.access import Role
from app.core.database import unit_of_work
from app.evaluations import repository
from app.evaluations.lineage import runs as lineage_runs
from app.evaluations.models import Evaluation
from tests import factories
from tests.statements import recorded
from tests.web import csrf_of, signed_in

RIGHT = [f"answer {n}" for n in range(60)]
ASK = [{"role": "system", "content": "Answer."}, {"role": "user", "content": "{{question}}"}]
SHORT = [{"role": "system", "content": "Answer in one word."}, {"role": "user", "content": "{{question}}"}]
SPECS: list[dict[str, Any]] = [
    {"template": ASK},
    {"template": SHORT},
    {"template": SHORT, "temperature": 0, "tools": [{"name": "look_up", "description": "Looks."}]},
    {"template": SHORT, "temperature": 0.1, "tools": [{"name": "look_up", "description": "Looks."}]},
]
OUTPUTS = [["no"] * 40 + RIGHT[40:], ["no"] * 10 + RIGHT[10:], ["no"] * 8 + RIGHT[8:]]


def _line(
    team: factories.Team,
    ran: int = 3,
    *,
    judged: bool = True,
    evaluators: bool = True,
    path: str = "tests/asked",
    outputs: list[list[str]] = OUTPUTS,
) -> Evaluation:
    """Four versions of a prompt, of which the first `ran` have run on 60 rows."""
    with unit_of_work() as session:
        admin = team.admin
        versions = [factories.prompt(session, admin, path, **spec) for spec in SPECS]
        rows: Any = 60
        if not judged:
            rows = [{"inputs": {"question": str(n)}} for n in range(60)]
        data = factories.dataset(session, admin, rows)
        kinds = {"exact": "tests/Right", "latency": "tests/Speed"} if evaluators else {}
        judges = [factories.evaluator(session, admin, kind, name) for kind, name in kinds.items()]
        found = factories.evaluation(session, admin, versions[0], *judges, name="What helped?")
        for version, said in zip(versions[:ran], outputs, strict=False):
            factories.finish_run(session, factories.started_run(session, admin, found, version, data), said)
        return found


def _url(team: factories.Team, evaluation: Evaluation) -> str:
    return f"/w/{team.workspace.slug}/evaluations/{evaluation.id}/lineage"


def _words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_each_step_says_what_changed_and_what_it_did(
    client: TestClient, committed_team: factories.Team
) -> None:
    evaluation = _line(committed_team)
    page = signed_in(client, committed_team.admin).get(_url(committed_team, evaluation)).text
    words = _words(page)

    assert "v3 is better than v1 by 53.3 points on Right" in words
    assert "1 of 2 steps is clear; v2 to v3 is inside noise" in words
    assert "The 2 steps add up to +53.3, on the 60 rows that all of them share no row left out" in words
    assert "Prompt text 1 line" in words
    assert "bundled" in words
    assert "Parameters temperature 0" in words
    assert "Tools 1 tool" in words
    assert f"/prompts/{evaluation.file_id}/diff?from=2&amp;to=3" in page
    assert "v4 has not run here" in words
    assert "v2 to v3, one change at a time" in words
    assert "2 runs on the same rows, at most 120 calls" in words
    assert 'aria-current="page">Lineage' in page
    assert "hx-trigger" not in page.split('id="lineage"')[1][:200], "nothing runs: nothing is asked again"


def test_a_step_is_clear_only_by_the_p_that_counts_all_steps(
    client: TestClient, committed_team: factories.Team
) -> None:
    before = RIGHT[:54] + ["no"] * 6
    evaluation = _line(committed_team, outputs=[before, RIGHT, RIGHT])  # six rows: p = 0.03, after Holm 0.06
    page = signed_in(client, committed_team.admin).get(_url(committed_team, evaluation)).text

    assert "v3 is better than v1 by 10.0 points" in _words(page), "the whole is one question"
    assert "0 of 2 steps are clear; v1 to v2, v2 to v3 are inside noise" in _words(page)
    first, _, total = re.findall(r'<data class="delta (\w+)"', page.split('id="st"')[1])[:3]
    assert (first, total) == ("same", "better")
    assert "p = 0.062, borderline" in _words(page)


@pytest.mark.parametrize(("rows", "told"), [(5, ["inside noise"] * 3), (20, ["less", "more", "more"])])
def test_only_interactions_are_called_clear_and_by_their_adjusted_p(
    client: TestClient, committed_team: factories.Team, rows: int, told: list[str]
) -> None:
    evaluation = _line(committed_team, outputs=[RIGHT] * 3)
    with unit_of_work() as session:
        lineage_runs.run_combinations(session, committed_team.admin, session.merge(evaluation), 1, 3)
    with unit_of_work() as session:
        for run in repository.list_runs(session, [evaluation.id]):
            if run.status == "pending":
                slips = rows if run.version.name == "v1 with parameters and tools of v3" else 0
                factories.finish_run(session, run, ["no"] * slips + RIGHT[slips:])
    page = (
        signed_in(client, committed_team.admin)
        .get(f"{_url(committed_team, evaluation)}?older=1&newer=3")
        .text.split('id="fa"')[1]
    )

    assert set(re.findall(r'<data class="delta (\w+)"', page)) == {"same"}
    assert sorted(re.findall(r">(inside noise|less|more)[:\w ]* they add up", page)) == sorted(told)


@pytest.mark.parametrize(
    ("cap", "one", "two", "five"),
    [
        (
            Decimal(2),
            "It stops at $2.00.",
            "Each stops at $2.00, together that is up to $4.00.",
            "Each stops at $2.00, together that is up to $10.00.",
        ),
        (None, "No cap in dollars.", "No cap in dollars.", "No cap in dollars."),
    ],
)
def test_what_further_runs_may_cost_together_is_said_before_they_are_started(
    client: TestClient, committed_team: factories.Team, cap: Decimal | None, one: str, two: str, five: str
) -> None:
    evaluation = _line(committed_team)
    with unit_of_work() as session:
        for run in repository.list_runs(session, [evaluation.id]):
            run.max_cost_usd = cap
    url = f"{_url(committed_team, evaluation)}?older=1&newer=3"
    words = _words(signed_in(client, committed_team.admin).get(url).text)

    assert f"at most 60 calls. {one}" in words
    assert f"2 runs on the same rows, at most 120 calls. {two}" in words
    combined = words.split("Every combination")[1]
    assert "5 of 8 combinations are missing: at most 300 calls" in combined
    assert f"{five} What is there is used again." in combined


def test_report_prompt_and_difference_lead_to_it(client: TestClient, committed_team: factories.Team) -> None:
    evaluation = _line(committed_team)
    client = signed_in(client, committed_team.admin)
    url, prompt = (
        _url(committed_team, evaluation),
        f"/w/{committed_team.workspace.slug}/prompts/{evaluation.file_id}",
    )
    for page in (url.removesuffix("/lineage"), url.replace("/lineage", "/rows"), prompt):
        assert f'href="{url}"' in client.get(page).text, page
    assert f'href="{url}?to=3"' in client.get(f"{prompt}/diff?from=2&to=3").text


def test_the_line_and_its_judge_are_chosen_in_the_address(
    client: TestClient, committed_team: factories.Team
) -> None:
    evaluation = _line(committed_team)
    client = signed_in(client, committed_team.admin)
    url = _url(committed_team, evaluation)

    assert "v2 is better than v1 by 50.0 points" in _words(client.get(f"{url}?to=2").text)
    speed = re.search(r'<option value="(evv_\w+)">by Speed', client.get(url).text)
    assert speed
    other = _words(client.get(f"{url}?evaluator={speed[1]}").text)
    assert "No clear change from v1 to v3" in other
    assert "Speed, exploratory" in other
    assert client.get(f"{url}?to=44").status_code == 404
    assert client.get(f"{url}?evaluator=none").status_code == 404


def test_the_buttons_make_and_run_what_is_missing_once(
    client: TestClient, committed_team: factories.Team
) -> None:
    evaluation = _line(committed_team)
    client = signed_in(client, committed_team.admin)
    url, token = _url(committed_team, evaluation), {"_csrf": csrf_of(client)}

    for _ in range(2):
        answer = client.post(f"{url}/runs/4", data=token)
        assert (answer.status_code, answer.headers["location"]) == (303, url)
        assert client.post(f"{url}/single-changes/2/3", data=token).status_code == 303
        assert (
            client.post(f"{url}/combinations/1/3", data=token).headers["location"] == f"{url}?older=1&newer=3"
        )
    with unit_of_work() as session:
        numbers = session.scalars(
            text("select number from version v join run r on r.version_id = v.id order by number")
        ).all()
        names = session.scalars(text("select name from version where name is not null order by number")).all()
    # Eight combinations of three changes: v1, v2 (the text alone), v3 (all), both single changes on v2, and the rest.
    assert numbers == list(range(1, len(numbers) + 1)), "each has one run"
    assert names[:2] == ["v2 with parameters of v3", "v2 with tools of v3"]
    assert len(numbers) == 4 + 2 + 3
    page = client.get(f"{url}?older=1&newer=3").text
    assert "Scoring" in page
    assert 'hx-trigger="every 5s"' in page
    assert client.post(f"{url}/runs/4").status_code == 403, "without the page's token"
    assert client.post(f"{url}/runs/99", data=token).status_code == 404


def test_a_viewer_sees_everything_and_which_role_the_buttons_need(
    client: TestClient, committed_team: factories.Team
) -> None:
    evaluation = _line(committed_team)
    with unit_of_work() as session:
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
    client = signed_in(client, viewer)
    url = _url(committed_team, evaluation)
    page = client.get(url).text

    assert "v3 is better than v1" in _words(page)
    assert '<form method="post" action="' + url not in page
    assert "This needs the role admin or developer or member" in html.unescape(page)
    assert client.post(f"{url}/single-changes/2/3", data={"_csrf": csrf_of(client)}).status_code == 403


@pytest.mark.parametrize(
    ("ran", "options", "said"),
    [
        (0, {}, "Nothing to follow yet"),
        (1, {}, "One version has run"),
        (2, {"evaluators": False}, "No evaluator yet"),
        (2, {"judged": False}, "gave no score to compare"),
    ],
)
def test_without_two_scores_it_says_what_to_do(
    client: TestClient, committed_team: factories.Team, ran: int, options: dict[str, Any], said: str
) -> None:
    evaluation = _line(committed_team, ran, **options)
    answer = signed_in(client, committed_team.admin).get(_url(committed_team, evaluation))
    assert answer.status_code == 200
    assert said in _words(answer.text)


def test_a_judge_that_nobody_checked_is_marked(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        version = factories.prompt(session, admin, "tests/asked")
        judge = factories.evaluator(
            session,
            admin,
            "llm_judge",
            model="practice-1",
            provider="practice",
            rubric="Good? {{log.output}}",
        )
        evaluation = factories.evaluation(session, admin, version, judge)
        factories.started_run(session, admin, evaluation, version, factories.dataset(session, admin))
    page = signed_in(client, admin).get(_url(committed_team, evaluation)).text
    assert "Judge not yet trusted" in page
    assert "Too early to say" in page


def test_outputs_that_are_sent_cannot_be_made_here(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        version = factories.prompt(session, admin, "tests/asked")
        factories.prompt(session, admin, "tests/asked", seed=1)
        evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
        data = factories.dataset(session, admin)
        factories.started_run(session, admin, evaluation, version, data, orchestrated=False)
    client = signed_in(client, admin)
    url = _url(committed_team, evaluation)
    assert "made elsewhere" in client.get(url).text
    assert client.post(f"{url}/runs/2", data={"_csrf": csrf_of(client)}).status_code == 422


def test_a_known_lineage_reads_no_scores_and_asks_no_more_for_more_versions(
    client: TestClient, committed_team: factories.Team, engine: Engine
) -> None:
    client = signed_in(client, committed_team.admin)
    counts = []
    for ran in (2, 3):
        url = _url(committed_team, _line(committed_team, ran, path=f"tests/asked {ran}"))
        client.get(url)
        with recorded(engine) as statements:
            client.get(url)
        counts.append(len(statements))
        assert not any("judgment j" in statement for statement in statements)
    assert counts[0] == counts[1]
