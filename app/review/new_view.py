"""The page that sends outputs to review: what was chosen, what there is to choose from, and what is proposed."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import Invalid
from app.core.typed import whole
from app.evaluations import repository as evaluations
from app.evaluations import service
from app.evaluations.figures.report import compared_of
from app.evaluations.models import Evaluation, Run
from app.evaluations.new_evaluation.choosing import Sent
from app.evaluators.describing import describe
from app.files.models import Version
from app.review import repository
from app.review.choosing import FromEvaluation, is_neutral_by
from app.review.models import ROWS, Rows
from app.review.pairs import takes_preferences
from app.review.sending import Sending, list_people
from app.workspaces.models import Membership

PROPOSED_ROWS = 50
_MOST_EVALUATIONS = 200


@dataclass(frozen=True, slots=True)
class Chosen:
    """What somebody chose. Numbers stay texts until they are used: a form shows again what was typed."""

    evaluation: str = ""
    evaluators: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    """Run ids, the baseline first."""
    judge: str = ""
    """The evaluator by which rows changed or got worse; the primary one where none is named."""
    shown: str = ""
    """Which rows a grid showed, from which somebody came."""
    query: str = ""
    """What was looked for there."""
    rows: str = "all"
    most: str = ""
    reviewers: tuple[str, ...] = ()
    pair: bool = False
    """Whether outputs of two versions are shown side by side."""
    guests: bool = False
    """Whether guests are asked by links that are made later: then nobody else need be."""
    per_item: str = "1"
    blind: bool = True
    target: bool = False
    name: str = ""
    whole: bool = False
    """Whether a whole form was sent."""


def read_chosen(sent: Sent) -> Chosen:
    """The choices in a form or an address; `versions=a,b` and repeated values are the same."""

    def text(name: str) -> str:
        return str(sent.get(name) or "").strip()

    def many(name: str) -> tuple[str, ...]:
        values = [part.strip() for value in sent.getlist(name) for part in str(value).split(",")]
        return tuple(dict.fromkeys(value for value in values if value))

    is_whole = bool(text("whole"))
    return Chosen(
        evaluation=text("evaluation"),
        evaluators=many("evaluators"),
        versions=many("versions"),
        judge=text("judge"),
        shown=text("shown"),
        query=text("q"),
        rows=text("rows") or "all",
        most=text("most"),
        reviewers=many("reviewers"),
        pair=bool(text("pair")),
        guests=bool(text("guests")),
        per_item=text("per_item") or "1",
        blind=bool(text("blind")) or not is_whole,
        target=bool(text("target")),
        name=text("name"),
        whole=is_whole,
    )


def per_item_of(chosen: Chosen) -> int | None:
    """How many reviewers judge each output: none, where only guests are asked; None, where that is no whole number."""
    return 0 if chosen.guests and not chosen.reviewers else whole(chosen.per_item)


@dataclass(frozen=True, slots=True)
class Offer:
    """What there is to choose from, with the choices made whole."""

    chosen: Chosen
    evaluations: Sequence[Evaluation]
    """To choose one of, where none was named."""
    evaluation: Evaluation | None
    runs: Sequence[Run]
    evaluators: Sequence[Version]
    people: Sequence[Membership]
    has_scores: bool
    """Whether rows can have changed: there are two versions and an evaluator."""
    judge: Version | None = None
    """With its file: the evaluator that was named to tell which rows changed."""
    is_neutral: bool = False
    """Whether no score is better than another by it, or by the primary one where none was named."""

    @property
    def left_out(self) -> str:
        """What the grid was filtered by, from which somebody came, and a queue is not; empty where it is all the same."""
        better = "rows that scored higher" if self.is_neutral else "rows that got better"
        shown = {"better": better, "failed": "rows on which all failed"}.get(self.chosen.shown, "")
        query = f"“{self.chosen.query}” in them" if self.chosen.query else ""
        return " with ".join(filter(None, (shown or (query and "rows"), query)))


def make_offer(session: Session, principal: Principal, chosen: Chosen) -> Offer:
    """The form with everything proposed that was not chosen yet.

    Raises:
        NotFound: there is no such evaluation.
    """
    if not chosen.evaluation:
        found, _ = evaluations.list_evaluations(session, principal.workspace_id, limit=_MOST_EVALUATIONS)
        return Offer(chosen, found, None, (), (), (), has_scores=False)
    evaluation = service.get_evaluation(session, principal, chosen.evaluation)
    runs = _runs(session, evaluation, chosen.versions)
    own = evaluations.list_evaluators(session, evaluation.id)
    evaluators = _evaluators(session, evaluation, own)
    people = list_people(session, principal.workspace_id)
    has_scores = len(runs) > 1 and any(describe(one.spec).return_type != "text" for one in own)
    judge = next((one for one in own if chosen.judge in (one.id, one.file_id)), None)
    is_neutral = is_neutral_by(own, judge.id if judge else evaluation.primary_evaluator_id)
    if not chosen.whole:
        chosen = _proposed(principal, chosen, runs, evaluators, people)
    return Offer(chosen, (), evaluation, runs, evaluators, people, has_scores, judge, is_neutral)


def _runs(session: Session, evaluation: Evaluation, named: Sequence[str]) -> list[Run]:
    """Those that were named, in their order, which says which is the baseline, before the others that the report compares: a
    grid may show older ones, and in another order."""
    compared, _ = compared_of(session, evaluation)
    every = {run.id: run for run in evaluations.list_runs(session, [evaluation.id])}
    first = [every[run_id] for run_id in named if run_id in every]
    return [*first, *(run for run in compared if run not in first)]


def _evaluators(session: Session, evaluation: Evaluation, own: Sequence[Version]) -> list[Version]:
    """Those of the evaluation in the version that it has, before the newest of all others."""
    mine = [one for one in own if one.spec.get("evaluator_type") == "human"]
    files = {one.file_id for one in mine}
    others = repository.list_human_evaluators(session, evaluation.workspace_id)
    return [*mine, *(one for one in others if one.file_id not in files)]


def _proposed(
    principal: Principal,
    chosen: Chosen,
    runs: Sequence[Run],
    evaluators: Sequence[Version],
    people: Sequence[Membership],
) -> Chosen:
    known = {run.id for run in runs}
    here = principal.user_id in {one.user_id for one in people}
    judged = [one.id for one in evaluators[:1]]
    return Chosen(
        evaluation=chosen.evaluation,
        evaluators=chosen.evaluators or tuple(judged),
        versions=tuple(one for one in chosen.versions if one in known) or tuple(run.id for run in runs[:2]),
        judge=chosen.judge,
        shown=chosen.shown,
        query=chosen.query,
        pair=chosen.pair,
        rows=chosen.rows if chosen.rows in ROWS else "all",
        most=chosen.most or str(PROPOSED_ROWS),
        reviewers=chosen.reviewers or ((principal.user_id,) if here else ()),
        per_item=chosen.per_item,
        target=any(
            describe(one.spec).traits is not None and one.spec.get("arguments_type") == "target_required"
            for one in evaluators
            if one.id in judged
        ),
    )


def sending_of(offer: Offer) -> Sending:
    """What the form asks for.

    Raises:
        Invalid: a number is none, or no evaluation was chosen.
    """
    chosen = offer.chosen
    if offer.evaluation is None:
        raise Invalid("Choose an evaluation.", fields={"evaluation": "Choose an evaluation."})
    problems = {}
    most, per_item = whole(chosen.most), per_item_of(chosen)
    if chosen.most and most is None:
        problems["most"] = "A whole number of rows, or leave it empty for all."
    if per_item is None:
        problems["per_item"] = "A whole number."
    rows: Rows | None = next((one for one in ROWS if one == chosen.rows), None)
    if rows is None:
        problems["rows"] = "Choose which rows."
    if problems or rows is None or per_item is None:
        raise Invalid(" ".join(problems.values()), fields=problems)
    return Sending(
        FromEvaluation(
            offer.evaluation,
            [one for one in offer.runs if one.id in chosen.versions],
            rows,
            offer.judge.id if offer.judge else None,
            most if most is not None else (PROPOSED_ROWS if rows in ("random", "uncertain") else None),
            chosen.pair,
        ),
        evaluators=[
            one
            for one in offer.evaluators
            if one.id in chosen.evaluators and (not chosen.pair or takes_preferences(one))
        ],
        reviewer_ids=chosen.reviewers,
        per_item=per_item,
        blind=chosen.blind,
        shows_target=chosen.target,
        name=chosen.name,
    )
