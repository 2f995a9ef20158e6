"""Judgments that come from elsewhere: what people say of an output, and what a program of the user's found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core import events, ids
from app.core.access import Principal
from app.core.errors import Conflict, Invalid, NotFound
from app.evaluations import run_service, service
from app.evaluations.channels import evaluation_channel
from app.evaluations.figures import judges_repository
from app.evaluations.verdicts.judging import set_verdict
from app.evaluators.binding import BUILTIN, TYPES, bind, is_judged_here
from app.evaluators.kinds.answering import AnswerOptions, as_value
from app.evaluators.kinds.contract import Verdict, storable
from app.files.models import Version
from app.logs import own_ids
from app.logs import repository as logs
from app.logs.recording import PAYLOADS
from app.logs.records import JudgmentRecord

_MOST_TEXT = 100_000


@dataclass(frozen=True, slots=True)
class Given:
    """What was said of an output: a judgment (None: it does not apply), or why there is none."""

    value: object = None
    error: str | None = None
    rationale: str | None = None
    prints: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    user: str | None = None
    """Of the application, where one of its users judged."""
    beside: Mapping[str, Any] = field(default_factory=dict)
    """What is kept with the judgment and shown with it: its times, the message of a model that judged."""
    marked_completed: bool | None = None
    """Whether the judge is done with the log; None: nothing is said of that."""
    only_marks: bool = False
    """There is no judgment in it: an earlier one stays."""
    id: str | None = None
    """The caller's own, for the judgment."""
    created_at: datetime | None = None
    """When it was judged; None: now."""
    final: bool = False
    """Whether it settles what people said differently: their words do not count beside it."""


def give_judgment(
    session: Session, principal: Principal, version: Version, log_id: str, given: Given
) -> JudgmentRecord:
    """Keep a judgment of a log. Sent again, by the same person or for the same program, it takes the place of the first.

    Ended runs that have this output are scored anew; one that waited for this judgment ends.

    Raises:
        Conflict: the server judges by this evaluator itself, always or in a run that has the log, or the caller's own id is taken by something else.
        Invalid: the judgment is none that the evaluator may give.
        NotFound: there is no such log in the workspace.
    """
    if version.spec.get("evaluator_type") == BUILTIN:
        raise Conflict(
            f"{version.file.path} is judged by the server. Judgments are sent for evaluators of the types "
            f"{', '.join(one for one in TYPES if one != BUILTIN)}."
        )
    said = [log_id, *([given.id] if given.id else [])]
    stored = own_ids.find_stored(session, principal.workspace_id, said)
    if not logs.lock_logs(session, principal.workspace_id, [stored[log_id]]):
        raise NotFound(f"There is no log with the id {log_id}.")
    log_id = stored[log_id]
    if is_judged_here(version.spec) and judges_repository.is_judged_by_workers(session, log_id, version):
        raise Conflict(
            f"{version.file.path} is judged by the server in a run that has this log. Where an evaluation has it with "
            "`orchestrated` false, its judgments are sent."
        )
    if logs.is_cleared(session, log_id):
        beside = {name: value for name, value in given.beside.items() if name not in PAYLOADS}
        given = replace(given, prints=None, beside=beside)
    bound = bind(version.spec)
    record = JudgmentRecord(
        stored[given.id] if given.id else ids.new_id("jdg"), principal.workspace_id, log_id, version.id
    )
    if bound.kind.judged_by == "people":
        record.author = f"{logs.END_USER}{given.user}" if given.user else principal.user_id
        record.author = logs.FINAL if given.final else record.author
    evaluations = judges_repository.evaluations_to_join(session, log_id, version)
    runs = judges_repository.runs_with_output(session, log_id, version.id)
    if is_judged_here(version.spec):
        # Runs in which the server judges, and monitoring, do not take it for the server's own. Of a log of no run it is
        # somebody's word, and no run's score.
        record.author = logs.CALLER if evaluations or runs else principal.user_id
    if given.id and logs.is_taken(session, record):
        raise Conflict(f"There is a log or a judgment with the id {given.id} already. Choose another one.")
    record.created_at = given.created_at.isoformat() if given.created_at else None
    set_verdict(record, verdict_of(bound.options, given))
    record.marked_completed = bool(given.marked_completed)
    if given.only_marks:
        record.id = logs.mark_judgment(session, record)
    else:
        record.id = logs.put_judgment(
            session, record, marks=given.marked_completed is not None, named=given.id is not None
        )
    for evaluation in evaluations:
        # Programs keep their own evaluator up to date: its newest version judges beside the one that was asked for. And clients
        # begin another run by the name of an evaluation that does not know yet by what they judge now.
        service.add_evaluators(session, evaluation, [version], [version])
    if evaluations:
        runs = judges_repository.runs_with_output(session, log_id, version.id)
    _heed(session, runs)
    return record


def take_back(session: Session, workspace_id: str, version: Version, log_id: str, author: str) -> bool:
    """Forget what a person said of a log, or `logs.FINAL`, as if they had never judged it; whether they had.

    Ended runs that have this output are scored anew.

    Raises:
        NotFound: there is no such log in the workspace.
    """
    if not logs.lock_logs(session, workspace_id, [log_id]):
        raise NotFound(f"There is no log with the id {log_id}.")
    if not logs.take_judgment_back(session, log_id, version.id, author):
        return False
    _heed(session, judges_repository.runs_with_output(session, log_id, version.id))
    return True


def _heed(session: Session, runs: Sequence[tuple[str, str]]) -> None:
    for run_id, evaluation_id in runs:
        run_service.heed_judgment(session, run_id)
        events.emit(session, evaluation_channel(evaluation_id), run=run_id)


def verdict_of(options: Any, given: Given) -> Verdict:
    """What was given, as an evaluator with these options takes it.

    Raises:
        Invalid: it is no judgment that the evaluator may give.
    """
    assert isinstance(options, AnswerOptions)  # noqa: S101 - all but the builtin ones have them
    detail = {**({"metadata": dict(given.metadata)} if given.metadata else {}), **given.beside}
    said = {"rationale": given.rationale, "prints": given.prints, "detail": detail or None}
    kept: dict[str, Any] = {
        name: storable(value, _MOST_TEXT) if isinstance(value, str) else value for name, value in said.items()
    }
    if given.error is not None:
        return Verdict(None, error=storable(given.error), **kept)
    if given.value is None:
        return Verdict(None, **kept)
    if problem := options.refusal("The judgment is", given.value):
        raise Invalid(f"{problem}.", fields={"judgment": f"{problem}."})
    if isinstance(given.value, str) and len(given.value) > _MOST_TEXT:
        said_so = f"A text of more than {_MOST_TEXT:,} characters is no judgment."
        raise Invalid(said_so, fields={"judgment": said_so})
    return Verdict(as_value(given.value), **kept)
