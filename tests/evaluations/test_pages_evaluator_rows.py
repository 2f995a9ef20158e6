"""Trying an evaluator in its editor on a whole log of the last run, and on a row that was pasted."""

import html
import json
import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.database import unit_of_work
from app.providers import service as providers
from app.providers.service import ProviderChange
from tests import factories
from tests.endpoint import running_endpoint
from tests.web import csrf_of, signed_in

CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}
    ],
}
CODE = """
def evaluate(log):
    return log["output_message"]["tool_calls"][0]["function"]["name"] == "weather" and log["output_tokens"] == 5
"""


def _result(page: str) -> str:
    found = page.split('id="result" aria-live="polite">')[1].split("</section>", maxsplit=1)[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", found)).split())


@pytest.fixture
def called(client: TestClient, committed_team: factories.Team) -> tuple[TestClient, str, str]:
    """A client, the address of trying a new evaluator, and a dataset on whose row a run called the weather."""
    with unit_of_work() as session:
        admin = committed_team.admin
        version = factories.prompt(session, admin, "tests/asked")
        target = {"tool_calls": [{"name": "weather", "arguments": {"city": "Rome"}}], "relevant": ["b"]}
        rows = factories.dataset(
            session, admin, [{"inputs": {"question": "Rain in Rome?"}, "target": target, "context": ["Dry."]}]
        )
        evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
        run = factories.started_run(session, admin, evaluation, version, rows)
        factories.finish_run(session, run, [""])
        session.execute(
            text("update log set output_message = cast(:said as jsonb), finish_reason = 'tool_calls',"
                 " metadata = cast(:found as jsonb) where run_id = :run"),
            {"said": json.dumps(CALL), "found": json.dumps({"retrieved": ["a", "b"]}), "run": run.id},
        )  # fmt: skip
    client = signed_in(client, admin)
    return client, f"/w/{committed_team.workspace.slug}/evaluators/new", rows.file_id


@pytest.mark.parametrize(
    ("kind", "settings", "said", "changed"),
    [
        ("tool_calls", {"s.target_field": "tool_calls"}, "Pass", "Fail"),
        ("latency", {}, "0.12", "Does not apply"),
        ("cost", {}, "0.0003", "Does not apply"),
        ("tokens", {"s.count": "total"}, "15", "Does not apply"),
        ("finish_reason", {"s.accepted": "tool_calls"}, "Pass", "Does not apply"),
        ("retrieval", {"s.retrieved": "log.metadata.retrieved", "s.relevant": "testcase.target.relevant"}, "1", "1"),
        ("code", {"s.code": CODE, "s.answers": "boolean", "s.wanted": "higher", "s.target": "not needed"},
         "Pass", "No verdict"),
    ],
    ids=["tool_calls", "latency", "cost", "tokens", "finish_reason", "retrieval", "code"],
)  # fmt: skip
def test_an_untouched_output_is_judged_by_its_whole_log_and_a_changed_one_by_its_text(
    called: tuple[TestClient, str, str], kind: str, settings: dict[str, str], said: str, changed: str
) -> None:
    client, url, dataset = called
    page = client.get(url, params={"kind": kind, "dataset": dataset, "row": "1"}).text
    assert "What asked v1 said, with a call of <code>weather</code>." in page
    form = dict(re.findall(r'<input[^>]*name="(s\.[^"]+)"[^>]*value="([^"]*)"', page)) | settings
    form |= {
        "_csrf": csrf_of(client),
        "kind": kind,
        "dataset": dataset,
        "row": "1",
        "output": "",
        "taken": "",
    }

    assert _result(client.post(f"{url}/test", data=form).text).startswith(f"{said} ")
    typed = client.post(f"{url}/test", data=form | {"output": "It rains."}).text
    assert _result(typed).startswith(f"{changed} ")
    assert "Only the text: no latency" in typed


def test_what_was_taken_from_another_row_is_not_judged_on_this_one(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        version = factories.prompt(session, admin, "tests/asked")
        rows = factories.dataset(session, admin, 2)
        evaluation = factories.evaluation(session, admin, version, factories.evaluator(session, admin))
        run = factories.started_run(session, admin, evaluation, version, rows)
        factories.finish_run(session, run, ["answer one", "answer two"])
        query = "update run_item set log_id = null where run_id = :run and position = 1"
        session.execute(text(query), {"run": run.id})
    client = signed_in(client, admin)
    url = f"/w/{committed_team.workspace.slug}/evaluators/new"

    def output(**sent: str) -> str:
        page = client.get(url, params={"kind": "exact", "dataset": rows.file_id} | sent).text
        return html.unescape(page.split('id="output"')[1].split(">", 1)[1].split("</textarea>")[0]).strip()

    assert output(row="1") == "answer one"
    assert output(row="2", output="answer one", taken="answer one") == ""
    assert output(row="2", output="typed", taken="answer one") == "typed"
    with unit_of_work() as session:
        cleared = "update log set output = null, payload_cleared_at = now() where run_id = :run"
        session.execute(text(cleared), {"run": run.id})
    page = client.get(url, params={"kind": "latency", "dataset": rows.file_id, "row": "1"}).text
    assert "asked v1 said" not in page, "what it said is not known any more"


def test_an_evaluator_that_is_tried_sees_what_is_nested_under_the_log(
    called: tuple[TestClient, str, str], committed_team: factories.Team
) -> None:
    client, url, dataset = called
    with unit_of_work() as session:
        admin = committed_team.admin
        child = factories.logged(session, admin, factories.tool(session, admin), output="found")
        session.execute(text("update log set trace_id = id where run_id is not null"))
        session.execute(
            text("update log set parent_id = above.id, trace_id = above.id from log above"
                 " where log.id = :child and above.run_id is not null"),
            {"child": child},
        )  # fmt: skip
    code = 'def evaluate(log):\n    return [one["output"] for one in log["trace_children"]] == ["found"]'
    form = {
        "_csrf": csrf_of(client), "kind": "code", "dataset": dataset, "row": "1", "s.code": code,
        "s.answers": "boolean", "s.wanted": "higher", "s.target": "not needed", "output": "", "taken": "",
    }  # fmt: skip
    assert _result(client.post(f"{url}/test", data=form).text).startswith("Pass ")


def test_a_chosen_row_can_be_changed_and_becomes_what_is_pasted(called: tuple[TestClient, str, str]) -> None:
    client, url, dataset = called
    page = client.get(url, params={"kind": "exact", "dataset": dataset, "row": "1"}).text
    case = json.loads(html.unescape(page.split('id="case"')[1].split(">\n", 1)[1].split("</textarea>")[0]))
    assert case == {"inputs": {"question": "Rain in Rome?"}, "context": ["Dry."]}
    pasted = client.get(url, params={"kind": "exact", "dataset": "", "shown": f"{dataset}:1"}).text
    assert "Rain in Rome?" in html.unescape(pasted.split('id="case"')[1].split("</textarea>")[0])

    code = 'def evaluate(log, testcase):\n    print(log["inputs"], testcase["inputs"], testcase["id"])\n    return True'
    form = {
        "_csrf": csrf_of(client), "kind": "code", "dataset": dataset, "row": "1", "s.code": code,
        "s.answers": "boolean", "s.wanted": "higher", "s.target": "needed",
    }  # fmt: skip
    changed = form | {"shown": f"{dataset}:1", "case": '{"inputs": {"question": "Sun in Oslo?"}}'}
    said = _result(client.post(f"{url}/test", data=changed).text)
    assert "{'question': 'Sun in Oslo?'} {'question': 'Sun in Oslo?'} None" in said
    other = client.post(f"{url}/test", data=changed | {"shown": "ds_other:4"}).text
    assert "Rain in Rome?" in _result(other), "what was given to another row is not judged as this one's"


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ('{"inputs": ', "Row: Not valid JSON"),
        ("[1]", 'Row: Write an object, such as {"inputs"'),
        ('{"input": {}}', "Row: “input” is none of inputs, messages, context and metadata."),
        ('{"context": "one"}', "Row: `context` is a list of passages."),
    ],
)
def test_what_is_wrong_with_a_pasted_row_is_said(
    client: TestClient, committed_team: factories.Team, case: str, said: str
) -> None:
    client = signed_in(client, committed_team.admin)
    form = {"_csrf": csrf_of(client), "kind": "exact", "output": "a", "target": "a", "case": case}
    answer = client.post(f"/w/{committed_team.workspace.slug}/evaluators/new/test", data=form)

    assert answer.status_code == 422
    assert said in _result(answer.text)


def test_a_new_judge_is_tried_on_a_pasted_row(client: TestClient, committed_team: factories.Team) -> None:
    with running_endpoint(0) as endpoint:
        with unit_of_work() as session:
            change = ProviderChange(name="fake", base_url=endpoint.base_url, api_key="k")
            providers.create_provider(session, committed_team.admin, change)
        client = signed_in(client, committed_team.admin)
        url = f"/w/{committed_team.workspace.slug}/evaluators/new"
        page = client.get(url, params={"kind": "llm_judge"}).text
        rubric = html.unescape(page.split('id="s-rubric"')[1].split(">", 1)[1].split("</textarea>")[0])
        assert "testcase.inputs.question" in rubric
        form = {
            "_csrf": csrf_of(client), "kind": "llm_judge", "s.rubric": rubric, "s.model": "m", "s.provider": "fake",
            "s.answers": "boolean", "s.wanted": "higher", "s.target": "not needed", "output": "Hello", "target": "Hi",
        }  # fmt: skip
        without = _result(client.post(f"{url}/test", data=form).text)
        case = '{"inputs": {"question": "Say hello"}}'
        tried = _result(client.post(f"{url}/test", data=form | {"case": case}).text)

    assert "testcase.inputs.question" in without
    assert "Pass" in tried, tried
