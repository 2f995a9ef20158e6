"""Starting what was chosen: a new evaluation, or more runs of one that is there."""

from decimal import Decimal, InvalidOperation

from sqlalchemy.orm import Session

from app.core import clock
from app.core.access import Principal
from app.core.errors import Invalid
from app.core.typed import whole
from app.evaluations import repository, run_limits, run_service, service, stopping_rules
from app.evaluations.models import Evaluation
from app.evaluations.new_evaluation.choosing import Offer
from app.evaluations.new_evaluation.sensitivity import difference_of
from app.evaluations.run_service import RunRequest


def start(session: Session, principal: Principal, offer: Offer) -> Evaluation:
    """Start a run of every chosen version, in a new evaluation or in the one that is added to.

    Raises:
        Invalid: names each choice that is missing or wrong.
        Conflict: the prompt has an evaluation of this name.
    """
    _check(offer, run_limits.most_concurrency(session, principal.workspace_id))
    judges = [one.version for one in offer.judges]
    evaluation = offer.evaluation
    if evaluation is None:
        assert offer.prompt is not None  # noqa: S101 - `_check` has looked
        evaluation = service.create_evaluation(
            session,
            principal,
            file=offer.prompt,
            name=offer.choices.name.strip() or _name_of(offer),
            evaluators=judges,
            smallest_difference=difference_of(offer.choices.smallest, offer.judges[0]),
            stops_when_clear=offer.choices.stops_when_clear,
        )
    else:
        service.add_evaluators(session, evaluation, judges)
    service.change_evaluation(session, evaluation, primary_evaluator_id=offer.choices.primary)
    _start_runs(session, principal, evaluation, offer)
    return evaluation


def _name_of(offer: Offer) -> str:
    """What is compared, and when: v3 against v1, 25 Nov 15:04:46."""
    baseline = offer.choices.baseline
    numbers = sorted(one.version.number for one in offer.chosen)
    others = [f"v{number}" for number in numbers if number != baseline]
    compared = f"{', '.join(others)} against v{baseline}" if others and baseline else f"v{numbers[0]}"
    return f"{compared}, {clock.now():%-d %b %H:%M:%S}"


def _start_runs(session: Session, principal: Principal, evaluation: Evaluation, offer: Offer) -> None:
    """Start the runs, and leave the baseline where it was chosen."""
    baseline = offer.choices.baseline
    assert offer.dataset_version is not None  # noqa: S101 - `_check` has looked
    for one in offer.chosen:
        request = RunRequest(
            version=one.version,
            dataset_version=offer.dataset_version,
            repeats=_number(offer.choices.repeats),
            concurrency=_number(offer.choices.concurrency),
            fresh=offer.choices.fresh,
            split=offer.choices.split or None,
            control=one.version.number == baseline,
            max_cost_usd=_dollars(offer.choices.max_cost, len(offer.chosen)),
            max_calls=_number(offer.choices.max_calls) // len(offer.chosen)
            if offer.choices.max_calls
            else None,
        )
        run_service.start_run(session, principal, evaluation, request)
    if baseline not in offer.choices.versions:
        earlier = [one.run for one in offer.versions if one.run and one.version.number == baseline]
        if earlier and repository.find_run(session, evaluation.id, earlier[0].id):
            run_service.set_control(session, evaluation, earlier[0])


def _check(offer: Offer, most_concurrency: int) -> None:
    choices = offer.choices
    problems = {}
    if offer.prompt is None:
        problems["prompt"] = "Write a prompt first."
    elif not offer.chosen:
        problems["versions"] = "Choose at least one version."
    if offer.dataset_version is None or not offer.rows:
        problems["dataset"] = "Choose a dataset that has rows."
    if not offer.judges:
        problems["evaluators"] = "Choose at least one evaluator."
    for name, most in (("repeats", run_service.MOST_REPEATS), ("concurrency", most_concurrency)):
        if not 1 <= _number(getattr(choices, name)) <= most:
            problems[name] = f"A whole number from 1 to {most}."
    if choices.smallest and offer.judges and difference_of(choices.smallest, offer.judges[0]) is None:
        problems["smallest"] = "A number above 0, such as 2; at most 100 points of a share."
    if choices.max_cost and _dollars(choices.max_cost) is None:
        problems["max_cost"] = "Dollars above 0, such as 2.50, or nothing."
    if choices.max_calls and _number(choices.max_calls) < max(1, len(offer.chosen)):
        problems["max_calls"] = "A whole number of calls, at least one for each version, or nothing."
    if choices.stops_when_clear and offer.evaluation is None and len(offer.chosen) == 1:
        problems[stopping_rules.FIELD] = stopping_rules.ONE_VERSION
    if problems:
        raise Invalid(" ".join(problems.values()), fields=problems)


def _number(text: str) -> int:
    """A whole number that somebody typed; 0, which is never valid here, for anything else."""
    return whole(text) or 0


def _dollars(text: str, shares: int = 1) -> Decimal | None:
    """Dollars that somebody typed, in so many equal shares; None for anything else."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount / shares if amount.is_finite() and 0 < amount < 10**7 else None
