"""Zygotes are replaced, killed, shared, forked and closed, and nobody notices; nothing is left of them."""

import concurrent.futures
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from app.sandbox import supervisor
from app.sandbox.frames import Answer
from app.sandbox.supervisor import Sandbox, SandboxUnavailable, Zygote
from app.sandbox.turns import Turns
from tests.sandbox.asking import evaluate, runs, wait_until
from tests.sandbox.conftest import SetUp, idle, processes


@pytest.fixture
def own() -> Iterator[Sandbox]:
    """A sandbox that may be broken."""
    held = Sandbox(size=1)
    yield held
    held.close()


def test_a_zygote_is_replaced_after_some_requests(own: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_RECYCLED_AFTER", 3)
    pids = []
    for _ in range(7):
        assert evaluate(own, "def f(log):\n    return 1") == Answer(1)
        pids += [zygote.pid for zygote in idle(own)] or [0]
    assert len(set(pids)) == 4, "two of three requests, and none when it has just been replaced"
    assert pids[2] == pids[5] == 0


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_no_descriptor_of_a_program_is_the_next_ones(own: Sandbox, number: int) -> None:
    """A flag that one sets, another would read."""
    look = f"import fcntl\ndef f(log):\n    return fcntl.fcntl({number}, fcntl.F_GETFL) & 0o4000"
    leave = f"import fcntl, struct\ndef f(log):\n    return len(fcntl.ioctl({number}, 0x5421, struct.pack('i', 1)))"
    before = evaluate(own, look)
    assert evaluate(own, leave).value == 4, "it can be set"
    assert evaluate(own, look) == before


@pytest.mark.parametrize("struck", [0, -1], ids=["who waits outside", "the zygote"])
def test_a_zygote_that_is_killed_in_the_middle_is_not_noticed(own: Sandbox, struck: int) -> None:
    evaluate(own, "def f(log):\n    return 1")
    (zygote,) = idle(own)
    family = processes(zygote.pid)
    answers: list[Answer] = []
    asking = threading.Thread(
        target=lambda: answers.append(
            evaluate(own, "import time\ndef f(log):\n    time.sleep(0.5)\n    return 2")
        )
    )
    asking.start()
    assert wait_until(lambda: len(processes(zygote.pid)) > len(family))
    everybody = processes(zygote.pid)
    os.kill(family[struck], signal.SIGKILL)
    asking.join(20)

    assert answers == [Answer(2)]
    assert wait_until(lambda: not any(runs(pid) for pid in everybody)), "the child of the dead one lives"


def test_two_zygotes_that_die_in_a_row_are_an_error(own: Sandbox) -> None:
    """Whoever asked is told, and the next is served."""
    stop = threading.Event()

    def strike() -> None:
        while not stop.is_set():
            for zygote in list(own._zygotes):
                if len(processes(zygote.pid)) > (2 if "processes" in zygote.namespaces else 1):
                    os.kill(zygote.pid, signal.SIGKILL)
            time.sleep(0.005)

    striking = threading.Thread(target=strike)
    striking.start()
    try:
        with pytest.raises(SandboxUnavailable, match="ended twice"):
            evaluate(own, "import time\ndef f(log):\n    time.sleep(1)\n    return 2")
    finally:
        stop.set()
        striking.join()
    assert evaluate(own, "def f(log):\n    return 1") == Answer(1)


def test_an_idle_zygote_that_was_killed_is_not_noticed(own: Sandbox) -> None:
    evaluate(own, "def f(log):\n    return 1")
    (zygote,) = idle(own)
    os.kill(zygote.pid, signal.SIGKILL)
    assert evaluate(own, "def f(log):\n    return 2") == Answer(2)


def test_many_threads_share_few_zygotes() -> None:
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        shared = Sandbox(size=2)
        codes = [f"def f(log):\n    return {n}" for n in range(100)]
        answers = list(pool.map(lambda code: evaluate(shared, code), codes))
        zygotes = idle(shared)
        shared.close()
    assert [answer.value for answer in answers] == list(range(100))
    assert len(zygotes) <= 2


def test_a_zygote_outlives_the_thread_that_started_it(own: Sandbox) -> None:
    starting = threading.Thread(target=evaluate, args=(own, "def f(log):\n    return 1"))
    starting.start()
    starting.join()
    (zygote,) = idle(own)
    time.sleep(0.1)
    assert evaluate(own, "def f(log):\n    return 2") == Answer(2)
    assert [one.pid for one in idle(own)] == [zygote.pid]


def test_who_has_waited_longest_is_next() -> None:
    """However many ask again at once: a thread that waits is passed by nobody."""
    turns, order = Turns(1), []

    def work(name: int) -> None:
        for _ in range(50):
            assert turns.take(30)
            order.append(name)
            turns.give_back()

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    assert turns.take(0)
    for number, thread in enumerate(threads, 1):
        thread.start()
        assert wait_until(lambda number=number: len(turns._waiting) == number)
    turns.give_back()
    for thread in threads:
        thread.join()
    assert order[:8] == list(range(8))
    assert len(order) == 400
    assert turns.take(0)
    assert not turns.take(0.05), "one place, and nobody has left it twice"
    assert not turns._waiting


def test_close_leaves_no_process() -> None:
    held = Sandbox(size=2)
    evaluate(held, "def f(log):\n    return 1", flavour="numeric")
    slow = threading.Thread(target=lambda: evaluate(held, "import time\ndef f(log):\n    time.sleep(3)"))
    slow.start()
    evaluate(held, "def f(log):\n    return 1")
    assert wait_until(lambda: len(held._zygotes) >= 3 and len(idle(held)) == 2)
    everybody = [pid for zygote in list(held._zygotes) for pid in processes(zygote.pid)]
    held.close()
    slow.join()
    assert len(everybody) >= 3
    assert not any(runs(pid) for pid in everybody)


_HOLDS = """
import sys, time
sys.path.insert(0, sys.argv[1])
from app.sandbox.supervisor import Limits, Sandbox
import threading
held = Sandbox(size=2)
slow = {"code": "def f(log):\\n    while True: pass", "arguments": [{}, None]}
threading.Thread(target=lambda: held.run("evaluate", slow, limits=Limits(wall_s=60)), daemon=True).start()
held.run("evaluate", {"code": "def f(log):\\n    return 1", "arguments": [{}, None]})
time.sleep(0.3)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_an_application_that_dies_leaves_no_process(how: signal.Signals) -> None:
    root = str(Path(__file__).parents[2])
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDS, root], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as application:
        assert application.stdout
        assert application.stdout.readline() == b"ready\n"
        family = processes(application.pid)
        application.send_signal(how)
    assert len(family) >= 4
    assert wait_until(lambda: not any(runs(pid) for pid in family)), "something is left"


def test_signals_to_the_applications_group_reach_no_program(own: Sandbox) -> None:
    """Ctrl-C is for the application, which ends its zygotes when it has finished."""
    evaluate(own, "def f(log):\n    return 1")
    (zygote,) = idle(own)
    assert os.getpgid(zygote.pid) != os.getpgid(0)
    assert os.getsid(zygote.pid) != os.getsid(0)


def test_a_fork_of_the_application_uses_zygotes_of_its_own(own: Sandbox) -> None:
    """Workers are forked from a process that has looked whether there is a sandbox."""
    evaluate(own, "def f(log):\n    return 1")
    (zygote,) = idle(own)
    get, put = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            fresh = not idle(own)
            answer = evaluate(own, "def f(log):\n    return 5")
            (others,) = idle(own)
            own.close()
            status = 0 if fresh and answer == Answer(5) and others.pid != zygote.pid else 2
        finally:
            os._exit(status)
    os.close(get)
    os.close(put)
    assert os.waitpid(pid, 0)[1] == 0
    assert evaluate(own, "def f(log):\n    return 6") == Answer(6)
    assert [one.pid for one in idle(own)] == [zygote.pid]


def test_zygotes_hold_nothing_of_the_applications(own: Sandbox) -> None:
    with Path("/etc/passwd").open("rb") as file:
        os.set_inheritable(file.fileno(), True)
        evaluate(own, "def f(log):\n    return 1")
        (zygote,) = idle(own)
        held = [
            str(descriptor.readlink())
            for pid in processes(zygote.pid)
            for descriptor in (Path(f"/proc/{pid}/fd").iterdir() if os.geteuid() == 0 else [])
        ]
    assert {what.partition("[")[0] for what in held} <= {"/dev/null", "socket:"}
    assert sum(what.startswith("socket:") for what in held) <= 1


def test_a_child_holds_one_connection_and_no_more(sandbox: Sandbox) -> None:
    code = (
        "import os\ndef f(log):\n    held = []\n    for n in range(1024):\n        try:\n            os.close(n)\n"
        "        except OSError:\n            continue\n        if n != 3:\n            held.append(str(n))\n    os.write\n    return held"
    )
    answer = evaluate(sandbox, code.replace("range(1024)", "[*range(3), *range(4, 1024)]"))
    assert answer.value == ["0", "1", "2"]


def test_no_descriptors_left_is_said_and_passes(own: Sandbox) -> None:
    import resource

    evaluate(own, "def f(log):\n    return 1")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(path.name) for path in Path("/proc/self/fd").iterdir())
    spare: list[int] = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 2, hard))
        with suppress(OSError):
            while True:
                spare.append(os.dup(0))
        with pytest.raises(SandboxUnavailable, match="Too many open files"):
            evaluate(own, "def f(log):\n    return 1")
    finally:
        for descriptor in spare:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert evaluate(own, "def f(log):\n    return 1") == Answer(1)


@pytest.mark.long
def test_2000_honest_requests_and_not_one_error(setting: SetUp) -> None:
    held, resident = Sandbox(size=1, launcher=setting.launcher), {}
    for n in range(2_000):
        answer = evaluate(held, f"import json\ndef f(log):\n    return json.loads('{n}')")
        assert answer == Answer(n)
        if n in (50, 950):
            resident[n] = _resident(idle(held)[0])
    held.close()
    assert resident[950] < resident[50] * 1.1, "a zygote grows"


def _resident(zygote: Zygote) -> int:
    status = Path(f"/proc/{processes(zygote.pid)[-1]}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def test_no_child_reaches_the_control_socket_however_many_files_are_open(own: Sandbox) -> None:
    """It would forge the next row's end: a process that serves many people has descriptors beyond 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 2_048 if hard == resource.RLIM_INFINITY else min(2_048, hard)
    if most < 1_300:
        pytest.skip("this process may not open as many")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1_200)]
    try:
        reached = evaluate(
            own,
            """
import errno, os
def probe(log):
    reached = []
    for descriptor in range(4, 4096):
        try:
            os.write(descriptor, b'{"killed": true, "signal": null}')
        except OSError as error:
            if error.errno == errno.EBADF:
                continue
        reached.append(str(descriptor))
    return reached
""",
        )
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert reached == Answer([])
    assert evaluate(own, "def f(log):\n    return 1") == Answer(1)
