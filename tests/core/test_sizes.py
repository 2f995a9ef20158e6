"""Bodies that are too large, or made of too much, are refused while they stream, in bounded time and memory; and what is
large but allowed stays quick to look at. Processor time and memory are those of a web process of its own."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Self

import httpx2
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.core.database import unit_of_work
from app.core.formats import MOST_SHOWN
from tests import factories
from tests.web import csrf_of, signed_in, with_key
from tests.web_process import WebProcess, running_web

MIB = 1 << 20
LINE = "word " * 200_000
"""A million characters without a line end."""
MOST_S = 8
"""Of processor time for what is written, on a slow machine: what this keeps out is work that grows with the square of a
text, which takes minutes."""
PAGE_S = 2
"""The same for a page that shows it."""


def _pieces(mib: int) -> Iterator[bytes]:
    yield b"question\n"
    for _ in range(mib):
        yield b"x" * (MIB - 1) + b"\n"


@pytest.fixture
def web(database: Engine) -> Iterator[WebProcess]:
    """One that has answered, and has loaded what it loads once it has."""
    with running_web() as process:
        httpx2.get(f"{process.url}/signin", timeout=60).raise_for_status()
        level = 0
        while (memory := process.memory()) > level + MIB // 2:
            level = memory
            time.sleep(2)
        yield process


@pytest.fixture
def key(database: Engine) -> str:
    with unit_of_work() as session:
        return factories.key(session, factories.team(session).admin)


class Peak:
    """The most memory that a process has while this is open."""

    def __init__(self, web: WebProcess) -> None:
        self._web, self._open = web, True
        self.before = self.most = web.memory()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while self._open:
            self.most = max(self.most, self._web.memory())
            time.sleep(0.002)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._open = False
        self._thread.join()

    @property
    def grown(self) -> int:
        return self.most - self.before


@pytest.mark.long
def test_an_upload_over_200_mib_is_refused_while_it_streams(web: WebProcess, key: str) -> None:
    with httpx2.Client(base_url=web.url, headers={"x-api-key": key}, timeout=120) as client:
        made = client.post(
            "/v5/datasets", json={"path": "rows", "datapoints": [{"inputs": {"q": "a"}}]}
        ).json()
        address = f"/v5/datasets/{made['id']}/import?filename=r.csv"
        with Peak(web) as peak:
            answer = client.post(address, content=_pieces(201))
        assert answer.status_code == 413
        assert "200 MiB" in answer.json()["detail"]
        assert peak.grown < 60 * MIB, "it lies on disk, not in memory"
        assert client.get(f"/v5/datasets/{made['id']}").json()["datapoints_count"] == 1


@pytest.mark.long
@pytest.mark.parametrize("what", ["one long text", "rows"])
def test_a_body_takes_a_few_times_its_size_in_memory(web: WebProcess, key: str, what: str) -> None:
    texts = ["x" * 4_900_000] if what == "one long text" else ["x" * 1_000] * 9_000
    rows = [{"inputs": {"q": f"{n} {text}"}} for n, text in enumerate(texts)]
    with httpx2.Client(base_url=web.url, headers={"x-api-key": key}, timeout=120) as client:
        small = {"path": "rows", "datapoints": [{"inputs": {"q": "a"}}]}
        client.post("/v5/datasets", json=small).raise_for_status()
        body = json.dumps({"path": "more", "datapoints": rows}).encode()
        with Peak(web) as peak:
            client.post(
                "/v5/datasets", content=body, headers={"content-type": "application/json"}
            ).raise_for_status()
        # Rows are written in turn; one text is held as JSON, for its hash and for the database at the same time.
        assert peak.grown < (3 if what == "rows" else 7) * len(body) + 16 * MIB


def test_an_upload_by_page_may_be_as_large_as_by_api(
    client: TestClient, committed_team: factories.Team
) -> None:
    signed_in(client, committed_team.admin)
    rows = b"question\n" + (b"x" * 1_000_000 + b"\n") * 12
    answer = client.post(
        f"/w/{committed_team.workspace.slug}/datasets/new",
        data={"_csrf": csrf_of(client), "path": "large"},
        files={"file": ("rows.csv", rows)},
    )
    assert answer.status_code == 303, answer.text[-2000:]


def test_a_form_of_too_many_fields_is_refused_at_once(
    client: TestClient, committed_team: factories.Team
) -> None:
    signed_in(client, committed_team.admin)
    address = f"/w/{committed_team.workspace.slug}/prompts/new/edit"
    headers = {"content-type": "application/x-www-form-urlencoded", "x-csrf-token": csrf_of(client)}
    for body in (b"a&" * 4_000_000, b"a=1&" * 2_000_000, b"&" * 8_000_000):
        began = time.process_time()
        answer = client.post(address, content=body, headers=headers)
        assert answer.status_code == 413
        assert "more than 1,000 fields" in answer.text
        assert time.process_time() - began < MOST_S
    assert client.post(address, content=b"&".join([b"a=1"] * 900), headers=headers).status_code != 413


def test_a_message_of_two_million_letters_can_be_typed(
    client: TestClient, committed_team: factories.Team
) -> None:
    """A browser sends a letter that is no ASCII as six bytes or nine."""
    signed_in(client, committed_team.admin)
    text = "é" * 1_200_000
    form = {
        "_csrf": csrf_of(client), "base": "", "role": "user", "name": "", "content": text, "extra": "",
        "model": "practice-1", "provider": "practice", "path": "typed",
    }  # fmt: skip
    answer = client.post(f"/w/{committed_team.workspace.slug}/prompts/new/edit", data=form)
    assert answer.status_code == 200
    assert text in answer.text


WIDE = {f"k{n}": n for n in range(100_000)}
MANY = {f"k{n}": "v" for n in range(10_000)}


def test_large_rows_are_quick_to_write_and_folded_to_read(
    client: TestClient, committed_team: factories.Team
) -> None:
    signed_in(with_key(client, committed_team.admin), committed_team.admin)
    slug = committed_team.workspace.slug
    rows = {
        "a line of a million characters": {"inputs": {"q": LINE}, "target": {"a": LINE}, "context": [LINE]},
        "a word of a million characters": {"inputs": {"q": "x" * 1_000_000}},
        "100,000 metadata keys": {"inputs": {"q": "x"}, "metadata": WIDE},
        "10,000 inputs": {"inputs": {f"k{n}": "v" for n in range(10_000)}, "target": {f"k{n}": "v" for n in range(10_000)}},
    }  # fmt: skip
    for name, row in rows.items():
        began = time.process_time()
        made = client.post("/v5/datasets", json={"path": name, "datapoints": [row]})
        assert made.status_code == 200, made.text
        file_id = made.json()["id"]
        kept = client.get(f"/v5/datasets/{file_id}/datapoints").json()["records"][0]
        assert {part: kept[part] for part in row} == row
        assert time.process_time() - began < MOST_S, name
        for path in ("", "?q=word", f"/rows/{kept['id']}?version=1"):
            _is_quick(client, f"/w/{slug}/datasets/{file_id}{path}")


def test_large_outputs_and_prompts_are_quick_to_look_at(
    client: TestClient, committed_team: factories.Team
) -> None:
    admin, slug = committed_team.admin, committed_team.workspace.slug
    signed_in(client, admin)
    texts = [LINE, "Some sentence here.\n" * 50_000, LINE.replace("word", "ward", 3), "x" * 1_000_000]
    with unit_of_work() as session:
        versions = [
            factories.prompt(session, admin, "large", template=[{"role": "user", "content": text}])
            for text in texts
        ]
        asking = factories.prompt(session, admin, "asking")
        rows = factories.dataset(
            session,
            admin,
            [{"inputs": {"question": f"{n} {LINE}"} | MANY, "metadata": WIDE} for n in range(3)],
        )
        judge = factories.evaluator(session, admin, "contains", text="x")
        evaluation = factories.evaluation(session, admin, asking, judge)
        newer = factories.prompt(session, admin, "asking", temperature=0.5)
        for version, outputs in ((asking, texts[:3]), (newer, texts[1:])):
            factories.finish_run(
                session, factories.started_run(session, admin, evaluation, version, rows), outputs
            )
    base = f"/w/{slug}/evaluations/{evaluation.id}"
    for path in ("", "/rows", "/rows/1", "/rows/2", "/rows/3"):
        _is_quick(client, base + path)
    assert "Of 10,001 inputs the first 200 are shown" in client.get(f"{base}/rows/1").text
    prompt = f"/w/{slug}/prompts/{versions[0].file_id}"
    for path in (
        "",
        "/versions/1",
        "/versions/2",
        "/edit?base=2",
        "/diff?from=1&to=3",
        "/diff?from=1&to=2",
        "/diff?from=2&to=4",
    ):
        _is_quick(client, prompt + path, most_bytes=4 * MIB)


def _is_quick(client: TestClient, address: str, most_bytes: int = 12 * MOST_SHOWN) -> None:
    began = time.process_time()
    page = client.get(address)
    took = time.process_time() - began
    assert page.status_code == 200, address
    assert took < PAGE_S, f"{address}: {took:.2f} s"
    assert len(page.content) < most_bytes, f"{address}: {len(page.content):,} bytes"
