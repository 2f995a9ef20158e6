"""The self-test lets programs run here, each of its probes can fail, and where there is no safe sandbox it says why."""

import os
import sys
import time
from pathlib import Path

import pytest

from app.sandbox import selftest
from app.sandbox.frames import Answer
from app.sandbox.selftest import ENDLESS, PROBES
from app.sandbox.supervisor import Sandbox
from tests.sandbox.conftest import SetUp
from tests.sandbox.plain import Plain

NEED_ROOT = {"make a namespace", "lift its own limits"}
"""Or a kernel that lets everybody; without a sandbox they are not sure to succeed."""


def test_programs_may_be_run_here(sandbox: Sandbox, setting: SetUp) -> None:
    state = selftest.examine(sandbox)

    assert state.engine is not None, state.explanation
    assert state.engine.startswith("cpython-seccomp 1, Python ")
    assert state.explanation.startswith("a filter of system calls")
    assert ("Landlock" in state.explanation) == (setting.name != "seccomp alone" and _kernel_has_landlock())
    if os.geteuid() == 0:  # whether another user may make one, the kernel decides
        assert ("namespaces" in state.explanation) == (setting.name == "full")


@pytest.mark.parametrize("name", PROBES)
def test_every_probe_succeeds_without_a_sandbox(name: str, plain: Plain) -> None:
    """Or it would prove nothing; found is what `examine` reports of it."""
    answer = plain.run("evaluate", {"code": PROBES[name], "arguments": [{}, None]})
    if name in NEED_ROOT and os.geteuid() != 0 and answer.value is not True:
        pytest.skip("only root can, on this kernel")

    state = selftest.examine(OneFails(name, answer))

    assert answer.value is True, answer
    assert state == selftest.State(None, f"a program could {name}", broken_out=True)


def test_a_program_that_goes_on_for_ever_is_noticed(plain: Plain) -> None:
    answer = plain.run("evaluate", {"code": ENDLESS, "arguments": [{}, None]})
    state = selftest.examine(OneFails(None, answer))
    assert state == selftest.State(None, "a program could go on for ever", broken_out=True)


def test_no_sandbox_at_all_is_noticed_at_once(plain: Plain) -> None:
    state = selftest.examine(plain)  # type: ignore[arg-type]
    assert (state.engine, state.explanation) == (None, "a program could read a file")


def test_an_honest_program_must_run() -> None:
    state = selftest.examine(Broken())
    assert (state.engine, state.explanation) == (None, "an honest program does not run: it broke")


FILTERLESS = """
import errno, os, sys
sys.path.insert(0, sys.argv[1])
from app.sandbox import seccomp
from app.sandbox.seccomp import Argument, Rule, refuse
numbers = {"prctl": {"x86_64": 157, "aarch64": 167}, "seccomp": {"x86_64": 317, "aarch64": 277}}
machine = seccomp.this_machine()
machine.calls.update({call: both[os.uname().machine] for call, both in numbers.items()})
others = tuple(range(1, 22)) + tuple(range(23, 80))
rules = [Rule("prctl", (Argument(0, others),)), Rule("seccomp", action=refuse(errno.ENOSYS))]
seccomp.install(seccomp.program(rules, seccomp.ALLOW, machine))
os.execv(sys.argv[2], sys.argv[2:])
"""


@pytest.mark.parametrize(
    ("launcher", "explanation"),
    [
        ((sys.executable, "-c", FILTERLESS, str(Path(__file__).parents[2])), "this kernel does not let a process filter its system calls (seccomp)"),
        (("/nonexistent/launcher",), "no process can be started: No such file or directory"),
        (("/bin/false",), "the process that programs are forked from did not start"),
    ],
    ids=["no filter", "no launcher", "no start"],
)  # fmt: skip
def test_where_there_is_no_safe_sandbox_nothing_is_run(launcher: tuple[str, ...], explanation: str) -> None:
    without = Sandbox(size=1, launcher=launcher)

    state = selftest.examine(without)
    without.close()

    assert state.engine is None
    assert state.explanation.startswith(explanation)


class OneFails(Sandbox):
    """Holds everything but one probe (or the endless program), which finds what it found elsewhere."""

    def __init__(self, name: str | None, answer: Answer) -> None:
        self._code = ENDLESS if name is None else PROBES[name]
        self._answer = answer

    def run(self, program: str, request: dict[str, str], **_: object) -> Answer:  # type: ignore[override]
        if request["code"] == self._code:
            return self._answer
        if request["code"] == ENDLESS:
            return Answer(error="stopped")
        return Answer(request["code"] not in PROBES.values())


class Broken(Sandbox):
    """Runs nothing."""

    def __init__(self) -> None:
        pass

    def run(self, *_: object, **__: object) -> Answer:  # type: ignore[override]
        return Answer(error="it broke")


def _kernel_has_landlock() -> bool:
    import ctypes

    return ctypes.CDLL(None, use_errno=True).syscall(444, None, 0, 1) >= 1


def test_a_machine_that_was_too_busy_is_looked_at_again() -> None:
    busy = selftest.State(None, "the process that programs are forked from did not start")
    watch = selftest.Watch(selftest.examine_sandbox, busy, again_s=20)
    assert watch.state().engine is None, "what is known, at once"
    deadline = time.monotonic() + 60
    while watch.state().engine is None:
        assert time.monotonic() < deadline, watch.state()
        time.sleep(0.05)
    assert watch.state().engine


def test_a_machine_on_which_a_program_broke_out_is_not_looked_at_again() -> None:
    """It may only be less lucky the next time."""
    found = selftest.State(None, "a program could read a file", broken_out=True)
    watch = selftest.Watch(selftest.examine_sandbox, found, again_s=0.0)
    for _ in range(20):
        assert watch.state().explanation == "a program could read a file"
        time.sleep(0.1)


def test_programs_with_numpy_are_tried_as_well(any_sandbox: Sandbox) -> None:
    state = selftest.examine(any_sandbox, flavour="numeric")
    assert state.engine is not None, state.explanation
    assert len(any_sandbox._shelves["numeric", "usual"].idle) == 1
