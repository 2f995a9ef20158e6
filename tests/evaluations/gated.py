"""An evaluation that a gate is asked about: what tests of gates begin with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.evaluations.models import Evaluation, Run
from app.files.models import Version
from tests import factories
from tests.web import with_key

ROWS = 60
RIGHT = [f"answer {n}" for n in range(ROWS)]


def wrong(*rows: int) -> list[str | None]:
    """Right answers but in these rows."""
    return ["no" if n in rows else answer for n, answer in enumerate(RIGHT)]


def lacking(*rows: int) -> list[str | None]:
    """Right answers, and none in these rows."""
    return [None if n in rows else answer for n, answer in enumerate(RIGHT)]


@dataclass
class Gate:
    """An evaluation of one prompt on 60 rows, by whether the answer is exact and by latency."""

    client: TestClient
    team: factories.Team
    evaluation: Evaluation
    prompt: Version
    rows: Version
    exact: Version

    @classmethod
    def make(cls, client: TestClient, team: factories.Team) -> "Gate":
        """With the key of the team's admin."""
        with unit_of_work() as session:
            admin = team.admin
            prompt = factories.prompt(session, admin, "gate/prompt")
            exact = factories.evaluator(session, admin, "exact", "gate/exact")
            speed = factories.evaluator(session, admin, "latency", "gate/speed")
            evaluation = factories.evaluation(session, admin, prompt, exact, speed, name="Release")
            rows = factories.dataset(session, admin, ROWS)
        return cls(with_key(client, admin), team, evaluation, prompt, rows, exact)

    def run(self, outputs: Sequence[str | None], version: Version | None = None, **options: Any) -> Run:
        with unit_of_work() as session:
            made = factories.started_run(
                session,
                self.team.admin,
                self.evaluation,
                version or self.prompt,
                self.rows,
                fresh=True,
                **options,
            )
            return factories.finish_run(session, made, outputs)

    def newer(self, number: int = 1) -> Version:
        with unit_of_work() as session:
            return factories.prompt(session, self.team.admin, "gate/prompt", temperature=number / 10)

    def decide(self, **rules: Any) -> dict[str, Any]:
        answer = self.client.post(f"/v5/evaluations/{self.evaluation.id}/gate", json=rules)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def check(self, **rules: Any) -> dict[str, Any]:
        (check,) = self.decide(**rules)["checks"]
        return check
