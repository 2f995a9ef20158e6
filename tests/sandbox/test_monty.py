"""Monty in place of the sandbox: it runs evaluators as they are run elsewhere, and nothing else, and lets nothing out."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.sandbox import monty as monty_module
from app.sandbox.frames import MOST_PRINTS, Answer
from app.sandbox.monty import Monty, state
from app.sandbox.selftest import PROBES, State, Watch
from app.sandbox.supervisor import Limits, SandboxUnavailable
from tests.sandbox.test_selftest import FILTERLESS

LOG = {"output": "[1, 2]", "inputs": {"order": "42"}}
TESTCASE = {"target": {"mean": 1.5}}
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def monty() -> Iterator[Monty]:
    made = Monty()
    yield made
    made.close()


def run(monty: Monty, code: str, wall_s: float = 5.0) -> Answer:
    return monty.run("evaluate", {"code": code, "arguments": [LOG, TESTCASE]}, limits=Limits(wall_s=wall_s))


def test_its_self_test_lets_it_run_evaluators() -> None:
    assert (state().engine or "").startswith("monty 1.")
    assert "no wall of the system besides" in state().explanation


RETURNS = [
    ("def evaluate(log, testcase):\n    import json\n    return sum(json.loads(log['output'])) / 2 == testcase['target']['mean']", True),
    ("def evaluate(log):\n    return log['inputs']['order']", "42"),
    ("def helper(x):\n    return x * 2\ndef evaluate(log, testcase=None):\n    return helper(1.5)", 3.0),
    ("f = lambda log: len(log)", 2),
    ("def evaluate(log, *more):\n    return ['a', 'b']", ["a", "b"]),
    ("import re\ndef evaluate(log):\n    return bool(re.search('[0-9]', log['output']))", True),
    ("def evaluate(log):\n    return None", None),
]  # fmt: skip


@pytest.mark.parametrize(("code", "value"), RETURNS)
def test_it_calls_the_last_function(monty: Monty, code: str, value: object) -> None:
    assert run(monty, code) == Answer(value)  # type: ignore[arg-type]


FAILS = [
    ("def evaluate(log):\n    x = 1\n    return log['nope']", "KeyError: 'nope'", 3),
    ("def helper(x):\n    return 1 / x\n\ndef evaluate(log):\n    return helper(0)", "ZeroDivisionError", 2),
    ("def evaluate(:\n    pass", "SyntaxError", 1),
    ("x = 1", "The program defines no function", None),
    ("def evaluate():\n    return 1", "evaluate takes 0 arguments", None),
    ("def evaluate(a, b, c):\n    return 1", "evaluate takes 3 arguments", None),
    ("import numpy\ndef evaluate(log):\n    return 1", "No module named 'numpy': this machine runs a part of Python only", 1),
    ("def evaluate(log):\n    return {'a': 1}", "evaluate: it returned a dict", None),
    ("def evaluate(log):\n    return float('nan')", "evaluate: it returned a number that is not finite", None),
    ("def evaluate(log):\n    return 'x' * 70000", "evaluate: it returned a text of more than 65,536", None),
    ("def evaluate(log):\n    while True: pass", "The program was stopped after 0.5 s", None),
    ("def evaluate(log):\n    return 10 ** 100000000 > 1", "", None),
    ("def evaluate(log):\n    import time\n    time.sleep(60)", "The program was stopped after 0.5 s", None),
    ("def evaluate(log):\n    return 'x' * (1 << 30)", "The program used more than 512 MiB", None),
    ("def evaluate(log):\n    return evaluate(log)", "RecursionError", None),
    ("(" * 5000, "", None),
    ("x = " + "-" * 60000 + "1\ndef evaluate(log):\n    return 1", "", None),
]  # fmt: skip


@pytest.mark.parametrize(("code", "error", "line"), FAILS)
def test_what_goes_wrong_is_said(monty: Monty, code: str, error: str, line: int | None) -> None:
    began = time.monotonic()
    answer = run(monty, code, wall_s=0.5)

    assert answer.value is None
    assert (answer.error or "").startswith(error), answer
    assert answer.error
    if line:
        assert answer.line == line
    assert time.monotonic() - began < 15
    assert run(monty, RETURNS[0][0]).value is True


REACHES = [
    "open('/etc/hostname').read()",
    "__import__('os').listdir('/')",
    "import os\n    return os.listdir('/')",
    "import os\n    return len(os.environ) > 0",
    "import os\n    return os.getenv('PATH')",
    "from pathlib import Path\n    return Path('/etc/passwd').exists()",
    "from pathlib import Path\n    return Path('/').iterdir()",
    "import socket",
    "import subprocess",
    "import ctypes",
    "import sys\n    return len(sys.modules) > 0",
    "().__class__.__base__.__subclasses__()",
    "evaluate.__globals__['__builtins__']",
    "(lambda: 0).__code__",
    "exec('import os; os.getpid()')",
    "eval('open(1)')",
    "input()",
    "open('/tmp/whetstone-monty', 'w').write('x')",
]


@pytest.mark.parametrize("reach", REACHES)
def test_it_reaches_nothing(monty: Monty, reach: str) -> None:
    body = reach if "import" in reach else f"return {reach}"
    answer = run(monty, f"def evaluate(log):\n    {body}\n    return 'REACHED'")

    assert answer.value is None or "import" not in reach, answer
    assert answer.error, answer
    assert not Path("/tmp/whetstone-monty").exists()


@pytest.mark.parametrize("name", PROBES)
def test_no_probe_of_the_self_test_succeeds(monty: Monty, name: str) -> None:
    answer = monty.run("evaluate", {"code": PROBES[name], "arguments": [{}, None]})
    assert answer.error is not None or answer.value is False


def test_nothing_is_left_for_the_next_row(monty: Monty) -> None:
    run(monty, "kept = 'secret'\nimport json\njson.dumps = None\ndef evaluate(log):\n    return True")
    answer = run(monty, "def evaluate(log):\n    import json\n    return json.dumps(kept)")
    assert (answer.error or "").startswith("NameError"), answer
    fine = run(monty, "def evaluate(log):\n    import json\n    return json.dumps([1])")
    assert fine == Answer("[1]")


def test_prints_are_kept_and_cut(monty: Monty) -> None:
    answer = run(monty, "def evaluate(log):\n    print('a', 1)\n    return True")
    assert answer == Answer(True, prints="a 1\n")
    much = run(monty, "def evaluate(log):\n    for _ in range(100000): print('x' * 100)\n    return True")
    assert len(much.prints) <= MOST_PRINTS


def test_many_threads_share_its_processes(monty: Monty) -> None:
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: run(monty, RETURNS[0][0]).value, range(200)))
    assert answers == [True] * 200


def test_saving_only_reads_and_other_programs_are_not_run(monty: Monty) -> None:
    assert monty.run("check", {"code": "1 / 0\ndef evaluate(log): return 1"}).value == "evaluate"
    with pytest.raises(SandboxUnavailable, match="evaluators only"):
        monty.run("query", {"wanted": "select 1", "found": "select 1"})


def test_an_evaluator_is_judged_by_it_where_the_sandbox_is_not_to_be_had() -> None:
    """In a process whose kernel seems to have no seccomp."""
    code = """
from tests.evaluators.cases import execution, row
from app.evaluators.kinds import kind
from app.evaluators.kinds.sandboxed import not_here
from app.sandbox.engines import engine_for_code
bound = kind("code").prepare({"code": "def f(log):\\n    return log['output'] == 'Paris'"})
bound.kind.refuse(bound.options)
print(bound.judge(execution("Paris"), row()))
print(not_here("query"))
print("READY", engine_for_code()[1].engine)
"""
    command = [sys.executable, "-c", FILTERLESS, str(ROOT), sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert "value=True" in done.stdout
    assert "engine='monty 1." in done.stdout
    assert "no query runs: this kernel does not let a process filter its system calls" in done.stdout
    assert "READY monty 1." in done.stdout, "and that is what /health/ready tells"


def test_it_is_not_asked_where_the_sandbox_only_did_not_start() -> None:
    """As where a program got out: what the sandbox does not run, nothing runs that holds less."""
    code = """
import sys
sys.executable = "/bin/false"  # what zygotes are started by
from tests.evaluators.cases import execution, row
from app.evaluators.kinds import kind
from app.sandbox import monty
from app.sandbox.engines import engine_for_code
bound = kind("code").prepare({"code": "def f(log):\\n    return True"})
print(bound.judge(execution("Paris"), row()))
print(engine_for_code()[1], monty._watch._found)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    judged, found = done.stdout.splitlines()
    assert "value=None" in judged
    assert "no code runs: the process that programs are forked from did not start" in judged
    assert "unsupported=False" in found
    assert found.endswith(" None"), "Monty was not even looked at"


def test_readiness_tells_of_a_web_process_that_runs_none() -> None:
    """Which may be the only one: the workers have sandboxes of their own."""
    code = """
import sys
sys.executable = "/bin/false"
from app.core.health import programs
from app.sandbox.selftest import failed_here, state
print(failed_here())
state()
print(programs())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    before, after = done.stdout.splitlines()
    assert before == "None"
    assert after == "off: in a web process, the process that programs are forked from did not start"


def test_it_is_looked_at_again_where_it_was_too_busy() -> None:
    assert isinstance(monty_module._watch, Watch)
    found = iter([State(None, "all were busy for 60 s"), State("monty 1", "it")])
    watch = Watch(lambda: next(found), again_s=0.0)
    assert watch.state().engine is None
    deadline = time.monotonic() + 10
    while watch.state().engine is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
