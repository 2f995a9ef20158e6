"""Filling the demo: files are written at once, then the workers run both evaluations."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.database import unit_of_work
from app.core.errors import Unavailable
from app.datasets import service as datasets
from app.datasets.schemas import DatapointContent
from app.demo import content
from app.demo.workspace import ensure_demo_workspace, join_demo
from app.evaluations import repository as evaluations_repository
from app.evaluations import run_service
from app.evaluations import service as evaluations
from app.evaluations.run_service import RunRequest
from app.evaluators.binding import make_spec
from app.files import service as files
from app.files.models import FileKind, Version
from app.files.repository import find_file_by_path
from app.prompts.spec import parse_spec

_CONCURRENCY = 32
Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """One evaluation of the demo."""

    name: str
    prompt_path: str
    versions: list[Version]
    rows: Version
    evaluators: list[Version]


def seed(timeout_s: float = 600) -> bool:
    """Fill the demo workspace, unless it was filled before; whether there was anything to do.

    Raises:
        Unavailable: the workers did not finish in time; what they have done stays, and goes on.
    """
    with unit_of_work() as session:
        started = fill(session)
    if not started:
        return False
    deadline = time.monotonic() + timeout_s
    while not _all_scored(started):
        if time.monotonic() > deadline:
            raise Unavailable("The workers did not finish the demo in time. It goes on in the background.")
        time.sleep(0.5)
    return True


def fill(session: Session, admin_id: str | None = None) -> list[str]:
    """Write the demo and start its runs, whose ids are returned; none when it was filled before.

    `admin_id` is a person who becomes an admin of the demo, too.
    """
    principal = ensure_demo_workspace(session)
    if admin_id:
        join_demo(session, principal, admin_id)
    if find_file_by_path(session, principal.workspace_id, content.INTENT_PATH):
        return []
    questions = _write_files(session, principal)
    return [run_id for question in questions for run_id in _start(session, principal, question)]


def _write_files(session: Session, principal: Principal) -> list[Question]:
    judges = {path: _evaluator(session, principal, path, spec) for path, spec in content.EVALUATORS.items()}
    latency = judges["Shared/Latency"]
    return [
        Question(
            name="Does it know the intents?",
            prompt_path=content.INTENT_PATH,
            versions=_versions(session, principal, content.INTENT_PATH, content.intent_versions()),
            rows=_rows(session, principal, content.INTENT_ROWS_PATH, content.intent_rows()),
            evaluators=[judges["Support/Right intent"], latency],
        ),
        Question(
            name="Does the passage help?",
            prompt_path=content.ANSWER_PATH,
            versions=_versions(session, principal, content.ANSWER_PATH, content.answer_versions()),
            rows=_rows(session, principal, content.ANSWER_ROWS_PATH, content.answer_rows()),
            evaluators=[judges["Reading/Token F1"], judges["Reading/Exact answer"], latency],
        ),
    ]


def _versions(
    session: Session, principal: Principal, path: str, versions: Sequence[tuple[str, Spec]]
) -> list[Version]:
    return [
        files.commit(
            session,
            principal,
            files.Commit(FileKind.PROMPT, parse_spec(spec).content(), path=path, note=note),
        ).version
        for note, spec in versions
    ]


def _rows(session: Session, principal: Principal, path: str, rows: Iterable[DatapointContent]) -> Version:
    change = datasets.DatasetChange(rows, path=path, note="Rows of the demo")
    return datasets.write(session, principal, change).version


def _evaluator(session: Session, principal: Principal, path: str, spec: Spec) -> Version:
    change = files.Commit(FileKind.EVALUATOR, make_spec(spec["kind"], spec.get("settings", {})), path=path)
    return files.commit(session, principal, change).version


def _start(session: Session, principal: Principal, question: Question) -> list[str]:
    file = files.get_file_by_path(session, principal, question.prompt_path)
    evaluation = evaluations.create_evaluation(
        session, principal, file=file, name=question.name, evaluators=question.evaluators
    )
    return [
        run_service.start_run(
            session, principal, evaluation, RunRequest(version, question.rows, concurrency=_CONCURRENCY)
        ).id
        for version in question.versions
    ]


def _all_scored(run_ids: list[str]) -> bool:
    with unit_of_work() as session:
        runs = [evaluations_repository.find_run_to_work_on(session, run_id) for run_id in run_ids]
        return all(run is None or run.scored_at for run in runs)
