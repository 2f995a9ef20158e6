"""`./whetstone gate` against a real server, run by a Python that has none of our packages."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import Engine

from app.commands.server import Server, ServerError
from app.core.access import Role
from app.core.database import unit_of_work
from app.embedded.layout import CLONE
from app.evaluations.models import Evaluation
from app.files.models import Version
from tests import factories
from tests.web_process import running_web

BASE_PYTHON = sys._base_executable
"""A Python outside any environment, as a CI machine's."""
RIGHT = [f"answer {n}" for n in range(40)]


@dataclass
class Pipeline:
    """A machine that has a checkout, an address and a key, and an evaluation called “Release”."""

    url: str
    key: str
    folder: Path
    admin: factories.Principal
    evaluation: Evaluation
    prompt: Version
    rows: Version

    def command(self, *words: str) -> list[str]:
        return [BASE_PYTHON, str(CLONE / "whetstone"), "gate", "--evaluation", "Release", *words]

    def environment(self, **more: str) -> dict[str, str]:
        return {
            "PATH": "/usr/bin:/bin",
            "WHETSTONE_BASE_URL": self.url,
            "WHETSTONE_API_KEY": self.key,
            **more,
        }

    def gate(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words), env=self.environment(**environment), cwd=self.folder, capture_output=True,
            text=True, timeout=120, check=False,
        )  # fmt: skip


@pytest.fixture
def pipeline(database: Engine, committed_team: factories.Team, tmp_path: Path) -> Iterator[Pipeline]:
    admin = committed_team.admin
    with unit_of_work() as session:
        prompt = factories.prompt(session, admin, "gate/prompt")
        rows = factories.dataset(session, admin, 40)
        exact = factories.evaluator(session, admin, "exact", "gate/exact")
        evaluation = factories.evaluation(session, admin, prompt, exact, name="Release")
        viewer = factories.key(session, admin, Role.VIEWER)
    with running_web() as web:
        yield Pipeline(web.url, viewer, tmp_path, admin, evaluation, prompt, rows)


def test_the_exit_code_says_passed_failed_or_undecided_and_files_are_written(pipeline: Pipeline) -> None:
    with unit_of_work() as session:
        run = factories.started_run(
            session, pipeline.admin, pipeline.evaluation, pipeline.prompt, pipeline.rows
        )
        factories.finish_run(session, run, RIGHT)

    passed = pipeline.gate(
        "--min", "gate/exact=90%", "--max-failed", "1%", "--markdown", "out/gate.md", "--junit", "gate.xml", "--json", "gate.json",
    )  # fmt: skip
    assert (passed.returncode, passed.stderr) == (0, "")
    assert passed.stdout.startswith("Gate passed: 2 passed\nv1 of gate/prompt, in “Release”\n")
    assert (
        "PASSED     gate/exact: at least 90.0%\n           100%, 95% CI 91.2–100.0, 40 rows\n"
        in passed.stdout
    )
    assert passed.stdout.rstrip().endswith(f"/evaluations/{pipeline.evaluation.id}")
    decision = json.loads((pipeline.folder / "gate.json").read_text())
    assert decision["markdown"] == (pipeline.folder / "out" / "gate.md").read_text()
    suites = ET.fromstring((pipeline.folder / "gate.xml").read_bytes())
    assert (suites.attrib["tests"], suites.attrib["failures"]) == ("2", "0")

    failed = pipeline.gate("--min", "gate/exact=0.95", "--junit", "gate.xml")
    assert failed.returncode == 1
    assert "FAILED     gate/exact: at least 95.0%" in failed.stdout
    assert ET.fromstring((pipeline.folder / "gate.xml").read_bytes()).attrib["failures"] == "1"

    for words, said in (
        (["--no-regression"], "There is no baseline to compare with"),
        (["--min", "gate/nothing=1"], "The evaluation has no evaluator gate/nothing. It has gate/exact."),
        (["--min", "gate/exact=0.5", "--min-rows", "41"], "40 rows, and a decision takes 41"),
    ):
        undecided = pipeline.gate(*words)
        assert undecided.returncode == 2
        assert said in undecided.stdout

    by_id = pipeline.gate("--min", "gate/exact=0.5", "--evaluation", pipeline.evaluation.id)
    assert by_id.returncode == 0, by_id.stderr


def test_it_waits_for_a_run_as_long_as_it_is_told(pipeline: Pipeline) -> None:
    with unit_of_work() as session:
        run = factories.started_run(
            session, pipeline.admin, pipeline.evaluation, pipeline.prompt, pipeline.rows
        )
    late = pipeline.gate("--max-failed", "0", "--wait", "1")
    assert late.returncode == 2
    assert "Waiting: 0 of 40 rows are done." in late.stderr
    assert "0 of 40 rows of v1 are done: ask again when it has ended" in late.stdout

    with subprocess.Popen(
        pipeline.command("--max-failed", "0", "--wait"),
        env=pipeline.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as waiting:  # fmt: skip
        assert waiting.stderr
        assert waiting.stderr.readline() == "Waiting: 0 of 40 rows are done.\n"
        with unit_of_work() as session:
            factories.finish_run(session, session.merge(run), RIGHT)
        out, _ = waiting.communicate(timeout=60)
    assert (waiting.returncode, out.splitlines()[0]) == (0, "Gate passed: 1 passed")


def test_what_is_in_the_way_is_one_line_that_says_what_to_do(pipeline: Pipeline) -> None:
    asks = ("--max-failed", "0")
    for ran, said in (
        (pipeline.gate(*asks, WHETSTONE_API_KEY=""), "Set WHETSTONE_API_KEY to a key of the workspace"),
        (pipeline.gate(*asks, WHETSTONE_BASE_URL=""), "Set WHETSTONE_BASE_URL to the server's address"),
        (pipeline.gate(*asks, WHETSTONE_BASE_URL="whetstone"), "WHETSTONE_BASE_URL is “whetstone”"),
        (pipeline.gate(*asks, WHETSTONE_API_KEY="whet_wrong"), "does not take the key in WHETSTONE_API_KEY"),
        (pipeline.gate(*asks, "--evaluation", "Nothing"), "There is no evaluation with the id Nothing"),
        (pipeline.gate(*asks, "--evaluation", "Not this"), "There is no evaluation called “Not this”"),
        (pipeline.gate(*asks, "--candidate", "run_x"), "no run, and no run of a version, with the id run_x"),
        (pipeline.gate(*asks, "--start", "gate/prompt", "--dataset", "d"), "The server answered 403: "),
        (pipeline.gate(*asks, "--dataset", "gate/rows"), "are about the run that --start starts"),
        (pipeline.gate(*asks, "--confidence", "2"), "confidence: "),
        (pipeline.gate(), "Say what has to hold: --min"),
        (pipeline.gate("--min", "a=0.9", "b=1", "--min", "a=80%"), "--min gives a two limits, 0.9 and 0.8"),
    ):
        assert (ran.returncode, ran.stdout) == (2, ""), ran.stdout
        assert said in ran.stderr
        assert ran.stderr.count("\n") == 1, ran.stderr
        assert "whet_wrong" not in ran.stderr

    wrong = pipeline.gate("--min", "gate/exact")
    assert wrong.returncode == 2
    assert "“gate/exact” is not EVALUATOR=NUMBER" in wrong.stderr


def test_an_evaluation_whose_name_two_have_is_named_by_its_id(pipeline: Pipeline) -> None:
    with unit_of_work() as session:
        other = factories.prompt(session, pipeline.admin, "gate/other")
        second = factories.evaluation(session, pipeline.admin, other, name="Release")
    ran = pipeline.gate("--max-failed", "0")
    assert ran.returncode == 2
    assert f"Several evaluations are called “Release”: name one by its id ({second.id}, " in ran.stderr


@contextmanager
def _answering(*answers: tuple[int, dict[str, str], bytes]) -> Iterator[tuple[str, list[str]]]:
    """A server that answers one after the other, the last one from then on; its address, and the keys that it was sent."""
    left, keys = list(answers), []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            keys.append(self.headers["X-API-KEY"])
            status, headers, body = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", keys
        finally:
            server.shutdown()
            thread.join()


def test_the_key_is_not_sent_to_where_an_answer_points() -> None:
    with (
        _answering((200, {}, b"{}")) as (elsewhere, theirs),
        _answering((302, {"Location": f"{elsewhere}/v5/evaluations"}, b"")) as (url, _),
        pytest.raises(ServerError, match=f"moved to {elsewhere}"),
    ):
        Server(url, "whet_secret").get("/evaluations")
    assert theirs == []


def test_a_busy_server_is_asked_again_after_what_it_says() -> None:
    waited: list[float] = []
    busy = (503, {"Retry-After": "7"}, b"")
    with _answering(busy, (429, {}, b""), (200, {}, b'{"records": []}')) as (url, keys):
        assert Server(url, "whet_key", waited.append).get("/evaluations") == {"records": []}
    assert (waited, keys) == ([7.0, 2.0], ["whet_key"] * 3)


def test_a_server_that_is_away_is_told_after_a_few_tries() -> None:
    waited: list[float] = []
    with pytest.raises(ServerError, match=r"http://127\.0\.0\.1:9 cannot be reached: .*refused"):
        Server("http://127.0.0.1:9", "whet_key", waited.append).get("/evaluations")
    assert waited == [1.0, 2.0, 4.0, 8.0]
    with pytest.raises(ServerError, match="cannot be reached"):
        Server("http://127.0.0.1:9", "whet_key", waited.append).post("/evaluations", {}, again=False)
    assert len(waited) == 4, "what would start a run is not sent twice"


@pytest.mark.parametrize("body", [b"<html>", b"[]", b""])
def test_another_kind_of_server_is_told_from_ours(body: bytes) -> None:
    with (
        _answering((200, {}, body)) as (url, _),
        pytest.raises(ServerError, match="does not answer as Whetstone"),
    ):
        Server(f"{url}/v5/", "whet_key").get("/evaluations")


_DECIDED: dict[str, Any] = {
    "unfinished": [], "exit_code": 0, "summary": "", "subject": "", "checks": [], "markdown": "", "junit": "",
    "evaluation": {"name": "", "url": ""},
}  # fmt: skip


@pytest.mark.parametrize(
    ("evaluation", "decision", "code"),
    [
        ({"id": "evl_x", "name": "evl_x"}, _DECIDED, 0),
        ({"name": "evl_x"}, _DECIDED, 2),
        ({"id": "evl_x", "name": "evl_x"}, {}, 2),
        ({"id": "evl_x", "name": "evl_x"}, _DECIDED | {"exit_code": None}, 2),
        ({"id": "evl_x", "name": "evl_x"}, _DECIDED | {"exit_code": "good"}, 2),
        ({"id": "evl_x", "name": "evl_x"}, _DECIDED | {"checks": ["one"]}, 2),
        ({"id": "evl_x", "name": "evl_x"}, _DECIDED | {"markdown": None}, 2),
    ],
)
def test_an_answer_of_another_version_is_undecided(
    evaluation: dict[str, Any], decision: dict[str, Any], code: int, tmp_path: Path
) -> None:
    answers = [
        (200, {}, json.dumps(body).encode()) for body in ({"records": [evaluation], "total": 1}, decision)
    ]
    with _answering(*answers) as (url, _):
        ran = subprocess.run(
            [BASE_PYTHON, str(CLONE / "whetstone"), "gate", "--evaluation", "evl_x", "--max-failed", "0",
             "--markdown", str(tmp_path / "gate.md")],
            env={"PATH": "/usr/bin:/bin", "WHETSTONE_BASE_URL": url, "WHETSTONE_API_KEY": "whet_key"},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert ran.returncode == code, ran.stderr
    assert ran.stderr.startswith("The gate cannot be decided. The server's answer is not") == (code == 2)
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("key", ["a b", "whet_\nX: y", "schlüssel"])
def test_a_key_that_is_none_is_not_sent(key: str) -> None:
    with pytest.raises(ServerError, match="WHETSTONE_API_KEY is no key"):
        Server("http://127.0.0.1:9", key)
