"""Asking for rows that a prompt writes: what is refused, what it takes, and its pages."""

import json

import pytest
from fastapi.testclient import TestClient

from app.core.access import Role
from app.core.database import unit_of_work
from app.files.models import Version
from tests import factories
from tests.endpoint import Endpoint
from tests.generations.written_rows import (
    COLUMNS,
    ask,
    drafted,
    read,
    work,
    writer,
)
from tests.web import csrf_of, signed_in, with_key


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"split": "test"}, "The split test is for rows that people wrote"),
        ({"split": "none"}, "Rows of no split are tested on, too"),
        ({"columns": ["split"]}, "is nothing that a prompt can fill in"),
        ({"columns": ["target.answer"]}, "at least one input"),
        ({"inputs": {}}, "The prompt needs topic"),
        ({"prompt_id": None}, "Say which prompt"),
    ],
)
def test_what_cannot_be_written_is_refused_with_a_reason(
    api: TestClient,
    committed_team: factories.Team,
    dataset: Version,
    endpoint: Endpoint,
    change: dict,
    said: str,
) -> None:
    assert said in json.dumps(ask(api, dataset, writer(committed_team), 422, **change), ensure_ascii=False)


def test_examples_come_from_the_training_split_or_from_nowhere(
    api: TestClient, committed_team: factories.Team, endpoint: Endpoint
) -> None:
    with unit_of_work() as session:
        untrained = factories.dataset(session, committed_team.admin, 3)
    prompt = writer(committed_team)
    assert "training split" in json.dumps(ask(api, untrained, prompt, 422))
    ask(api, untrained, prompt, examples=0)


def test_rows_may_test_where_somebody_says_so(
    api: TestClient, committed_team: factories.Team, dataset: Version, endpoint: Endpoint
) -> None:
    ask(api, dataset, writer(committed_team), split="test", may_test=True)
    work()
    assert {row.split for row in drafted(committed_team, dataset)} == {"test"}


def test_two_at_a_time_into_one_draft_are_refused(
    api: TestClient, committed_team: factories.Team, dataset: Version, endpoint: Endpoint
) -> None:
    ask(api, dataset, writer(committed_team))
    assert "already" in ask(api, dataset, writer(committed_team), 409)["detail"]


def test_the_estimate_says_what_it_takes_and_starts_nothing(
    api: TestClient, committed_team: factories.Team, dataset: Version, endpoint: Endpoint
) -> None:
    body = {
        "prompt_id": writer(committed_team).file_id,
        "rows": 5,
        "rows_a_call": 2,
        "columns": COLUMNS,
        "inputs": {"topic": "x"},
    }
    found = api.post(f"/v5/datasets/{dataset.file_id}/generations/estimate", json=body).json()
    assert (found["calls"], found["model"]) == (3, "writer")
    assert found["cost_usd"] == pytest.approx((found["input_tokens"] + found["output_tokens"]) / 1000)
    assert found["seconds"] > 0
    assert api.get(f"/v5/datasets/{dataset.file_id}/generations").json()["total"] == 0


def test_the_practice_model_writes_rows_of_those_that_it_is_shown(
    api: TestClient, committed_team: factories.Team, practice: str
) -> None:
    rows = [
        {"inputs": {"question": f"{one} is my card today"}, "target": {"answer": one}, "split": "train"}
        for one in ("Where", "When", "Why")
    ]
    with unit_of_work() as session:
        trained = factories.dataset(session, committed_team.admin, rows)
        prompt = factories.prompt(session, committed_team.admin, template="Questions about cards.")
    made = ask(api, trained, prompt, rows=4, rows_a_call=4, inputs={})
    work()
    shown = read(api, trained, made)
    assert (shown["status"], shown["records"][0]["problem"]) == ("done", None)
    assert shown["rows_added"] + shown["rows_left_out"] == 4
    assert {row.content["target"]["answer"] for row in drafted(committed_team, trained)} <= {
        "Where",
        "When",
        "Why",
    }
    assert shown["rows_added"] >= 3


def test_others_see_how_it_goes_and_members_stop_only_what_they_started(
    client: TestClient, api: TestClient, committed_team: factories.Team, dataset: Version, endpoint: Endpoint
) -> None:
    made = ask(api, dataset, writer(committed_team))
    there = f"/v5/datasets/{dataset.file_id}/generations/{made['id']}"
    with unit_of_work() as session:
        member = factories.member(session, committed_team.workspace, Role.MEMBER)
        developer = factories.member(session, committed_team.workspace, Role.DEVELOPER)
    with_key(client, member)
    assert client.get(there).json()["status"] == "running"
    assert client.get(f"/v5/datasets/{dataset.file_id}/generations").json()["records"] == []
    assert client.post(f"{there}/stop").status_code == 403
    page = signed_in(client, member).get(
        f"/w/{member.workspace_slug}/datasets/{dataset.file_id}/generate/{made['id']}"
    )
    assert "Somebody else has them in their draft" in page.text
    assert "/stop" not in page.text
    assert with_key(client, developer).post(f"{there}/stop").json()["status"] == "stopped"


def test_the_page_says_what_it_takes_and_follows_it(
    client: TestClient, committed_team: factories.Team, dataset: Version, endpoint: Endpoint
) -> None:
    prompt = writer(committed_team)
    signed_in(client, committed_team.admin)
    base = f"/w/{committed_team.admin.workspace_slug}/datasets/{dataset.file_id}"
    page = client.get(f"{base}/generate", params={"prompt": prompt.file_id, "in.topic": "cards"}).text
    assert "2 calls" in page
    assert 'value="inputs.question" checked' in page
    form = {
        "prompt": prompt.file_id, "version": prompt.id, "rows": "4", "rows_a_call": "2", "examples": "1",
        "column": COLUMNS, "split": "test", "sent": "1", "in.topic": "cards & more", "_csrf": csrf_of(client),
    }  # fmt: skip
    refused = client.post(f"{base}/generate", data=form)
    assert refused.status_code == 422
    assert "Put them there all the same" in refused.text
    assert "cards &amp; more</textarea>" in refused.text
    answer = client.post(f"{base}/generate", data=form | {"split": "train"}, follow_redirects=False)
    assert answer.status_code == 303
    there = answer.headers["location"]
    waiting = client.get(there).text
    assert "0 of 4 rows so far" in waiting
    assert 'hx-trigger="every 2s"' in waiting
    work()
    done = client.get(there).text
    assert "3 of 4 rows written" in done
    assert "every 2s" not in done
    assert "asks the same" in done
    assert client.get(f"{base}?only=synthetic").text.count('title="A model wrote this row"') == 4
    stopped = client.post(f"{there}/stop", data={"_csrf": csrf_of(client)}, follow_redirects=False)
    assert stopped.status_code == 303
    assert "3 of 4 rows written" in client.get(there).text
