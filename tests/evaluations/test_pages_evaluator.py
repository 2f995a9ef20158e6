"""The pages of evaluators, and trying one: on what was pasted, on a row, with a judge that is a model."""

import html
import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.access import Role
from app.core.database import unit_of_work
from app.evaluators.kinds import all_kinds
from app.providers import service as providers
from app.providers.service import ProviderChange
from tests import factories
from tests.endpoint import running_endpoint
from tests.web import csrf_of, signed_in, with_key


def _url(team: factories.Team) -> str:
    return f"/w/{team.workspace.slug}/evaluators"


def _result(page: str) -> str:
    found = page.split('id="result"')[1].split("</section>", maxsplit=1)[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", found)).split())


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.name)
def test_every_kind_has_a_form(client: TestClient, committed_team: factories.Team, kind) -> None:
    client = signed_in(client, committed_team.admin)
    picker = client.get(f"{_url(committed_team)}/new").text
    assert f"?kind={kind.name}" in picker
    page = client.get(f"{_url(committed_team)}/new?kind={kind.name}").text

    for name in kind.Options.model_fields:
        assert f'name="s.{name}"' in page or f'name="s.{name}.0.path"' in page
    if kind.name == "llm_judge":
        assert re.search(r'name="s\.temperature"[^>]*value="0"', page)


def test_saving_makes_an_evaluator_and_then_versions_with_reasons(
    client: TestClient, committed_team: factories.Team
) -> None:
    client = signed_in(client, committed_team.admin)
    form = {"_csrf": csrf_of(client), "kind": "contains", "path": "Support/Says yes"}
    form |= {"s.text": "yes", "s.want": "any"}
    created = client.post(f"{_url(committed_team)}/new", data=form)
    assert created.status_code == 303, created.text
    url = created.headers["location"]

    unreasoned = client.post(url, data=form | {"s.text": "no"})
    assert unreasoned.status_code == 422
    assert "One line: what changed, and why." in unreasoned.text
    assert client.post(url, data=form | {"s.text": "no", "note": "They say no"}).status_code == 303
    page = client.get(url).text
    assert "They say no" in page
    assert "?version=1" in page
    assert 'value="yes"' in client.get(f"{url}?version=1").text
    assert client.get(f"{url}?version=9").status_code == 404


def test_what_is_wrong_is_said_and_what_was_typed_stays(
    client: TestClient, committed_team: factories.Team
) -> None:
    client = signed_in(client, committed_team.admin)
    form = {"_csrf": csrf_of(client), "kind": "numeric", "s.tolerance": "wide", "path": ""}
    answer = client.post(f"{_url(committed_team)}/new", data=form)

    assert answer.status_code == 422
    assert "Not saved" in answer.text


def test_an_evaluator_is_tried_on_what_was_pasted(client: TestClient, committed_team: factories.Team) -> None:
    client = signed_in(client, committed_team.admin)
    form = {"_csrf": csrf_of(client), "kind": "exact", "output": "Paris", "target": "Paris"}

    assert _result(client.post(f"{_url(committed_team)}/new/test", data=form).text).count("Pass") == 1
    failed = client.post(f"{_url(committed_team)}/new/test", data=form | {"output": "London"})
    assert "Fail" in _result(failed.text)
    assert "no target" in _result(
        client.post(f"{_url(committed_team)}/new/test", data=form | {"target": ""}).text
    )


def test_an_evaluator_is_tried_on_a_row_with_what_the_last_run_said(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        version, rows = factories.prompt(session, admin, "tests/asked"), factories.dataset(session, admin, 3)
        judge = factories.evaluator(session, admin)
        evaluation = factories.evaluation(session, admin, version, judge)
        run = factories.started_run(session, admin, evaluation, version, rows)
        factories.finish_run(session, run, ["answer 0", "wrong", "answer 2"])
    client = signed_in(client, admin)
    url = f"{_url(committed_team)}/{judge.file_id}"
    page = client.get(url, params={"dataset": rows.file_id, "row": "2"}).text

    assert "wrong</textarea>" in page
    assert "What asked v1 said" in page
    form = {"_csrf": csrf_of(client), "kind": "exact", "dataset": rows.file_id, "row": "2", "output": "wrong"}
    assert "Fail" in _result(client.post(f"{url}/test", data=form).text)
    assert "Pass" in _result(client.post(f"{url}/test", data=form | {"output": "answer 1"}).text)


def test_an_old_kind_stays_readable(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        judge = factories.evaluator(session, committed_team.admin)
        session.execute(
            text("update version set spec = jsonb_set(spec::jsonb, '{kind}', '\"retired\"') where id = :id"),
            {"id": judge.id},
        )
    page = signed_in(client, committed_team.admin).get(f"{_url(committed_team)}/{judge.file_id}")

    assert page.status_code == 200
    assert "does not run evaluators of the kind “retired”" in page.text


def test_a_viewer_reads_it_and_may_neither_save_nor_run(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        judge = factories.evaluator(session, committed_team.admin)
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
    client = signed_in(client, viewer)
    url, form = f"{_url(committed_team)}/{judge.file_id}", {"_csrf": csrf_of(client), "kind": "exact"}

    assert client.get(url).text.count('aria-disabled="true"') == 4, "save, run, deploy in each environment"
    assert client.post(url, data=form).status_code == 403
    assert client.post(f"{url}/test", data=form).status_code == 403


def test_the_api_judges_a_log_and_a_testcase(client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        judge = factories.evaluator(session, committed_team.admin, "latency")
        exact = factories.evaluator(session, committed_team.admin)
    client = with_key(client, committed_team.admin)
    body = {"log": {"output": "b", "provider_latency": 0.25}, "testcase": {"target": {"answer": ["a", "b"]}}}
    answer = client.post(f"/v5/evaluators/{exact.file_id}/test", json=body).json()

    assert answer | {"ms": 0} == {
        "judgment": True,
        "rationale": answer["rationale"],
        "stdout": "",
        "engine": None,
        "error": None,
        "ms": 0,
    }
    assert client.post(f"/v5/evaluators/{judge.file_id}/test", json=body).json()["judgment"] == pytest.approx(
        0.25
    )
    assert client.post("/v5/evaluators/ev_none/test", json=body).status_code == 404


def test_a_judge_asks_its_model_and_its_call_is_logged(
    client: TestClient, committed_team: factories.Team
) -> None:
    admin = committed_team.admin
    with running_endpoint(0) as endpoint:
        with unit_of_work() as session:
            providers.create_provider(
                session, admin, ProviderChange(name="fake", base_url=endpoint.base_url, api_key="k")
            )
            rubric = "Is {{log.output}} a greeting?"
            judge = factories.evaluator(
                session, admin, "llm_judge", model="m", provider="fake", rubric=rubric
            )
        body = {"log": {"output": "hello"}, "testcase": {}}
        answer = with_key(client, admin).post(f"/v5/evaluators/{judge.file_id}/test", json=body).json()

    assert (answer["judgment"], answer["rationale"]) == (True, "as the reference says")
    with unit_of_work() as session:
        logged = session.execute(text("select source, file_id, model from log")).all()
    assert [tuple(row) for row in logged] == [("evaluator_test", judge.file_id, "m")]


def test_an_embedding_model_is_asked_and_its_call_is_logged_without_its_vectors(
    client: TestClient, committed_team: factories.Team
) -> None:
    admin = committed_team.admin
    with running_endpoint(0) as endpoint:
        with unit_of_work() as session:
            change = ProviderChange(name="fake", base_url=endpoint.base_url, api_key="k")
            providers.create_provider(session, admin, change)
            judge = factories.evaluator(session, admin, "embedding_similarity", model="e", provider="fake")
        url = f"/v5/evaluators/{judge.file_id}/test"
        body = {"log": {"output": "listen"}, "testcase": {"target": {"answers": ["enlist", "xyz"]}}}
        answer = with_key(client, admin).post(url, json=body).json()
        other = client.post(url, json=body | {"log": {"output": "q"}}).json()
        asked = endpoint.calls()

    assert answer["judgment"] == pytest.approx(1), answer
    assert other["judgment"] == 0
    assert asked == {"listen": 1, "q": 1}
    with unit_of_work() as session:
        logged = session.execute(
            text(
                "select source, output, output_message, prompt_tokens, output_tokens, finish_reason from log "
                "order by prompt_tokens desc"
            )
        ).all()
    assert [tuple(row) for row in logged] == [
        ("evaluator_test", "3 vectors", None, tokens, 0, None) for tokens in (3, 2)
    ]


def test_a_judge_whose_provider_does_not_answer_says_so(
    client: TestClient, committed_team: factories.Team
) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        change = ProviderChange(name="gone", base_url="http://127.0.0.1:9/v1", api_key="k")
        providers.create_provider(session, admin, change)
        judge = factories.evaluator(
            session, admin, "llm_judge", model="m", provider="gone", rubric="{{log.output}}?"
        )
    body = {"log": {"output": "hello"}, "testcase": {}}
    answer = with_key(client, admin).post(f"/v5/evaluators/{judge.file_id}/test", json=body).json()

    assert answer["judgment"] is None
    assert answer["error"].startswith("The judge gave no verdict")


def test_a_program_is_begun_from_an_example_tried_saved_and_shown_again(
    client: TestClient, committed_team: factories.Team
) -> None:
    client = signed_in(client, committed_team.admin)
    begun = client.get(f"{_url(committed_team)}/new?kind=code&example=every-keyword").text
    assert "keywords = testcase[&#34;target&#34;][&#34;keywords&#34;]" in begun
    code = 'def evaluate(log, testcase):\n    print("looking")\n    return testcase["target"]["word"] in log["output"]'
    form = {
        "_csrf": csrf_of(client), "kind": "code", "path": "Support/Says it", "s.code": code, "s.answers": "boolean",
        "s.wanted": "higher", "s.target": "needed", "output": "it says yes", "target": '{"word": "yes"}',
    }  # fmt: skip
    tried = _result(client.post(f"{_url(committed_team)}/new/test", data=form).text)
    assert "Pass" in tried
    assert "looking" in tried
    assert "cpython-seccomp" in tried
    broken = _result(client.post(f"{_url(committed_team)}/new/test", data=form | {"target": "yes"}).text)
    assert "line 3: KeyError: 'word'" in broken

    wrong = client.post(f"{_url(committed_team)}/new", data=form | {"s.code": "def f(:"})
    assert wrong.status_code == 422
    assert "line 1: SyntaxError" in wrong.text
    saved = client.post(f"{_url(committed_team)}/new", data=form)
    assert saved.status_code == 303, saved.text
    page = client.get(saved.headers["location"]).text
    assert "print(&#34;looking&#34;)" in page
    assert re.search(r"<option selected>needed", page)


def test_a_database_is_uploaded_shown_saved_and_tried(
    client: TestClient, committed_team: factories.Team
) -> None:
    client = signed_in(client, committed_team.admin)
    url, form = _url(committed_team), {"_csrf": csrf_of(client), "kind": "sql_match", "path": "SQL/Match"}
    without = client.post(f"{url}/new", data=form)
    assert without.status_code == 422
    assert "Upload a file." in without.text

    content = factories.sqlite_file("create table orders (a); insert into orders values (7)")
    upload = {"file": ("shop.sqlite", content)}
    shown = client.post(f"{url}/new/database", data=form, files=upload).text
    assert "shop.sqlite" in shown
    assert "1 table<" in shown
    assert 'value="SQL/Match"' in shown
    hash_ = re.search(r'name="s\.database" value="([0-9a-f]{64})"', shown)
    assert hash_

    form |= {"s.database": hash_[1], "s.in_fence": "on"}
    tried = client.post(
        f"{url}/new/test", data=form | {"output": "select a from orders", "target": "select 7"}
    )
    assert "Pass" in _result(tried.text)
    assert "both find 1 row" in _result(tried.text)
    created = client.post(f"{url}/new", data=form)
    assert created.status_code == 303, created.text
    assert "orders" in client.get(created.headers["location"]).text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"id,name\n1,a\n", "This is no SQLite database."),
        (b"SQLite format 3\0" + bytes(21 << 20), "The file has more than 20 MiB."),
        (None, "Choose a file first."),
    ],
    ids=["CSV", "21 MiB", "nothing"],
)
def test_a_wrong_file_is_said_beside_its_field(
    client: TestClient, committed_team: factories.Team, content: bytes | None, said: str
) -> None:
    client = signed_in(client, committed_team.admin)
    form = {"_csrf": csrf_of(client), "kind": "sql_match"}
    upload = {"file": ("file.db", content)} if content else {"file": ("", b"")}
    answer = client.post(f"{_url(committed_team)}/new/database", data=form, files=upload)

    assert answer.status_code == 422
    assert said in answer.text.split('id="database"')[1].split("</div>\n", maxsplit=1)[0]


def test_several_evaluators_are_put_together_kept_in_their_versions_and_tried(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        exact = factories.evaluator(session, admin, "exact", "tests/Right")
        factories.evaluator(session, admin, "length", "tests/Length", unit="words")
    client = signed_in(client, committed_team.admin)
    begun = client.get(f"{_url(committed_team)}/new?kind=composite").text
    assert begun.count('<option value="tests/Right">') == 1
    form = {
        "_csrf": csrf_of(client), "kind": "composite", "path": "tests/Both", "s.rule": "weighted",
        "s.parts.0.path": "tests/Right", "s.parts.0.weight": "3", "s.parts.2.path": "tests/Length",
        "output": "enlist", "target": '{"output": "enlist"}',
    }  # fmt: skip
    refused = client.post(f"{_url(committed_team)}/new", data=form)
    assert (refused.status_code, "“tests/Length” is no share" in html.unescape(refused.text)) == (422, True)
    assert 'value="tests/Length"' in refused.text, "nothing that was typed is lost"
    form["s.parts.2.at_least"] = "2"
    assert "0.75" in _result(client.post(f"{_url(committed_team)}/new/test", data=form).text)
    saved = client.post(f"{_url(committed_team)}/new", data=form)
    assert saved.status_code == 303, saved.text
    with unit_of_work() as session:
        second = factories.evaluator(session, admin, "exact", "tests/Right", ignore_case=True)
        spec = session.scalar(
            text("select v.spec from version v join file f on f.id = v.file_id where f.path = 'tests/Both'"
                 " and f.workspace_id = :workspace"), {"workspace": committed_team.workspace.id}
        )  # fmt: skip
    parts = spec["settings"]["parts"]
    assert [(one["path"], one["weight"], one.get("at_least")) for one in parts] == [
        ("tests/Right", 3, None), ("tests/Length", 1, 2)
    ]  # fmt: skip
    assert (parts[0]["version_id"], parts[0]["spec"]) == (exact.id, exact.spec), "not the newer one"
    shown = client.get(saved.headers["location"]).text
    assert 'name="s.parts.0.path" value="tests/Right"' in shown

    api = with_key(client, committed_team.admin)
    again = api.post("/v5/evaluators", json={"path": "tests/Both", "spec": spec}).json()
    assert again["spec"]["settings"]["parts"][0]["version_id"] == exact.id
    read = api.post("/v5/evaluators", json={"path": "tests/Both", "spec": again["spec"]}).json()
    assert read == again, "what was read can be sent again"
    named = {"kind": "composite", "settings": {"parts": [{"version_id": second.id}]}}
    newer = api.post("/v5/evaluators", json={"path": "tests/Both", "spec": named}).json()
    assert newer["spec"]["settings"]["parts"][0]["spec"]["settings"]["ignore_case"] is True
    forged = {"kind": "composite", "settings": {"parts": [parts[0] | {"version_id": second.id}]}}
    refused = api.post("/v5/evaluators", json={"path": "tests/Both", "spec": forged})
    assert (refused.status_code, "its spec is not that of its version" in refused.text) == (422, True)
    unknown = {"kind": "composite", "settings": {"parts": [{"path": "tests/Nowhere"}]}}
    missing = api.post("/v5/evaluators", json={"path": "tests/Both", "spec": unknown})
    assert (missing.status_code, "Part 1: There is no evaluator at" in missing.text) == (422, True)
