"""How long importing and exporting 100,000 logs takes, and what memory: each a command in a process of its own.

    .venv/bin/python -m tests.bench.export_import [--logs 100000]

Makes an export in the vendor's shape (logs of about 2.5 KiB, each with its file within and a judgment; a tenth of them
nested in traces, told twice), imports it into a new database, imports it again, and exports the workspace.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from app.embedded.databases import DATABASE_URL, scratch_databases
from tests.transfer import vendor
from tests.transfer.commands import environment_of, query
from tests.transfer.vendor import Export


def make(path: Path, count: int) -> int:
    """An export with so many logs; its size in MiB."""
    export = Export(path)
    version, flow = vendor.prompt(version_logs_count=count), vendor.flow()
    for file in (version, flow, vendor.evaluator()):
        export.add(file)

    def log(number: int, **more: object) -> dict:
        said = [vendor.judgment(f"jdg_{number}", f"log_{number}", number % 3 == 0)]
        inputs = {"question": f"question {number}", "passage": "what it says there, " * 25}
        return vendor.log(
            f"log_{number}", version, inputs=inputs, output="an answer " * 30, evaluator_logs=said, **more
        )

    folder = export.folder(vendor.PROMPT) / "logs"
    folder.mkdir()
    for part, first in enumerate(range(0, count, 1_000), start=1):
        with (folder / f"{part}.jsonl").open("w") as file:
            file.writelines(
                json.dumps(log(number)) + "\n" for number in range(first, min(first + 1_000, count))
            )
    traces = [
        vendor.log(
            f"trace_{n}",
            flow,
            trace_children=[log(m, trace_parent_id=f"trace_{n}") for m in range(n * 10, n * 10 + 10)],
        )
        for n in range(count // 100)
    ]
    export.logs(vendor.FLOW, traces)
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file()) >> 20


def timed(url: str, *words: str) -> None:
    """Run a command, and say what it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    code = "import resource, sys; from app.cli import main; code = main(sys.argv[1:]); print('MiB', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10); sys.exit(code)"
    ran = subprocess.run(
        [sys.executable, "-c", code, *words],
        env=environment_of(url),
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    print(
        f"{' '.join(words[:2]):<20} {took:6.1f} s, {cpu:6.1f} s of processor, {ran.stdout.split()[-1]} MiB at most"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--logs", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, scratch_databases() as urls:
        url, export = urls[DATABASE_URL], Path(folder) / "export"
        print(f"{options.logs:,} logs, {make(export, options.logs):,} MiB")
        run: Callable[..., None] = lambda *words: timed(url, *words)  # noqa: E731
        run("migrate")
        run("init", "--workspace", "Bench", "--email", "bench@example.com")
        run("import", "humanloop", str(export))
        print(query(url, "select count(*), count(trace_id), (select count(*) from judgment) from log")[0])
        run("import", "humanloop", str(export))
        run("export", str(Path(folder) / "out"))


if __name__ == "__main__":
    main()
