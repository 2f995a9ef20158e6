"""What one judgment of each kind of evaluator takes, in processor time, beside comparing two strings.

    .venv/bin/python -m tests.bench.judging [--times 500]

In this process alone: what a kind asks of a model is not counted, and what runs in the sandbox is sent there and waited
for, which takes no processor time here. 10,000 rows by six kinds within 20 s on two cores are 0.6 ms a judgment.
"""

import argparse
import time
from collections.abc import Callable

from app.evaluators.kinds import all_kinds
from tests.evaluators.cases import execution, row
from tests.evaluators.test_kinds import prepared

SHORT = {"output": "The Eiffel Tower stands in Paris, and was finished in 1889."}
OUTPUT = "In Paris stands the Eiffel Tower, which was built until 1889."
TARGETS = {"language": {"output": "en"}, "retrieval": {"output": ["a"]}, "slots": {"tower": "Eiffel"}}
SLOW_MS = 0.6


def milliseconds(work: Callable[[], object], times: int) -> float:
    """Processor time of one call, after one that is not counted."""
    work()
    started = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - started) / times * 1_000


def main() -> None:
    """Print a line for each kind, the slowest first."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--times", type=int, default=500)
    times = options.parse_args().times
    done = execution(OUTPUT)
    found: dict[str, float] = {}
    for one in all_kinds():
        bound, other = prepared(one), row(TARGETS.get(one.name, SHORT))
        found[one.name] = milliseconds(lambda bound=bound, other=other: bound.judge(done, other), times)
    print(f"{'two strings compared':24} {milliseconds(lambda: SHORT['output'] == OUTPUT, times):8.4f} ms")
    for name, each in sorted(found.items(), key=lambda one: -one[1]):
        print(f"{name:24} {each:8.4f} ms{'  slow' if each > SLOW_MS else ''}")


if __name__ == "__main__":
    main()
