"""Running the rows that are pinned beside a prompt, draft against base, each scored as it comes: a smoke test."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.database import unit_of_work
from app.core.errors import DomainError, Invalid
from app.datasets.models import Datapoint
from app.evaluations.prompt_editor import draft_scores
from app.evaluations.prompt_editor.draft_scores import Line
from app.generations import editing, panes
from app.generations.draft import Draft
from app.generations.editing import Workbench
from app.generations.streaming import RunRequest, run_once
from app.logs.records import LogRecord

_AT_ONCE = 4
"""Rows that run at the same time."""


@dataclass(frozen=True, slots=True)
class Smoke:
    """Everything that a run of pinned rows needs, so that it holds no connection while models answer."""

    principal: Principal
    file_id: str
    base_name: str
    rows: Sequence[tuple[Datapoint, Sequence[RunRequest]]]
    """Each with its runs: the base's, where there is one, and the draft's last."""


@dataclass(frozen=True, slots=True)
class RowResult:
    """What came of one row."""

    datapoint_id: str
    tone: str
    """`same` and `samefail` where both agree, `better` or `worse` than the base; empty where nothing judges, or the base gave
    no answer to compare with.
    """
    text: str
    log_id: str | None
    """Of the draft's answer."""
    evaluator: str = ""
    passed: Sequence[bool] = ()
    """Whether the base and the draft passed, in this order."""


def prepare(session: Session, principal: Principal, bench: Workbench, draft: Draft) -> Smoke:
    """Make the draft and its base ready to run on the pinned rows.

    Raises:
        Invalid: no row is pinned, or the draft is not a valid version yet.
        NotFound, OverBudget: as `editing.prepare_run` does.
    """
    if bench.file is None or not bench.pins:
        raise Invalid("No row is pinned. Choose a row above, and pin it.")
    base = panes.base_side(bench, draft)
    sides = [*([base.draft] if base else []), draft]
    requests = [editing.prepare_run(session, principal, bench, side) for side in sides]
    names = [side.variables for side in sides]
    rows = [
        (datapoint, [editing.run_on(one, datapoint, of) for one, of in zip(requests, names, strict=True)])
        for _, datapoint in bench.pins
    ]
    return Smoke(principal, bench.file.id, base.name if base else "", rows)


async def run(smoke: Smoke) -> AsyncGenerator[RowResult]:
    """What comes of each row, as it comes."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(row: Datapoint, requests: Sequence[RunRequest]) -> RowResult:
        async with room:
            logs = await asyncio.gather(*map(run_once, requests))
            return await _judged(smoke, row, logs)

    tasks = [asyncio.create_task(one(row, requests)) for row, requests in smoke.rows]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()


async def _judged(smoke: Smoke, row: Datapoint, logs: Sequence[LogRecord]) -> RowResult:
    draft = logs[-1]
    if any(log.error for log in logs):
        return _unanswered(smoke, row, logs)

    def wanted() -> draft_scores.Wanted:
        with unit_of_work() as session:
            ids = [log.id for log in logs]
            return draft_scores.prepare(session, smoke.principal, smoke.file_id, ids, asking=False)

    try:
        lines = await draft_scores.judge(await asyncio.to_thread(wanted))
    except DomainError as error:
        return RowResult(row.id, "", f"answered; {error.message}", draft.id)
    return _compared(smoke, row, draft, lines)


def _unanswered(smoke: Smoke, row: Datapoint, logs: Sequence[LogRecord]) -> RowResult:
    """A row to which one side, or both, gave no answer."""
    draft, whose = logs[-1], [*([smoke.base_name] if len(logs) > 1 else []), "The draft"]
    text = "; ".join(
        f"{who} gave no answer: {log.error}" for who, log in zip(whose, logs, strict=True) if log.error
    )
    if not draft.error:
        return RowResult(row.id, "", text, draft.id)
    return RowResult(row.id, "samefail" if logs[0].error else "worse", text, draft.id)


def _compared(smoke: Smoke, row: Datapoint, draft: LogRecord, lines: Sequence[Line]) -> RowResult:
    """By the first evaluator that says pass or fail of every answer: the primary one, where it does."""
    for line in lines:
        tones = [cell.mark.tone if cell.mark else "none" for cell in line.cells]
        if "none" in tones:
            continue
        passed = [tone == "pass" for tone in tones]
        name = line.evaluator.file.name
        words = [f"{who} {'passes' if one else 'fails'}" for who, one in _named(smoke, passed)]
        text = f"{', '.join(words)} by {name}"
        if passed[0] == passed[-1]:
            return RowResult(row.id, "same" if passed[-1] else "samefail", text, draft.id, name, passed)
        return RowResult(row.id, "better" if passed[-1] else "worse", text, draft.id, name, passed)
    return RowResult(row.id, "", "answered; no evaluator says pass or fail of it", draft.id)


def _named(smoke: Smoke, passed: Sequence[bool]) -> list[tuple[str, bool]]:
    names = [smoke.base_name, "draft"] if len(passed) > 1 else ["draft"]
    return list(zip(names, passed, strict=True))


def summary(smoke: Smoke, results: Sequence[RowResult]) -> str:
    """What the rows came to, in a sentence; counts, and no more than that."""
    judged = [result for result in results if result.passed]
    if not judged:
        return f"{len(results)} of {len(smoke.rows)} rows answered, none judged as pass or fail."
    names = dict.fromkeys(result.evaluator for result in judged)
    parts = [_summed(smoke, [one for one in judged if one.evaluator == name]) for name in names]
    if len(parts) == 1:
        return parts[0]
    return " ".join(f"By {name}: {part}" for name, part in zip(names, parts, strict=True))


def _summed(smoke: Smoke, judged: Sequence[RowResult]) -> str:
    """What rows came to that one evaluator judges."""
    sides = range(len(judged[0].passed))
    names = [name for name, _ in _named(smoke, judged[0].passed)]
    counts = [f"{names[side]} {sum(result.passed[side] for result in judged)}" for side in sides]
    told = f"{', '.join(counts)} of {len(judged)} pass."
    if len(names) > 1:
        better, worse = (sum(one.tone == tone for one in judged) for tone in ("better", "worse"))
        told += f" {better} better, {worse} worse."
    return told
