"""The v5 route of what the home page says: what needs a person, and how production fares."""

from typing import Any

from fastapi import APIRouter

from app.core.database import SessionDep
from app.core.permissions import Reader
from app.core.settings import get_settings
from app.evaluations.figures.production import Measure
from app.home.health import Line, build_health
from app.home.overview import last_findings, needs_of
from app.providers import repository as providers

router = APIRouter(prefix="/v5", tags=["Files"])


@router.get("/overview")
def get_overview(session: SessionDep, principal: Reader) -> dict[str, Any]:
    """What needs a person, most pressing first; and how files that run somewhere fared in the last 24 hours against the 7
    days before, from their logs or, of many, a sample that is spread over both."""
    health = build_health(session, principal)
    connected = providers.list_providers(session, principal.workspace_id)
    needs = needs_of(session, principal, connected, last_findings(session, principal), health)
    server = get_settings().public_url
    return {
        "needs": [
            {
                "kind": need.code,
                "title": need.title,
                "detail": need.detail,
                "url": f"{server}{need.url}",
            }
            for need in needs
        ],
        "production": [_line(line, server) for line in health.lines],
    }


def _line(line: Line, server: str) -> dict[str, Any]:
    return {
        "file": {"id": line.file.id, "path": line.file.path, "type": line.file.kind},
        "url": f"{server}{line.url}",
        "live": [{"environment": place.name, "version_number": number} for place, number in line.live],
        "calls": line.calls,
        "sampled": line.sampled,
        "calls_read": line.read,
        "errors": _measure(line.errors),
        "latency_p95": {"now": line.p95, "n": line.timed, "before": line.p95_before},
        "cost": line.cost,
        "score": _measure(line.score),
        "evaluator": line.watched_by or None,
    }


def _measure(measure: Measure | None) -> dict[str, Any] | None:
    if measure is None:
        return None
    return {
        "now": measure.now,
        "interval": measure.span,
        "n": measure.n,
        "before": measure.before or None,
        "change": measure.change or None,
        "verdict": measure.word.name if measure.word else None,
    }
