"""How fast 100,000 rows get into a dataset, by the API, and what memory that takes, beside a bare COPY of the same rows.

    .venv/bin/python -m tests.bench.dataset_import [--rows 100000]

Starts the whole stack as `./whetstone up` does. The web process's memory is read before, and at its peak during each
import; it must not grow with the rows. The first import's rows are all new, the second's all there.
"""

import argparse
import csv
import io
import json
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Self

import psutil
import psycopg

from tests.application import Application, start_application


def rows_of(count: int) -> bytes:
    """A CSV file of about 300 bytes a row."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["question", "passage", "target.label", "split"])
    for n in range(count):
        writer.writerow([f"question {n}: which way?", f"passage {n} " * 20, f"label {n % 77}", "test"])
    return out.getvalue().encode()


class _Peak:
    """The largest resident memory of a process while this is entered, in MiB."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.mib = 0.0

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            self.mib = max(self.mib, self._process.memory_info().rss / 2**20)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


def call(application: Application, key: str, path: str, body: bytes, kind: str) -> dict:
    headers = {"x-api-key": key, "content-type": kind}
    request = urllib.request.Request(f"{application.url}/v5{path}", body, headers)
    with urllib.request.urlopen(request, timeout=300) as answer:
        return json.load(answer)


def bare_copy(application: Application, body: bytes) -> float:
    """Seconds to read the same file and COPY its rows into a table without any index."""
    url = application.database_url.replace("+psycopg", "")
    started = time.perf_counter()
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("create temp table bare (inputs jsonb, target jsonb, split text)")
        with cursor.copy("copy bare from stdin") as copy:
            for question, passage, label, split in csv.reader(io.StringIO(body.decode())):
                inputs = json.dumps({"question": question, "passage": passage})
                copy.write_row((inputs, json.dumps({"label": label}), split))
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    body = rows_of(options.rows)
    print(f"{options.rows:,} rows, {len(body) / 2**20:.0f} MiB")
    with tempfile.TemporaryDirectory() as folder, start_application(Path(folder)) as application:
        application.wait_until_ready()
        application.run("init", "--workspace", "Bench", "--email", "bench@example.com").check_returncode()
        made = application.run("key", "create", "--workspace", "bench", "--name", "bench", "--role", "admin")
        key = made.stdout.strip()
        print(f"bare COPY: {bare_copy(application, body):.1f} s")
        for path in ("bench/first", "bench/again"):
            empty = json.dumps({"path": path, "datapoints": []}).encode()
            file = call(application, key, "/datasets", empty, "application/json")
            web = application.children()["web-1"]
            before = psutil.Process(web).memory_info().rss / 2**20
            started = time.perf_counter()
            with _Peak(web) as peak:
                address = f"/datasets/{file['id']}/import?action=set&filename=rows.csv"
                found = call(application, key, address, body, "text/csv")
            took = time.perf_counter() - started
            print(f"{path}: {found['rows']:,} rows in {took:.1f} s, web {before:.0f} to {peak.mib:.0f} MiB")


if __name__ == "__main__":
    main()
