"""What the home page says: what ran lately and what it found, recent files, what was done, and the first steps."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.evaluations import last_score_repository
from app.evaluations import repository as evaluations
from app.evaluations.dashboard import ScoreText
from app.evaluations.file_list import last_score_text
from app.evaluations.headline import Headline, headline
from app.evaluations.models import Evaluation, Run
from app.evaluations.report import Progress, build_report, progress_of
from app.files import repository as files
from app.files.models import Environment, File, FileKind, Version
from app.files.sidebar import PAGES, file_url
from app.home.activity import Deed, deed_of, newest_first
from app.providers import repository as providers
from app.workspaces import repository as workspaces

_EVALUATIONS, _FILES, _ENTRIES = 5, 8, 8
_MOST_KEPT = 500
_kept: dict[tuple[object, ...], Headline] = {}


@dataclass(frozen=True, slots=True)
class Finding:
    """An evaluation and what it found."""

    evaluation: Evaluation
    file: File | None
    headline: Headline
    state: Progress | None


@dataclass(frozen=True, slots=True)
class RecentFile:
    """A file as the lists show it."""

    file: File
    newest: Version | None
    environments: Sequence[tuple[Environment, int]]
    """What runs where: environment and version number."""
    score: ScoreText | None
    """The last one of the newest version that has one, by what its evaluation is about."""
    measured_by: str


@dataclass(frozen=True, slots=True)
class Overview:
    """The home page."""

    findings: Sequence[Finding]
    files: Sequence[RecentFile]
    files_total: int
    deeds: Sequence[Deed]
    has_provider: bool
    has_prompt: bool
    has_dataset: bool
    has_evaluation: bool


def build_overview(session: Session, principal: Principal) -> Overview:
    """The home page of the principal's workspace."""
    found, _ = evaluations.list_evaluations(session, principal.workspace_id, limit=_EVALUATIONS)
    recent, total = files.list_files(
        session, principal.workspace_id, kinds=list(PAGES), sort_by="updated_at", limit=_FILES
    )
    kinds = {file.kind for file in recent}
    shown = recent_files(session, recent)
    real = [p for p in providers.list_providers(session, principal.workspace_id) if p.kind != "practice"]
    return Overview(
        findings=_findings(session, found),
        files=shown,
        files_total=total,
        deeds=_deeds(session, principal, found, shown),
        has_provider=bool(real),
        has_prompt=FileKind.PROMPT in kinds,
        has_dataset=FileKind.DATASET in kinds,
        has_evaluation=bool(found),
    )


def _deeds(
    session: Session, principal: Principal, found: Sequence[Evaluation], shown: Sequence[RecentFile]
) -> list[Deed]:
    base = f"/w/{principal.workspace_slug}"
    deeds = [deed_of(entry) for entry in workspaces.list_audit(session, principal.workspace_id, _ENTRIES)]
    deeds += [
        Deed(e.created_at, e.created_by_name or "Somebody", "evaluated", e.name, f"{base}/evaluations/{e.id}")
        for e in found
    ]
    deeds += [
        Deed(
            each.newest.created_at,
            each.newest.author_name or "Somebody",
            f"committed v{each.newest.number} of",
            each.file.name,
            file_url(principal.workspace_slug, each.file.kind, each.file.id),
        )
        for each in shown
        if each.newest
    ]
    return newest_first(deeds, _ENTRIES)


def _findings(session: Session, found: Sequence[Evaluation]) -> list[Finding]:
    by_evaluation: dict[str, list[Run]] = {evaluation.id: [] for evaluation in found}
    for run in evaluations.list_runs(session, list(by_evaluation)):
        by_evaluation[run.evaluation_id].append(run)
    about = last_score_repository.find_subjects(session, {each.file_id for each in found})
    return [
        Finding(
            evaluation,
            about.get(evaluation.file_id),
            _headline(session, evaluation, by_evaluation[evaluation.id]),
            _state(by_evaluation[evaluation.id]),
        )
        for evaluation in found
    ]


def _state(runs: Sequence[Run]) -> Progress | None:
    """How an evaluation gets on: as its run that needs most attention."""
    states = {progress_of(run) for run in runs}
    order: tuple[Progress, ...] = ("stuck", "running", "waiting", "cancelled", "completed")
    return next((state for state in order if state in states), None)


def _headline(session: Session, evaluation: Evaluation, runs: Sequence[Run]) -> Headline:
    """The sentence of an evaluation. That of a finished one is kept: its statistics cost tens of milliseconds."""
    if any(run.status in ("pending", "running") for run in runs):
        done, total = sum(run.done_count for run in runs), sum(run.items_count for run in runs)
        return Headline("Too early to say", "", "", f"{done:,} of {total:,} answers are in.")
    key = (
        evaluation.id,
        evaluation.primary_evaluator_id,
        evaluation.smallest_difference,
        *((run.id, run.control, run.scored_at, run.done_count, run.judgments_count) for run in runs),
    )
    if key not in _kept:
        report = build_report(session, evaluation)
        if len(_kept) >= _MOST_KEPT:
            _kept.pop(next(iter(_kept)))
        _kept[key] = headline(report, report.candidates[-1] if report.candidates else None)
    return _kept[key]


def recent_files(session: Session, found: Sequence[File]) -> list[RecentFile]:
    """Files with their newest version, what is live, and the last score of the newest version that has one."""
    file_ids = [file.id for file in found]
    newest = files.newest_versions(session, file_ids)
    live: dict[str, list[tuple[Environment, int]]] = {}
    for environment, deployment in files.deployed_environments(session, file_ids):
        live.setdefault(deployment.file_id, []).append((environment, deployment.version.number))
    scores = last_score_repository.list_last_scores(session, file_ids)
    shown = []
    for file in found:
        last = scores.get(file.id, [None])[0]
        text, by = last_score_text(last) if last else (None, "")
        shown.append(RecentFile(file, newest.get(file.id), live.get(file.id, []), text, by))
    return shown
