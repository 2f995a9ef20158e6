"""The prompt editor over its real doors: opening, running with and without a stream, committing."""

import html
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.access import Role
from app.core.database import unit_of_work
from app.files import deployments
from app.files.models import Version
from app.providers.service import ProviderChange, create_provider
from tests import factories
from tests.web import csrf_of, signed_in


@pytest.fixture
def prompt(committed_team: factories.Team) -> Version:
    """A prompt with a dataset beside it."""
    with unit_of_work() as session:
        factories.dataset(session, committed_team.admin, 3, "tests/rows")
        return factories.prompt(session, committed_team.admin, "tests/asked")


def _base(team: factories.Team, prompt: Version) -> str:
    return f"/w/{team.workspace.slug}/prompts/{prompt.file_id}"


def _form(client: TestClient, **changes: Any) -> dict[str, Any]:
    """The editor's form with two messages."""
    form = {
        "_csrf": csrf_of(client),
        "base": "1",
        "model": "practice-1",
        "provider": "practice",
        "role": ["system", "user"],
        "name": ["", ""],
        "content": ["Answer shortly, in {{style}}.", "{{question}}"],
        "extra": ["", ""],
        "input.question": "What is the capital of France?",
        "input.style": "prose",
    }
    return form | changes


def _words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def _logs(file_id: str) -> list[Any]:
    with unit_of_work() as session:
        rows = session.execute(
            text(
                "select source, version_id, output, error, inputs, datapoint_id from log where file_id = :f"
            ),
            {"f": file_id},
        )
        return list(rows)


def test_the_editor_opens_the_newest_version_on_a_row_that_fits(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    signed_in(client, committed_team.admin)
    page = client.get(f"{_base(committed_team, prompt)}/edit?row=2").text
    assert "Answer shortly." in page
    assert "row 2 of 3" in page
    assert "question 1" in page, "the input is filled from the row"
    assert "answer 1" in page, "the target stands beside it"
    assert "practice model, not an LLM" in page
    assert "Commit v2" in page


def test_another_row_keeps_what_was_typed_into_messages(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    signed_in(client, committed_team.admin)
    with unit_of_work() as session:
        rows = session.scalar(text("select id from file where path = 'tests/rows'"))
    form = _form(client, dataset=rows, row="1", action="row:3")
    page = client.post(f"{_base(committed_team, prompt)}/edit", data=form).text
    assert "row 3 of 3" in page
    assert "question 2" in page
    assert "Answer shortly, in {{style}}." in page


def test_any_dataset_is_offered_and_the_one_of_the_last_evaluation_comes_first(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        for n in range(55):
            factories.dataset(session, admin, [{"inputs": {"question": f"other {n}"}}], f"tests/a{n:02}")
        far = factories.dataset(session, admin, [{"inputs": {"question": "far away"}}], "zoo/rows")
        evaluation = factories.evaluation(session, admin, prompt, factories.evaluator(session, admin))
        factories.finish_run(session, factories.started_run(session, admin, evaluation, prompt, far), ["so"])
    signed_in(client, admin)
    page = client.get(f"{_base(committed_team, prompt)}/edit").text
    assert f'value="{far.file_id}" selected' in page
    assert "far away" in page
    asked = client.get(f"{_base(committed_team, prompt)}/edit?dataset={far.file_id}")
    assert "far away" in asked.text
    assert asked.text.count("<option") > 55
    assert client.get(f"{_base(committed_team, prompt)}/edit?dataset=none").status_code == 404


def test_a_run_streams_its_answer_and_is_logged(
    client: TestClient, committed_team: factories.Team, prompt: Version, practice: str
) -> None:
    signed_in(client, committed_team.admin)
    headers = {"accept": "text/event-stream"}
    answer = client.post(f"{_base(committed_team, prompt)}/run", data=_form(client), headers=headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = re.findall(r"event: (\w+)\ndata: (.*)\n\n", answer.text)
    names = [name for name, _ in events]
    assert names[-1] == "done"
    assert set(names[:-1]) == {"token"}
    streamed = "".join(json.loads(data)["text"] for name, data in events if name == "token")
    card = _words(json.loads(events[-1][1])["html"])
    assert " ".join(streamed.split()) in card
    assert "practice model, not an LLM" in card
    assert "finished: stop" in card
    assert "$0.00" in card
    (log,) = _logs(prompt.file_id)
    assert log.source == "editor"
    assert log.output == streamed
    assert log.inputs == {"question": "What is the capital of France?", "style": "prose"}


def test_the_log_of_a_draft_names_the_version_that_committing_it_makes(
    client: TestClient, committed_team: factories.Team, prompt: Version, practice: str
) -> None:
    signed_in(client, committed_team.admin)
    base = _base(committed_team, prompt)
    client.post(f"{base}/run", data=_form(client))
    review = client.post(f"{base}/review", data=_form(client)).text
    spec = html.unescape(re.search(r'name="spec" value="([^"]*)"', review)[1])
    done = client.post(
        f"{base}/commit", data={"_csrf": csrf_of(client), "base": "1", "spec": spec, "note": "style"}
    )
    assert done.status_code == 303
    with unit_of_work() as session:
        version = session.execute(
            text(
                "select id, number, note, parent_id from version where file_id = :f order by number desc limit 1"
            ),
            {"f": prompt.file_id},
        ).one()
    assert (version.number, version.note, version.parent_id) == (2, "style", prompt.id)
    assert [log.version_id for log in _logs(prompt.file_id)] == [version.id]


def test_without_a_script_a_run_is_a_page_with_the_answer(
    client: TestClient, committed_team: factories.Team, prompt: Version, practice: str
) -> None:
    signed_in(client, committed_team.admin)
    answer = client.post(f"{_base(committed_team, prompt)}/run", data=_form(client))
    assert answer.status_code == 200
    assert 'data-finished="done"' in answer.text
    assert "Answer shortly, in {{style}}." in answer.text, "the draft is still in the form"


def test_the_base_runs_beside_the_draft_on_the_same_inputs(
    client: TestClient, committed_team: factories.Team, prompt: Version, practice: str
) -> None:
    """Without a script both at once; with one, each by a request of its own."""
    signed_in(client, committed_team.admin)
    base = _base(committed_team, prompt)
    answer = client.post(f"{base}/run", data=_form(client, panes="both"))
    assert re.findall(r'data-finished="(\w+)" data-log="[^"]+" data-name="([^"]+)"', answer.text) == [
        ("done", "v1"),
        ("done", "Draft"),
    ]
    assert '<option value="both" selected' in answer.text, "it stays chosen"
    streamed = client.post(
        f"{base}/run", data=_form(client, side="base"), headers={"accept": "text/event-stream"}
    )
    assert 'data-name=\\"v1\\"' in streamed.text

    logs = _logs(prompt.file_id)
    assert sorted(log.version_id == prompt.id for log in logs) == [False, True, True]
    assert all(log.inputs["question"] == "What is the capital of France?" for log in logs)


def test_a_provider_that_refuses_shows_its_own_words(
    client: TestClient, committed_team: factories.Team, prompt: Version, practice: str
) -> None:
    signed_in(client, committed_team.admin)
    answer = client.post(
        f"{_base(committed_team, prompt)}/run",
        data=_form(client, model="no-such-model"),
        headers={"accept": "text/event-stream"},
    )
    (event,) = re.findall(r"event: problem\ndata: (.*)\n\n", answer.text)
    card = json.loads(event)["html"]
    assert "no-such-model" in card
    assert "What the provider sent" in card
    (log,) = _logs(prompt.file_id)
    assert "no-such-model" in log.error


def test_a_missing_provider_is_said_where_the_action_was(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    signed_in(client, committed_team.admin)
    answer = client.post(f"{_base(committed_team, prompt)}/run", data=_form(client, provider="gone"))
    assert answer.status_code == 404
    assert "There is no provider `gone`" in answer.text
    assert "Answer shortly, in {{style}}." in answer.text, "nothing typed is lost"


def test_a_wrong_setting_keeps_everything_that_was_typed(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    signed_in(client, committed_team.admin)
    for action in ("run", "review"):
        answer = client.post(
            f"{_base(committed_team, prompt)}/{action}", data=_form(client, temperature="warm")
        )
        assert answer.status_code == 422
        assert 'value="warm"' in answer.text
        assert "Enter a number, or nothing." in answer.text
        assert "Answer shortly, in {{style}}." in answer.text


def test_the_same_content_says_so_and_a_commit_needs_a_reason(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    signed_in(client, committed_team.admin)
    base = _base(committed_team, prompt)
    same = _form(client, content=["Answer shortly.", "{{question}}"])
    assert "The same content is the same version" in _words(client.post(f"{base}/review", data=same).text)
    review = client.post(f"{base}/review", data=_form(client)).text
    assert "1 line changed" in _words(review)
    assert "<ins>, in {{style}}</ins>" in review
    spec = html.unescape(re.search(r'name="spec" value="([^"]*)"', review)[1])
    refused = client.post(f"{base}/commit", data={"_csrf": csrf_of(client), "base": "1", "spec": spec})
    assert refused.status_code == 422
    assert "Say in a line why" in refused.text
    form = {"_csrf": csrf_of(client), "base": "1", "spec": spec, "note": "styled", "then": "evaluate"}
    asked = client.post(f"{base}/commit", data=form).headers["location"]
    assert asked.endswith(f"/evaluations/new?prompt={prompt.file_id}&versions=1,2&baseline=1")


def test_a_new_prompt_is_committed_at_its_path_and_no_other(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    signed_in(client, committed_team.admin)
    slug = committed_team.workspace.slug
    page = client.get(f"/w/{slug}/prompts/new?path=tests/").text
    assert 'value="tests/"' in page
    review = client.post(f"/w/{slug}/prompts/new/review", data=_form(client, base="", path="tests/made")).text
    spec = html.unescape(re.search(r'name="spec" value="([^"]*)"', review)[1])
    form = {"_csrf": csrf_of(client), "base": "", "spec": spec, "note": "first"}
    taken = client.post(f"/w/{slug}/prompts/new/commit", data=form | {"path": "tests/asked"})
    assert taken.status_code == 422
    assert "is taken" in taken.text
    done = client.post(f"/w/{slug}/prompts/new/commit", data=form | {"path": "tests/made"})
    assert done.status_code == 303
    assert "made" in client.get(done.headers["location"]).text


def test_a_reader_sees_the_editor_and_why_they_may_not_run_it(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    with unit_of_work() as session:
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
    signed_in(client, viewer)
    page = client.get(f"{_base(committed_team, prompt)}/edit").text
    assert "Answer shortly." in page
    assert page.count('aria-disabled="true"') >= 2
    assert "This needs the role admin or developer or member" in page
    assert client.post(f"{_base(committed_team, prompt)}/run", data=_form(client)).status_code == 403


class _Watching(BaseHTTPRequestHandler):
    """A provider that looks at the database while it is being asked."""

    idle: ClassVar[list[int]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        with unit_of_work() as session:
            found = session.scalar(
                text("""select count(*) from pg_stat_activity where datname = current_database()
                        and state like 'idle in transaction%' and pid <> pg_backend_pid()""")
            )
        self.idle.append(found)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for choice in ({"delta": {"content": "Paris"}}, {"delta": {}, "finish_reason": "stop"}):
            event = {"model": "m", "choices": [{"index": 0, "finish_reason": None} | choice]}
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_: Any) -> None:
        """Keep the tests' output clean."""


@pytest.mark.parametrize("accept", ["text/event-stream", "text/html"])
def test_no_transaction_is_open_while_the_model_answers(
    client: TestClient, committed_team: factories.Team, prompt: Version, accept: str
) -> None:
    _Watching.idle.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Watching) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        change = ProviderChange(name="own", base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="k")
        with unit_of_work() as session:
            create_provider(session, committed_team.admin, change)
        signed_in(client, committed_team.admin)
        answer = client.post(
            f"{_base(committed_team, prompt)}/run",
            data=_form(client, provider="own", model="m"),
            headers={"accept": accept},
        )
        server.shutdown()
    assert "Paris" in answer.text
    assert "price not known" in answer.text
    assert _Watching.idle == [0]


def test_the_protected_environment_is_the_admins(
    client: TestClient, committed_team: factories.Team, prompt: Version
) -> None:
    with unit_of_work() as session:
        developer = factories.member(session, committed_team.workspace, Role.DEVELOPER)
        production = deployments.get_environment(session, committed_team.admin, "production")
        deployments.change_environment(session, committed_team.admin, production, protected=True)
        factories.prompt(session, committed_team.admin, "tests/asked", temperature=1)
    base = _base(committed_team, prompt)
    signed_in(client, developer)
    form = {"_csrf": csrf_of(client), "version": 2, "environment": production.id}
    assert "production is protected" in client.get(f"{base}/deploy").text
    assert client.post(f"{base}/deploy", data=form).status_code == 403
    client.cookies.clear()
    signed_in(client, committed_team.admin)
    done = client.post(f"{base}/deploy", data=form | {"_csrf": csrf_of(client)})
    assert done.status_code == 303
    page = _words(client.get(done.headers["location"]).text)
    assert "v2 answers in production" in page


@pytest.mark.parametrize(
    "changes",
    [
        {"rest": "null"},
        {"rest": "[1]"},
        {"extra": ["null", "{}"]},
        {"base": "9" * 5000},
        {"seed": "9" * 20},
        {"reasoning_effort": "9" * 20},
        {"other": '{"a": ' + "9" * 20 + "}"},
        {"other": '{"a": NaN}'},
        {"other": '{"a": ' + "[" * 200 + "]" * 200 + "}"},
    ],
)
def test_what_cannot_be_a_version_is_refused_and_never_a_crash(
    client: TestClient, committed_team: factories.Team, prompt: Version, changes: dict[str, Any]
) -> None:
    signed_in(client, committed_team.admin)
    answer = client.post(f"{_base(committed_team, prompt)}/review", data=_form(client, **changes))
    assert answer.status_code in (200, 422) if "base" in changes else answer.status_code == 422, answer.text
