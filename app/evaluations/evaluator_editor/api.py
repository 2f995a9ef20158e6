"""The v5 routes that try an evaluator, and say how far it agrees with people."""

from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Query
from fastapi import Body as WholeBody
from fastapi.concurrency import run_in_threadpool
from pydantic import ConfigDict, Field

from app.core.bodies import Body
from app.core.database import SessionDep
from app.core.errors import NotFound
from app.core.permissions import Reader, Runner
from app.evaluations.evaluator_editor.trying import (
    SOURCE,
    Trial,
    execution_of,
    prepare_trial,
    row_of,
    try_evaluator,
)
from app.evaluations.judges.agreement import Agreement, agreement_of
from app.evaluations.judges.bias import Bias, bias_of
from app.evaluations.judges.repeats import Repeats, repeats_of
from app.evaluators import databases
from app.files import repository as files_repository
from app.files import service as files
from app.files.models import FileKind
from app.generations.prepared import Origin
from app.statistics.intervals import Interval

router = APIRouter(prefix="/v5/evaluators", tags=["Evaluators"])


class EvaluatorTest(Body):
    """An output to judge: `log` in the shape of logs, `testcase` in that of datapoints."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "log": {"output": "card_arrival"},
        "testcase": {"target": {"intent": "card_arrival"}},
    }

    model_config = ConfigDict(extra="ignore", json_schema_extra={"additionalProperties": True})

    log: dict[str, Any] = Field(default_factory=dict)
    testcase: dict[str, Any] = Field(default_factory=dict)


@router.post("/{evaluator_id}/test", name="test_evaluator")
async def try_out(
    evaluator_id: str,
    body: Annotated[EvaluatorTest, WholeBody(default_factory=EvaluatorTest)],
    session: SessionDep,
    principal: Runner,
    version_id: str | None = None,
) -> dict[str, Any]:
    """Judge one output now. `error` says why there is no verdict; `stdout` is what a program printed."""

    def prepare() -> Trial:
        file = files.get_file(session, principal, evaluator_id, FileKind.EVALUATOR)
        version = files.resolve_version(session, file, version_id=version_id)
        trial = prepare_trial(
            session,
            databases.bind_with_files(session, principal.workspace_id, version.spec),
            Origin(principal.workspace_id, file.id, version.id, SOURCE),
            execution_of(body.log),
            row_of(body.testcase),
        )
        session.commit()  # gives the connection back: a model may take its time
        return trial

    tried = await try_evaluator(await run_in_threadpool(prepare))
    return {
        "judgment": tried.verdict.value,
        "rationale": tried.verdict.rationale,
        "stdout": tried.verdict.prints or "",
        "engine": tried.verdict.engine,
        "error": tried.verdict.error,
        "ms": round(tried.ms, 1),
    }


@router.get("/{evaluator_id}/agreement", name="get_evaluator_agreement")
def get_agreement(
    evaluator_id: str,
    session: SessionDep,
    principal: Reader,
    version_id: str | None = None,
    question_id: Annotated[str | None, Query(description="The evaluator that asked people.")] = None,
) -> dict[str, Any]:
    """How far a version of an evaluator agrees with members on outputs that both have judged, and whether it is trusted.

    Members judge by evaluators that ask people for the same kind of answer: `question_id` names one, and without it the one that
    most words are of is taken. Without `version_id`, of the newest version.
    """
    file = files.get_file(session, principal, evaluator_id, FileKind.EVALUATOR)
    if version_id is None:
        version = files_repository.newest_version(session, file.id)
    else:
        version = files_repository.find_version(session, file.id, version_id)
    if version is None:
        raise NotFound(f"{file.path} has no version {version_id or ''}".rstrip() + ".")
    found = agreement_of(session, principal.workspace_id, version, question_id)
    return (
        _present(found)
        | _present_bias(bias_of(session, found))
        | _present_repeats(repeats_of(session, version))
    )


def _present_bias(bias: Bias | None) -> dict[str, Any]:
    order, length = (bias.order, bias.length) if bias else (None, None)
    return {
        "order_bias": {
            "same_in_both_orders": _interval(order.consistent),
            "right_in_one_order": _interval(bias.right),
            "first_place": _interval(order.first_place),
            "p": order.test.p if order.test else None,
            "ties_in_one_order": order.half_ties,
            "favours": bias.place or None,
        }
        if bias and order
        else None,
        "length_bias": {
            "log_odds_per_1000_characters": _interval(length.slope),
            "p": length.p,
            "share_at_equal_lengths": _interval(length.controlled) if bias.of_pairs else None,
            "favours": bias.favours or None,
        }
        if bias and length
        else None,
    }


def _present_repeats(repeats: Repeats | None) -> dict[str, Any]:
    said = repeats and {
        "same": repeats.same,
        "alpha": _interval(repeats.alpha),
        "outputs": repeats.outputs,
    }
    return {"repeats": said}


def _present(found: Agreement) -> dict[str, Any]:
    among = found.among_people
    return {
        "version_id": found.version.id,
        "question_id": found.question.id if found.question else None,
        "trust": found.trust.name,
        "reason": found.trust.reason,
        "outputs": len(found.compared),
        "divided": found.divided,
        "incomparable": found.incomparable,
        "agreement": _interval(found.same),
        "kappa": _interval(found.kappa),
        "ac1": _interval(found.ac1),
        "judge_minus_people": _interval(found.lean),
        "people_among_themselves": None if among is None else {"agreement": among[0], "outputs": among[1]},
        "categories": list(found.categories),
        "counts": found.counts,
    }


def _interval(interval: Interval | None) -> dict[str, Any] | None:
    if interval is None:
        return None
    return {
        "estimate": interval.estimate,
        "lo": interval.lo,
        "hi": interval.hi,
        "n": interval.n,
        "method": interval.method,
        "warning": interval.warning,
    }
