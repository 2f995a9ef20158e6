"""What the rows of a dataset are good for: near-duplicates, on the page and by the API."""

import re

import pytest
from fastapi.testclient import TestClient

from app.core.database import get_engine, unit_of_work
from app.files.models import Version
from tests import factories
from tests.statements import recorded
from tests.web import csrf_of, signed_in, with_key

ROWS = [
    {"inputs": {"question": "Where is Lyon?"}, "target": {"answer": "France"}, "split": "train"},
    {"inputs": {"question": "Who wrote Faust?"}, "target": {"answer": "Goethe"}, "split": "test"},
    {"inputs": {"question": "where  is LYON"}, "target": {"answer": "France"}, "split": "test"},
    {"inputs": {"question": "who wrote “Faust”?"}, "target": {"answer": "Marlowe"}, "split": "test"},
    {"inputs": {"question": "Who wrote Faust!"}, "target": {"answer": "Marlowe"}, "split": "test"},
    {"inputs": {"question": "リヨンはどこですか"}, "split": "test"},
    {"inputs": {"question": "ファウストは誰が"}, "split": "test"},
    {"inputs": {"question": "Where is Lyon 2?"}, "split": "test"},
    {"inputs": {"question": "What is 2 + 3?"}, "split": "test"},
    {"inputs": {"question": "What is 2 - 3?"}, "split": "test"},
    {"inputs": {"question": "What is 1.5 + 2?"}, "split": "test"},
    {"inputs": {"question": "What is 15 + 2?"}, "split": "test"},
    {"inputs": {"question": "It is 10:30"}, "split": "test"},
    {"inputs": {"question": "It is 1030"}, "split": "test"},
    {"inputs": {"question": "What is a[i] in x = [a, b]"}, "split": "test"},
    {"inputs": {"question": "What is ai in x = a, b"}, "split": "test"},
    {"inputs": {"items": [1, 23]}, "split": "test"},
    {"inputs": {"items": [12, 3]}, "split": "test"},
    {"inputs": {"question": "???"}, "split": "test"},
    {"inputs": {"question": "!"}, "split": "test"},
    {"inputs": {"question": "リヨンはどこですか。"}, "split": "test"},
    {"inputs": {"ask": "Where is Lyon?"}, "split": "test"},
    {"inputs": {"question": "…"}},
]  # fmt: skip


@pytest.fixture
def dataset(committed_team: factories.Team) -> Version:
    with unit_of_work() as session:
        return factories.dataset(session, committed_team.admin, ROWS, "grid/alike")


def test_near_duplicates_are_counted_in_every_script(
    client: TestClient, committed_team: factories.Team, dataset: Version
) -> None:
    api = with_key(client, committed_team.admin)
    found = api.get(f"/v5/datasets/{dataset.file_id}/health").json()
    assert found["rows"] == 23
    assert found["splits"] == {"": 1, "train": 1, "test": 21}
    alike = found["near_duplicates"]
    ids = alike.pop("datapoint_ids")
    assert alike == {"rows": 7, "questions": 3, "with_different_targets": 1, "in_training_and_test": 1}
    rows = api.get(f"/v5/datasets/{dataset.file_id}/datapoints").json()["records"]
    questions = {row["id"]: row["inputs"].get("question") for row in rows}
    assert [questions[one] for one in ids] == [
        "Where is Lyon?",
        "where  is LYON",
        "Who wrote Faust?",
        "who wrote “Faust”?",
        "Who wrote Faust!",
        "リヨンはどこですか",
        "リヨンはどこですか。",
    ]


def test_a_dataset_without_rows_has_no_change_to_show(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        empty = factories.dataset(session, committed_team.admin, [], "grid/empty")
    found = with_key(client, committed_team.admin).get(f"/v5/datasets/{empty.file_id}/health").json()
    assert (found["rows"], found["smallest_detectable_change"]) == (0, None)
    assert found["near_duplicates"]["rows"] == 0


def test_the_page_shows_them_beside_each_other_and_says_what_is_wrong(
    client: TestClient, committed_team: factories.Team, dataset: Version
) -> None:
    signed_in(client, committed_team.admin)
    base = f"/w/{committed_team.admin.workspace_slug}/datasets/{dataset.file_id}"
    page = client.get(base).text
    assert "<h3>Near-duplicates</h3>" in page
    assert re.search(r"1 stands in training.*rows that test", page)
    assert "1 has different targets" in page
    shown = client.get(f"{base}?only=alike").text
    assert len(re.findall(r'<tr data-row="', shown)) == 7
    assert "7 rows match" in shown
    with recorded(get_engine()) as statements:
        client.get(f"{base}?only=alike")
    assert not [one for one in statements if "inputs::text" in one]  # kept with the version


def test_what_is_done_to_all_that_match_is_done_to_near_duplicates_alone(
    client: TestClient, committed_team: factories.Team, dataset: Version
) -> None:
    signed_in(client, committed_team.admin)
    base = f"/w/{committed_team.admin.workspace_slug}/datasets/{dataset.file_id}"
    form = {"_csrf": csrf_of(client), "only": "alike", "all": "1", "action": "remove"}
    answer = client.post(f"{base}/draft/bulk", data=form, follow_redirects=False)
    assert answer.headers["location"].endswith("?only=alike"), answer.text
    page = client.get(f"{base}?only=alike").text
    assert len(re.findall(r'<tr data-row="[^"]+" class="cut"', page)) == 7
    assert len(re.findall(r'class="cut"', client.get(base).text)) == 7


def test_a_version_from_before_near_duplicates_were_counted_has_them_counted(
    client: TestClient, committed_team: factories.Team, dataset: Version
) -> None:
    with unit_of_work() as session:
        version = session.get_one(Version, dataset.id)
        version.summary = {name: value for name, value in (version.summary or {}).items() if name != "alike"}
    found = with_key(client, committed_team.admin).get(f"/v5/datasets/{dataset.file_id}/health").json()
    assert found["near_duplicates"]["rows"] == 7
