"""What the report page shows: the report in words, the work behind it, and what went wrong."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from sqlalchemy.orm import Session

from app.core import clock
from app.evaluations import repository
from app.evaluations.figures.headline import Headline
from app.evaluations.figures.memory import kept
from app.evaluations.figures.models_used import ModelUsed, grouped
from app.evaluations.figures.report import Progress, Reason, Report, build_report, progress_of
from app.evaluations.figures.synthetic_rows import SyntheticRows, synthetic_rows
from app.evaluations.grid import comparison
from app.evaluations.grid.comparison import Grid, GridRequest
from app.evaluations.judges.agreement import Trust, trust_of
from app.evaluations.models import Evaluation, Run
from app.evaluations.reports import rows_repository
from app.evaluations.reports.corpus_view import Corpus, list_corpora
from app.evaluations.reports.doubts import MissingRows
from app.evaluations.reports.early_end import EarlyEnd, early_end
from app.evaluations.reports.finding import find_step, rows_that_got_worse
from app.evaluations.reports.next_step import NextStep
from app.evaluations.reports.repeats_view import Repeated, list_repeats
from app.evaluations.reports.retrieval_view import Cross, cross
from app.evaluations.reports.rows_repository import Moved
from app.evaluations.reports.scoreboard import ChangeText, Group, Operation, group_lines
from app.evaluations.reports.slices_view import SliceTable, build_slices
from app.evaluations.reports.tradeoff import Tradeoff, list_tradeoffs
from app.files import repository as files
from app.files.models import File, FileKind, Version
from app.statistics.verdict import (
    FEWEST_ROWS,
    NO_CLEAR_CHANGE,
    NO_RELEVANT_DIFFERENCE,
    TOO_FEW,
    WIDEST_SHARE,
)

_WORST_ROWS = 6
_MEANINGS = (
    (NO_CLEAR_CHANGE, "it may be better or worse; more rows may tell"),
    (NO_RELEVANT_DIFFERENCE, "whichever it is, it is too small to matter; choose by cost and latency"),
    (
        TOO_FEW,
        f"fewer than {FEWEST_ROWS} rows, or an interval that includes 0 and is wider than {WIDEST_SHARE * 100:g} points; decide nothing by it",
    ),
)
"""What the words mean that are not for either version, and what to do about each."""
_SETTLING = timedelta(seconds=60)
"""How long a page waits for the scores of a finished run: the task that works them out may have been lost."""


@dataclass(frozen=True, slots=True)
class Work:
    """One run: how far it is, and what can be done about it."""

    run: Run
    progress: Progress
    left_s: float | None
    """Seconds until it is done at the pace so far; None where nobody can tell."""
    idle_s: float
    """Seconds since the last result."""
    compared: bool
    """Whether the report is about it; else a newer run of the same version has replaced it."""
    unrun: int = 0
    """Rows that were not called because what may be spent was spent."""

    @property
    def left_out(self) -> int:
        """Rows that were not run because somebody ended the run before them."""
        return self.run.items_count - self.run.done_count if self.progress == "completed" else 0


@dataclass(frozen=True, slots=True)
class JudgeTrouble:
    """An evaluator that failed on rows that have an output."""

    run: Run
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Fuller:
    """A version of a dataset with more rows than the one that was run."""

    version: Version
    moved: Moved


@dataclass(frozen=True, slots=True)
class ReportView:
    """The report page."""

    evaluation: Evaluation
    file: File | None
    newest: Version | None
    """The newest version of the evaluation's file."""
    report: Report
    candidate: Run | None
    headline: Headline
    groups: Sequence[Group]
    operations: Sequence[Operation]
    corpus: Sequence[Corpus]
    work: Sequence[Work]
    worse: Grid | None
    judge_trouble: Sequence[JudgeTrouble]
    live: bool
    """Whether something may still change by itself."""
    unmeasured: Version | None = field(default=None)
    """The newest version, where no run has it yet."""
    models: Sequence[tuple[ModelUsed, Sequence[int]]] = ()
    """The models that answered, each with the numbers of the compared versions that ask it."""
    cross: Cross | None = None
    """Right or wrong by found or not found, where both were judged."""
    deployed: Sequence[str] = ()
    """The ids of the versions that run in the default environment."""
    slices: SliceTable | None = None
    """The primary score by a field of the rows."""
    repeats: Sequence[Repeated] = ()
    tradeoffs: Sequence[Tradeoff] = ()
    trust: Mapping[str, Trust] = field(default_factory=dict)
    """What the judges that are models are worth, by the evaluator version's id."""
    missing: MissingRows | None = None
    next: NextStep | None = None
    fuller: Fuller | None = None
    """The newest version of the candidate's rows, where it has more of them than were run."""
    early: EarlyEnd | None = None
    """Where it stops as soon as it is clear: when it was, and what that saved."""
    synthetic: SyntheticRows | None = None
    """The rows that a model wrote, where there are any."""

    @property
    def worse_rows(self) -> str:
        """Where the rows that got worse stand side by side, below the evaluation's address."""
        return rows_that_got_worse(self.report, self.candidate) if self.candidate else ""

    @property
    def meanings(self) -> list[tuple[str, str]]:
        """The words that name no winner and stand in the score table, each with what it means."""
        return _told(line.change for group in self.groups for line in group.lines)

    @property
    def slice_meanings(self) -> list[tuple[str, str]]:
        """The same of the groups of rows, those left out that the score table has told."""
        lines = (*self.slices.lines, *self.slices.rest) if self.slices else ()
        return [one for one in _told(line.change for line in lines) if one not in self.meanings]

    @property
    def passes(self) -> bool:
        """Whether repeats pass or do not: then it is known how often any or all of them do."""
        return any(one.all_pass.value for one in self.repeats)

    @property
    def reasons(self) -> Sequence[Reason]:
        """Why rows have no output."""
        return self.report.reasons

    @property
    def state(self) -> Progress | None:
        """How the evaluation as a whole is getting on; None without runs."""
        states = {work.progress for work in self.work if work.compared}
        order: tuple[Progress, ...] = ("stuck", "running", "waiting", "cancelled", "completed")
        return next((state for state in order if state in states), None)

    @property
    def done(self) -> int:
        """Rows that are done, over all runs that the report is about or that go on."""
        return sum(work.run.done_count for work in self._counted)

    @property
    def total(self) -> int:
        """Rows there are, over the same runs."""
        return sum(work.run.items_count for work in self._counted)

    @property
    def _counted(self) -> list[Work]:
        return [work for work in self.work if work.compared or work in self.active]

    @property
    def active(self) -> list[Work]:
        """The runs that are not at an end."""
        return [work for work in self.work if work.progress in ("waiting", "running", "stuck")]

    @property
    def left_s(self) -> float | None:
        """Seconds until everything is done; None while one of the runs cannot tell."""
        known = [work.left_s for work in self.active]
        return None if not known or None in known else max(left for left in known if left is not None)

    @property
    def runs_here(self) -> bool:
        """Whether our workers make the outputs of what is evaluated: a prompt's, not a flow's or an agent's."""
        return self.file is None or self.file.kind == FileKind.PROMPT

    @property
    def worth_deploying(self) -> Version | None:
        """The candidate, where it is better than the baseline and does not answer everybody yet."""
        proven = (
            self.runs_here and self.state == "completed" and self.headline.tone == "better" and self.candidate
        )
        return proven.version if proven and proven.version_id not in self.deployed else None

    @property
    def failed(self) -> list[Run]:
        """The ended runs with rows, or judgments, that can be tried again."""
        judged = {trouble.run.id for trouble in self.judge_trouble}
        return [
            work.run
            for work in self.work
            if work.compared
            and work.progress in ("completed", "cancelled")
            and (work.run.failed_count > work.unrun or work.run.id in judged)
        ]

    @property
    def held_back(self) -> list[Work]:
        """The ended runs that reached what they may spend, with rows left."""
        return [work for work in self.work if work.compared and work.unrun and work not in self.active]


def _told(changes: Iterable[ChangeText | None]) -> list[tuple[str, str]]:
    said = {change.verdict.name for change in changes if change}
    return [(verdict.word, told) for verdict, told in _MEANINGS if verdict.name in said]


def build_view(
    session: Session, evaluation: Evaluation, candidate_id: str | None, sliced_by: str = ""
) -> ReportView:
    """The report page of an evaluation, about one candidate (the newest one, unless another is asked for).

    Its slices are by the field asked for, or by the likeliest.
    """
    report = build_report(session, evaluation)
    candidates = report.candidates
    candidate = next(
        (run for run in candidates if run.id == candidate_id), candidates[-1] if candidates else None
    )
    compared = {run.id for run in report.runs}
    busy = repository.workers_are_busy(session)
    unrun = _unrun(report)
    work = [
        replace(_work(run, compared, busy=busy), unrun=unrun.get(run.id, 0))
        for run in repository.list_runs(session, [evaluation.id])
    ]
    newest = files.newest_version(session, evaluation.file_id)
    found = find_step(session, report, candidate)
    measured = {run.version_id for run in report.runs}
    return ReportView(
        evaluation=evaluation,
        file=files.find_file(session, evaluation.workspace_id, evaluation.file_id),
        newest=newest,
        report=report,
        candidate=candidate,
        headline=found.headline,
        groups=group_lines(report, candidate),
        operations=found.operations,
        corpus=list_corpora(report, candidate),
        cross=cross(report, candidate),
        work=work,
        worse=_worse(session, evaluation, report, candidate),
        judge_trouble=_judge_trouble(report),
        live=any(_may_move(one.run) for one in work),
        unmeasured=newest if newest and newest.id not in measured else None,
        models=grouped(session, [run.version for run in report.runs if run.version]),
        deployed=found.deployed,
        slices=build_slices(session, report, candidate, sliced_by),
        repeats=list_repeats(session, report),
        tradeoffs=list_tradeoffs(report, candidate),
        trust=trust_of(session, evaluation.workspace_id, [row.version for row in report.rows]),
        missing=found.missing,
        next=found.next,
        fuller=_fuller(session, candidate) if found.next and found.next.takes_rows else None,
        early=early_end(report),
        synthetic=synthetic_rows(session, report.runs),
    )


def _fuller(session: Session, candidate: Run | None) -> Fuller | None:
    ran = candidate.dataset_version if candidate else None
    newest = files.newest_version(session, ran.file_id) if ran else None
    if not ran or not newest or (newest.rows_count or 0) <= (ran.rows_count or 0):
        return None
    moved = kept.once(  # versions never change
        ("moved", ran.id, newest.id),
        lambda: rows_repository.count_moved(session, ran.file_id, ran.number, newest.number),
    )
    return Fuller(newest, moved)


def _may_move(run: Run) -> bool:
    if run.status in ("pending", "running"):
        return True
    ended = run.finished_at or run.created_at
    return run.scored_at is None and clock.now() - ended < _SETTLING


def _unrun(report: Report) -> dict[str, int]:
    """How many rows of each run a cap or a budget held back, by run id.

    Of outputs that were sent, the error is somebody's own words, whatever they begin with.
    """
    found: dict[str, int] = {}
    for reason in report.reasons:
        if reason.run.orchestrated and reason.text.startswith("not run"):
            found[reason.run.id] = found.get(reason.run.id, 0) + reason.count
    return found


def _work(run: Run, compared: set[str], *, busy: bool) -> Work:
    now = clock.now()
    left = None
    fresh = run.done_count - run.reused_count
    if run.status == "running" and run.started_at and fresh > 0:
        pace = fresh / max((now - run.started_at).total_seconds(), 0.001)
        left = (run.items_count - run.done_count) / pace
    idle = (now - (run.progressed_at or run.created_at)).total_seconds()
    return Work(run, progress_of(run, busy=busy), left, idle, run.id in compared)


def _judge_trouble(report: Report) -> list[JudgeTrouble]:
    """Failures of evaluators beyond those on rows without an output, which are counted as rows."""
    found = []
    for row in report.rows:
        for run in report.runs:
            count = row.cells[run.id].errors - run.failed_count
            if count > 0:
                found.append(JudgeTrouble(run, row.version.file.name, count))
    return found


def _worse(session: Session, evaluation: Evaluation, report: Report, candidate: Run | None) -> Grid | None:
    if report.baseline is None or candidate is None or report.primary is None or report.running:
        return None
    if report.primary.info.is_neutral:  # no row got worse: they moved
        return None
    request = GridRequest(
        [report.baseline.id, candidate.id], report.primary.version.id, only="worse", limit=_WORST_ROWS
    )
    return comparison.build_grid(session, evaluation, request)


def pair_text(report: Report, candidate: Run | None) -> str:
    """What the report compares, for its title: v3 against v1."""
    if report.baseline is None:
        return "not started"
    old = report.baseline.name
    return f"{candidate.name} against {old}" if candidate else old
