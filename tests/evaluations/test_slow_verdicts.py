"""Verdicts that take long keep nothing else waiting: above all not the renewing of leases."""

import asyncio
import socket
import threading
import time
from collections.abc import Coroutine
from random import Random
from typing import Any, TypeVar

import pytest

from app.core.errors import Invalid
from app.evaluations.evaluator_editor.trying import SOURCE, Trial, try_evaluator
from app.evaluations.verdicts.judging import Judging, _verdict
from app.evaluations.verdicts.patience import Patience
from app.evaluations.verdicts.plan import Judge
from app.evaluations.verdicts.webhooks import WebhookFailed, Webhooks
from app.evaluators.binding import WebhookCall
from app.evaluators.kinds import kind
from app.evaluators.kinds.contract import BoundEvaluator, Execution, Kind, KindOptions, Row, Traits, Verdict
from app.generations.prepared import Origin
from app.logs.records import JudgmentRecord
from app.workspaces.webhook_keys import WebhookKey
from tests.asynchronous import run
from tests.evaluators.cases import execution, row
from tests.evaluators.test_kind_sql_match import bound as sql

Result = TypeVar("Result")


class Slow(Kind[KindOptions]):
    """Says yes when it is let go."""

    name = "slow"
    title = "Slow"
    purpose = "Your own code"
    returns = Traits("boolean")
    Options = KindOptions
    waits = True

    def __init__(self, let_go: threading.Event) -> None:
        self._let_go = let_go

    def judge(self, options, execution, row, answers=()):
        return Verdict(self._let_go.wait(30))


def test_nothing_else_waits_behind_forty_slow_verdicts() -> None:
    let_go = threading.Event()
    slow = Slow(let_go)
    evaluator = BoundEvaluator(slow, KindOptions(), slow.returns)
    key = WebhookKey("ws", 1)

    async def in_a_run() -> list[bool | None]:
        judging, judge = Judging("ws", {}, [], Webhooks(key)), Judge("ver", "file", evaluator, {}, None)
        records = await _beside(
            [judging.judge(judge, "log", execution(), row(), []) for _ in range(40)], let_go
        )
        return [one.boolean_value for one in records]

    async def in_the_editor() -> list[bool | None]:
        trial = Trial(evaluator, {}, Origin("ws", "file", "ver", SOURCE), execution(), row(), key)
        tried = await _beside([try_evaluator(trial) for _ in range(40)], let_go)
        return [one.verdict.value for one in tried]

    for judged in (in_a_run, in_the_editor):
        let_go.clear()
        assert run(judged()) == [True] * 40


def test_nothing_waits_while_a_row_brings_large_expressions() -> None:
    """They are compiled before anybody is asked, a tenth of a second each."""
    evaluator = kind("composite").prepare({"chosen_by": "testcase.metadata.own", "rule": "all"})
    brought = [{"kind": "regex", "settings": {"pattern": f"(?:[ab{n}]{{0,1000}}c?)" * 20}} for n in range(10)]
    judge, longest = Judge("ver", "file", evaluator, {}, None), 0.0

    async def judged() -> JudgmentRecord:
        nonlocal longest
        judging = Judging("ws", {}, [], Webhooks(WebhookKey("ws", 1)))
        verdict = asyncio.ensure_future(
            judging.judge(judge, "log", execution("aa"), row(metadata={"own": brought}), [])
        )
        while not verdict.done():
            began = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - began)
        return await verdict

    assert run(judged()).boolean_value is True
    assert longest < 0.5


class Late(Kind[KindOptions]):
    """Runs out of time on every row, but on those whose output is `in time`."""

    name = "late"
    title = "Late"
    purpose = "Your own code"
    returns = Traits("boolean")
    Options = KindOptions
    waits = True

    def __init__(self) -> None:
        self.rows = 0

    def judge(self, options, execution, row, answers=()):
        self.rows += 1
        if execution.output == "breaks":
            raise Invalid("nobody answered")
        if execution.output == "not run":
            return Verdict(None, error="all were busy", late=None)
        late = execution.output != "in time"
        return (
            Verdict(None, error="“Part”: The program was stopped after 5 s", late=late)
            if late
            else Verdict(True)
        )


def _judged_one_by_one(late: Late, outputs: list[str], run_id: str | None = "run") -> list[str | None]:
    evaluator = BoundEvaluator(late, KindOptions(), late.returns)
    judge, key = Judge("ver", "file", evaluator, {}, None), WebhookKey("ws", 1)

    async def judged() -> list[str | None]:
        judging = Judging("ws", {}, [], Webhooks(key), run_id=run_id)
        return [(await judging.judge(judge, "log", execution(output), row(), [])).error for output in outputs]

    return run(judged())


def test_an_evaluator_that_never_ends_is_given_up_for_the_rest_of_the_run() -> None:
    late = Late()
    errors = _judged_one_by_one(late, ["late"] * 30)

    assert late.rows == 20
    assert errors[20:] == ["stopped: it ran out of time on 20 rows in a row"] * 10
    assert errors[19] == "“Part”: The program was stopped after 5 s"


def test_one_answer_in_time_makes_up_for_those_that_were_late() -> None:
    late = Late()
    _judged_one_by_one(late, ["late"] * 19 + ["in time"] + ["late"] * 19 + ["in time"])
    assert late.rows == 40
    outside_of_runs = Late()
    _judged_one_by_one(outside_of_runs, ["late"] * 30, run_id=None)
    assert outside_of_runs.rows == 30


def test_what_was_not_run_makes_up_for_nothing() -> None:
    late = Late()
    _judged_one_by_one(late, ["late"] * 19 + ["breaks", "not run"] + ["late"] * 10)
    assert late.rows == 22


def test_what_is_given_up_stays_so_and_threads_count_together() -> None:
    patience = Patience()
    for _ in range(19):
        patience.note("ver", late=True)
    assert not patience.why_ended("ver")
    patience.note("ver", late=True)
    patience.note("ver", late=False)  # a row that was being judged meanwhile
    assert patience.why_ended("ver")
    assert not patience.why_ended("other")


class Asks(Kind[KindOptions]):
    """Asks a service that has next to no time."""

    name = "asks"
    title = "Asks"
    purpose = "Your own code"
    returns = Traits("boolean")
    Options = KindOptions

    def __init__(self, url: str) -> None:
        self._url = url

    def calls(self, options, execution, row, answers=()):
        return [WebhookCall(self._url, "judgment.requested", {}, 0.1)]

    def judge(self, options, execution, row, answers=()):
        return Verdict(True)


def test_a_webhook_that_never_answers_is_given_up_for_the_rest_of_the_run() -> None:
    """Twenty rows are asked about at once, each three times: after three rounds it is no service that is being started again."""
    with socket.create_server(("127.0.0.1", 0), backlog=200) as silent:
        asks = Asks(f"http://127.0.0.1:{silent.getsockname()[1]}/")
        judge = Judge("ver", "file", BoundEvaluator(asks, KindOptions(), asks.returns), {}, None)

        async def judged() -> list[str | None]:
            webhooks, errors = Webhooks(WebhookKey("ws", 1)), []
            judging = Judging("ws", {}, [], webhooks, run_id="run")
            for rows in (40, 19, 1, 5):
                several = (judging.judge(judge, "log", execution(), row(), []) for _ in range(rows))
                errors += [one.error for one in await asyncio.gather(*several)]
            await webhooks.aclose()
            return errors

        errors = run(judged())
    assert set(errors[:60]) == {"The webhook gave no answer: nothing came within 0.1 s"}
    assert set(errors[60:]) == {"stopped: the webhook did not answer in time on 60 rows in a row"}


def test_a_webhook_that_refuses_in_between_is_not_given_up() -> None:
    lates = iter([True] * 59 + [False] + [True] * 59)

    class Refusing(Webhooks):
        async def post(self, call: WebhookCall) -> str:
            raise WebhookFailed("no", late=next(lates))

    asks = Asks("http://127.0.0.1/")
    judge = Judge("ver", "file", BoundEvaluator(asks, KindOptions(), asks.returns), {}, None)
    judging = Judging("ws", {}, [], Refusing(WebhookKey("ws", 1)), run_id="run")

    async def judged() -> set[str | None]:
        return {(await judging.judge(judge, "log", execution(), row(), [])).error for _ in range(119)}

    assert run(judged()) == {"no"}


def test_only_the_time_of_a_program_counts_and_no_text_that_says_so() -> None:
    parts = [{"path": "Checks/Part", "spec": {"evaluator_type": "python", "code": CODE, "timeout_s": 1}}]
    evaluator = kind("composite").prepare({"parts": parts, "rule": "all"})
    said = evaluator.judge(execution("says"), row())
    late = evaluator.judge(execution("late"), row())

    assert ("The program was stopped after" in (said.error or ""), said.late) == (True, False)
    assert ("The program was stopped after 1 s" in (late.error or ""), late.late) == (True, True)


CODE = """
def evaluate(log):
    if log["output"] == "says":
        raise ValueError("The program was stopped after 5 s")
    while True:
        pass
"""


def test_rows_that_wait_behind_an_evaluator_that_never_ends_are_not_run_either() -> None:
    """All rows of a run may be waiting for one of the four threads when it is given up."""
    late = Late()
    evaluator = BoundEvaluator(late, KindOptions(), late.returns)
    judge, key = Judge("ver", "file", evaluator, {}, None), WebhookKey("ws", 1)

    async def judged() -> list[JudgmentRecord]:
        judging = Judging("ws", {}, [], Webhooks(key), run_id="run")
        rows = (judging.judge(judge, "log", execution("late"), row(), []) for _ in range(500))
        return await asyncio.gather(*rows)

    records = run(judged())
    assert all(one.error for one in records)
    assert 20 <= late.rows < 250


def test_nothing_waits_while_a_translation_is_compared() -> None:
    """Looking for words that moved: a hundred of them, in another order, take more than a second."""
    words = [f"w{number % 3}" for number in range(100)]
    Random(1).shuffle(words)
    evaluator = kind("ter").prepare({})
    evaluator.load()
    judge, longest = Judge("ver", "file", evaluator, {}, None), 0.0
    output, target = " ".join(words), " ".join(sorted(words))

    async def judged() -> JudgmentRecord:
        nonlocal longest
        judging = Judging("ws", {}, [], Webhooks(WebhookKey("ws", 1)))
        verdict = asyncio.ensure_future(judging.judge(judge, "log", execution(output), row(target), []))
        while not verdict.done():
            began = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - began)
        return await verdict

    assert not evaluator.takes_long(execution("Paris"))
    assert evaluator.takes_long(execution(output))
    began = time.monotonic()
    assert run(judged()).number_value > 0
    assert longest < (time.monotonic() - began) / 2


class Where(Kind[KindOptions]):
    """Says in which thread it judges."""

    name = "where"
    title = "Where"
    purpose = "Judges"
    returns = Traits("text")
    Options = KindOptions

    def judge(self, options, execution, row, answers=()):
        return Verdict(threading.current_thread().name)


def test_long_replies_of_judges_are_read_beside_the_event_loop() -> None:
    evaluator = BoundEvaluator(Where(), KindOptions(), Where.returns)

    async def judged(answers: list[str | None]) -> str:
        return str((await _verdict(evaluator, execution("x"), row(), answers, evaluator.judge)).value)

    assert not run(judged(["True", None])).startswith("judging")
    assert run(judged([None, "x" * 6_000])).startswith("judging")


MANY = [{"id": f"p{number}", "tags": ["a"]} for number in range(500)]


@pytest.mark.parametrize(
    ("log", "case", "beside"),
    [
        (execution("x"), row({"a": {"b": [1, "two", None]}}, metadata={"c": 3}), False),
        (execution("x"), row({"orders": {"items": MANY}}), True),
        (execution("x"), row({"ids": list(range(5_000))}), True),
        (execution("x"), row(None, metadata={"retrieved": MANY}), True),
        (execution("x", about={"metadata": {"retrieved": MANY}}), row(), True),
    ],
    ids=["small", "objects", "numbers", "metadata of the row", "metadata of the log"],
)
def test_what_is_compared_one_by_one_is_counted_however_it_is_nested(
    log: Execution, case: Row, beside: bool
) -> None:
    evaluator = BoundEvaluator(Where(), KindOptions(), Where.returns)

    async def judged() -> str:
        return str((await _verdict(evaluator, log, case, [], evaluator.judge)).value)

    assert run(judged()).startswith("judging") is beside


def test_nobody_waits_behind_programs_that_may_take_longer_than_usual() -> None:
    """In a run, in monitoring and in the editor: others have threads of their own, and queries and templates zygotes."""
    slow = kind("code").prepare({"code": SLEEPS, "timeout_s": 12})
    code = {"evaluator_type": "python", "code": SLEEPS, "timeout_s": 4}
    together = kind("composite").prepare(
        {"parts": [{"path": f"Checks/{name}", "spec": code} for name in "ab"], "rule": "all"}
    )
    assert (slow.traits.program_s, together.traits.program_s) == (12, 8)
    query = "select count(*) from Artist"
    quick = [
        (kind("regex").prepare({"pattern": "x"}), execution("x" * 6_000), row()),
        (sql(), execution(query), row(query)),
        (kind("code").prepare({"code": "def f(log):\n    return True"}), execution(), row()),
    ]
    for bound, *about in quick:
        assert bound.judge(*about).value is True, "and what it needs has started"
    key = WebhookKey("ws", 1)

    async def judged() -> float:
        judging, origin = Judging("ws", {}, [], Webhooks(key)), Origin("ws", "file", "ver", SOURCE)
        long = [
            asyncio.ensure_future(try_evaluator(Trial(slow, {}, origin, execution(), row(), key)))
            for _ in range(6)
        ]
        await asyncio.sleep(0.5)
        began = time.monotonic()
        records = await asyncio.gather(
            *(
                judging.judge(Judge("ver", "file", bound, {}, None), "log", *about, [])
                for bound, *about in quick
            )
        )
        took = time.monotonic() - began
        assert [one.boolean_value for one in records] == [True] * 3, records
        assert not any(one.done() for one in long)
        await asyncio.gather(*long)
        return took

    assert run(judged()) < 4


SLEEPS = "import time\ndef evaluate(log):\n    time.sleep(6)\n    return True"


async def _beside(verdicts: list[Coroutine[Any, Any, Result]], let_go: threading.Event) -> list[Result]:
    """What comes of them, if meanwhile a thread is to be had as heartbeats take one (`transactions.at_once`)."""
    judging = [asyncio.ensure_future(one) for one in verdicts]
    await asyncio.sleep(0.1)
    try:
        await asyncio.wait_for(asyncio.to_thread(lambda: None), 5)
    finally:
        let_go.set()
    return await asyncio.gather(*judging)
