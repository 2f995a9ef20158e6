"""Imports over the API: as the body, as a form, wrong lines, and at size."""

import json
import time
import tracemalloc
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from tests import factories
from tests.web import with_key

GOOD = "question,target.label,split\nwhere is my card,card,test\nI want a refund,refund,test\n"


@pytest.fixture
def dataset_id(committed_team: factories.Team) -> str:
    with unit_of_work() as session:
        return factories.dataset(session, committed_team.admin, 2).file_id


def test_a_csv_body_adds_rows_and_says_how_many(
    client: TestClient, committed_team: factories.Team, dataset_id: str
) -> None:
    with_key(client, committed_team.admin)
    first = client.post(f"/v5/datasets/{dataset_id}/import", content=GOOD).json()
    again = client.post(f"/v5/datasets/{dataset_id}/import", content=GOOD).json()

    assert (first["rows"], first["added"], first["duplicates"], first["errors"]) == (4, 2, 0, [])
    assert (again["rows"], again["added"], again["duplicates"]) == (4, 0, 2)
    assert again["version_id"] == first["version_id"], "the same rows are the same version"
    page = client.get(
        f"/v5/datasets/{dataset_id}/datapoints", params={"version_id": first["version_id"]}
    ).json()
    assert page["total"] == 4
    assert page["records"][2] == page["records"][2] | {
        "inputs": {"question": "where is my card"}, "target": {"label": "card"}, "split": "test",
    }  # fmt: skip
    assert client.get(f"/v5/datasets/{dataset_id}/datapoints", params={"page": 9}).json()["records"] == []


def test_a_form_and_a_mapping(client: TestClient, committed_team: factories.Team, dataset_id: str) -> None:
    with_key(client, committed_team.admin)
    upload = {"file": ("rows.jsonl", b'{"Q": "hi", "A": "greeting"}\n')}
    mapping = '{"Q": "inputs.question", "A": "target.label"}'
    answer = client.post(
        f"/v5/datasets/{dataset_id}/import", files=upload, params={"action": "set", "mapping": mapping}
    ).json()
    row = client.get(
        f"/v5/datasets/{dataset_id}/datapoints", params={"version_id": answer["version_id"]}
    ).json()
    assert answer["rows"] == 1
    assert row["records"][0]["inputs"] == {"question": "hi"}
    assert row["records"][0]["target"] == {"label": "greeting"}


def test_one_wrong_line_and_nothing_is_stored(
    client: TestClient, committed_team: factories.Team, dataset_id: str
) -> None:
    with_key(client, committed_team.admin)
    lines = [f'{{"inputs": {{"q": "row {n}"}}}}' for n in range(500)]
    lines[123] = '{"inputs": {"q": '
    answer = client.post(
        f"/v5/datasets/{dataset_id}/import", content="\n".join(lines), params={"filename": "rows.jsonl"}
    )

    assert answer.status_code == 422
    body = answer.json()
    assert (body["version_id"], [error["line"] for error in body["errors"]]) == (None, [124])
    [wrong] = body["detail"]
    assert wrong == {"loc": ["body", "file", 124], "msg": body["errors"][0]["message"], "type": "value_error"}
    assert body["message"].startswith("One line could not be read.")
    assert len(client.get(f"/v5/datasets/{dataset_id}/versions").json()["records"]) == 1
    assert client.get(f"/v5/datasets/{dataset_id}").json()["datapoints_count"] == 2


def test_one_wrong_line_in_100_000_is_named_and_nothing_is_stored(
    client: TestClient, committed_team: factories.Team, dataset_id: str
) -> None:
    with_key(client, committed_team.admin)
    lines = ["question,target", *(f"question {n},{n}" for n in range(100_000))]
    lines[77_776] = "only,too,many,cells"
    answer = client.post(
        f"/v5/datasets/{dataset_id}/import", content="\n".join(lines), params={"filename": "rows.csv"}
    )
    assert answer.status_code == 422
    assert [error["line"] for error in answer.json()["errors"]] == [77_777]
    assert client.get(f"/v5/datasets/{dataset_id}").json()["datapoints_count"] == 2


@pytest.mark.parametrize(
    ("content", "filename"),
    [
        (b"", "rows.csv"),
        (b"\xff\xfe\x00", "rows.csv"),
        (b'a,b\n"never closed', "rows.csv"),
        (b"[" * 5000, "rows.jsonl"),
    ],
)
def test_odd_files_are_answered_not_crashed_on(
    client: TestClient, committed_team: factories.Team, dataset_id: str, content: bytes, filename: str
) -> None:
    with_key(client, committed_team.admin)
    answer = client.post(f"/v5/datasets/{dataset_id}/import", content=content, params={"filename": filename})
    assert answer.status_code in (200, 422), answer.text


def test_a_wrong_mapping_says_what_is_right(
    client: TestClient, committed_team: factories.Team, dataset_id: str
) -> None:
    with_key(client, committed_team.admin)
    for mapping in ("not json", "[1]", '{"question": "nowhere.x"}'):
        answer = client.post(f"/v5/datasets/{dataset_id}/import", content=GOOD, params={"mapping": mapping})
        assert answer.status_code == 422, mapping


def test_the_page_imports_and_shows_wrong_lines(
    client: TestClient, committed_team: factories.Team, dataset_id: str
) -> None:
    from tests.web import csrf_of, signed_in

    signed_in(client, committed_team.admin)
    page = f"/w/{committed_team.workspace.slug}/datasets/{dataset_id}"
    form = {"_csrf": csrf_of(client), "action": "add"}
    wrong = client.post(f"{page}/import", data=form, files={"file": ("rows.csv", b"q,split\nhi,nowhere\n")})
    right = client.post(f"{page}/import", data=form, files={"file": ("rows.csv", GOOD.encode())})

    assert wrong.status_code == 422
    assert "Nothing was imported" in wrong.text
    assert (right.status_code, right.headers["location"]) == (303, page)
    assert "where is my card" in client.get(page).text
    assert "where is my card" in client.get(page, params={"q": "CARD"}).text
    assert "No row matches" in client.get(page, params={"q": "nothing like it"}).text


def _numbered(rows: int) -> bytes:
    lines = (f"question number {n},{n % 77}\n" for n in range(rows))
    return ("question,target\n" + "".join(lines)).encode()


@pytest.mark.long
def test_100_000_rows_at_once(
    client: TestClient,
    committed_team: factories.Team,
    dataset_id: str,
    record_property: Callable[[str, object], None],
) -> None:
    with_key(client, committed_team.admin)
    address = f"/v5/datasets/{dataset_id}/import"
    began = time.monotonic()
    answer = client.post(address, content=_numbered(100_000), params={"action": "set"})
    took = time.monotonic() - began
    record_property("figures", f"S17 100,000 rows: {took:.1f} s")
    assert took < 30
    assert (answer.status_code, answer.json().get("rows")) == (200, 100_000), answer.text


@pytest.mark.long
def test_rows_are_streamed_and_not_collected(
    client: TestClient, committed_team: factories.Team, dataset_id: str
) -> None:
    """Being watched makes it many times slower: a fifth of the rows, and of the memory."""
    with_key(client, committed_team.admin)
    content = _numbered(20_000)
    tracemalloc.start()
    try:
        answer = client.post(f"/v5/datasets/{dataset_id}/import", content=content, params={"action": "set"})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.json()["rows"] == 20_000
    assert peak < 12 * 2**20, f"{peak / 2**20:.1f} MiB"


def test_what_was_left_out_or_guessed_is_told_by_the_api_and_the_page(
    client: TestClient, committed_team: factories.Team, dataset_id: str
) -> None:
    from tests.web import csrf_of, signed_in

    lost = b'{"inputs": {"q": "a"}, "answer": "LOST"}\n'
    said = "“answer” was left out"
    with_key(client, committed_team.admin)
    address = f"/v5/datasets/{dataset_id}/import"
    answer = client.post(address, content=lost, params={"filename": "r.jsonl"}).json()
    assert [said in warning for warning in answer["warnings"]] == [True]
    latin = client.post(address, content="q\ncafé\n".encode("latin-1")).json()
    assert "Windows-1252" in latin["warnings"][0]
    named = client.post(address, content=b'{"q":"a"}\n{"q":"b"}\n', params={"filename": "r.csv"}).json()
    assert (named["rows"], named["added"]) == (5, 1), "q=a is there already"
    assert "read as JSONL" in named["warnings"][0]

    signed_in(client, committed_team.admin)
    form = {"_csrf": csrf_of(client), "action": "add"}
    page = client.post(
        f"/w/{committed_team.workspace.slug}/datasets/{dataset_id}/import",
        data=form,
        files={"file": ("rows.jsonl", lost)},
    )
    assert page.status_code == 200
    assert said in page.text
    assert "Show the rows" in page.text


@pytest.mark.parametrize(
    ("content", "filename"),
    [
        (b"question,target\n", "rows.csv"),
        (b"PK\x03\x04aaaa", "rows.xlsx"),
        (b"PK\x03\x04aaaa\nb\n", "rows.csv"),
        (b"\n\n", "rows.jsonl"),
    ],
)
def test_a_file_without_rows_empties_nothing(
    client: TestClient, committed_team: factories.Team, dataset_id: str, content: bytes, filename: str
) -> None:
    with_key(client, committed_team.admin)
    answer = client.post(
        f"/v5/datasets/{dataset_id}/import",
        content=content,
        params={"filename": filename, "action": "set"},
    )
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["line"] == 1
    assert client.get(f"/v5/datasets/{dataset_id}").json()["datapoints_count"] == 2


@pytest.mark.parametrize(("content", "name"), [(GOOD, "r.csv"), ('{"question": "x"}\n', "r.jsonl")])
def test_a_mapping_of_what_is_not_there_is_refused(
    client: TestClient, committed_team: factories.Team, dataset_id: str, content: str, name: str
) -> None:
    with_key(client, committed_team.admin)
    params = {"mapping": '{"nowhere": "inputs.q"}', "filename": name}
    answer = client.post(f"/v5/datasets/{dataset_id}/import", content=content, params=params)
    assert answer.status_code == 422
    assert "nowhere" in answer.text
    assert client.get(f"/v5/datasets/{dataset_id}").json()["datapoints_count"] == 2


@pytest.mark.parametrize(
    ("row", "taken"),
    [
        ({"inputs": {"q": "a"}, "messages": [{"foo": 1}]}, False),
        ({"inputs": {"q": "a"}, "messages": [{"role": "martian", "content": "x"}]}, False),
        ({"inputs": {}}, False),
        ({"inputs": {"q": "a"}, "cluster": {"a": 1}}, False),
        ({"inputs": {"q": "a"}, "split": "nowhere"}, False),
        ({"inputs": {"q": "a"}, "cluster": 5}, True),
        ({"inputs": {"q": "a"}, "split": "Test", "target": "yes", "context": "one"}, True),
        ({"inputs": {"q": "a"}, "messages": [{"role": "user", "content": "x"}]}, True),
    ],
)
def test_the_api_and_imports_take_the_same_rows(
    client: TestClient, committed_team: factories.Team, dataset_id: str, row: dict, taken: bool
) -> None:
    with_key(client, committed_team.admin)
    imported = client.post(
        f"/v5/datasets/{dataset_id}/import",
        content=json.dumps(row),
        params={"filename": "r.jsonl", "action": "set"},
    )
    written = client.post("/v5/datasets", json={"path": "by api", "datapoints": [row]})
    assert (imported.status_code, written.status_code) == ((200, 200) if taken else (422, 422)), written.text
    if taken:
        shown = [
            client.get(f"/v5/datasets/{file_id}/datapoints", params={"version_id": version_id}).json()[
                "records"
            ]
            for file_id, version_id in (
                (dataset_id, imported.json()["version_id"]),
                (written.json()["id"], written.json()["version_id"]),
            )
        ]
        assert shown[0] == shown[1]


def _packed() -> dict[str, bytes]:
    import bz2
    import gzip
    import io
    import lzma
    import zipfile

    rows = b"question,target\n" + b"x,y\n" * 20_000_000
    bomb, nested, many, empty = (io.BytesIO() for _ in range(4))
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.csv", rows)
        archive.writestr("xl/worksheets/sheet1.xml", rows)
    with zipfile.ZipFile(nested, "w") as archive:
        archive.writestr("inner.zip", bomb.getvalue())
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(20_000):
            archive.writestr(f"../{number}.csv", b"")
    zipfile.ZipFile(empty, "w").close()
    gzipped = gzip.compress(rows, 6)
    return {
        "bomb.zip": bomb.getvalue(), "bomb.xlsx": bomb.getvalue(), "nested.zip": nested.getvalue(), "many.zip": many.getvalue(),
        "empty.zip": empty.getvalue(), "rows.csv.gz": gzipped, "rows.csv": gzipped, "rows.jsonl": gzip.compress(gzipped),
        "rows.csv.bz2": bz2.compress(rows[:1_000_000]), "rows.csv.xz": lzma.compress(rows[:1_000_000]),
        "old.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 5000, "rows.7z": b"7z\xbc\xaf\x27\x1c" + b"\0" * 99,
        "rows.zst": b"\x28\xb5\x2f\xfd" + b"x" * 99,
    }  # fmt: skip


def test_what_is_packed_is_never_unpacked(
    client: TestClient, committed_team: factories.Team, dataset_id: str
) -> None:
    with_key(client, committed_team.admin)
    for name, content in _packed().items():
        tracemalloc.start()
        began = time.process_time()
        answer = client.post(
            f"/v5/datasets/{dataset_id}/import", content=content, params={"filename": name, "action": "set"}
        )
        took, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert answer.status_code == 422, name
        assert answer.json()["errors_count"] == 1, f"{name}: {answer.text[:500]}"
        assert "unpack it" in answer.json()["errors"][0]["message"], f"{name}: {answer.text[:500]}"
        assert took < 2, name
        assert peak < 3 * len(content) + 10 * 2**20, name
    assert client.get(f"/v5/datasets/{dataset_id}").json()["datapoints_count"] == 2


@pytest.mark.long
def test_one_bad_line_in_100_000_is_named_and_nothing_is_stored(
    client: TestClient, committed_team: factories.Team, dataset_id: str
) -> None:
    with_key(client, committed_team.admin)
    lines = [f'{{"question": "number {n}", "target": "{n % 77}"}}' for n in range(100_000)]
    lines[87_654] = '{"question": "a", "question": "b"}'
    began = time.process_time()
    answer = client.post(
        f"/v5/datasets/{dataset_id}/import",
        content="\n".join(lines),
        params={"filename": "r.jsonl", "action": "set"},
    )
    assert time.process_time() - began < 30
    assert answer.status_code == 422
    assert answer.json()["errors_count"] == 1
    assert answer.json()["errors"][0]["line"] == 87_655
    assert "given twice" in answer.json()["errors"][0]["message"]
    assert client.get(f"/v5/datasets/{dataset_id}").json()["datapoints_count"] == 2
