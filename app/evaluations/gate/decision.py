"""Whether a version may pass: what a gate asks of an evaluation, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core.errors import Invalid, NotFound
from app.evaluations import repository, sharing_repository
from app.evaluations.figures.numbers import usage_of
from app.evaluations.figures.report import compared_runs
from app.evaluations.figures.synthetic_rows import SyntheticRows, synthetic_rows
from app.evaluations.gate.checks import Compared, settle
from app.evaluations.gate.plan import PAIRED, Check, Outcome, list_left_out, list_neutral, plan_checks
from app.evaluations.gate.rules import GateRules
from app.evaluations.gate.scores import load_gate_scores
from app.evaluations.models import Evaluation, Run
from app.files.models import Version

EXIT_CODES: dict[Outcome, int] = {"passed": 0, "failed": 1, "undecided": 2}


@dataclass(frozen=True, slots=True)
class Decision:
    """What a gate decided."""

    evaluation: Evaluation
    candidate: Run | None
    baseline: Run | None
    """None where there is none, or the candidate is it."""
    rules: GateRules
    checks: Sequence[Check]
    left_out: Sequence[Version] = ()
    """Evaluators that "no regression" would be about if they were named."""
    neutral: Sequence[Version] = ()
    """Evaluators that "no regression" cannot be about: neither more nor less is better."""
    synthetic: SyntheticRows | None = None
    """The candidate's rows that a model wrote, where there are any."""

    @property
    def outcome(self) -> Outcome:
        """Failed if one check is; else undecided if one is; passed if all are."""
        found = {check.outcome for check in self.checks}
        order: tuple[Outcome, ...] = ("failed", "undecided")
        return next((outcome for outcome in order if outcome in found), "passed")

    @property
    def unfinished(self) -> list[Run]:
        """The runs that it would be about and that go on."""
        paired = any(check.kind in PAIRED for check in self.checks)
        runs = (self.candidate, self.baseline if paired else None)
        return [run for run in runs if run and _goes_on(run)]


def decide(session: Session, evaluation: Evaluation, rules: GateRules) -> Decision:
    """Hold an evaluation's candidate against `rules`, as things stand. Nothing is changed.

    Raises:
        Invalid: the rules ask nothing.
        NotFound: the evaluation has no run such as the rules name.
    """
    if rules.asks_nothing:
        raise Invalid("The gate asks nothing: say what has to hold, such as `min` or `no_regression`.")
    baseline, candidate = _chosen(session, evaluation, rules)
    evaluators = repository.list_evaluators(session, evaluation.id)
    checks = plan_checks(rules, evaluators)
    left_out, neutral = list_left_out(rules, evaluators), list_neutral(rules, evaluators)
    if candidate is None:
        said = "The evaluation has no run yet: start one."
        checks = [check.undecided(said) for check in checks]
        return Decision(evaluation, None, None, rules, checks, left_out, neutral)
    stood_in = [_stopped_by(check, candidate, baseline) for check in checks]
    asked = {
        check.evaluator.id: check.evaluator for check in stood_in if check.evaluator and not check.reason
    }
    runs = [run for run in (baseline, candidate) if run and not _goes_on(run)]
    about = Compared(
        rules,
        candidate,
        baseline,
        load_gate_scores(session, runs, list(asked.values())),
        usage_of(session, [candidate]).get(candidate.id),
    )
    synthetic = synthetic_rows(session, [candidate])
    settled = settle(about, stood_in)
    return Decision(evaluation, candidate, baseline, rules, settled, left_out, neutral, synthetic)


def _chosen(session: Session, evaluation: Evaluation, rules: GateRules) -> tuple[Run | None, Run | None]:
    """The baseline and the candidate: those that are named, else the report's baseline and the newest other one.

    Where the report takes a newer run of the baseline's version for the baseline, and this one is to pass, it is compared
    with the run that was made the baseline: the same version again may have got worse, too.
    """
    every = repository.list_runs(session, [evaluation.id])
    control_id = sharing_repository.find_control(session, evaluation.id)
    compared, newest = compared_runs(every, control_id)
    baseline = _named(every, rules.baseline) if rules.baseline else newest
    if not rules.candidate:
        candidate = next((run for run in reversed(compared) if run is not baseline), baseline)
        return (None if baseline is candidate else baseline), candidate
    candidate = _named(every, rules.candidate)
    if baseline is candidate:
        baseline = next((run for run in every if run.id == control_id and run is not candidate), None)
    return baseline, candidate


def _named(runs: Sequence[Run], name: str) -> Run:
    """The run with this id, or the newest one of the version with this id. `runs` come newest first."""
    found = next((run for run in runs if run.id == name), None)
    found = found or next((run for run in runs if run.version_id == name), None)
    if found is None:
        raise NotFound(f"The evaluation has no run, and no run of a version, with the id {name}.")
    return found


def _stopped_by(check: Check, candidate: Run, baseline: Run | None) -> Check:
    """The check, with the run that keeps it from being decided, if one does."""
    if check.reason:
        return check
    for run in (candidate, baseline) if check.kind in PAIRED else (candidate,):
        if run is None:
            continue
        done = f"{run.done_count:,} of {run.items_count:,} rows of {run.name} are done"
        if _goes_on(run):
            return check.undecided(f"{done}: ask again when it has ended (`--wait` does).")
        if run.status == "cancelled":
            return check.undecided(f"{run.name} was stopped: {done}. Resume it.")
    return check


def _goes_on(run: Run) -> bool:
    return run.status in ("pending", "running")
