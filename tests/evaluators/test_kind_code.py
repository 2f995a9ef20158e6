"""People's own Python: what it is given, what it may return, and what is said when it does not work."""

import json
import time
import uuid
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from app.core.errors import Invalid
from app.evaluators.binding import Execution, Row, Verdict, bind, make_spec, read_spec
from app.evaluators.kinds.code_examples import EXAMPLES
from tests.application import Application
from tests.bench.eval_throughput import Client
from tests.endpoint import running_endpoint

EXECUTION = Execution(
    output='["price"] 42',
    error=None,
    latency_ms=1500.0,
    cost_usd=0.25,
    prompt_tokens=7,
    output_tokens=2,
    inputs={"order": "42"},
    messages=[{"role": "user", "content": "Where is it?"}],
    output_message={"role": "assistant", "content": "42"},
    finish_reason="stop",
    about={"id": "log_1", "metadata": {"release": 7}},
)
ROW = Row({"order": "42"}, [], {"output": "42"}, ["a passage"], {"split": "test"}, "dp_1")


def judged(code: str, execution: Execution = EXECUTION, row: Row = ROW, **settings: object) -> Verdict:
    return bind(make_spec("code", {"code": code, **settings})).judge(execution, row)


@pytest.mark.parametrize(
    "expression",
    [
        "log['output'].endswith('42')",
        "log['inputs']['order'] == testcase['inputs']['order'] == '42'",
        "log['messages'][0]['content'] == 'Where is it?'",
        "log['output_message']['content'] == '42'",
        "log['provider_latency'] == 1.5 and log['cost'] == 0.25 and log['error'] is None",
        "log['prompt_tokens'] == 7 and log['output_tokens'] == 2",
        "log['id'] == 'log_1' and log['metadata']['release'] == 7 and log['finish_reason'] == 'stop'",
        "log['user'] is log['stdout'] is log['prompt_cost'] is None and log['trace_children'] == []",
        "testcase['id'] == 'dp_1'",
        "testcase['target'] == {'output': '42'}",
        "testcase['context'] == ['a passage'] and testcase['metadata'] == {'split': 'test'}",
    ],
)
def test_a_program_is_given_the_log_and_the_test_case(expression: str) -> None:
    assert judged(f"def evaluate(log, testcase):\n    return {expression}").value is True


@pytest.mark.parametrize(
    ("returned", "settings", "value"),
    [
        ("True", {}, True),
        ("3", {"answers": "number"}, 3.0),
        ("0.5", {"answers": "number", "lowest": 0, "highest": 1}, 0.5),
        ("'b'", {"answers": "select", "choices": ["a", "b"]}, "b"),
        ("['b', 'a']", {"answers": "multi_select", "choices": ["a", "b"]}, ["b", "a"]),
        ("[]", {"answers": "multi_select", "choices": ["a", "b"]}, []),
        ("'free'", {"answers": "text"}, "free"),
    ],
)
def test_what_it_returns_is_the_verdict(returned: str, settings: dict, value: object) -> None:
    verdict = judged(f"def f(log): return {returned}", **settings)
    assert (verdict.value, verdict.error) == (value, None)
    assert type(verdict.value) is type(value)
    assert verdict.engine
    assert verdict.engine.startswith("cpython-seccomp")


@pytest.mark.parametrize(
    ("returned", "settings", "said"),
    [
        ("1", {}, "not true or false"),
        ("'True'", {}, "not true or false"),
        ("True", {"answers": "number"}, "not a number"),
        ("float('nan')", {"answers": "number"}, "not finite"),
        ("5.5", {"answers": "number", "lowest": 1, "highest": 5}, "outside its limits"),
        ("'c'", {"answers": "select", "choices": ["a", "b"]}, "none of the choices"),
        ("'a'", {"answers": "multi_select", "choices": ["a", "b"]}, "not a list of choices"),
        ("['a', 'z']", {"answers": "multi_select", "choices": ["a", "b"]}, "none of the choices"),
        ("{'a': 1}", {"answers": "text"}, "it returned a dict"),
        ("1 / 0", {}, "line 1: ZeroDivisionError: division by zero"),
    ],
)
def test_what_it_must_not_return_is_an_error(returned: str, settings: dict, said: str) -> None:
    verdict = judged(f"def f(log): return {returned}", **settings)
    assert verdict.value is None
    assert verdict.error
    assert said in verdict.error


def test_none_is_no_verdict_and_no_error() -> None:
    verdict = judged("def f(log): pass")
    assert (verdict.value, verdict.error, verdict.rationale) == (None, None, "the code returned None")


def test_what_it_prints_is_kept_also_when_it_fails() -> None:
    verdict = judged("def f(log):\n    print('so far')\n    return log['nothing']")
    assert verdict.prints == "so far\n"
    assert verdict.error == "line 3: KeyError: 'nothing'"


def test_a_log_with_an_error_is_judged_too() -> None:
    execution = Execution(None, "the provider was away", None, None, None, None, {}, [], None)
    verdict = judged("def f(log): return log['output'] is None and 'away' in log['error']", execution)
    assert verdict.value is True


def test_rows_without_a_target_are_left_out_where_one_is_needed() -> None:
    row = Row({}, [], None, None, None)
    assert judged("def f(log, testcase): return testcase['target']['output'] == 'x'", row=row).error
    verdict = judged("def f(log, testcase): return True", row=row, target="needed")
    assert (verdict.value, verdict.rationale) == (None, "no target")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def f(:", "line 1: SyntaxError"),
        ("x = 1", "defines no function"),
        ("def f(log):\n    return (" + "(" * 5_000, "line 2: SyntaxError"),
        ("-" * 60_000 + "1\ndef f(log): return 1", "nested too deeply"),
        ("def f(log): return 1\n" + "#" * 70_000, "65536"),
    ],
)
def test_a_program_that_cannot_run_is_not_saved(code: str, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        make_spec("code", {"code": code})
    assert said in str(refused.value.message)
    assert refused.value.fields
    assert "code" in refused.value.fields


def test_saving_runs_nothing_of_it() -> None:
    """Decorators, defaults and the module's own lines run where rows are judged, and nowhere else."""
    make_spec("code", {"code": "while True: pass\n@(lambda f: 1 / 0)\ndef f(log, x=1 / 0): return True"})


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_examples_work(example) -> None:
    spec = make_spec("code", {"code": example.code, **example.settings})
    call = {"function": {"name": "t", "arguments": '{"a": 1}'}}
    numbers = Execution(
        output='[1, 2, 4]' if example.name == "agreement" else "Sorry, the price is 42.",
        error=None, latency_ms=None, cost_usd=None, prompt_tokens=None, output_tokens=None,
        inputs={}, messages=[], output_message={"tool_calls": [call]},
    )  # fmt: skip
    target = {
        "output": "42",
        "keywords": ["price", "sorry"],
        "numbers": [1, 2, 3],
        "name": "t",
        "arguments": {"a": 1},
    }
    verdict = bind(spec).judge(numbers, Row({"order": "42"}, [], target, None, None))
    assert verdict.error is None
    assert verdict.value is not None


AGE = '{"name": "a", "tags": [], "age": '


@pytest.mark.parametrize(
    ("name", "output", "target", "value"),
    [
        ("names-an-input", "Your order has left.", {}, False),
        ("every-keyword", "No idea.", {"keywords": ["price"]}, 0.0),
        ("every-keyword", "No idea.", {"keywords": []}, None),
        ("json-fields", AGE + "1}", {}, True),
        ("json-fields", AGE + "true}", {}, False),
        ("json-fields", "[1]", {}, False),
        ("json-fields", "42", {}, False),
        ("arithmetic", "It is 41.", {"output": "42"}, False),
        ("similar-text", "xyz", {"output": "42"}, 0.0),
        ("reading-ease", "42", {}, None),
        ("tone", "It is 42.", {}, "neutral"),
        ("topics", "It is 42.", {}, []),
        ("tool-arguments", "t", {"name": "t", "arguments": {"a": 2}}, False),
    ],
)
def test_the_examples_fail_what_is_wrong(name, output, target, value) -> None:
    verdict = _by_example(name, output, target)
    assert (verdict.error, verdict.value) == (None, value)


def test_lists_of_different_length_have_no_distance() -> None:
    verdict = _by_example("agreement", "[5]", {"numbers": [1, 2, 3]})
    assert verdict.value is None
    assert "the answer has 1 numbers, and the target 3" in verdict.error
    assert _by_example("agreement", "[1, 2, 5]", {"numbers": [1, 2, 2]}).value == pytest.approx(3**0.5)


def _by_example(name: str, output: str, target: dict[str, Any]) -> Verdict:
    (example,) = [one for one in EXAMPLES if one.name == name]
    call = {"function": {"name": "t", "arguments": '{"a": 1}'}}
    done = Execution(
        output=output, error=None, latency_ms=None, cost_usd=None, prompt_tokens=None, output_tokens=None,
        inputs={}, messages=[], output_message={"tool_calls": [call]},
    )  # fmt: skip
    bound = bind(make_spec("code", {"code": example.code, **example.settings}))
    return bound.judge(done, Row({"order": "42"}, [], target, None, None))


def test_the_spec_is_the_one_that_clients_of_the_api_know() -> None:
    settings = {
        "code": "def f(log): return 'a'", "answers": "select", "choices": ["a", "b"],
        "wanted": "lower", "target": "needed",
    }  # fmt: skip
    spec = make_spec("code", settings)
    assert spec == {
        "evaluator_type": "python",
        "code": settings["code"],
        "arguments_type": "target_required",
        "return_type": "select",
        "options": [{"name": "a", "valence": "neutral"}, {"name": "b", "valence": "neutral"}],
        "number_limits": None,
        "number_valence": "negative",
    }
    name, read = read_spec(spec)
    assert make_spec(name, read) == spec
    limited = make_spec(
        "code", {"code": "def f(log): return 1", "answers": "number", "lowest": 0, "highest": 1}
    )
    assert limited["number_limits"] == {"min": 0, "max": 1}
    assert bind(limited).traits.unit is None, "from 0 to 1 is a share"
    assert make_spec(*read_spec(limited)) == limited


@pytest.mark.long
def test_a_run_keeps_verdicts_prints_and_the_engine_and_one_evaluator_costs_no_other(
    running_app: Application,
) -> None:
    name = f"code-{uuid.uuid4().hex[:8]}"
    running_app.run("init", "--workspace", name, "--email", f"{name}@example.com").check_returncode()
    made = running_app.run("key", "create", "--workspace", name, "--name", "tests", "--role", "admin")
    client = Client(running_app.url, made.stdout.strip())

    def python(path: str, code: str, **more: object) -> str:
        spec = {"evaluator_type": "python", "code": code, **more}
        return client.call("POST", "/evaluators", {"path": path, "spec": spec})["version_id"]

    evaluators = [
        python("code/says", "def f(log, testcase):\n    print(testcase['inputs']['q'])\n    return True"),
        python("code/breaks", "def f(log):\n    import os\n    os._exit(1)"),
        python("code/length", "def f(log): return len(log['output'])", return_type="number"),
    ]
    with running_endpoint(0) as endpoint:
        url = f"http://127.0.0.1:{endpoint.port}/v1"
        client.call("POST", "/providers", {"name": "own", "base_url": url})
        prompt = {"template": [{"role": "user", "content": "{{q}}"}], "model": "m", "provider": "own"}
        client.call("POST", "/prompts", {"path": "code/asked", **prompt})
        points = [{"inputs": {"q": f"question {n}"}} for n in range(20)]
        rows = client.call("POST", "/datasets", {"path": "code/rows", "datapoints": points})
        evaluation = client.call(
            "POST",
            "/evaluations",
            {"file": {"path": "code/asked"}, "evaluators": [{"version_id": each} for each in evaluators]},
        )
        body = {"dataset": {"version_id": rows["version_id"]}, "version": {"path": "code/asked"}}
        run_id = client.call("POST", f"/evaluations/{evaluation['id']}/runs", body)["id"]
        deadline = time.monotonic() + 60
        while (run := client.call("GET", f"/evaluations/{evaluation['id']}/runs")["runs"][0])[
            "status"
        ] != "completed":
            assert time.monotonic() < deadline, run
            time.sleep(0.2)
    with psycopg.connect(running_app.database_url.replace("+psycopg", "")) as connection:
        found = connection.execute(
            """
            select j.evaluator_version_id, count(*), bool_and(j.boolean_value), min(j.number_value), min(j.error),
                   count(distinct j.stdout), min(j.engine)
            from judgment j join log l on l.id = j.log_id where l.run_id = %s group by 1
            """,
            [run_id],
        ).fetchall()
    says, breaks, length = (next(row[1:] for row in found if row[0] == each) for each in evaluators)
    assert says[:3] == (20, True, None)
    assert says[4] == 20, "each row's own prints"
    assert says[5].startswith("cpython-seccomp")
    assert breaks[:4] == (20, None, None, "The program ended itself without an answer")
    assert length[0] == 20
    assert length[2] > 0
    tried = client.call(
        "POST",
        f"/evaluators/{client.call('GET', '/evaluators')['records'][0]['id']}/test",
        {"log": {"output": "x"}},
    )
    assert set(tried) >= {"judgment", "stdout", "error", "engine", "ms"}


def test_the_probe_of_readiness_says_whether_programs_run(running_app: Application) -> None:
    deadline = time.monotonic() + 30
    while True:
        _, body = running_app.get("/health/ready")
        said = json.loads(body)["programs"]
        if not said.startswith("unknown"):
            break
        assert time.monotonic() < deadline, said
        time.sleep(0.2)
    assert said.startswith("ok: cpython-seccomp")
    assert "a filter of system calls" in said


def test_a_program_may_be_given_more_time_and_the_usual_time_is_not_written_out() -> None:
    code = "import time\ndef f(log):\n    print('begun')\n    time.sleep(1.5)\n    return True"
    stopped = judged(code, timeout_s=1)
    assert stopped.error == "line 4: The program was stopped after 1 s"
    assert stopped.prints == "begun\n"
    assert judged(code, timeout_s=30).value is True

    assert make_spec("code", {"code": code, "timeout_s": 30})["timeout_s"] == 30
    assert make_spec("code", {"code": code, "timeout_s": 5}) == make_spec("code", {"code": code})
    assert "timeout_s" not in make_spec("code", {"code": code}), "or every version would become another one"
    assert read_spec(make_spec("code", {"code": code}))[1]["timeout_s"] == 5, "the form shows it"
    for wrong in (0, 31):
        with pytest.raises(Invalid):
            make_spec("code", {"code": code, "timeout_s": wrong})


def test_a_row_that_does_not_fit_into_the_sandbox_is_told_from_a_fault_of_the_program():
    verdict = judged("def f(log):\n    return True", replace(EXECUTION, output="x" * (400 << 20)))
    assert verdict.value is None
    assert verdict.error == (
        "The log and its row do not fit into the sandbox. What it would be given takes 401 MiB as JSON and more"
        " once it is parsed, too much for the 512 MiB of memory of the sandbox: log shorter inputs, messages and traces"
    )
