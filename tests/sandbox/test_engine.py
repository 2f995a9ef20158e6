"""Each set-up is what it says; batches, and limits of time and memory."""

import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.sandbox.frames import Answer
from app.sandbox.supervisor import Limits, Sandbox
from tests.sandbox.asking import asked, evaluate
from tests.sandbox.conftest import SetUp, idle, processes
from tests.sandbox.python_for_all import NOBODY


def test_each_set_up_is_what_it_says(sandbox: Sandbox, setting: SetUp) -> None:
    evaluate(sandbox, "def f(log):\n    return 1")
    zygote = idle(sandbox)[0]
    landlock = _landlock_of_the_kernel()

    if setting.name == "full":
        assert zygote.landlock == landlock
        if os.geteuid() == 0:
            assert zygote.namespaces == ("network", "ipc", "host name", "processes")
    else:
        assert zygote.namespaces == ()
        assert zygote.landlock == (0 if setting.name == "seccomp alone" else landlock)
    last = processes(zygote.pid)[-1]
    assert Path(f"/proc/{last}/oom_score_adj").read_text() == "1000\n", "it goes first where memory is short"
    status = Path(f"/proc/{last}/status").read_text()
    assert "\nNoNewPrivs:\t1\n" in status
    assert "\nCapEff:\t0000000000000000\n" in status
    assert "\nUid:\t0\t" not in status
    if setting.name != "full" and os.geteuid() == 0:
        assert f"\nUid:\t{NOBODY}\t{NOBODY}\t" in Path(f"/proc/{zygote.pid}/status").read_text()
    assert "\nThreads:\t1\n" in status, "a fork would lose the others"


def _landlock_of_the_kernel() -> int:
    import ctypes

    return max(0, ctypes.CDLL(None, use_errno=True).syscall(444, None, 0, 1))


# Batches


def test_a_batch_shares_its_globals(sandbox: Sandbox) -> None:
    code = "seen = []\ndef f(log):\n    seen.append(log['n'])\n    return len(seen)"
    answers = sandbox.run_batch("evaluate", [asked(code, {"n": n}, None) for n in range(50)])
    assert [answer.value for answer in answers] == list(range(1, 51))
    assert sandbox.run_batch("evaluate", []) == []


def test_a_row_that_breaks_the_child_costs_itself_only(sandbox: Sandbox) -> None:
    code = (
        "import os, time\ndef f(log):\n    n = log['n']\n    if n == 2:\n        os._exit(0)\n    if n == 4:\n        time.sleep(99)\n"
        "    if n == 5:\n        return bytearray(1 << 30)\n    return n"
    )
    requests = [asked(code, {"n": n}, None) for n in range(8)]

    answers = sandbox.run_batch("evaluate", requests, limits=Limits(wall_s=0.5))

    assert [answer.value for answer in answers] == [0, 1, None, 3, None, None, 6, 7]
    assert answers[2].error == "The program ended itself without an answer"
    assert answers[4].error == "The program was stopped after 0.5 s"
    assert answers[5].error == "The program used more than 512 MiB of memory"


@pytest.mark.parametrize(
    ("mib", "takes"),
    [(200, "takes 201 MiB as JSON and more once it is parsed"), (300, "takes at least 301 MiB")],
    ids=["by the child", "before it is sent"],
)
def test_what_does_not_fit_into_the_memory_is_no_fault_of_the_program(
    sandbox: Sandbox, mib: int, takes: str
) -> None:
    """And the rows behind it are judged by the same child."""
    code = "seen = []\ndef f(log):\n    seen.append(1)\n    return len(log['output']) + len(seen)"
    requests = [asked(code, {"output": one}, None) for one in ("a", "x" * (mib << 20), "b")]

    answers = sandbox.run_batch("evaluate", requests, limits=Limits(wall_s=30, memory_bytes=256 << 20))

    assert [answer.value for answer in answers] == [2, None, 3]
    assert answers[1].too_large
    assert not answers[1].late
    assert answers[1].error == (
        f"What it would be given {takes}, too much for the 256 MiB of memory of the sandbox"
    )


def test_what_is_far_too_large_is_not_even_written(sandbox: Sandbox) -> None:
    """As JSON it would be 20 GB."""
    page = "x" * (2 << 20)
    before = time.perf_counter()
    (answer,) = sandbox.run_batch(
        "evaluate", [asked("def f(log):\n    return 1", {"pages": [page] * 10_000}, None)]
    )
    assert time.perf_counter() - before < 2
    assert answer.too_large
    assert "takes at least 51" in answer.error


def test_what_a_row_writes_beside_its_answer_is_an_error(sandbox: Sandbox) -> None:
    code = (
        "import os\ndef f(log):\n    if log['n'] == 1:\n        os.write(3, b'x' * 999)\n    return log['n']"
    )
    answers = sandbox.run_batch("evaluate", [asked(code, {"n": n}, None) for n in range(4)])
    assert answers[1].error == "The program wrote something that is no answer"
    assert [answer.value for answer in answers] == [0, None, 2, 3]


# Limits


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("def f(log):\n    print('before')\n    n = 0\n    while True:\n        n = n | 1", 5),
        ("import re\ndef f(log):\n    print('before')\n    return re.match('(a+)+$', 'a' * 40 + 'b')", 4),
        ("import time\ndef g():\n    time.sleep(99)\ndef f(log):\n    print('before')\n    g()", 3),
        ("import signal\ndef f(log):\n    signal.signal(signal.SIGUSR1, signal.SIG_IGN)\n    print('before')\n    while True: pass", None),
    ],
    ids=["loop", "in C", "asleep", "says nothing"],
)  # fmt: skip
def test_what_a_program_printed_and_where_it_was_outlives_it(
    sandbox: Sandbox, code: str, line: int | None
) -> None:
    answer = evaluate(sandbox, code, wall_s=1.5)
    assert answer.error == "The program was stopped after 1.5 s"
    assert answer.prints == "before\n"
    assert answer.line in ({4, 5} if line == 5 else {line})


def test_what_a_program_printed_is_kept_where_it_ends_its_process(sandbox: Sandbox) -> None:
    code = "import os\ndef f(log):\n    print('one')\n    print('two', end='', flush=True)\n    os._exit(0)"
    answer = evaluate(sandbox, code)
    assert answer == Answer(error="The program ended itself without an answer", prints="one\ntwo")


def test_a_program_that_prints_for_ever_costs_what_is_kept(sandbox: Sandbox) -> None:
    answer = evaluate(sandbox, "def f(log):\n    while True: print('x' * 99)", wall_s=0.5)
    assert answer.error == "The program was stopped after 0.5 s"
    assert answer.prints == ("x" * 99 + "\n") * 163 + "x" * 84
    forged = "import os, sys\ndef f(log):\n    n = sys.stdout._nonce\n    while True: os.write(3, n + b'p' + (60_000).to_bytes(4, 'big') + b'y' * 60_000)"
    assert evaluate(sandbox, forged).error == "The program wrote something that is no answer"
    empty = "import os, sys\ndef f(log):\n    n = (sys.stdout._nonce + b'p' + bytes(4)) * 99\n    while True: os.write(3, n)"
    assert evaluate(sandbox, empty).error == "The program wrote something that is no answer"


def test_the_line_that_took_too_much_memory_is_said(sandbox: Sandbox) -> None:
    code = "def f(log):\n    x = []\n    while True:\n        x.append(bytearray(1 << 20))"
    answer = evaluate(sandbox, code, wall_s=20)
    assert answer == Answer(error="The program used more than 512 MiB of memory", line=4)


def test_time_is_limited(sandbox: Sandbox) -> None:
    begun = time.monotonic()
    answer = evaluate(sandbox, "def f(log):\n    while True: pass", wall_s=0.3)
    assert answer == Answer(error="The program was stopped after 0.3 s", line=2, late=True)
    assert time.monotonic() - begun < 4.5, "not at the usual limit of 5 s"


def test_time_of_all_processors_together_is_limited(sandbox: Sandbox) -> None:
    """By the kernel, and said to be time: the limit of memory ends a child by a signal, too."""
    code = (
        "import hashlib, threading\ndef work():\n    while True:\n        hashlib.sha256(bytes(1 << 22))\n"
        "def f(log):\n    for _ in range(4):\n        threading.Thread(target=work).start()\n    work()"
    )
    answer = evaluate(sandbox, code, wall_s=1.5)
    assert answer.error == "The program was stopped after 1.5 s"


@pytest.mark.parametrize(
    "code",
    [
        "def f(log):\n    return sum(len(x) for x in [bytearray(1 << 24) for _ in range(99)])",
        "import ctypes\ndef f(log):\n    ctypes.string_at(0)",
        "import sys\ndef f(log):\n    sys.setrecursionlimit(10**8)\n    g = lambda: g()\n    import re\n    x = []\n    for _ in range(10**6):\n        x = [x]\n    return repr(x)",
    ],
    ids=["memory", "crash", "depth"],
)  # fmt: skip
def test_memory_and_depth_are_limited(code: str, sandbox: Sandbox) -> None:
    answer = evaluate(sandbox, code, wall_s=60)
    assert answer.error is not None
    assert "512 MiB of memory" in answer.error


def test_a_program_that_never_reads_costs_its_time_only(sandbox: Sandbox) -> None:
    """What is sent to it fills the buffer of the socket, and is waited for no longer than the program may take."""
    code = "import os, time\ndef f(log):\n    if not log['x']:\n        import threading\n        threading.stack_size(1 << 20)\n        time.sleep(0)\n        os.read = lambda *_: time.sleep(99)\n    return 1"
    requests = [asked(code, {"x": ""}, None), asked(code, {"x": "x" * 20_000_000}, None)]
    begun = time.monotonic()
    answers = sandbox.run_batch("evaluate", requests, limits=Limits(wall_s=1.0))
    assert answers[0].value == 1
    assert answers[1].error == "The program was stopped after 1 s"
    assert time.monotonic() - begun < 4.0


def test_large_requests_arrive_whole(sandbox: Sandbox) -> None:
    log = {"output": "x" * 20_000_000}
    answer = sandbox.run("evaluate", asked("def f(log):\n    return len(log['output'])", log, None))
    assert answer == Answer(20_000_000)


def test_what_takes_no_longer_than_usual_does_not_wait_behind_what_may() -> None:
    held = Sandbox(size=1)
    slow = "import time\ndef f(log):\n    time.sleep(4)\n    return 1"
    with ThreadPoolExecutor(1) as other:
        evaluate(held, "def f(log):\n    return 1")  # its process is there
        waiting = other.submit(evaluate, held, slow, wall_s=30)
        time.sleep(0.2)
        rendered = held.run("render", {"templates": ["{{ a }}"], "inputs": {"a": 1}})
        assert not waiting.done()
        assert rendered.value == ["1"]
        assert waiting.result().value == 1
    held.close()


def test_nothing_waits_behind_a_query_that_spends_its_time_in_one_step() -> None:
    held, database = Sandbox(size=1), _empty_database()
    slow = "select printf('%.*c', 400000000, 'x')"
    query = {"wanted": [], "found": slow, "ordered": False}
    limits = Limits(wall_s=20, mostly_short=True)
    with ThreadPoolExecutor(1) as other:
        evaluate(held, "def f(log):\n    return 1")
        waiting = other.submit(held.run, "query", query, attachment=database, limits=limits)
        time.sleep(0.2)
        answers = [
            evaluate(held, "def f(log):\n    return 2").value,
            evaluate(held, "def f(log):\n    return 3", wall_s=20).value,
        ]
        assert not waiting.done()
        assert answers == [2, 3]
        assert waiting.result().value[0] == "different"
    held.close()


def _empty_database() -> bytes:
    with sqlite3.connect(":memory:") as made:
        made.execute("create table t (n)")
        return made.serialize()
