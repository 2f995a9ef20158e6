"""Each set-up is what it says; batches, and limits of time and memory."""

import os
import time
from pathlib import Path

import pytest

from app.sandbox.frames import Answer
from app.sandbox.supervisor import Limits, Sandbox
from tests.sandbox.asking import asked, evaluate
from tests.sandbox.conftest import SetUp, idle, processes


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


def test_what_a_row_writes_beside_its_answer_is_an_error(sandbox: Sandbox) -> None:
    code = (
        "import os\ndef f(log):\n    if log['n'] == 1:\n        os.write(3, b'x' * 999)\n    return log['n']"
    )
    answers = sandbox.run_batch("evaluate", [asked(code, {"n": n}, None) for n in range(4)])
    assert answers[1].error == "The program wrote something that is no answer"
    assert [answer.value for answer in answers] == [0, None, 2, 3]


# Limits


def test_time_is_limited(sandbox: Sandbox) -> None:
    begun = time.monotonic()
    answer = evaluate(sandbox, "def f(log):\n    while True: pass", wall_s=0.3)
    assert answer == Answer(error="The program was stopped after 0.3 s")
    assert time.monotonic() - begun < 4.5, "not at the usual limit of 5 s"


def test_time_of_all_processors_together_is_limited(sandbox: Sandbox) -> None:
    """By the kernel, and said to be time: the limit of memory ends a child by a signal, too."""
    code = (
        "import hashlib, threading\ndef work():\n    while True:\n        hashlib.sha256(bytes(1 << 22))\n"
        "def f(log):\n    for _ in range(4):\n        threading.Thread(target=work).start()\n    work()"
    )
    answer = evaluate(sandbox, code, wall_s=1.5)
    assert answer == Answer(error="The program was stopped after 1.5 s")


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
