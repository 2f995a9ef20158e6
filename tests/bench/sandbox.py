"""What a user's program costs in the sandbox: starts, rows, batches, memory, and the same rows by plain `exec`.

Run by hand: `python -m tests.bench.sandbox [--rows 1000] [--honest 10000]`. Every row is a request of its own in a fresh
child, unless it says batch. The program parses JSON and takes a mean; plain `exec` runs it in this process.
"""

import argparse
import json
import os
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from app.sandbox.supervisor import Limits, Sandbox, SandboxUnavailable, Zygote

PROGRAM = """
import json, statistics
def evaluate(log, testcase):
    return statistics.mean(json.loads(log["output"])) == testcase["target"]["mean"]
"""
NUMERIC = """
import numpy as np
def evaluate(log, testcase):
    return bool(np.isclose(np.mean(np.array(log["scores"])), testcase["target"]["mean"]))
"""
STAYING = "import time\ndef evaluate(log):\n    time.sleep(log['seconds'])"
ARGUMENTS: list[Any] = [{"output": "[1, 2, 6]", "scores": [1, 2, 6]}, {"target": {"mean": 3}}]


def ask(code: str) -> dict[str, Any]:
    return {"code": code, "arguments": ARGUMENTS}


def row(sandbox: Sandbox, code: str, flavour: str = "standard") -> None:
    answer = sandbox.run("evaluate", ask(code), flavour=flavour)
    if answer.value is not True:
        raise SystemExit(f"an honest row came to {answer}")


def timed(act: Callable[[], object], times: int) -> list[float]:
    """Milliseconds of each, ascending."""
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        act()
        took.append(1000 * (time.perf_counter() - begun))
    return sorted(took)


def show(name: str, took: list[float]) -> None:
    p95 = took[int(0.95 * (len(took) - 1))]
    print(f"{name:<44} p50 {statistics.median(took):8.2f} ms   p95 {p95:8.2f} ms   n {len(took)}", flush=True)


def plainly() -> None:
    names: dict[str, Any] = {}
    exec(compile(PROGRAM, "<evaluator>", "exec"), names)
    assert names["evaluate"](*json.loads(json.dumps(ARGUMENTS))) is True


def family(zygote: Zygote) -> list[psutil.Process]:
    first = psutil.Process(zygote.pid)
    return [first, *first.children(recursive=True)]


def memory(processes: list[psutil.Process]) -> str:
    held = [process.memory_full_info() for process in processes]
    uss, pss = (sum(getattr(one, name) for one in held) / (1 << 20) for name in ("uss", "pss"))
    return f"USS {uss:5.1f} MiB   PSS {pss:5.1f} MiB   processes {len(held)}"


def measure_memory(flavour: str) -> None:
    zygote = Zygote(flavour)
    idle = family(zygote)
    print(f"{f'memory of a zygote, {flavour}':<44} {memory(idle)}")
    request = {"program": "evaluate", "code": STAYING, "arguments": [{"seconds": 1.5}, None]}
    working = threading.Thread(target=zygote.run, args=([request], Limits()))
    working.start()
    time.sleep(0.7)
    child = [one for one in family(zygote) if one not in idle]
    print(f"{f'memory of a child, {flavour}':<44} {memory(child)}")
    working.join()
    zygote.close()


def measure_honest(rows: int, size: int) -> None:
    """As many rows as that, on several threads: there must not be one error that is not the program's."""
    sandbox = Sandbox(size=size)
    left = iter(range(rows))
    errors: list[object] = []
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                number = next(left, None)
            if number is None:
                return
            code = f"import json\ndef f(log):\n    return json.loads('{number}')"
            try:
                answer = sandbox.run("evaluate", {"code": code, "arguments": [{}, None]})
            except SandboxUnavailable as unavailable:
                errors.append(unavailable)
                continue
            if answer.value != number:
                errors.append(answer)

    begun = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(8 * size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    sandbox.close()
    print(f"{f'{rows:,} honest rows on {size} zygotes':<44} {rows / took:.0f} a second, {len(errors)} errors")
    for answer in errors[:5]:
        print(f"  {answer}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--honest", type=int, default=10_000)
    parser.add_argument("--zygotes", type=int, default=2)
    options = parser.parse_args()
    print(
        f"load {' '.join(f'{load:.1f}' for load in os.getloadavg())}, {os.cpu_count()} cores, kernel {os.uname().release}"
    )

    show("plain exec, no sandbox (baseline)", timed(plainly, options.rows))
    for flavour, code in (("standard", PROGRAM), ("numeric", NUMERIC)):
        sandbox = Sandbox(size=1)
        show(f"cold: start of a zygote, {flavour}", timed(lambda held=flavour: Zygote(held).close(), 10))
        row(sandbox, code, flavour)
        print(f"  held by {sandbox.layers}")
        show(f"a row, {flavour}", timed(lambda: row(sandbox, code, flavour), options.rows))  # noqa: B023
        if flavour == "standard":
            batch = [ask(code)] * 100
            took = timed(lambda: sandbox.run_batch("evaluate", batch), max(options.rows // 100, 5))  # noqa: B023
            show("a row in a batch of 100", [one / 100 for one in took])
        sandbox.close()
        measure_memory(flavour)
    measure_honest(options.honest, options.zygotes)
    print(f"load {' '.join(f'{load:.1f}' for load in os.getloadavg())}; {Path(__file__).name} done")


if __name__ == "__main__":
    main()
