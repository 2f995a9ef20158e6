"""The v5 route that tries an evaluator."""

from typing import Any, ClassVar

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from pydantic import ConfigDict, Field

from app.core.bodies import Body
from app.core.database import SessionDep
from app.core.permissions import Runner
from app.evaluations.evaluator_test import SOURCE, Trial, execution_of, prepare_trial, row_of, try_evaluator
from app.evaluators.databases import bind_with_files
from app.files import service as files
from app.files.models import FileKind
from app.generations.prepared import Origin

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
    body: EvaluatorTest,
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
            bind_with_files(session, principal.workspace_id, version.spec),
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
