"""Runs: starting them, and steering those that there are."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from app.core import clock, ids, jobs
from app.core.access import Principal
from app.core.errors import Conflict, DomainError, Invalid, NotFound
from app.core.logging import current_request_id
from app.evaluations import (
    finishing,
    recovery_repository,
    repository,
    reusing,
    run_limits,
    shard_repository,
    sharing_repository,
    stopping_repository,
    stopping_rules,
)
from app.evaluations.channels import announce
from app.evaluations.models import ENDED, MOST_ITEMS, Evaluation, Run
from app.evaluations.verdicts import calls as judge_calls
from app.evaluators.binding import bind
from app.files.models import FileKind, Version
from app.generations.prepared import Target
from app.generations.service import check_tools, prepare
from app.logs import budget

MOST_REPEATS = 50
_SHARDS_A_SLOT = 20
_MAKES_BOTH = "With `orchestrated`, the server makes the outputs: it needs `version` and `dataset`. Without it, send or add logs."
_USES_BOTH = "With `use_existing_logs`, `version` and `dataset` say which logs: name both."
_OF_ROWS = "`split` and `repeats` are of the rows of a dataset: name one."


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What to run: which version on which rows, how often, how fast."""

    version: Version | None = None
    """None, as without a dataset, only where the outputs come from elsewhere: logs of any version are added then."""
    dataset_version: Version | None = None
    repeats: int = 1
    concurrency: int | None = None
    """Calls at once; None is what is usual in the workspace."""
    fresh: bool = False
    sent: bool = False
    """Whether outputs that callers sent are used, too, where the workers make the outputs."""
    split: str | None = None
    control: bool = False
    max_cost_usd: Decimal | None = None
    """Stop calling once this is spent; None is no limit."""
    max_calls: int | None = None
    orchestrated: bool = True
    """Whether our workers make the outputs; else they are sent as logs that name the run and the row."""


def start_run(session: Session, principal: Principal, evaluation: Evaluation, request: RunRequest) -> Run:
    """Start a run: its items and shards are written now, and workers begin once this has committed.

    Outputs that the same version made for the same rows at the same endpoint are used again, unless asked not to.
    Where the caller makes the outputs, those that it sent before are; elsewhere if it is asked for. A run without a
    dataset begins without items, and waits for logs.

    Raises:
        Invalid: the dataset is none or has no rows, a number is out of range, or the workers cannot run the version, or lack
            the one or the other.
        OverBudget: the workspace has spent its budget of this month.
        Invalid: too, where a limit in dollars could not hold, because a model has no price; or where the evaluation stops as
            soon as it is clear, and a run such as this one cannot.
    """
    concurrency = request.concurrency
    if concurrency is None:
        concurrency = run_limits.usual_concurrency(session, evaluation.workspace_id)
    _check(request, concurrency, run_limits.most_concurrency(session, evaluation.workspace_id))
    budget.refuse_if_spent(session, evaluation.workspace_id)
    _check_parts(request)
    if request.orchestrated and request.version:
        check_tools(session, request.version)
    if limit := _limit_in_dollars(session, evaluation, request.max_cost_usd, request.max_calls):
        evaluators = repository.list_judges(session, [evaluation.id])
        targets = _judges_targets(session, evaluation.workspace_id, evaluators)
        targets += _own_targets(session, request.version) if request.version else []
        _refuse_unpriced(targets, limit)
    run = Run(
        id=ids.new_id("run"),
        workspace_id=evaluation.workspace_id,
        evaluation_id=evaluation.id,
        version_id=request.version.id if request.version else None,
        dataset_version_id=request.dataset_version.id if request.dataset_version else None,
        repeats=request.repeats,
        concurrency=concurrency,
        fresh=request.fresh,
        split=request.split,
        max_cost_usd=request.max_cost_usd,
        max_calls=request.max_calls,
        orchestrated=request.orchestrated,
        stops_by=stopping_rules.stops_by(
            session, evaluation, request.dataset_version, orchestrated=request.orchestrated
        ),
        control=False,
        created_by=principal.user_id,
        created_by_name=principal.name,
        version=request.version,
        dataset_version=request.dataset_version,
    )
    session.add(run)
    session.flush()
    if request.version:
        repository.name_subject(session, evaluation, request.version.file_id)
    if request.dataset_version:
        _create_items(session, run, request.dataset_version)
    if request.control or sharing_repository.find_control(session, evaluation.id) is None:
        set_control(session, evaluation, run)
    stopping_rules.share_level(session, evaluation)
    if not request.fresh:
        reusing.reuse(session, run, sent=request.sent)
    restart(session, run)
    return run


def _check_parts(request: RunRequest) -> None:
    """Refuse what cannot be done with the version and the dataset that were named, or without those that were not."""
    version, data = request.version, request.dataset_version
    if data and data.file.kind != FileKind.DATASET:
        raise Invalid(f"{data.file.path} is not a dataset.")
    missing = [name for name, one in (("version", version), ("dataset", data)) if one is None]
    if missing and (request.orchestrated or request.sent):
        said = _MAKES_BOTH if request.orchestrated else _USES_BOTH
        raise Invalid(said, fields=dict.fromkeys(missing, said))
    if data is None and (request.split or request.repeats > 1):
        raise Invalid(_OF_ROWS, fields={"dataset": _OF_ROWS})
    if request.orchestrated and version and version.file.kind != FileKind.PROMPT:
        said = f"{version.file.path} is a {version.file.kind}, which runs on your side: set `orchestrated` to false, and send its logs."
        raise Invalid(said, fields={"orchestrated": said})


def _create_items(session: Session, run: Run, data: Version) -> None:
    rows = data.file_id, data.number
    seed = run.evaluation_id if run.stops_by else None
    run.items_count = shard_repository.create_items(session, run.id, rows, run.repeats, run.split, seed)
    if run.items_count == 0:
        where = f" in the split {run.split}" if run.split else ""
        raise Invalid(f"{data.file.path} has no rows{where}: import some first.")


def _check(request: RunRequest, concurrency: int, most: int) -> None:
    problems = {}
    if not 1 <= request.repeats <= MOST_REPEATS:
        problems["repeats"] = f"Between 1 and {MOST_REPEATS}."
    if not 1 <= concurrency <= most:
        problems["concurrency"] = f"Between 1 and {most}."
    rows = (request.dataset_version.rows_count or 0) if request.dataset_version else 0
    if rows * request.repeats > MOST_ITEMS:
        problems["repeats"] = f"Rows times repeats is over {MOST_ITEMS:,}."
    if request.max_cost_usd is not None and not 0 < request.max_cost_usd < 10**7:
        problems["max_cost_usd"] = "A number of dollars above 0."
    if request.max_calls is not None and not 1 <= request.max_calls < 2**31:
        problems["max_calls"] = "A whole number from 1."
    if problems:
        raise Invalid("; ".join(f"{name}: {text}" for name, text in problems.items()), fields=problems)


def refuse_to_judge(
    session: Session, evaluation: Evaluation, runs: Sequence[Run], evaluators: Sequence[Version]
) -> None:
    """Stop before evaluators that came late judge what runs made or are making.

    Raises:
        OverBudget: they ask models, and the workspace has spent its budget of this month.
        Invalid: a limit in dollars could not hold, because a model has no price.
    """
    if targets := _judges_targets(session, evaluation.workspace_id, evaluators):
        budget.refuse_if_spent(session, evaluation.workspace_id)
        limits = (_limit_in_dollars(session, evaluation, run.max_cost_usd, run.max_calls) for run in runs)
        if limit := next(filter(None, limits), None):
            _refuse_unpriced(targets, limit)


def _limit_in_dollars(
    session: Session, evaluation: Evaluation, max_cost_usd: Decimal | None, max_calls: int | None
) -> str | None:
    """What holds a run back in dollars, if anything does."""
    if max_cost_usd is not None:
        return "the cap"
    if max_calls is None and budget.allowance(session, evaluation.workspace_id):
        return budget.BUDGET
    return None


def _refuse_unpriced(targets: Sequence[Target], limit: str) -> None:
    """A limit in dollars holds nothing back where the price of a call is not known."""
    if unpriced := sorted({target.model for target in targets if target.price is None}):
        models = " and ".join(unpriced)
        said = f"There is no price for {models}, so that {limit} cannot hold: set one, or cap the calls."
        raise Invalid(said, fields={"max_cost_usd": said})


def targets_of(session: Session, version: Version, evaluators: Sequence[Version]) -> list[Target]:
    """Every model that a run of `version` calls, its own first; those that cannot be called are left out."""
    return _own_targets(session, version) + _judges_targets(session, version.workspace_id, evaluators)


def _own_targets(session: Session, version: Version) -> list[Target]:
    with suppress(DomainError):
        return [prepare(session, version).target]
    return []


def _judges_targets(session: Session, workspace_id: str, evaluators: Sequence[Version]) -> list[Target]:
    found: list[Target] = []
    for evaluator in evaluators:
        with suppress(DomainError):
            found += judge_calls.targets_of(session, workspace_id, bind(evaluator.spec)).values()
    return found


def get_run(session: Session, evaluation: Evaluation, run_id: str) -> Run:
    """The run with this id.

    Raises:
        NotFound: the evaluation has no such run.
    """
    run = repository.find_run(session, evaluation.id, run_id)
    if run is None:
        raise NotFound(f"The evaluation has no run with the id {run_id}.")
    return run


def set_control(session: Session, evaluation: Evaluation, run: Run) -> None:
    """Make `run` the baseline that the others of the evaluation are compared with."""
    sharing_repository.set_control(session, evaluation.id, run.id)
    session.refresh(run, ["control"])


def clear_control(session: Session, evaluation: Evaluation, run: Run) -> None:
    """Leave the evaluation without a baseline, if `run` is it."""
    if sharing_repository.find_control(session, evaluation.id) == run.id:
        sharing_repository.set_control(session, evaluation.id, None)
        session.refresh(run, ["control"])


def restart(session: Session, run: Run) -> None:
    """Cut the pending items of a run into shards and send them to the workers."""
    run.status = "running" if run.started_at else "pending"
    run.finished_at = run.scored_at = run.cancel_requested_at = run.end_requested_at = None
    run.progressed_at = clock.now()
    run.request_id = current_request_id()
    session.flush()
    for shard_id in shard_repository.create_shards(session, run.id, _shard_size(run)):
        jobs.enqueue(session, "evaluations.run_shard", shard_id=shard_id)
    finishing.finish_if_done(session, run.id)
    session.refresh(run, ["status", "finished_at"])
    announce(session, run.id)


def heed_judgment(session: Session, run_id: str) -> None:
    """A judgment of one of a run's outputs came from elsewhere: an ended run is scored anew, one that waited for it ends."""
    finishing.score_again(session, run_id)
    if repository.note_progress_elsewhere(session, run_id):
        finishing.finish_if_done(session, run_id)


def end_if_done(session: Session, run: Run) -> None:
    """End a run that has nothing left to wait for."""
    lock(session, run)
    finishing.finish_if_done(session, run.id)
    session.refresh(run)


def _shard_size(run: Run) -> int:
    """Small enough that slots finish together, large enough that claiming costs little."""
    return max(10, min(200, run.items_count // _SHARDS_A_SLOT))


def lock(session: Session, run: Run) -> None:
    """Keep others from changing the run, and see how it stands.

    Raises:
        NotFound: it was deleted meanwhile, with its evaluation.
    """
    if not repository.lock_run(session, run.id):
        raise NotFound("There is no such run any more: its evaluation was deleted.")
    session.refresh(run)


def cancel_run(session: Session, run: Run) -> None:
    """Stop a run: no new calls from now on, those in flight are cut off within two seconds. What is done stays.

    One that has ended stays as it is: programs that are told to end say so of runs that they forgot to have ended.
    """
    lock(session, run)
    if run.status not in ENDED:
        _stop(session, run, "cancelled")


def _stop(session: Session, run: Run, status: str) -> None:
    """End a locked run that goes on. Its rows without a result stay without: it can be resumed."""
    run.status = status
    run.cancel_requested_at = run.finished_at = clock.now()
    session.flush()
    repository.cancel_shards(session, run.id)
    jobs.enqueue(session, "evaluations.score_run", run_id=run.id)
    announce(session, run.id)


def complete_run(session: Session, run: Run) -> None:
    """End a run. Where the outputs come from elsewhere, rows that none has come for get an error that says so, and what the workers
    are judging ends it, without waiting for judgments from elsewhere; where the workers make them, the run stops as a
    cancelled one does, and rows that were not run stay without a result.

    Raises:
        Conflict: it was cancelled.
    """
    lock(session, run)
    if run.status == "completed":
        return
    if run.status == "cancelled":
        raise Conflict("This run was cancelled: what it came to stands. Resume it to go on.")
    if run.orchestrated:
        _stop(session, run, "completed")
        return
    recovery_repository.end_missing(session, run.id)
    run.end_requested_at = clock.now()  # what is being judged now is waited for, and ends it
    session.flush()
    finishing.finish_if_done(session, run.id)
    session.refresh(run)
    announce(session, run.id)


def cancel_all(session: Session, evaluation: Evaluation) -> int:
    """Stop every run of an evaluation that goes on; how many there were."""
    going = [
        run for run in repository.list_runs(session, [evaluation.id]) if run.status in ("pending", "running")
    ]
    for run in going:
        cancel_run(session, run)
    return len(going)


def resume_run(session: Session, run: Run) -> None:
    """Go on with a run that was stopped: the rows without a result are run.

    Raises:
        Conflict: it goes on, or ended by itself.
    """
    lock(session, run)
    if not run.is_unfinished:
        raise Conflict(f"Only a run that was stopped can be resumed; this one is {run.status}.")
    if run.left_count:
        stopping_repository.take_up_left(session, run.id)
        session.refresh(run)
    restart(session, run)


def retry_failed(session: Session, run: Run) -> int:
    """Run the failed rows again, and the judgments that failed; how many rows there were. Those that were left because it was
    clear stay left.

    Raises:
        Conflict: the run is still going, or nothing failed.
    """
    lock(session, run)
    if run.status in ("pending", "running"):
        raise Conflict("The run is still going: wait for its end, or stop it.")
    if run.ended_when_clear:
        stopping_repository.keep_left(session, run.id)
    reopened = repository.reopen_failed(
        session, run.id, reusing.judging_here(session, run), outputs=run.orchestrated
    )
    if not reopened:
        raise Conflict("No row of this run failed.")
    session.refresh(run)
    restart(session, run)
    return reopened
