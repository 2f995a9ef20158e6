"""The mark of rows that a model wrote: it goes wherever a row goes, and is shown, found and counted there."""

import json

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.files.models import Version
from tests import factories
from tests.web import csrf_of, signed_in, with_key

MARK = {"prompt": "support/make_rows v3", "version": "prv_1", "log": "log_1"}
ROWS = [
    {"inputs": {"question": "People's"}, "target": {"answer": "1"}, "split": "test"},
    {
        "inputs": {"question": "Model's"},
        "target": {"answer": "2"},
        "split": "test",
        "metadata": {"synthetic": MARK, "by": "x"},
    },
    {
        "inputs": {"question": "Trained"},
        "target": {"answer": "3"},
        "split": "train",
        "metadata": {"synthetic": True},
    },
    {
        "inputs": {"question": "Not"},
        "target": {"answer": "4"},
        "split": "train",
        "metadata": {"synthetic": False},
    },
]


@pytest.fixture
def dataset(committed_team: factories.Team) -> Version:
    with unit_of_work() as session:
        return factories.dataset(session, committed_team.admin, ROWS, "marked/rows")


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


def row_named(api: TestClient, dataset: Version, question: str, of: str = "datapoints") -> dict:
    rows = api.get(f"/v5/datasets/{dataset.file_id}/{of}").json()["records"]
    return next(row for row in rows if row["inputs"]["question"] == question)


@pytest.mark.parametrize(
    "values",
    [{"metadata": None}, {"metadata": {"by": "y"}}, {"metadata.by": None}, {"inputs.question": "Else"}],
)
def test_an_edit_takes_the_mark_away_nowhere(api: TestClient, dataset: Version, values: dict) -> None:
    row = row_named(api, dataset, "Model's")
    edited = api.patch(
        f"/v5/datasets/{dataset.file_id}/draft/datapoints",
        json={"rows": [{"id": row["id"], "values": values}]},
    )
    assert edited.status_code == 200, edited.text
    made = api.post(f"/v5/datasets/{dataset.file_id}/draft/commit", json={"note": "edited"}).json()
    newest = {"version_id": made["version_id"]}
    rows = api.get(f"/v5/datasets/{dataset.file_id}/datapoints", params=newest).json()["records"]
    assert rows[1]["id"] != row["id"]
    assert rows[1]["metadata"]["synthetic"] == MARK


@pytest.mark.parametrize("value", [None, False, "me"])
def test_the_mark_itself_is_no_cell(api: TestClient, dataset: Version, value: object) -> None:
    row = row_named(api, dataset, "Model's")
    edit = {"id": row["id"], "values": {"metadata.synthetic": value}}
    refused = api.patch(f"/v5/datasets/{dataset.file_id}/draft/datapoints", json={"rows": [edit]})
    assert refused.status_code == 422
    assert "says that a model wrote the row" in refused.text


def test_an_export_that_is_imported_elsewhere_keeps_it(api: TestClient, dataset: Version) -> None:
    rows = api.get(f"/v5/datasets/{dataset.file_id}/datapoints").json()["records"]
    copied = api.post("/v5/datasets", json={"path": "marked/copy", "datapoints": []}).json()
    lines = "\n".join(json.dumps(row) for row in rows)
    made = api.post(f"/v5/datasets/{copied['id']}/import?filename=x.jsonl", content=lines).json()
    asked = {"version_id": made["version_id"], "synthetic": True}
    found = api.get(f"/v5/datasets/{copied['id']}/datapoints", params=asked).json()
    assert [row["inputs"]["question"] for row in found["records"]] == ["Model's", "Trained"]
    assert found["total"] == 2


def test_health_counts_them_and_warns_of_those_that_test(
    client: TestClient, api: TestClient, committed_team: factories.Team, dataset: Version
) -> None:
    health = api.get(f"/v5/datasets/{dataset.file_id}/health").json()
    assert health["synthetic"] == {"rows": 2, "in_validation_and_test": 1}
    signed_in(client, committed_team.admin)
    page = client.get(f"/w/{committed_team.admin.workspace_slug}/datasets/{dataset.file_id}").text
    assert "2 of 4 rows were written by a model" in page
    assert "1 stands in rows that test" in page
    assert page.count('title="A model wrote this row"') == 2
    assert 'data-place="metadata.synthetic"' not in page


def test_the_counts_of_a_version_that_was_summed_up_before_are_made_up_for(
    api: TestClient, dataset: Version
) -> None:
    api.get(f"/v5/datasets/{dataset.file_id}/health")
    with unit_of_work() as session:
        version = session.get_one(Version, dataset.id)
        assert version.summary.pop("synthetic")
        version.summary = dict(version.summary)
    health = api.get(f"/v5/datasets/{dataset.file_id}/health").json()
    assert health["synthetic"]["rows"] == 2


def test_the_grid_shows_only_them_with_a_draft_and_without(
    client: TestClient, api: TestClient, committed_team: factories.Team, dataset: Version
) -> None:
    signed_in(client, committed_team.admin)
    base = f"/w/{committed_team.admin.workspace_slug}/datasets/{dataset.file_id}"
    for _ in range(2):
        page = client.get(f"{base}?only=synthetic").text
        assert page.count("data-row=") == 2
        assert "People" not in page.partition("<tbody>")[2].partition("</tbody>")[0]
        row = row_named(api, dataset, "People's")
        edit = {"id": row["id"], "values": {"target.answer": "changed"}}
        api.patch(f"/v5/datasets/{dataset.file_id}/draft/datapoints", json={"rows": [edit]})
    both = api.post(
        f"/v5/datasets/{dataset.file_id}/draft/bulk",
        json={"action": "split", "split": "sealed", "synthetic": True},
    )
    assert both.status_code == 200
    found = api.get(f"/v5/datasets/{dataset.file_id}/draft/datapoints?synthetic=true").json()
    assert [row["split"] for row in found["records"]] == ["sealed", "sealed"]
    assert row_named(api, dataset, "Not", "draft/datapoints")["split"] == "train"


def test_a_row_says_who_wrote_it_and_offers_no_field_for_it(
    client: TestClient, api: TestClient, committed_team: factories.Team, dataset: Version
) -> None:
    signed_in(client, committed_team.admin)
    base = f"/w/{committed_team.admin.workspace_slug}/datasets/{dataset.file_id}"
    row = row_named(api, dataset, "Model's")
    page = client.get(f"{base}/rows/{row['id']}").text
    assert "asked by support/make_rows v3" in page
    assert f'href="/w/{committed_team.admin.workspace_slug}/logs/log_1"' in page
    editing = client.get(f"{base}/draft/rows/{row['id']}").text
    assert "it stays marked as synthetic" in editing
    assert "value.metadata.synthetic" not in editing
    assert "value.metadata.by" in editing


def test_a_log_of_such_a_row_becomes_such_a_row(
    client: TestClient, api: TestClient, committed_team: factories.Team, dataset: Version
) -> None:
    row = row_named(api, dataset, "Model's")
    with unit_of_work() as session:
        prompt = factories.prompt(session, committed_team.admin)
        asked = {"inputs": row["inputs"], "output": "2", "source_datapoint_id": row["id"]}
        marked = factories.logged(session, committed_team.admin, prompt, **asked)
        plain = factories.logged(
            session, committed_team.admin, prompt, inputs={"question": "own"}, output="1"
        )
    signed_in(client, committed_team.admin)
    form = {"log": [marked, plain], "path": "kept/rows", "_csrf": csrf_of(client)}
    client.post(f"/w/{committed_team.admin.workspace_slug}/kept-logs", data=form)
    kept = api.post("/v5/files/retrieve-by-path", json={"path": "kept/rows"}).json()
    rows = api.get(f"/v5/datasets/{kept['id']}/datapoints").json()["records"]
    assert [row["metadata"].get("synthetic") for row in rows] == [MARK, None]
