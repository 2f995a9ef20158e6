"""Every kind judges a run of the whole application: web, worker, databases, the practice provider's embeddings."""

import time
import uuid

import httpx2
import psycopg
import pytest

from app.evaluators.kinds import all_kinds
from tests import factories
from tests.application import Application
from tests.bench.eval_throughput import Client
from tests.endpoint import running_endpoint

pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]
ROWS = 40
KINDS = sorted((one for one in all_kinds() if one.name != "ragas"), key=lambda one: one.name == "composite")
"""Without the one that cannot be saved where its package is not installed; what is made of others behind them."""
SETTINGS = {
    "regex": {"pattern": "answer"},
    "json_schema": {"json_schema": {"type": "string"}},
    "pairwise_judge": {"model": "test", "provider": "test"},
    "answer_relevancy": {"model": "test", "provider": "test", "embedding_model": "embed"},
    "faithfulness": {"model": "test", "provider": "test"},
    "context_precision": {"model": "test", "provider": "test"},
    "context_recall": {"model": "test", "provider": "test"},
    "code": {"code": "def evaluate(log, testcase): return log['output'] == testcase['target']['output']"},
    "json_field": {"path": "a"},
    "composite": {"parts": [{"path": "kinds/exact"}, {"path": "kinds/code", "weight": 2}]},
    "webhook": {"url": "http://127.0.0.1:9/judge"},
    "language": {"language": "en", "least_sure": 0},
    "llm_judge": {"model": "test", "rubric": "Is {{log.output}} right?"},
    "prompt_judge": {
        "prompt": {"model": "test", "provider": "test", "template": "ECHO<True> {{log.output}}"}
    },
    "embedding_similarity": {"model": "practice-embed-small", "provider": "practice"},
}
FAIL = {
    "tool_calls": "The target is no list of calls",
    "webhook": "The webhook gave no answer: the connection failed",
    "sql_match": "The target's query fails: near",
}


def test_every_kind_in_a_run(running_app: Application) -> None:
    name = f"kinds-{uuid.uuid4().hex[:8]}"
    running_app.run("init", "--workspace", name, "--email", f"{name}@example.com").check_returncode()
    made = running_app.run("key", "create", "--workspace", name, "--name", "tests", "--role", "admin")
    client = Client(running_app.url, made.stdout.strip())
    with running_endpoint(5) as endpoint:
        client.call("POST", "/providers", {"name": "test", "base_url": endpoint.base_url, "api_key": "none"})
        template = [{"role": "user", "content": "{{question}}"}]
        prompt = {"path": "kinds/prompt", "template": template, "model": "test", "provider": "test"}
        client.call("POST", "/prompts", prompt)
        rows = [
            {
                "inputs": {"question": f"{number}: ECHO<the answer is number {number % 5} of the list>"},
                "target": {"output": f"the answer is number {number % 4} of the list"},
            }
            for number in range(ROWS)
        ]
        dataset = client.call("POST", "/datasets", {"path": "kinds/rows", "datapoints": rows})
        upload = ("made.sqlite", factories.sqlite_file("create table t (a)"))
        held = httpx2.post(
            f"{running_app.url}/v5/evaluator-databases",
            files={"file": upload},
            headers={"x-api-key": made.stdout.strip()},
            timeout=60,  # the first one makes the sandbox try itself, which takes seconds on a busy machine
        ).json()
        SETTINGS["sql_match"] = {"database": held["database"]}
        evaluators = [
            client.call(
                "POST",
                "/evaluators",
                {"path": f"kinds/{one.name}", "spec": {"kind": one.name, "settings": _settings(one.name)}},
            )
            for one in KINDS
        ]
        evaluation = client.call(
            "POST",
            "/evaluations",
            {
                "file": {"path": "kinds/prompt"},
                "evaluators": [{"version_id": one["version_id"]} for one in evaluators],
            },
        )
        body = {"dataset": {"version_id": dataset["version_id"]}, "version": {"path": "kinds/prompt"}}
        run = client.call("POST", f"/evaluations/{evaluation['id']}/runs", body)
        _wait(running_app, run["id"])

    with psycopg.connect(running_app.database_url.replace("+psycopg", "")) as connection:
        said = connection.execute(
            "select coalesce(v.spec->>'kind', case v.spec->>'evaluator_type' when 'llm' then 'prompt_judge' else 'code' end),"
            " count(*), count(j.error), min(j.error) from judgment j"
            " join version v on v.id = j.evaluator_version_id join log l on l.id = j.log_id"
            " where l.run_id = %s group by 1",
            [run["id"]],
        ).fetchall()
        scores = connection.execute(
            "select v.spec->>'kind', s.slice, s.detail->>'title' from run_score s"
            " join version v on v.id = s.evaluator_version_id where s.run_id = %s and s.slice <> ''",
            [run["id"]],
        ).fetchall()
    here = [one.name for one in KINDS if one.judged_by == "server"]
    assert {kind: count for kind, count, *_ in said} == dict.fromkeys(here, ROWS)
    failed = {kind: error for kind, _, errors, error in said if errors}
    assert failed.keys() == FAIL.keys()
    assert all(failed[kind].startswith(error) for kind, error in FAIL.items())
    assert {("bleu", "bleu", "Corpus BLEU"), ("class_match", "weighted_recall", "Weighted recall")} <= set(
        scores
    )
    assert {kind for kind, *_ in scores} == {"class_match", "bleu", "chrf", "ter", "slots", "pairwise_judge"}


def _settings(kind: str) -> dict:
    return {"provider": "test"} | SETTINGS[kind] if kind == "llm_judge" else SETTINGS.get(kind, {})


def _wait(application: Application, run_id: str) -> None:
    """Until the run is complete and scored."""
    deadline = time.monotonic() + 120
    with psycopg.connect(application.database_url.replace("+psycopg", ""), autocommit=True) as connection:
        while True:
            row = connection.execute("select status, scored_at from run where id = %s", [run_id]).fetchone()
            if row and row[0] == "completed" and row[1]:
                return
            assert time.monotonic() < deadline, row
            time.sleep(0.2)
