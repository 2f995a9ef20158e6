"""Logs are taken while web processes are killed, and while more come than can be written: what was answered is there."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import aiohttp
import psycopg
import pytest

from app.embedded.external import psycopg_url
from tests.application import Application, start_application
from tests.asynchronous import run
from tests.faults.conftest import Figures, Watch
from tests.faults.doors import BATCH, Doors, said_of
from tests.faults.lengths import LENGTHS

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("ingestion"), pytest.mark.timeout(600)]
WRITERS = 3
IN_FLIGHT = 400
WAITED_S = 30
NORMAL_S = 30


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """With a durable Postgres of its own."""
    with start_application(tmp_path_factory.mktemp("ingestion")) as running:
        running.wait_until_ready()
        yield running


@pytest.fixture(scope="module")
def doors(application: Application) -> Doors:
    return Doors(application)


def _stored(application: Application) -> dict[str, tuple[str, str, str | None]]:
    """Input, output and session of every log, by its id."""
    query = "select id, inputs ->> 'word', output, session_id from log where status = 'complete'"
    with psycopg.connect(psycopg_url(application.database_url)) as connection:
        return {row[0]: row[1:] for row in connection.execute(query)}


def test_every_log_that_was_answered_is_there_whole_when_the_process_that_answered_is_killed(
    application: Application, doors: Doors, seed: int, figures: Figures
) -> None:
    application.wait_until_ready()
    chance = random.Random(seed)
    webs = [name for name in application.children() if name.startswith("web")]
    for ask in (doors.log, doors.log_batch, doors.span):
        assert ask() == 200
    with ExitStack() as during:
        watches = [
            during.enter_context(Watch(ask, every_s=0.001))
            for ask in (doors.log, doors.log_batch, doors.span)
            for _ in range(WRITERS)
        ]
        for _ in range(LENGTHS.web_kills):
            time.sleep(chance.uniform(0.1, 1.0))
            name = chance.choice(webs)
            application.wait_until_restarted(name, application.kill(name))
    acknowledged, stored = list(doors.logged), _stored(application)
    statuses = sum((watch.statuses() for watch in watches), Counter())
    figures(
        f"R6 {LENGTHS.web_kills} kills of a web process",
        acknowledged=len(acknowledged),
        broken_off=statuses[0],
        stored=len(stored),
    )

    assert statuses[200] > LENGTHS.web_kills * WRITERS
    assert set(statuses) <= {0, 200, 503}
    assert set(acknowledged) <= set(stored)
    assert len(set(acknowledged)) == len(acknowledged)
    assert [log_id for log_id, (word, output, _) in stored.items() if output != said_of(word)] == []
    of_batches = Counter(session for _, _, session in stored.values() if session)
    assert set(of_batches.values()) == {BATCH}, "all of a batch, or none"


async def _overload(url: str, key: str, seconds: float) -> tuple[Counter[int], list[str], float]:
    """Logs, always `IN_FLIGHT` at once: how often each status came, the ids, and the longest that one took."""
    statuses, ids, slowest_s = Counter[int](), list[str](), 0.0
    until = time.monotonic() + seconds
    timeout = aiohttp.ClientTimeout(total=WAITED_S)
    headers = {"x-api-key": key}

    async def one_after_another(number: int) -> None:
        nonlocal slowest_s
        while time.monotonic() < until:
            word = f"much {number}"
            body = {"path": "oracle/logged", "inputs": {"word": word}, "output": said_of(word)}
            began = time.monotonic()
            async with session.post(f"{url}/v5/prompts/log", json=body, headers=headers) as answer:
                said = await answer.read()
            statuses[answer.status] += 1
            slowest_s = max(slowest_s, time.monotonic() - began)
            if answer.status == 200:
                ids.append(json.loads(said)["id"])
            else:
                assert answer.headers["retry-after"], "who is turned away is told when to come again"

    connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        await asyncio.gather(*(one_after_another(number) for number in range(IN_FLIGHT)))
    return statuses, ids, slowest_s


def test_more_than_can_be_written_is_written_or_refused_in_time(
    application: Application, doors: Doors, figures: Figures
) -> None:
    application.wait_until_ready()
    assert doors.log() == 200
    statuses, ids, slowest_s = run(_overload(application.url, doors.key, LENGTHS.overload_s))
    over, normal = time.monotonic(), False
    while not normal:
        began = time.monotonic()
        normal = doors.log() == 200 and time.monotonic() - began < 0.5
        assert time.monotonic() < over + NORMAL_S
    figures(
        f"R4 {IN_FLIGHT} at once for {LENGTHS.overload_s:g} s",
        a_second=sum(statuses.values()) / LENGTHS.overload_s,
        statuses=dict(statuses),
        slowest_s=slowest_s,
        normal_after_s=time.monotonic() - over,
    )

    assert statuses[200]
    assert set(statuses) <= {200, 429, 503}
    assert slowest_s < 10
    assert set(ids) <= set(_stored(application))
