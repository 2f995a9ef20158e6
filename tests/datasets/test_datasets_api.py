"""Datasets at `/v5`, as a client of the API meets them."""

import pytest
from fastapi.testclient import TestClient

from tests import factories
from tests.web import with_key

BOUNDARY = "d9a7c1f0e3b24b6f"


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


def dataset(api: TestClient, **more) -> dict:
    answer = api.post("/v5/datasets", json={"path": "rows", **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def row(text: str) -> dict:
    return {"inputs": {"question": text}, "messages": None, "target": {"output": text.upper()}}


def multipart(**parts: str | bytes) -> bytes:
    """A body as httpx writes it."""
    body = b""
    for name, value in parts.items():
        file = b'; filename="upload"\r\nContent-Type: application/octet-stream' if name == "file" else b""
        body += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'.encode() + file + b"\r\n\r\n"
        body += (value if isinstance(value, bytes) else value.encode()) + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


def upload(api: TestClient, file_id: str, body: bytes, content_type: str = "multipart/form-data", **query):
    url = f"/v5/datasets/{file_id}/datapoints/csv"
    return api.post(url, content=body, headers={"content-type": content_type}, params=query)


def test_nothing_added_is_the_version_that_is_there(api: TestClient) -> None:
    made = dataset(api, datapoints=[row("a")], attributes={"of": "May"})
    again = dataset(api, datapoints=[], action="add")
    assert again["version_id"] == made["version_id"]
    assert again["attributes"] == {"of": "May"}, "attributes of the base stay where rows are added"
    assert len(api.get(f"/v5/datasets/{made['id']}/versions").json()["records"]) == 1


def test_rows_are_added_to_the_newest_version_and_removed_again(api: TestClient) -> None:
    first = dataset(api, datapoints=[row("a")])
    second = dataset(api, datapoints=[row("b"), row("a")], action="add")
    third = dataset(api, datapoints=[row("c")], action="add")
    assert (second["datapoints_count"], third["datapoints_count"]) == (2, 3)
    assert dataset(api, datapoints=[row("c")], action="remove")["version_id"] == second["version_id"]
    on_first = api.post(
        "/v5/datasets",
        json={"id": first["id"], "path": None, "datapoints": [row("d")], "action": "add"},
        params={"version_id": first["version_id"], "include_datapoints": "true"},
    ).json()
    assert [each["inputs"]["question"] for each in on_first["datapoints"]] == ["a", "d"]
    shown = api.get(f"/v5/datasets/{first['id']}").json()
    assert shown["version_id"] == first["version_id"], "the first version is what runs in production"


def test_the_newest_version_comes_with_its_rows_when_asked(api: TestClient) -> None:
    made = dataset(api, datapoints=[row("a")])
    dataset(api, datapoints=[row("b")], action="add")
    url = f"/v5/datasets/{made['id']}/versions"
    newest, first = api.get(url, params={"include_datapoints": "latest_saved"}).json()["records"]
    assert len(newest["datapoints"]) == 2
    assert first["datapoints"] is None
    assert [each["datapoints"] for each in api.get(url).json()["records"]] == [None, None]


@pytest.mark.parametrize("content_type", ["multipart/form-data", f"multipart/form-data; boundary={BOUNDARY}"])
def test_a_csv_file_comes_as_a_form_without_a_boundary_in_its_header(
    api: TestClient, content_type: str
) -> None:
    made = dataset(api, datapoints=[row("a")])
    body = multipart(
        version_name="with b", version_description="from the field", file="question,target.output\nb,B\na,A\n"
    )
    answer = upload(api, made["id"], body, content_type)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["version_name"], shown["version_description"]) == ("with b", "from the field")
    assert (shown["datapoints_count"], shown["path"]) == (2, "rows")
    page = api.get(f"/v5/datasets/{made['id']}/datapoints", params={"version_id": shown["version_id"]}).json()
    assert [each["inputs"] for each in page["records"]] == [{"question": "a"}, {"question": "b"}]


def test_a_csv_file_is_added_to_the_version_that_is_named(api: TestClient) -> None:
    made = dataset(api, datapoints=[row("a")])
    dataset(api, datapoints=[row("b")], action="add")
    shown = upload(api, made["id"], multipart(file="question\nc\n"), version_id=made["version_id"]).json()
    assert shown["datapoints_count"] == 2
    gone = upload(api, made["id"], multipart(file="question\nc\n"), environment="moon")
    assert gone.json() == {"detail": "Environment moon does not exist"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"question\na\n",
        multipart(version_name="x"),
        multipart(file=b"PK\x03\x04"),
    ],
)
def test_a_form_that_cannot_be_read_is_said_in_the_shape_that_clients_read(
    api: TestClient, body: bytes
) -> None:
    made = dataset(api, datapoints=[row("a")])
    refused = upload(api, made["id"], body)
    assert refused.status_code == 422, refused.text
    assert all(said.keys() == {"loc", "msg", "type"} for said in refused.json()["detail"])
    assert len(api.get(f"/v5/datasets/{made['id']}/versions").json()["records"]) == 1


def test_a_wrong_line_of_a_csv_file_is_named(api: TestClient) -> None:
    made = dataset(api, datapoints=[row("a")])
    refused = upload(api, made["id"], multipart(file="question,target\nb,B\nc,C,too many\n"))
    assert refused.status_code == 422
    (said,) = refused.json()["detail"]
    assert said["loc"] == ["body", "file", "3"]


def test_pages_of_rows(api: TestClient) -> None:
    made = dataset(api, datapoints=[row(str(n)) for n in range(60)])
    url = f"/v5/datasets/{made['id']}/datapoints"
    first = api.get(url).json()
    assert (len(first["records"]), first["size"], first["total"]) == (50, 50, 60)
    assert first["records"][0].keys() >= {"id", "inputs", "messages", "target"}
    assert api.get(url, params={"page": 3}).json()["records"] == []
