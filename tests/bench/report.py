"""How long a report over 10,000 rows × 4 versions × 5 evaluators takes, and each filter of its grid.

    .venv/bin/python -m tests.bench.report [--rows 10000] [--requests 20]

Starts the whole stack as `./whetstone up` does, and stores one evaluation whose runs are finished. Cold is the first
request for it that a web process gets which has answered nothing but a sign-in; each of several such processes is asked
once. Warm are the requests after it. Baselines of the same run: a bare answer (`/health/live`), and one statement that
reads the scores which the report is worked out of.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import httpx2 as httpx
from sqlalchemy import text

from app.core.database import get_engine, unit_of_work
from app.evaluations.grid.comparison import Only, Sort
from tests import factories
from tests.application import Application, start_application
from tests.bench.pages import ask, first_answer_s, rss_mib, wait_for_scores
from tests.bench.stored import VERSIONS, finished_evaluation, messages, prompt_versions

COLD_S, WARM_MS, FILTER_MS = 1, 100, 150
"""The goals."""
COLD_STARTS = 5
_FAILURES = """
    update judgment set boolean_value = null, number_value = null, error = 'The judge did not answer.'
    where hashtext(id) % 1000 = 0
"""
"""One in a thousand: rows that are missing are bounded, which takes another way."""
FILTERS = [
    "",
    *(f"?only={name}" for name in get_args(Only)),
    *(f"?sort={name}" for name in get_args(Sort)),
    "?q=pending+please",
]


def store(rows: int) -> tuple[str, str]:
    """The address of the evaluation, and the e-mail address of its owner (with `factories.PASSWORD`)."""
    with unit_of_work() as session:
        team = factories.team(session, "Northwind Customer Care")
        versions = prompt_versions(session, team)
        dataset = messages(session, team, rows)
        judges = [
            factories.evaluator(session, team.admin, kind, path=f"support/{kind}")
            for kind in ("class_match", "token_f1", "lexical_similarity", "rouge", "edit_distance")
        ]
    with unit_of_work() as session:
        evaluation_id = finished_evaluation(session, team, versions, dataset, judges, 1)
        session.execute(text(_FAILURES))
    with get_engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze"))
    return f"/w/{team.workspace.slug}/evaluations/{evaluation_id}", team.admin.email or ""


@contextmanager
def signed_in(application: Application, email: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=application.url, timeout=60) as client:
        answer = client.post("/signin", data={"email": email, "password": factories.PASSWORD})
        assert answer.status_code == 303, answer.text
        yield client


def read_scores_ms() -> float:
    """All judgments of the evaluation by one statement, in ms."""
    started = time.perf_counter()
    with get_engine().connect() as connection:
        connection.execute(
            text("select evaluator_version_id, log_id, boolean_value, number_value from judgment")
        ).all()
    return (time.perf_counter() - started) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, start_application(Path(home)) as application:
        application.wait_until_ready()
        os.environ.update(application.settings())  # filling is done by our own services
        address, email = store(options.rows)
        wait_for_scores()
        print(f"{options.rows:,} rows × {VERSIONS} versions × 5 evaluators, load {os.getloadavg()[0]:.1f}")
        cold = []
        for _ in range(COLD_STARTS):
            first_answer_s(application)
            with signed_in(application, email) as client:
                cold += ask(client, address, 1)[0]
        print(
            f"report, cold: median {statistics.median(cold) / 1000:.2f} s, slowest {max(cold) / 1000:.2f} s, goal {COLD_S} s"
        )
        with signed_in(application, email) as client:
            bare, _ = ask(client, "/health/live", options.requests)
            print(
                f"baselines: /health/live {statistics.median(bare):.1f} ms, reading the judgments {read_scores_ms():.0f} ms"
            )
            took, size = ask(client, address, options.requests)
            print(
                f"report, warm: median {statistics.median(took):.0f} ms, slowest {max(took):.0f} ms, {size / 1000:.0f} kB, goal {WARM_MS} ms"
            )
            for chosen in FILTERS:
                first, _ = ask(client, f"{address}/rows{chosen}", 1)
                took, size = ask(client, f"{address}/rows{chosen}", options.requests)
                print(
                    f"grid {chosen or 'whole':14} first {first[0]:4.0f} ms, median {statistics.median(took):4.0f},"
                    f" slowest {max(took):4.0f}, {size / 1000:.0f} kB, goal {FILTER_MS} ms"
                )
        print(f"web process: {rss_mib(application.children()['web-1']):.0f} MiB")


if __name__ == "__main__":
    main()
