"""What a worker needs to know of a run before it starts: loaded once, then the same for every item."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from app.core.errors import DomainError
from app.evaluations import repository, sharing_repository
from app.evaluations.models import Run
from app.evaluations.verdicts.calls import targets_of
from app.evaluations.verdicts.judged_files import JudgedFile, as_judged
from app.evaluators import databases
from app.evaluators.binding import BoundEvaluator, ModelRef
from app.files.models import Version
from app.files.presentation import present
from app.generations.prepared import Origin, PreparedPrompt, Target
from app.generations.service import prepare
from app.logs import budget
from app.logs.budget import Allowance
from app.providers.client import Endpoint
from app.providers.meter import Cap, Spent
from app.workspaces.webhook_keys import WebhookKey, webhook_key


@dataclass(frozen=True, slots=True)
class Judge:
    """An evaluator of a run, and the models that it asks."""

    version_id: str
    file_id: str
    evaluator: BoundEvaluator | None
    targets: Mapping[ModelRef, Target]
    problem: str | None
    """Why it cannot judge at all, which becomes the error of each of its judgments."""

    @property
    def sees_traces(self) -> bool:
        """Whether it is shown what is nested under the log that it judges."""
        return self.evaluator is not None and self.evaluator.kind.sees_traces


@dataclass(frozen=True, slots=True)
class Plan:
    """A run, its version made ready to call, its evaluators made ready to judge."""

    run_id: str
    workspace_id: str
    request_id: str
    """The request that started or resumed it, for the log; `none` for what nobody asked for over HTTP."""
    evaluation_ids: Sequence[str]
    """Those that show it."""
    stops_in: str | None
    """The evaluation that ends it as soon as it is clear; None where every row is run."""
    concurrency: int
    origin: Origin | None
    """Where the outputs come from; None where it is from elsewhere, and nothing is to be made."""
    prompt: PreparedPrompt | None
    problem: str | None
    """Why the version cannot be called at all, which becomes each item's error."""
    judges: tuple[Judge, ...]
    cap: Cap | None
    """What may be spent; None is no limit."""
    spent: Spent
    """What was spent when the plan was made."""
    allowance: Allowance | None
    """What the workspace may spend this month; None is no limit."""
    file: JudgedFile | None
    """The file whose outputs are judged, at the run's version."""
    webhook_key: WebhookKey
    """What signs the questions to services of the workspace."""

    @property
    def endpoints(self) -> list[Endpoint]:
        """Every provider that the run calls."""
        targets = [self.prompt.target] if self.prompt else []
        targets += [target for judge in self.judges for target in judge.targets.values()]
        return [target.endpoint for target in targets]

    def load_evaluators(self) -> None:
        """Load what the evaluators need, once in a process: seconds, in which no heartbeat may be late."""
        for judge in self.judges:
            if judge.evaluator:
                judge.evaluator.load()


def load_plan(session: Session, run_id: str) -> Plan | None:
    """The plan of a run; None when the run is gone."""
    run = repository.find_run_to_work_on(session, run_id)
    if run is None:
        return None
    prompt, problem = None, None
    origin = origin_of(run) if run.orchestrated else None
    if run.orchestrated and run.version:
        try:
            prompt = prepare(session, run.version)
        except DomainError as error:
            problem = error.message
    judges = [load_judge(session, version) for version in repository.list_run_judges(session, run.id)]
    allowance = budget.allowance(session, run.workspace_id)
    if run.max_cost_usd is not None:
        judges = [if_priced(judge, "the cap") for judge in judges]
    elif run.max_calls is None and allowance:
        judges = [if_priced(judge) for judge in judges]
    return Plan(
        run_id=run.id,
        workspace_id=run.workspace_id,
        request_id=run.request_id or "none",
        evaluation_ids=sharing_repository.evaluations_of(session, run.id),
        stops_in=run.evaluation_id if run.stops_by and run.clear_after is None else None,
        concurrency=run.concurrency,
        origin=origin,
        prompt=prompt,
        problem=problem,
        judges=tuple(judges),
        cap=Cap(run.max_cost_usd, run.max_calls) if run.max_cost_usd is not None or run.max_calls else None,
        spent=Spent(run.spent_usd, run.calls_count),
        allowance=allowance,
        file=as_judged(present(session, [run.version], without={"evaluators"})[0]) if run.version else None,
        webhook_key=webhook_key(session, run.workspace_id),
    )


def if_priced(judge: Judge, limit: str = budget.BUDGET) -> Judge:
    """The judge, which says why it gives no verdict where nobody knows what it costs: a limit in dollars would not hold."""
    unpriced = sorted({target.model for target in judge.targets.values() if target.price is None})
    return replace(judge, problem=judge.problem or budget.no_price(unpriced, limit)) if unpriced else judge


def origin_of(run: Run) -> Origin | None:
    """What the logs of a run say of where they came from; None where it is of no one version."""
    if run.version is None:
        return None
    return Origin(run.workspace_id, run.version.file_id, run.version.id, source="evaluation", run_id=run.id)


def load_judge(session: Session, version: Version) -> Judge:
    """An evaluator made ready to judge. `version.file` need not be loaded."""
    evaluator, problem = None, None
    targets: Mapping[ModelRef, Target] = {}
    try:
        evaluator = databases.bind_with_files(session, version.workspace_id, version.spec)
        targets = targets_of(session, version.workspace_id, evaluator)
    except DomainError as error:
        problem = error.message
    return Judge(version.id, version.file_id, evaluator, targets, problem)
