"""The page that sends logs to review: which were chosen or match, what there is to choose from, and what is proposed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import Invalid
from app.core.typed import whole
from app.evaluations.new_evaluation.choosing import Sent
from app.files.models import Version
from app.logs.listing import Filters
from app.logs.taking import Taken
from app.review import repository
from app.review.from_logs import FromLogs, Named, look_for, look_up
from app.review.models import LOG_ROWS, LogRows
from app.review.new_view import PROPOSED_ROWS, Chosen, per_item_of, read_chosen
from app.review.sending import Sending, list_people
from app.workspaces.models import Membership

MOST_NAMED = 200
"""Logs that are chosen by hand: more are what filters are for."""
_LONGEST = 500
"""Of a filter, as in the address of the page of logs."""


@dataclass(frozen=True, slots=True)
class ChosenLogs:
    """What somebody chose."""

    named: tuple[str, ...]
    """The ids of logs; none: those that match."""
    sought: Filters
    form: Chosen
    """Who is asked what."""


def read_chosen_logs(sent: Sent) -> ChosenLogs:
    """The choices in a form or an address.

    Raises:
        Invalid: too many logs are named.
    """
    named = tuple(dict.fromkeys(str(one) for one in sent.getlist("log") if one))
    if len(named) > MOST_NAMED:
        raise Invalid(f"Choose {MOST_NAMED} logs at most, or send those that match a filter.")
    filters = {name: str(sent.get(name) or "").replace("\x00", "")[:_LONGEST] for name in Filters.__slots__}
    return ChosenLogs(named, Filters(**filters), read_chosen(sent))


@dataclass(frozen=True, slots=True)
class LogsOffer:
    """What there is to choose from, with the choices made whole."""

    chosen: Chosen
    logs: FromLogs
    named: Named | None
    """What became of those that were named; None where filters say which are meant."""
    taken: Taken | None
    """What matches; None where logs were named, or a filter cannot be understood."""
    problem: str
    """Why nothing was looked for; empty where something was."""
    evaluators: Sequence[Version]
    people: Sequence[Membership]

    @property
    def evaluation(self) -> None:
        """None: what the page shares with that of an evaluation asks for it."""
        return

    @property
    def query(self) -> str:
        """The filters, as they stand in an address."""
        return urlencode(self.logs.sought.given())

    @property
    def readable(self) -> Sequence[str]:
        """The logs that can be sent."""
        return self.named.readable if self.named else self.taken.ids if self.taken else ()

    @property
    def left_out(self) -> Sequence[str]:
        """Why logs that were named are not sent, with how many they are."""
        if self.named is None:
            return ()
        gone, unreadable = len(self.named.gone), len(self.named.unreadable)
        said = []
        if gone:
            said.append(f"{gone} {'is' if gone == 1 else 'are'} not there any more")
        if unreadable:
            has = "has" if unreadable == 1 else "have"
            said.append(f"{unreadable} {has} no output that can be read")
        return said


def make_logs_offer(session: Session, principal: Principal, chosen: ChosenLogs) -> LogsOffer:
    """The form with everything proposed that was not chosen yet."""
    workspace_id = principal.workspace_id
    named, taken, problem = None, None, ""
    if chosen.named:
        named = look_up(session, workspace_id, chosen.named)
    else:
        try:
            taken = look_for(session, workspace_id, chosen.sought)
        except Invalid as error:
            problem = error.message
    evaluators = repository.list_human_evaluators(session, workspace_id)
    people = list_people(session, workspace_id)
    form = chosen.form
    if not form.whole:
        here = principal.user_id in {one.user_id for one in people}
        form = replace(
            form,
            evaluators=tuple(one.id for one in evaluators[:1]),
            reviewers=(principal.user_id,) if here else (),
            rows="newest",
            most=str(PROPOSED_ROWS),
        )
    logs = FromLogs(workspace_id, named.readable if named else (), chosen.sought)
    return LogsOffer(form, logs, named, taken, problem, evaluators, people)


def sending_of_logs(principal: Principal, offer: LogsOffer, chosen: ChosenLogs) -> Sending:
    """What the form asks for. Logs that were named and have gone since are refused by `send`: they are not sent in silence.

    Raises:
        Invalid: a number is none, or it is not said which.
    """
    form, problems = offer.chosen, {}
    most, per_item = whole(form.most), per_item_of(form)
    if not chosen.named and most is None:
        problems["most"] = "A whole number of logs."
    if per_item is None:
        problems["per_item"] = "A whole number."
    rows: LogRows | None = (
        "chosen" if chosen.named else next((r for r in LOG_ROWS[1:] if r == form.rows), None)
    )
    if rows is None:
        problems["rows"] = "Choose which logs."
    if problems or rows is None or per_item is None:
        raise Invalid(" ".join(problems.values()), fields=problems)
    return Sending(
        FromLogs(
            principal.workspace_id, chosen.named, chosen.sought, rows, PROPOSED_ROWS if most is None else most
        ),
        evaluators=[one for one in offer.evaluators if one.id in form.evaluators],
        reviewer_ids=form.reviewers,
        per_item=per_item,
        blind=form.blind,
        shows_target=form.target,
        name=form.name,
    )
