"""What needs a person: of what there is in a workspace, only what somebody has to look at, decide or put right."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from sqlalchemy.orm import Session

from app.core import clock, formats
from app.core.access import Action, Principal
from app.evaluations.figures.findings import Finding
from app.files import repository as files
from app.files.sidebar import MOST_COUNTED, WAITING
from app.home.health import Health, Line
from app.logs import quarantine_repository
from app.logs.budget import Standing
from app.providers.models import Provider

_SPANS_SINCE = timedelta(days=7)


class Mentioned(Protocol):
    """A comment that mentions somebody who has not read it."""

    @property
    def comment_id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def excerpt(self) -> str: ...
    @property
    def url(self) -> str: ...


MENTIONS: list[Callable[[Session, Principal], tuple[Sequence[Mentioned], int]]] = []
"""The newest comments that mention the principal, unread, and how many there are: `main` fills it, for they stand beside this
package."""
_MOST_MENTIONS = 5


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that waits for a person, and where it is seen to."""

    code: str
    """What the API calls its kind."""
    title: str
    detail: str
    url: str
    """Without the server's own address."""
    label: str
    """What the button says."""
    icon: str
    tone: str = ""
    """`error`, `warn`, `worse` or `better`; empty for what only waits."""
    comment_id: str = ""
    """Of a mention: its comment, by which it is marked as read."""


def list_needs(
    session: Session,
    principal: Principal,
    budget: Standing,
    connected: Sequence[Provider],
    findings: Sequence[Finding],
    health: Health | None,
) -> list[Need]:
    """What needs a person, the most pressing first. Without `health`, nothing is said of how files fare."""
    base = f"/w/{principal.workspace_slug}"
    return [
        *_budget(base, budget),
        *_fallen(health.lines if health else []),
        *_providers(connected, base),
        *_mentions(session, principal, base),
        *_reviews(session, principal, base),
        *_runs(base, findings),
        *_spans(session, principal, base),
        *_better(session, base, findings),
    ]


def _budget(base: str, standing: Standing) -> Iterator[Need]:
    if standing.budget and (standing.is_spent or standing.warns):
        spent, monthly = formats.money(standing.spent_usd), formats.money(standing.budget.monthly_usd)
        yield Need(
            "budget_spent" if standing.is_spent else "budget_warning",
            f"{spent} of this month’s {monthly} are spent",
            "No model is called until it is raised, or the month ends." if standing.is_spent else "",
            f"{base}/settings/spend",
            "See on what",
            "alert",
            "error" if standing.is_spent else "warn",
        )


def _fallen(lines: Sequence[Line]) -> Iterator[Need]:
    for line in lines:
        for code, what, measure in (
            ("errors_rose", "More calls fail", line.errors),
            ("score_fell", f"{line.watched_by} fell", line.score),
        ):
            if measure and measure.word and measure.word.tone == "worse":
                detail = f"{measure.now} of the last 24 hours, {measure.before} in the 7 days before; 95% CI {measure.span}, {measure.n:,} logs"
                state = "error" if code == "errors_rose" else "failed"
                url = f"{line.url.rsplit('/', 2)[0]}/logs?file={line.file.id}&state={state}"
                yield Need(code, f"{what} on {line.file.name}", detail, url, "Open logs", "alert", "worse")


def _providers(connected: Sequence[Provider], base: str) -> Iterator[Need]:
    for each in connected:
        if each.test_error:
            url = f"{base}/settings/providers"
            detail = each.test_error[:200]
            yield Need(
                "provider_refused",
                f"{each.name} did not answer its test",
                detail,
                url,
                "Providers",
                "cpu",
                "error",
            )


def _mentions(session: Session, principal: Principal, base: str) -> Iterator[Need]:
    for ask in MENTIONS:
        found, total = ask(session, principal)
        shown = found[:_MOST_MENTIONS]
        for one in shown:
            yield Need(
                "mention", one.title, one.excerpt, one.url, "Open", "comment", comment_id=one.comment_id
            )
        if total > len(shown):
            more = total - len(shown)
            title = f"{more:,} more mention{'s' if more != 1 else ''} of you"
            yield Need("mentions_more", title, "", f"{base}/mentions", "See all", "comment")


def _reviews(session: Session, principal: Principal, base: str) -> Iterator[Need]:
    if not principal.may(Action.JUDGE):
        return
    count = sum(ask(session, principal.workspace_id, principal.user_id, MOST_COUNTED) for ask in WAITING)
    if count:
        many = f"{MOST_COUNTED - 1:,}+" if count >= MOST_COUNTED else f"{count:,}"
        title = f"{many} output{'s' if count != 1 else ''} wait{'s' if count == 1 else ''} for your review"
        yield Need("reviews_wait", title, "One at a time, blind.", f"{base}/review", "Review", "inbox")


def _runs(base: str, findings: Sequence[Finding]) -> Iterator[Need]:
    for found in findings:
        name, url = found.evaluation.name, f"{base}/evaluations/{found.evaluation.id}"
        about = f"{found.file.name}, {formats.ago(found.evaluation.created_at)}" if found.file else ""
        failed = sum(run.failed_count for run in found.runs)
        if found.state == "stuck":
            detail = f"No answer has come for a while. {about}"
            yield Need("run_stuck", f"{name} does not get on", detail, url, "Open", "alert", "warn")
        elif found.state == "cancelled":
            done = sum(run.done_count for run in found.runs)
            rows = sum(run.items_count for run in found.runs)
            detail = f"{done:,} of {rows:,} answers are in, and saved. {about}"
            yield Need("run_stopped", f"{name} was stopped", detail, url, "Open", "stop", "warn")
        elif failed and found.state == "completed":
            rows = sum(run.items_count for run in found.runs)
            title = f"{failed:,} of {rows:,} rows failed in {name}"
            yield Need("rows_failed", title, about, url, "Open", "alert", "warn")


def _spans(session: Session, principal: Principal, base: str) -> Iterator[Need]:
    since = clock.now() - _SPANS_SINCE
    count = quarantine_repository.count_quarantined(session, principal.workspace_id, since)
    if count:
        title = f"{count:,} span{'s' if count != 1 else ''} could not be read as logs"
        detail = "Sent in the last 7 days; kept with the reason."
        yield Need("spans_unread", title, detail, f"{base}/settings/spans", "Look", "alert", "warn")


def _better(session: Session, base: str, findings: Sequence[Finding]) -> Iterator[Need]:
    """Versions that an evaluation found better, and that run nowhere: the newest finding of each file."""
    newest: dict[str, Finding] = {}
    for found in findings:
        if found.file:
            newest.setdefault(found.file.id, found)
    better = {key: one for key, one in newest.items() if _is_better(one)}
    live: Mapping[str, set[str]] = {key: set() for key in better}
    for _, deployment in files.deployed_environments(session, list(better)):
        live[deployment.file_id].add(deployment.version_id)
    for file_id, found in better.items():
        candidate = found.runs[-1]
        if candidate.version_id not in live[file_id]:
            url = f"{base}/evaluations/{found.evaluation.id}"
            practice = " Practice model, not an LLM." if found.practice else ""
            detail = f"{found.headline.detail}{practice} Not deployed yet."
            yield Need("better_waits", found.headline.text, detail, url, "Read report", "scale", "better")


def _is_better(found: Finding) -> bool:
    return found.headline.tone == "better" and found.state == "completed" and len(found.runs) > 1
