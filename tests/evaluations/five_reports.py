"""A report for each verdict, on answers that real systems gave to SQuAD's questions: what tests of reading them begin with."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.evaluations.figures import scoring
from app.evaluations.models import Evaluation
from tests import factories
from tests.evaluators.data import rows_of

FEW = 24


@dataclass(frozen=True, slots=True)
class Compared:
    """Two systems, one after the other, over so many rows."""

    name: str
    before: str
    after: str
    rows: int = 742
    smallest: float | None = None


FIVE = {
    "better": Compared("Does attention read better?", "match_lstm", "slqa_ensemble"),
    "worse": Compared("Is the small model enough?", "slqa_ensemble", "match_lstm"),
    "no_clear_change": Compared("Is R-net better than SLQA?", "slqa_ensemble", "rnet_ensemble"),
    "no_relevant_difference": Compared(
        "Is R-net as good as SLQA?", "slqa_ensemble", "rnet_ensemble", smallest=0.05
    ),
    "too_few": Compared("Is R-net better than match-LSTM?", "match_lstm", "rnet_ensemble", rows=FEW),
}


def rows_and_answers(count: int = 742) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows as a dataset takes them, by passage, and as they stand in the file."""
    found = rows_of("squad11/systems.jsonl")[:count]
    rows = [
        {
            "inputs": {"question": row["question"]},
            "target": {"answer": row["answers"]},
            "cluster": row["passage"],
            "metadata": {"subject": row["passage"].rpartition("-")[0].replace("_", " "), "id": row["id"]},
        }
        for row in found
    ]
    return rows, found


def write(session: Session, team: factories.Team) -> Iterator[tuple[str, Evaluation]]:
    """Write all of them; the verdict of each, and its evaluation."""
    for number, (verdict, compared) in enumerate(FIVE.items()):
        yield verdict, _write(session, team, compared, f"Reading/Answer {number}")


def _write(session: Session, team: factories.Team, compared: Compared, path: str) -> Evaluation:
    admin = team.admin
    rows, found = rows_and_answers(compared.rows)
    versions = [
        factories.prompt(session, admin, path, model=system, provider="squad")
        for system in (compared.before, compared.after)
    ]
    data = factories.dataset(session, admin, rows, f"{path} rows")
    judges = [
        factories.evaluator(session, admin, "exact_match_squad", "Reading/Exact answer"),
        factories.evaluator(session, admin, "token_f1", "Reading/Words in common"),
    ]
    evaluation = factories.evaluation(
        session, admin, versions[0], *judges, name=compared.name, smallest_difference=compared.smallest
    )
    for version, system in zip(versions, (compared.before, compared.after), strict=True):
        run = factories.started_run(session, admin, evaluation, version, data)
        factories.finish_run(session, run, [row[system] for row in found])
    _take_longer(session, run.id)
    return evaluation


def _take_longer(session: Session, run_id: str) -> None:
    """The candidate's answers take a quarter longer, and cost a little less: there is something to choose by."""
    session.execute(
        text("""
        update log set latency_ms = latency_ms * 1.25 * (0.9 + 0.001 * length(output)), output_cost = output_cost * 0.75
        where run_id = :run
        """),
        {"run": run_id},
    )
    scoring.score_run(session, run_id)  # what was kept of it is out of date
