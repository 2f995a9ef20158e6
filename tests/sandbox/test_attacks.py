"""Every attack succeeds without a sandbox, and none in it; whoever comes after one notices nothing."""

import os
import platform
import secrets
import time
from pathlib import Path
from typing import Any

import pytest

from app.sandbox.supervisor import Limits, Sandbox
from tests.sandbox.attacks import ATTACKS, Attack
from tests.sandbox.conftest import idle, processes
from tests.sandbox.judging import (
    GRACE_S,
    HONEST,
    HONEST_ARGUMENTS,
    HONEST_VALUE,
    WALL_S,
    WATCHED_S,
    Outcome,
    succeeded,
)
from tests.sandbox.plain import Plain

each_attack = pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.aim}: {attack.name}")
_HONEST = {"code": HONEST, "arguments": HONEST_ARGUMENTS}
_VICTIM = "def evaluate(log):\n    global held\n    held = log\n    return True"


def test_there_are_many_and_each_has_a_name_of_its_own() -> None:
    assert len(ATTACKS) >= 100
    assert len({(attack.aim, attack.name) for attack in ATTACKS}) == len(ATTACKS)


@pytest.mark.long
@each_attack
def test_it_succeeds_without_a_sandbox(
    attack: Attack, plain: Plain, surroundings: dict[str, Any], tmp_path: Path
) -> None:
    """Or it would prove nothing."""
    _skip_foreign(attack)
    if "root" in attack.needs and os.geteuid() != 0:
        pytest.skip("only root can")
    log = {**surroundings, "folder": str(tmp_path)}
    requests = [_victim(), _attacking(attack, log), _HONEST]
    seconds = WATCHED_S if attack.aim == "time" else 60.0

    (_, answer, after), overran = plain.answers(requests, seconds)

    reached = succeeded(attack.aim, Outcome(answer, overran, after))
    if not reached and "kernel" in attack.needs:
        pytest.skip(f"this kernel has none: {answer}")
    assert reached, answer


@each_attack
def test_it_fails_in_the_sandbox(attack: Attack, sandbox: Sandbox, surroundings: dict[str, Any]) -> None:
    _skip_foreign(attack)
    wall_s = WALL_S if attack.aim in ("time", "poisons the next row") else 3.0
    if attack.aim == "what an earlier request held" or not idle(sandbox):
        sandbox.run("evaluate", _victim())
    before = [zygote.pid for zygote in idle(sandbox)]

    begun = time.monotonic()
    answer = sandbox.run("evaluate", _attacking(attack, surroundings), limits=Limits(wall_s=wall_s))
    took_s = time.monotonic() - begun
    after = sandbox.run("evaluate", _HONEST)

    assert not succeeded(attack.aim, Outcome(answer, took_s > wall_s + GRACE_S, after)), answer
    assert after.value == HONEST_VALUE, after
    assert after.prints.startswith("measuring [1, 2, 6]\n")
    assert time.monotonic() - begun - took_s < 2.0
    (zygote,) = idle(sandbox)
    assert [zygote.pid] == before
    assert len(processes(zygote.pid)) == (2 if "processes" in zygote.namespaces else 1), "a child is left"
    assert list(Path(surroundings["folder"]).iterdir()) == []


def _skip_foreign(attack: Attack) -> None:
    if "x86" in attack.needs and platform.machine() != "x86_64":
        pytest.skip("the numbers of its calls are those of x86_64")


def _victim() -> dict[str, Any]:
    return {"code": _VICTIM, "arguments": [{"output": f"canary-{secrets.token_hex(16)}"}, None]}


def _attacking(attack: Attack, log: dict[str, Any]) -> dict[str, Any]:
    return {"code": attack.code, "arguments": [log, None]}
