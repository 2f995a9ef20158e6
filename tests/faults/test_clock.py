"""The clock of the machine jumps an hour, forwards and back, in the middle of a run: leases, durations and stamps hold."""

import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from app.core import formats
from tests.application import Application, start_application
from tests.bench.eval_throughput import Case, prepare
from tests.endpoint import Endpoint
from tests.exactly_once import dsn, wait_for
from tests.faults.conftest import Figures
from tests.faults.doors import Doors
from tests.faults.lengths import LENGTHS, moment
from tests.stack import Stack

HOUR_S = 3600
CASE = Case("clock", rows=1_500, concurrency=50)


@dataclass
class Skewed:
    """An application whose wall clock can be set. That of its databases is right."""

    application: Application
    clock: Path

    def set(self, ahead_s: int) -> None:
        with self.clock.open("r+b", buffering=0) as file:
            file.write(struct.pack("l", ahead_s))


@pytest.fixture(scope="module")
def skewed(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Skewed]:
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("setting the clock of single processes needs Linux and a C compiler")
    folder = tmp_path_factory.mktemp("clock")
    library, clock = folder / "skewed_clock.so", folder / "clock"
    source = Path(__file__).with_name("skewed_clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    clock.write_bytes(struct.pack("l", 0))
    environment = {"LD_PRELOAD": str(library), "TEST_CLOCK": str(clock), "TZ": "Europe/Berlin"}
    urls = stack.create_database(), stack.redis_database()
    with start_application(folder / "home", *urls, environment=environment) as application:
        application.wait_until_ready()
        yield Skewed(application, clock)


@pytest.mark.long
@pytest.mark.xdist_group("clock")
@pytest.mark.timeout(180)
@pytest.mark.parametrize(("jump_s", "number"), LENGTHS.cases("clock", (HOUR_S, -HOUR_S)))
def test_a_clock_that_jumps_ends_no_lease_and_makes_no_time_negative(
    skewed: Skewed, endpoint: Endpoint, seed: int, figures: Figures, jump_s: int, number: int
) -> None:
    application = skewed.application
    doors = Doors(application, f"clock-{number}")
    evaluation_id, body = prepare(doors.client, endpoint, CASE)
    with psycopg.connect(dsn(application), autocommit=True) as connection:
        skewed.set(0)
        endpoint.reset()
        run_id = doors.client.call("POST", f"/evaluations/{evaluation_id}/runs", body)["id"]
        share = moment(seed, "clock", number)
        wait_for(application, run_id, lambda done, _: done >= CASE.rows * share)
        skewed.set(jump_s)
        with doors.open(f"/evaluations/{evaluation_id}/events") as stream:
            told = [stream.readline() for _ in range(2)]
        stopped = doors.client.call("POST", f"/evaluations/{evaluation_id}/runs", body)["id"]
        wait_for(application, stopped, lambda _, status: status == "running")
        doors.client.call("PATCH", f"/evaluations/{evaluation_id}/runs/{stopped}", {"status": "cancelled"})
        page = doors.text(f"/evaluations/{evaluation_id}")
        statuses = (doors.page(), doors.read(), doors.write())
        wait_for(application, run_id, lambda _, status: status == "completed")
        losses = connection.execute(
            "select max(losses) from run_item where run_id = %s", [run_id]
        ).fetchone()[0]
        backwards, furthest_s = connection.execute(
            """
            select (select count(*) from log where run_id = any(%(runs)s)
                      and (latency_ms < 0 or end_time < start_time or start_time < now() - interval '10 minutes'
                           or end_time > now() + interval '1 minute'))
                 + (select count(*) from run where id = any(%(runs)s) and (finished_at < started_at)),
              (select max(abs(extract(epoch from now() - l.end_time))) from log l where l.run_id = any(%(runs)s))
            """,
            {"runs": [run_id, stopped]},
        ).fetchone()
        figures(
            f"R16 a jump of {jump_s:+d} s at {share:.0%} of a run",
            losses=losses,
            backwards=backwards,
            furthest_s=float(furthest_s),
        )

        assert b'"progress":"stuck"' not in b"".join(told), "a run that goes on does not look stuck"
        assert b'"progress":"running"' in b"".join(told)
        assert statuses == (200, 200, 200), "whoever is signed in stays so"
        assert (losses, backwards) == (0, 0)
        assert not re.search(r"[-−]\s?\d[\d.,]*\s?(ms|s|min|h)\b", re.sub(r"<[^>]+>", " ", page))
        skewed.set(0)


def test_stamps_of_the_night_in_which_clocks_change_are_told_apart() -> None:
    """02:30 comes twice on 25 October 2026 in Berlin; stamps are kept and shown with their offset, so they differ."""
    before, after = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    script = (
        "import sys, time; from datetime import datetime, UTC; from app.core import formats\n"
        "for stamp in sys.argv[1:]: print(formats.iso(datetime.fromisoformat(stamp)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script, before.isoformat(), after.isoformat()],
        env={"TZ": "Europe/Berlin", "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert shown == ["2026-10-25T00:30:00+00:00", "2026-10-25T01:30:00+00:00"]
    assert formats.iso(before) != formats.iso(after)
