"""Links that show a report to whoever has them, without an account and without the rows behind it."""

from dataclasses import replace
from datetime import timedelta
from enum import IntEnum

from sqlalchemy.orm import Session

from app.accounts import throttle
from app.core import clients, clock, ids, security
from app.core.access import ALLOWED, Action, Principal
from app.core.errors import Conflict, NotFound
from app.core.settings import get_settings
from app.evaluations.models import Evaluation, ReportLink
from app.evaluations.reports import link_repository as report_link_repository
from app.evaluations.reports.view import ReportView, build_view
from app.workspaces import audit

MOST_LINKS = 50
"""Of one evaluation at a time: more are kept track of by nobody."""


class Days(IntEnum):
    """How long a link may work."""

    ONE = 1
    WEEK = 7
    MONTH = 30
    QUARTER = 90


def make_link(
    session: Session, principal: Principal, evaluation: Evaluation, days: Days = Days.WEEK
) -> tuple[ReportLink, str]:
    """A new link to the report of an evaluation, and its address, which is shown this once.

    Raises:
        Conflict: the evaluation has as many as it may have.
    """
    report_link_repository.delete_expired(session, evaluation.id)
    if len(report_link_repository.list_links(session, evaluation.id)) >= MOST_LINKS:
        raise Conflict(f"This report has {MOST_LINKS} links. End one of them first.")
    token = security.new_token()
    link = ReportLink(
        id=ids.new_id("rlk"),
        evaluation_id=evaluation.id,
        workspace_id=evaluation.workspace_id,
        token_hash=security.token_hash(token),
        created_by=principal.user_id,
        expires_at=clock.now() + timedelta(days=days),
    )
    session.add(link)
    session.flush()
    audit.record(
        session, principal, "report_link.created", "evaluation", evaluation.id, name=evaluation.name, link=link.id, days=int(days)
    )  # fmt: skip
    return get_link(session, evaluation, link.id), f"{get_settings().public_url}/shared/{token}"


def list_links(session: Session, evaluation: Evaluation) -> list[ReportLink]:
    """The links to a report whose time has not passed, newest first."""
    return report_link_repository.list_links(session, evaluation.id)


def get_link(session: Session, evaluation: Evaluation, link_id: str) -> ReportLink:
    """A link to a report.

    Raises:
        NotFound: the evaluation has no such link.
    """
    found = report_link_repository.find_link(session, evaluation.id, link_id)
    if found is None:
        raise NotFound(f"There is no link with the id {link_id} to this report.")
    return found


def end_link(session: Session, principal: Principal, evaluation: Evaluation, link_id: str) -> None:
    """End a link: from now on it opens nothing.

    Raises:
        NotFound: the evaluation has no such link.
    """
    session.delete(get_link(session, evaluation, link_id))
    session.flush()
    audit.record(
        session, principal, "report_link.ended", "evaluation", evaluation.id, name=evaluation.name, link=link_id
    )  # fmt: skip


def is_open(link: ReportLink) -> bool:
    """Whether a link whose time has not passed opens anything: its maker may still make one."""
    return link.maker.user.disabled_at is None and link.maker.role in ALLOWED[Action.EDIT]


def open_link(session: Session, token: str) -> ReportLink | None:
    """The link with this token, with its evaluation; None alike where it is wrong, ended, out of date, its evaluation deleted,
    or its maker gone. Only such tries are counted: 256 random bits cannot be guessed, and whoever has a link is not shut
    out by a neighbour with an old one.

    Raises:
        TooMany: too many such tries from this network.
    """
    link = report_link_repository.find_usable_link(session, security.token_hash(token), ALLOWED[Action.EDIT])
    if link is None:
        throttle.spend_try(session, throttle.link_guess(clients.current_address() or "unknown"))
        return None
    report_link_repository.note_opened(session, link)
    return link


def shared_view(session: Session, evaluation: Evaluation, candidate_id: str | None) -> ReportView:
    """The report without anything that comes out of a row: no inputs, outputs, targets, labels or groups, and no errors."""
    view = build_view(session, evaluation, candidate_id)
    return replace(
        view,
        report=replace(view.report, reasons=()),
        corpus=[replace(corpus, confusions=None) for corpus in view.corpus],
        slices=None,
        worse=None,
        judge_trouble=(),
    )
