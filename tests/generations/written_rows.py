"""What tests of rows that prompts write have in common."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.datasets import draft_repository, drafts
from app.datasets.draft_repository import DraftRow, Filter
from app.files.models import File, Version
from app.generations import row_execution
from app.providers import service as providers
from app.providers.service import ProviderChange
from tests import factories
from tests.asynchronous import run
from tests.endpoint import Endpoint, running_endpoint

ROW = '{"inputs.question": "Where is card #?", "target.answer": "lost"}'
COLUMNS = ["inputs.question", "target.answer"]


@contextmanager
def writing_endpoint(team: factories.Team) -> Iterator[Endpoint]:
    """An endpoint that writes rows, as the provider `fake` of the team."""
    with running_endpoint(0) as endpoint, unit_of_work() as session:
        prices = {"writer": ("1000", "1000")}
        change = ProviderChange(name="fake", base_url=endpoint.base_url, api_key="k", prices=prices)
        providers.create_provider(session, team.admin, change)
        session.commit()
        yield endpoint


def writer(team: factories.Team, says: str = f"ROWS<{ROW}>ROWS", model: str = "writer") -> Version:
    with unit_of_work() as session:
        template = [{"role": "user", "content": f"About {{{{topic}}}}. {says}"}]
        return factories.prompt(session, team.admin, model=model, provider="fake", template=template)


def rows_of(team: factories.Team) -> Version:
    rows = [
        {"inputs": {"question": "Trained?"}, "target": {"answer": "yes"}, "split": "train"},
        {"inputs": {"question": "Tested?"}, "target": {"answer": "no"}, "split": "test"},
        {
            "inputs": {"question": "Made up?"}, "target": {"answer": "no"}, "split": "train",
            "metadata": {"synthetic": True},
        },
        {"inputs": {"question": "where  is CARD 1x2"}, "target": {"answer": "lost"}, "split": "test"},
    ]  # fmt: skip
    with unit_of_work() as session:
        return factories.dataset(session, team.admin, rows)


def ask(api: TestClient, dataset: Version, prompt: Version, status: int = 201, **more) -> dict:
    body = {
        "prompt_id": prompt.file_id, "rows": 6, "rows_a_call": 2, "columns": COLUMNS, "examples": 3,
        "inputs": {"topic": "cards"},
    }  # fmt: skip
    answer = api.post(f"/v5/datasets/{dataset.file_id}/generations", json=body | more)
    assert answer.status_code == status, answer.text
    return answer.json()


def read(api: TestClient, dataset: Version, generation: dict) -> dict:
    return api.get(f"/v5/datasets/{dataset.file_id}/generations/{generation['id']}").json()


def work() -> int:
    return run(row_execution.work())


def drafted(team: factories.Team, dataset: Version) -> list[DraftRow]:
    with unit_of_work() as session:
        draft = drafts.find(session, team.admin, session.get_one(File, dataset.file_id))
        return draft_repository.list_rows(session, draft, Filter(changed=True), limit=500) if draft else []
