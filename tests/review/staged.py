"""An evaluation with two finished versions, a question for people, and reviewers: what tests of reviews begin with."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.access import Principal, Role
from app.evaluations.figures import scoring
from app.evaluations.models import Evaluation, Run
from app.files.models import Version
from app.review.models import ReviewQueue
from tests import factories

CHOICES = {"answers": "select", "choices": ("yes", "with edits", "no"), "good": ("yes",), "bad": ("no",)}


@dataclass
class Staged:
    """What is there."""

    team: factories.Team
    evaluation: Evaluation
    prompt: Version
    """The old version."""
    old: Run
    new: Run
    asked: Version
    people: list[Principal]

    @property
    def base(self) -> str:
        """The address of the workspace's reviews."""
        return f"/w/{self.team.workspace.slug}/review"


def stage(session: Session, rows: int = 4, people: int = 2, **asked: Any) -> Staged:
    """Of the rows, the old version has the first half right, the new one the second half and the first row."""
    team = factories.team(session)
    admin = team.admin
    old, new = (factories.prompt(session, admin, "tests/asked", temperature=t) for t in (0.0, 0.5))
    data = factories.dataset(session, admin, rows)
    evaluation = factories.evaluation(session, admin, old, factories.evaluator(session, admin), name="Which?")
    half = rows // 2
    right = [f"answer {n}" for n in range(rows)]
    before = [right[n] if n < half else f"old slip {n}" for n in range(rows)]
    after = [right[n] if n >= half or n == 0 else f"new slip {n}" for n in range(rows)]
    runs = []
    for version, outputs in ((old, before), (new, after)):
        run = factories.started_run(session, admin, evaluation, version, data, control=version is old)
        runs.append(factories.finish_run(session, run, outputs))
    human = factories.evaluator(session, admin, "human", "tests/would you send it", **asked)
    reviewers = [
        factories.member(session, team.workspace, Role.REVIEWER, f"Reviewer {number}")
        for number in range(1, people + 1)
    ]
    return Staged(team, evaluation, old, runs[0], runs[1], human, reviewers)


def queue(session: Session, staged: Staged, **asked: Any) -> ReviewQueue:
    """A queue of the new version's outputs, that all reviewers are asked about."""
    wanted = {"runs": [staged.new]} | asked
    return factories.review(
        session, staged.team.admin, staged.evaluation, staged.asked, staged.people, **wanted
    )


def score(session: Session, run: Run, version: Version) -> tuple[float | None, int]:
    """The score of a run by an evaluator, as a worker works it out, and how many rows have one."""
    scoring.score_run(session, run.id)
    found = session.execute(
        text(
            "select value, n from run_score where run_id = :run and evaluator_version_id = :judge and slice = ''"
        ),
        {"run": run.id, "judge": version.id},
    ).one_or_none()
    return (found[0], found[1]) if found else (None, 0)
