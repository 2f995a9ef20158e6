"""The routes of what programs make of a report: whether a version may pass, and the numbers as a file."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query, Response

from app.core.access import Principal
from app.core.database import SessionDep
from app.core.permissions import Reader
from app.evaluations import service
from app.evaluations.figures import synthetic_repository
from app.evaluations.figures.report import build_report
from app.evaluations.gate import decision as gate
from app.evaluations.gate import words as gate_words
from app.evaluations.gate.decision import Decision
from app.evaluations.gate.plan import Check
from app.evaluations.gate.rules import GateRules
from app.evaluations.models import Run
from app.evaluations.presentation import present_early_end, present_interval
from app.evaluations.reports.early_end import early_end
from app.evaluations.reports.export import COLUMNS, MEDIA_TYPES, report_lines, write_lines
from app.evaluations.reports.finding import present_findings

router = APIRouter(prefix="/v5/evaluations/{evaluation_id}", tags=["Evaluations"])
Json = dict[str, Any]
_FILES: dict[int | str, Json] = {
    200: {
        "description": "A line for each version and evaluator.",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/jsonl": {"schema": {"type": "string"}},
        },
    }
}


@router.post("/gate", name="decide_gate")
def decide(
    evaluation_id: str,
    body: Annotated[GateRules, Body(default_factory=GateRules)],
    session: SessionDep,
    principal: Reader,
) -> Json:
    """Whether a version may pass: each check with its numbers, and the decision as Markdown and JUnit XML.

    Nothing is started or waited for: while a run goes on, `decision` is `undecided`. `exit_code` is that of `./whetstone gate`.
    """
    evaluation = service.get_evaluation(session, principal, evaluation_id)
    return _present(gate.decide(session, evaluation, body), principal)


def _present(decision: Decision, principal: Principal) -> Json:
    slug = principal.workspace_slug
    unfinished = decision.unfinished
    return {
        "decision": decision.outcome,
        "exit_code": gate.EXIT_CODES[decision.outcome],
        "summary": gate_words.summary(decision),
        "subject": gate_words.subject(decision),
        "evaluation": {
            "id": decision.evaluation.id,
            "name": decision.evaluation.name,
            "url": gate_words.report_url(decision, slug),
        },
        "candidate": _present_run(decision.candidate),
        "baseline": _present_run(decision.baseline),
        "confidence": decision.rules.confidence,
        "synthetic_rows": decision.synthetic.rows if decision.synthetic else 0,
        "unfinished": [run.id for run in unfinished],
        "done_count": sum(run.done_count for run in unfinished),
        "items_count": sum(run.items_count for run in unfinished),
        "checks": [_present_check(check) for check in decision.checks],
        "markdown": gate_words.markdown(decision, slug),
        "junit": gate_words.junit(decision),
    }


def _present_run(run: Run | None) -> Json | None:
    if run is None:
        return None
    path = run.version.file.path if run.version else None
    return {
        "run_id": run.id,
        "version_id": run.version_id,
        "name": run.name,
        "path": path,
        "status": run.status,
    }


def _present_check(check: Check) -> Json:
    test = check.test
    return {
        "kind": check.kind,
        "title": check.title,
        "outcome": check.outcome,
        "result": check.result,
        "reason": check.reason,
        "evaluator": {"version_id": check.evaluator.id, "path": check.evaluator.file.path}
        if check.evaluator
        else None,
        "limit": check.limit,
        "value": check.value,
        "n": check.n,
        "missing": check.missing,
        "missing_baseline": check.missing_baseline,
        "without_score": check.without_score,
        "score": present_interval(check.score),
        "change": present_interval(check.change),
        "test": {"name": test.name, "p": test.p, "p_adjusted": check.p_adjusted} if test else None,
    }


@router.get("/report", name="export_report", response_model=None, responses=_FILES)
def export(
    evaluation_id: str,
    session: SessionDep,
    principal: Reader,
    format: Annotated[  # noqa: A002 - the name in the address
        Literal["json", "csv", "jsonl"],
        Query(
            description="`json` is one object; `csv` and `jsonl` have a line for each version and evaluator."
        ),
    ] = "json",
) -> Json | Response:
    """The numbers of the report: for each version and evaluator the score with its interval, and the paired change with its test.
    `findings` say the same in words, and what to do next. `synthetic_rows` counts, by run, the rows that a model wrote."""
    report = build_report(session, service.get_evaluation(session, principal, evaluation_id))
    if format == "json":
        early = early_end(report)
        return {
            "columns": COLUMNS,
            "records": report_lines(report),
            "findings": present_findings(session, report, principal.workspace_slug),
            "early_end": early and present_early_end(early),
            "synthetic_rows": synthetic_repository.count_synthetic(session, [run.id for run in report.runs]),
        }
    return Response(write_lines(report, format), media_type=MEDIA_TYPES[format])
