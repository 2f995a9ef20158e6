"""The page of a judge's agreement with people."""

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from app.core import charts, formats, templating
from app.core.database import SessionDep
from app.core.errors import NotFound
from app.core.permissions import Reader
from app.evaluations.figures import headline as words
from app.evaluations.judges import repository as agreement_repository
from app.evaluations.judges.agreement import FEWEST, TRUSTED, USABLE, Agreement, agreement_of
from app.evaluations.judges.bias import bias_of
from app.evaluations.judges.bias_words import told
from app.evaluations.judges.repeats import repeats_of
from app.evaluators.describing import EvaluatorInfo, describe
from app.files import repository
from app.files import service as files
from app.files.models import FileKind
from app.statistics.intervals import Interval, wilson

router = APIRouter(prefix="/w/{w}/evaluators/{file_id}", include_in_schema=False)
_SHOWN = 20


@router.get("/agreement", name="evaluators:agreement")
def agreement_page(
    file_id: str,
    request: Request,
    session: SessionDep,
    principal: Reader,
    version: int | None = None,
    question: str | None = None,
) -> Response:
    """How far a version of an evaluator agrees with people, and where it does not; without a number, the newest.

    `question` is the evaluator that asked them; without it, the one that most words are of.
    """
    file = files.get_file(session, principal, file_id, FileKind.EVALUATOR)
    versions = repository.list_versions(session, file.id)
    chosen = next((one for one in versions if version in (None, one.number)), None)
    if chosen is None:
        raise NotFound(f"{file.path} has no version {version}.")
    found = agreement_of(session, principal.workspace_id, chosen, question or None)
    shown = found.disagreements[:_SHOWN]
    return templating.render(
        request,
        "evaluators/agreement.html",
        file=file,
        versions=versions,
        agreement=found,
        trust=found.trust,
        shown=shown,
        told=agreement_repository.list_told(session, [pair.log_id for pair in shown]),
        fewest=FEWEST,
        info=describe(chosen.spec),
        verdict_text=verdict_text,
        axis=_axis(found.kappa),
        **_figures(session, found),
    )


def _figures(session: Session, found: Agreement) -> dict[str, Any]:
    own = agreement_repository.count_passes(session, found.version.id)
    info = describe(found.version.spec)
    return {
        "same": _share(found.same),
        "kappa": _plain(found.kappa),
        "ac1": _plain(found.ac1),
        "lean": _lean(found.lean, info),
        "powered": found.powered(own.passed, own.verdicts),
        "judged": own.verdicts,
        "own_rate": wilson(own.passed, own.verdicts) if own.verdicts else None,
        "pulls": told(bias_of(session, found), repeats_of(session, found.version)),
        "months": [(month, _share(share)) for month, share in found.by_month().items()],
        "share": _share,
    }


def verdict_text(value: object) -> str:
    """A verdict as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return formats.number(value, 2).removesuffix(".00") if isinstance(value, float | int) else str(value)


def _share(interval: Interval | None) -> tuple[str, str, int]:
    """Value, interval and n; empty texts where there is none."""
    if interval is None:
        return "", "", 0
    return formats.percent(interval.estimate), words.share_span(interval), interval.n


def _plain(interval: Interval | None) -> tuple[str, str]:
    if interval is None:
        return "", ""
    span = ""
    if interval.lo is not None and interval.hi is not None:
        span = f"{formats.number(interval.lo, 2)} to {formats.number(interval.hi, 2)}"
    return formats.number(interval.estimate, 2), span


def _lean(interval: Interval | None, info: EvaluatorInfo) -> tuple[str, str] | None:
    if interval is None:
        return None
    if info.return_type == "boolean":
        scaled = (
            f"{formats.signed(one * 100)}" for one in (interval.estimate, interval.lo or 0, interval.hi or 0)
        )
        value, lo, hi = scaled
        return f"{value} points", f"{lo} to {hi}" if interval.lo is not None else ""
    span = words.signed_span(interval, info) if interval.lo is not None else ""
    return words.change_text(interval.estimate, info), span


def _axis(kappa: Interval | None) -> dict[str, Any] | None:
    """Where kappa and the two bounds of trust stand on a line from 0, or below, to 1, in percent of its length."""
    if kappa is None:
        return None
    low = min(0.0, kappa.estimate if kappa.lo is None else kappa.lo)
    axis = charts.axis_around([low, 1.0], 0, 100, steps=5, limits=(-1.0, 1.0))
    return {
        "mark": charts.whisker(axis, kappa.estimate, kappa.lo, kappa.hi),
        "ticks": [(axis.at(tick), f"{tick:g}") for tick in axis.ticks],
        "bounds": [axis.at(USABLE), axis.at(TRUSTED)],
        "label": f"{kappa.method} {_plain(kappa)[0]}, 95% CI {_plain(kappa)[1] or 'not known'}",
    }
