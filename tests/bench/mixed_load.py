"""A team at work over a large store: 20 API and 2 page requests a second with a million logs, and what answers take.

    .venv/bin/python -m tests.bench.mixed_load [--minutes 30] [--keep DIR]

Starts the whole stack as `./whetstone up` does and fills it (`tests.bench.stored`). Half of the API's requests read
lists, a quarter one file, a quarter write a new version of a prompt; pages are the ones people look at. `/health/live` is the
baseline. Prints percentiles of the time from when each request was due, and what the processes weigh at the start and at
the end.
"""

import argparse
import contextlib
import os
import tempfile
from pathlib import Path

import httpx2 as httpx

from app.core.database import unit_of_work
from app.workspaces import service as workspaces
from app.workspaces.models import Workspace
from tests import factories
from tests.application import start_application
from tests.bench.pages import fill_once, paths, wait_for_scores
from tests.bench.stored import Amounts, Stored
from tests.load import Answers, Rate, Weight, drive

_LOOKED_AT = (
    "/w/{w}", "/w/{w}/files", "/w/{w}/prompts/{file_id}", "/w/{w}/evaluations",
    "/w/{w}/evaluations/{evaluation_id}", "/w/{w}/evaluations/{evaluation_id}/rows",
    "/w/{w}/datasets/{file_id}", "/w/{w}/settings/spend",
)  # fmt: skip


def api_key(stored: Stored) -> str:
    """A key of the workspace's admin."""
    from sqlalchemy import select

    from app.accounts.models import User
    from app.core.access import Role

    with unit_of_work() as session:
        workspace = session.scalar(select(Workspace).where(Workspace.slug == stored.slug))
        user = session.get(User, stored.user_id)
        assert workspace
        assert user
        return factories.key(session, workspaces.principal_of(workspace, user, Role.ADMIN))


def rates_of(stored: Stored, url: str, key: str, stack: contextlib.ExitStack) -> dict[str, Rate]:
    """The team's requests."""
    api = stack.enter_context(httpx.Client(base_url=f"{url}/v5", headers={"x-api-key": key}, timeout=60))
    browser = stack.enter_context(httpx.Client(base_url=url, timeout=60))
    browser.post("/signin", data={"email": stored.email, "password": factories.PASSWORD})
    known = paths(stored)
    pages = [known[route][0] for route in _LOOKED_AT]
    reads = [f"/logs?file_id={stored.prompt_id}&size=20", "/prompts?size=20"]

    def call(number: int) -> int:
        match number % 4:
            case 0 | 1:
                return api.get(reads[number % 2]).status_code
            case 2:
                return api.get(f"/prompts/{stored.prompt_id}").status_code
            case _:
                body = {"path": f"load/{number % 50}", "model": "m", "template": f"say {number} {{{{word}}}}"}
                return api.post("/prompts", json=body).status_code

    return {
        "API": Rate(20, call),
        "page": Rate(2, lambda number: browser.get(pages[number % len(pages)]).status_code),
        "baseline": Rate(1, lambda _: browser.get("/health/live").status_code),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--keep", metavar="DIR", help="home to fill once and to use again")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        home = Path(options.keep or stack.enter_context(tempfile.TemporaryDirectory()))
        application = stack.enter_context(start_application(home))
        application.wait_until_ready()
        os.environ.update(application.settings())
        stored = fill_once(Amounts(), home / "stored.json")
        wait_for_scores()
        rates = rates_of(stored, application.url, api_key(stored), stack)
        drive(rates, 30)  # what comes first is imported and cached first
        names = ("web-1", "worker", "reaper")
        before = {name: Weight.of(application.children()[name]) for name in names}
        report(drive(rates, options.minutes * 60))
        for name in names:
            print(f"{name}: {before[name]} -> {Weight.of(application.children()[name])}")


def report(found: dict[str, Answers]) -> None:
    """Print what was answered."""
    for name, answers in found.items():
        p50, p95, p99 = (answers.percentile(share) * 1000 for share in (0.5, 0.95, 0.99))
        statuses = ", ".join(f"{count:,} x {status}" for status, count in sorted(answers.statuses.items()))
        print(f"{name:9} {statuses}: p50 {p50:.0f}, p95 {p95:.0f}, p99 {p99:.0f} ms, {answers.failed} failed")


if __name__ == "__main__":
    main()
