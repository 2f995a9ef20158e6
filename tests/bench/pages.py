"""How long each page takes with a million logs, 200,000 run items and 2,000 files stored, and what the web process weighs.

    .venv/bin/python -m tests.bench.pages [--logs 1000000] [--rows 10000] [--files 2000] [--requests 15]

Starts the whole stack as `./whetstone up` does, fills it (`tests.bench.stored`), and asks every page of the route table
over HTTP, one after another, with a bare answer (`/health/live`) as the baseline. A page that has no path here ends the
run. Figures are whole requests in ms on the client's clock: the first of the process, the median, the slowest but one;
and processor time of the web process and of Postgres for each, which a busy machine does not change.
"""

import argparse
import contextlib
import dataclasses
import json
import os
import statistics
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

import httpx2 as httpx
import psutil
from fastapi.routing import APIRoute
from sqlalchemy import text

from tests import factories
from tests.application import Application, start_application
from tests.bench.stored import Amounts, Stored, fill

GOAL_MS = 100
SKIPPED = {
    "/w/{w}/evaluations/{evaluation_id}/events": "a stream that stays open",
    "/signin/oidc": "needs a provider of identities",
    "/signin/oidc/callback": "needs a provider of identities",
    "/signin/link/{token}": "a link that works once",
    "/join/{token}": "a link that works once",
    "/reset/{token}": "a link that works once",
    "/guest-reviews/{guest_id}": "what a reviewer's own pages ask for, by a cookie of its own",
    "/guest-reviews/{guest_id}/items": "the same",
    "/guest-reviews/{guest_id}/items/{place}": "the same",
    "/w/{w}/settings/spans/{span_id}": "a file of at most 64 KiB",
    "/w/{w}/datasets/{file_id}/generate/{generation_id}": "at most a thousand calls of somebody's own",
    "/w/{w}/datasets/{file_id}/draft/commit": "at most 50 rows of somebody's own draft",
    "/setup": "answers before the first workspace only",
}


def paths(stored: Stored) -> dict[str, list[str]]:
    """The addresses to ask for, by route."""
    w = f"/w/{stored.slug}"
    prompt, dataset = f"{w}/prompts/{stored.prompt_id}", f"{w}/datasets/{stored.dataset_id}"
    file, evaluation = f"{w}/files-at/{stored.prompt_id}", f"{w}/evaluations/{stored.evaluation_id}"
    return {
        "/": ["/"],
        "/docs": ["/docs", "/docs?q=log"],
        "/docs/{section}": ["/docs/prompts"],
        "/openapi.json": ["/openapi.json"],
        "/signin": ["/signin"],
        "/w/{w}": [w],
        "/w/{w}/search": [f"{w}/search", f"{w}/search?q=prompt+19", f"{w}/search?q=no+such+words"],
        "/w/{w}/prompts/new": [f"{w}/prompts/new"],
        "/w/{w}/prompts/{file_id}/edit": [f"{prompt}/edit"],
        "/w/{w}/prompts/{file_id}/draft/diff": [f"{prompt}/draft/diff"],
        "/w/{w}/prompts/{file_id}/draft/history": [f"{prompt}/draft/history"],
        "/w/{w}/prompts/{file_id}/examples": [f"{prompt}/examples?dataset={stored.dataset_id}"],
        "/w/{w}/prompts/{file_id}": [prompt],
        "/w/{w}/prompts/{file_id}/versions/{number}": [f"{prompt}/versions/2"],
        "/w/{w}/prompts/{file_id}/diff": [f"{prompt}/diff?from=1&to=2"],
        "/w/{w}/prompts/{file_id}/deployments": [f"{prompt}/deployments"],
        "/w/{w}/prompts/{file_id}/monitoring": [f"{prompt}/monitoring"],
        "/w/{w}/prompts/{file_id}/deploy": [f"{prompt}/deploy?version=2"],
        "/w/{w}/library": [f"{w}/library"],
        "/w/{w}/files": [f"{w}/files", f"{w}/files?q=prompt+19"],
        "/w/{w}/files/{path:path}": [f"{w}/files/archive", f"{w}/files/archive/012"],
        "/w/{w}/prompts/{file_id}/versions/{number}/file": [f"{prompt}/versions/2/file"],
        "/w/{w}/import-prompts": [f"{w}/import-prompts"],
        "/w/{w}/create": [f"{w}/create"],
        "/w/{w}/files-at/{file_id}/move": [f"{file}/move"],
        "/w/{w}/files-at/{file_id}/copy": [f"{file}/copy"],
        "/w/{w}/files-at/{file_id}/delete": [f"{file}/delete"],
        "/w/{w}/folders/{directory_id}/move": [f"{w}/folders/dir_bench012/move"],
        "/w/{w}/folders/{directory_id}/delete": [f"{w}/folders/dir_bench012/delete"],
        "/w/{w}/trash": [f"{w}/trash", f"{w}/trash?q=prompt+19"],
        "/w/{w}/trash/{file_id}/restore": [f"{w}/trash/pr_bench00098/restore"],
        "/w/{w}/logs": [
            f"{w}/logs",
            f"{w}/logs?file={stored.prompt_id}",
            f"{w}/logs?file={stored.prompt_id}&version=2",
            f"{w}/logs?state=failed",
            f"{w}/logs?state=error",
            f"{w}/logs?environment=nowhere",
            f"{w}/logs?user=nobody",
            f"{w}/logs?slower=1000",
            f"{w}/logs?dearer=1000",
            f"{w}/logs?q=pending+please",
            f"{w}/logs?q=no+such+words",
            f"{w}/logs?metadata=no+such+words",
            f"{w}/logs?since=2026-01-01&until=2026-01-02",
        ],
        "/w/{w}/log-histogram": [
            f"{w}/log-histogram",
            f"{w}/log-histogram?file={stored.prompt_id}",
            f"{w}/log-histogram?file={stored.prompt_id}&version=2",
            f"{w}/log-histogram?state=failed",
            f"{w}/log-histogram?state=error",
            f"{w}/log-histogram?environment=nowhere",
            f"{w}/log-histogram?user=nobody",
            f"{w}/log-histogram?slower=1000",
            f"{w}/log-histogram?q=pending+please",
            f"{w}/log-histogram?metadata=no+such+words",
            f"{w}/log-histogram?since=2020-01-01",
        ],
        "/w/{w}/newer-logs": [f"{w}/newer-logs?after=2020-01-01T00:00:00%2B00:00~log"],
        "/w/{w}/logs/{log_id:path}": [f"{w}/logs/{stored.log_id}", f"{w}/logs/{stored.log_id}?tab=comments"],
        "/w/{w}/comments": [f"{w}/comments?on=log&id={stored.log_id}"],
        "/w/{w}/comments/{comment_id}": [f"{w}/comments/{stored.comment_id}"],
        "/w/{w}/mentions": [f"{w}/mentions"],
        "/w/{w}/mentionable-people": [f"{w}/mentionable-people?q=a"],
        "/w/{w}/raw-logs": [f"{w}/raw-logs?log={stored.log_id}"],
        "/w/{w}/kept-logs": [f"{w}/kept-logs?log={stored.log_id}"],
        "/w/{w}/evaluations/new": [f"{w}/evaluations/new?prompt={stored.prompt_id}"],
        "/w/{w}/evaluations": [f"{w}/evaluations"],
        "/w/{w}/evaluations/{evaluation_id}": [evaluation],
        "/w/{w}/evaluations/{evaluation_id}/share": [f"{evaluation}/share"],
        "/guest/{token}": [f"/guest/{stored.guest_token}"],
        "/shared/{token}": [f"/shared/{stored.report_token}"],
        "/w/{w}/evaluations/{evaluation_id}/live": [f"{evaluation}/live"],
        "/w/{w}/evaluations/{evaluation_id}/lineage": [f"{evaluation}/lineage"],
        "/w/{w}/evaluations/{evaluation_id}/export": [f"{evaluation}/export"],
        "/w/{w}/evaluations/{evaluation_id}/rows": [
            f"{evaluation}/rows",
            f"{evaluation}/rows?only=worse",
            f"{evaluation}/rows?only=disputed",
            f"{evaluation}/rows?sort=worst",
            f"{evaluation}/rows?sort=disagreement",
            f"{evaluation}/rows?sort=flips",
            f"{evaluation}/rows?output=target",
            f"{evaluation}/rows?q=pending+please",
            f"{evaluation}/rows?page={stored.rows // 67}",
        ],
        "/w/{w}/evaluations/{evaluation_id}/rows/{number}": [f"{evaluation}/rows/{stored.rows // 2}"],
        "/w/{w}/evaluations/{evaluation_id}/rows/{number}/logs": [
            f"{evaluation}/rows/{stored.rows // 2}/logs"
        ],
        "/w/{w}/review": [f"{w}/review"],
        "/w/{w}/review/new": [f"{w}/review/new?evaluation={stored.evaluation_id}"],
        "/w/{w}/review/from-logs": [
            f"{w}/review/from-logs?log={stored.log_id}",
            f"{w}/review/from-logs?q=pending",
        ],
        "/w/{w}/review/{queue_id}": [f"{w}/review/{stored.queue_id}"],
        "/w/{w}/review/{queue_id}/targets": [f"{w}/review/{stored.disputed_queue_id}/targets"],
        "/w/{w}/review/{queue_id}/items": [f"{w}/review/{stored.queue_id}/items"],
        "/w/{w}/review/{queue_id}/items/{place}": [f"{w}/review/{stored.queue_id}/items/{stored.rows // 20}"],
        "/w/{w}/review/{queue_id}/disputes/{position}": [f"{w}/review/{stored.disputed_queue_id}/disputes/7"],
        "/w/{w}/evaluators": [f"{w}/evaluators", f"{w}/evaluators?q=exact"],
        "/w/{w}/evaluators/new": [f"{w}/evaluators/new", f"{w}/evaluators/new?kind=llm_judge"],
        "/w/{w}/evaluators/{file_id}": [f"{w}/evaluators/{stored.evaluator_id}"],
        "/w/{w}/evaluators/{file_id}/agreement": [f"{w}/evaluators/{stored.evaluator_id}/agreement"],
        "/w/{w}/evaluators/{file_id}/versions": [f"{w}/evaluators/{stored.evaluator_id}/versions"],
        "/w/{w}/evaluators/{file_id}/diff": [f"{w}/evaluators/{stored.evaluator_id}/diff?from=1&to=1"],
        "/w/{w}/evaluators/{file_id}/deploy": [f"{w}/evaluators/{stored.evaluator_id}/deploy"],
        "/w/{w}/tools/new": [f"{w}/tools/new"],
        "/w/{w}/tools/{file_id}/edit": [f"{w}/tools/{stored.tool_id}/edit"],
        **{
            f"/w/{{w}}/{kind}s/{{file_id}}{part}": [f"{w}/{kind}s/{file_id}{part}{query}"]
            for kind, file_id in (
                ("tool", stored.tool_id),
                ("flow", stored.flow_id),
                ("agent", stored.agent_id),
            )
            for part, query in (("", ""), ("/diff", "?from=1&to=2"), ("/deploy", ""), ("/monitoring", ""))
        },
        "/w/{w}/datasets/new": [f"{w}/datasets/new"],
        "/w/{w}/datasets/{file_id}": [
            dataset,
            f"{dataset}?q=pending+please",
            f"{dataset}?only=synthetic",
            f"{dataset}?page={stored.rows // 111}",
        ],
        "/w/{w}/datasets/{file_id}/rows/{datapoint_id}": [f"{dataset}/rows/{stored.datapoint_id}?version=1"],
        "/w/{w}/datasets/{file_id}/draft/cell": [
            f"{dataset}/draft/cell?row={stored.datapoint_id}&place=split"
        ],
        "/w/{w}/datasets/{file_id}/draft/rows/{row_id}": [f"{dataset}/draft/rows/{stored.datapoint_id}"],
        "/w/{w}/datasets/{file_id}/versions": [f"{dataset}/versions"],
        "/w/{w}/datasets/{file_id}/generate": [f"{dataset}/generate?prompt={stored.prompt_id}"],
        "/w/{w}/datasets/{file_id}/import": [f"{dataset}/import"],
        "/w/{w}/settings": [f"{w}/settings"],
        "/w/{w}/settings/providers": [f"{w}/settings/providers"],
        "/w/{w}/settings/providers/{provider_id}": [f"{w}/settings/providers/{stored.provider_id}"],
        "/w/{w}/settings/spend": [f"{w}/settings/spend"],
        "/w/{w}/settings/keys": [f"{w}/settings/keys"],
        "/w/{w}/settings/limits": [f"{w}/settings/limits"],
        "/w/{w}/settings/retention": [f"{w}/settings/retention"],
        "/w/{w}/settings/spans": [f"{w}/settings/spans"],
        "/w/{w}/settings/export": [f"{w}/settings/export"],
        "/w/{w}/settings/members": [f"{w}/settings/members"],
        "/w/{w}/settings/members/invite": [f"{w}/settings/members/invite"],
        "/w/{w}/settings/members/{user_id}": [f"{w}/settings/members/{stored.user_id}"],
        "/w/{w}/settings/account": [f"{w}/settings/account"],
        "/w/{w}/settings/environments": [f"{w}/settings/environments"],
        "/w/{w}/settings/environments/new": [f"{w}/settings/environments/new"],
        "/w/{w}/settings/environments/{environment_id}": [
            f"{w}/settings/environments/{stored.environment_id}"
        ],
        "/w/{w}/audit": [f"{w}/audit"],
        "/w/{w}/audit/export": [f"{w}/audit/export"],
    }


def pages_of(stored: Stored) -> list[str]:
    """Every page of the application, by its route table; ends the process at one that is not known here."""
    from app.main import create_app

    known = paths(stored)
    routes = [r.path for r in create_app().routes if isinstance(r, APIRoute) and "GET" in r.methods]
    pages = [path for path in routes if not path.startswith(("/v5", "/health", "/metrics"))]
    missing = [path for path in pages if path not in known and path not in SKIPPED]
    if missing:
        sys.exit(f"tests/bench/pages.py has no address for {', '.join(missing)}")
    return [address for path in pages if path in known for address in known[path]]


def rss_mib(pid: int) -> float:
    return psutil.Process(pid).memory_info().rss / 2**20


def first_answer_s(application: Application) -> float:
    """Seconds from killing the only web process to its successor's first page."""
    killed = application.kill("web-1")
    pid = application.wait_until_restarted("web-1", killed)
    # From the start of the process itself: how long the supervisor waits before it is not the page's.
    started = psutil.Process(pid).create_time()
    while True:
        try:
            if application.get("/signin")[0] == 200:
                return time.time() - started
        except OSError:
            time.sleep(0.005)


class Spent:
    """Processor time of processes and their children since the last look, in ms."""

    def __init__(self, *leaders: int) -> None:
        self._leaders = [psutil.Process(pid) for pid in leaders]
        self._last = self._now()

    def _now(self) -> list[float]:
        return [
            sum(sum(process.cpu_times()[:2]) for process in (leader, *leader.children(recursive=True)))
            for leader in self._leaders
        ]

    def look(self) -> list[float]:
        before, self._last = self._last, self._now()
        return [1000 * (now - then) for now, then in zip(self._last, before, strict=True)]


def ask(client: httpx.Client, address: str, count: int) -> tuple[list[float], int]:
    """Milliseconds of each request, and the bytes of the answer."""
    took, size = [], 0
    for _ in range(count):
        started = time.perf_counter()
        answer = client.get(address)
        took.append((time.perf_counter() - started) * 1000)
        assert answer.status_code in (200, 303), (address, answer.status_code, answer.text[:300])
        size = len(answer.content)
    return took, size


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--logs", type=int, default=Amounts().logs)
    parser.add_argument("--rows", type=int, default=Amounts().rows)
    parser.add_argument("--files", type=int, default=Amounts().files)
    parser.add_argument("--requests", type=int, default=15)
    parser.add_argument("--keep", metavar="DIR", help="home to fill once and to use again")
    options = parser.parse_args()
    amounts = Amounts(files=options.files, rows=options.rows, logs=options.logs)
    with contextlib.ExitStack() as stack:
        home = Path(options.keep or stack.enter_context(tempfile.TemporaryDirectory()))
        application = stack.enter_context(start_application(home))
        application.wait_until_ready()
        os.environ.update(application.settings())  # filling is done by our own services
        stored = fill_once(amounts, home / "stored.json")
        wait_for_scores()
        print(f"first page of a new web process: {first_answer_s(application):.2f} s")
        measure(application, stored, options.requests)


def fill_once(amounts: Amounts, note: Path) -> Stored:
    """What is stored: filled now, or by an earlier run that left its note."""
    if note.exists():
        return Stored(**json.loads(note.read_text()))
    started = time.perf_counter()
    stored = fill(amounts)
    print(
        f"stored {amounts.logs:,} logs, {amounts.items:,} run items, {amounts.files:,} files"
        f" in {time.perf_counter() - started:.0f} s"
    )
    note.write_text(json.dumps(dataclasses.asdict(stored)))
    return stored


def wait_for_scores() -> None:
    """Until the reaper has scored every finished run."""
    from app.core.database import get_engine

    started = time.perf_counter()
    while True:
        with get_engine().connect() as connection:
            left = connection.scalar(text("select count(*) from run where scored_at is null"))
        if not left:
            break
        time.sleep(0.5)
    print(f"all runs scored after {time.perf_counter() - started:.0f} s more")


def measure(application: Application, stored: Stored, requests: int) -> None:
    """Sign in, ask for every page, print what each took."""
    web = application.children()["web-1"]
    print(f"web process with its first page: {rss_mib(web):.0f} MiB")
    with httpx.Client(base_url=application.url, timeout=60) as client:
        answer = client.post("/signin", data={"email": stored.email, "password": factories.PASSWORD})
        assert answer.status_code == 303, answer.text
        bare, _ = ask(client, "/health/live", requests)
        print(f"baseline, /health/live: {statistics.median(bare):.1f} ms\n")
        print(f"{'first':>7} {'median':>7} {'slow':>7} {'web':>6} {'db':>6} {'kB':>6}")
        spent = Spent(web, application.children()["postgres"])
        over = []
        for address in pages_of(stored):
            first, _ = ask(client, address, 1)
            spent.look()
            took, size = ask(client, address, requests)
            cpu = [ms / requests for ms in spent.look()]
            middle, slow = statistics.median(took), sorted(took)[-2]
            shown = urllib.parse.unquote(address.replace(stored.slug, "…", 1))
            mark = "  <-- over" if middle > GOAL_MS else ""
            print(
                f"{first[0]:7.1f} {middle:7.1f} {slow:7.1f} {cpu[0]:6.0f} {cpu[1]:6.0f} {size / 1000:6.0f}  {shown}{mark}",
                flush=True,
            )
            over += [address] if mark else []
    print(f"\nweb process after all pages: {rss_mib(web):.0f} MiB; {len(over)} pages over {GOAL_MS} ms")


if __name__ == "__main__":
    main()
