"""Few-shot examples from rows: made from the training split, told of where they are tested on, and unchanged by every way."""

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.access import Role
from app.core.database import unit_of_work
from app.datasets.models import Datapoint
from app.files.models import Version
from app.generations.draft import draft_of
from app.generations.examples import add, answer_of, examples_of, make
from tests import factories
from tests.generations.draft_tab import Tab, base, form_of, words
from tests.web import csrf_of, signed_in, with_key

ROWS = [
    {"inputs": {"question": "Charged twice?"}, "target": {"intent": "double_charge"}, "split": "train"},
    {"inputs": {"question": "Where is my card?"}, "target": {"intent": "card_arrival"}, "split": "train"},
    {"inputs": {"question": "No target"}, "split": "train"},
    {"inputs": {"question": "Who are you?"}, "target": {"intent": "about"}, "split": "test"},
    {"inputs": {"question": "Lost card"}, "target": {"intent": "lost"}},
]


@pytest.fixture
def rows(committed_team: factories.Team) -> Version:
    """A dataset with rows for training and for testing."""
    with unit_of_work() as session:
        return factories.dataset(session, committed_team.admin, ROWS, "tests/intents")


def _ids() -> dict[str, str]:
    """The ids of the rows by their question."""
    with unit_of_work() as session:
        return dict(session.execute(text("select inputs->>'question', id from datapoint")).all())


def _row(inputs: dict[str, Any], target: dict[str, Any] | None) -> Datapoint:
    return Datapoint(id="dp", inputs=inputs, target=target)


def test_training_rows_are_offered_and_added_to_the_draft(
    tab: Tab, client: TestClient, committed_team: factories.Team, rows: Version, drafted: Version
) -> None:
    page = client.get(f"{tab.base}/examples?base=1&dataset={rows.file_id}").text
    assert "3 training rows" in words(page)
    assert "Charged twice?" in page
    assert "Who are you?" not in page, "it is for testing"
    assert "The row has no target" in words(page)
    found = _ids()
    chosen = {"_csrf": csrf_of(client), "base": "1", "dataset": rows.file_id}
    both = chosen | {"row": [found["Charged twice?"], found["Where is my card?"]]}
    added = client.post(f"{tab.base}/examples", data=both)
    assert added.status_code == 303
    page = client.get(added.headers["location"]).text
    assert "2 of 2 shown" in words(page)
    assert "double_charge" in page
    again = client.post(f"{tab.base}/examples", data=both)
    assert "2 of 2 shown" in words(client.get(again.headers["location"]).text), "no example twice"
    for wrong in ([], [found["Who are you?"]], ["dp_none"], [found["No target"]]):
        answer = client.post(f"{tab.base}/examples", data=chosen | {"row": wrong})
        assert answer.status_code == 422, wrong
        assert "Nothing was added" in answer.text

    with_key(client, committed_team.admin)
    url = f"/v5/prompts/{drafted.file_id}"
    draft = client.get(f"{url}/draft").json()["content"]
    marked = [m for m in draft["template"] if m.get("name") == "example"]
    assert [m["content"] for m in marked] == [
        "Charged twice?", "double_charge", "Where is my card?", "card_arrival",
    ]  # fmt: skip
    made = client.post("/v5/prompts", json={"id": drafted.file_id} | draft).json()
    assert made["template"] == draft["template"], "a v5 client reads and writes messages"
    file = client.get(f"{url}/serialize", params={"version_id": made["version_id"]}).text
    assert '<user name="example">' in file
    assert (
        client.post("/v5/prompts/deserialize", json={"prompt": file}).json()["template"] == draft["template"]
    )
    again = client.post("/v5/prompts", json={"id": drafted.file_id} | draft).json()
    assert again["version_id"] == made["version_id"]


def test_an_example_that_is_tested_on_is_told_of(tab: Tab, client: TestClient, rows: Version) -> None:
    def shown(*pairs: tuple[str, str], asked: str = "{{question}}", dataset: str = rows.file_id) -> str:
        said = [each for pair in pairs for each in pair]
        form = form_of(
            client, tab.marks, dataset=dataset, row="1", action="refresh",
            role=["system", *["user", "assistant"] * len(pairs), "user"],
            name=["", *["example"] * len(said), ""],
            content=["Say the intent.", *said, asked],
            extra=[""] * (len(said) + 2),
        )  # fmt: skip
        return words(client.post(f"{tab.base}/edit", data=form).text)

    trained = ("Charged twice?", "double_charge")
    assert "tested on" not in shown(trained), "that is what training rows are for"
    page = shown(trained, ("  who ARE\nyou? ", "about"), ("Lost card", "lost"))
    assert "2 of these are also rows that the prompt is tested on" in page
    assert "also row 4 (test)" in page
    assert "also row 5" in page
    asked = "Question: {{question}}\nIntent:"
    assert "1 of these is also a row" in shown(("Question: Who are you?\nIntent:", "about"), asked=asked)
    assert "1 of these is also a row" in shown(("Who are you?", "about"), asked=asked), "by the whole input"
    assert "tested on" not in shown(("Question: Who are they?\nIntent:", "about"), asked=asked)
    assert "tested on" not in shown(("Who are you?", "about"), dataset=""), "no dataset is tested on"


def test_inputs_are_compared_together(tab: Tab, client: TestClient, committed_team: factories.Team) -> None:
    with unit_of_work() as session:
        both = factories.dataset(
            session,
            committed_team.admin,
            [{"inputs": {"tier": "plus", "text": "Lost it"}, "target": {"a": "x"}, "split": "validation"}],
            "tests/both",
        )

    def shown(example: str) -> str:
        form = form_of(
            client, tab.marks, dataset=both.file_id, row="1", action="refresh",
            role=["user", "assistant", "user"], name=["example", "example", ""],
            content=[example, "x", "Tier: {{tier}}\nMessage:\n{{text}}"], extra=["", "", ""],
        )  # fmt: skip
        return words(client.post(f"{tab.base}/edit", data=form).text)

    assert "also row 1 (validation)" in shown("Tier: Plus\nMessage:\nlost  it")
    assert "also row" not in shown("Tier: free\nMessage:\nLost it")


def test_rows_that_make_no_example_say_why() -> None:
    asked = {"template": [{"role": "user", "content": "Q: {{question}}"}]}
    draft = draft_of(asked)
    assert make(draft, _row({"question": "a"}, {"t": "b"})).messages[0]["content"] == "Q: a"
    assert "no target" in make(draft, _row({"question": "a"}, None)).problem
    assert "needs question" in make(draft, _row({"other": "a"}, {"t": "b"})).problem
    assert "would fill in" in make(draft, _row({"question": "say {{name}}"}, {"t": "b"})).problem
    assert make(draft, _row({"question": "a {% b"}, {"t": "b"})).messages
    jinja = draft_of(asked | {"template_language": "jinja"})
    assert "would fill in" in make(jinja, _row({"question": "a {% b"}, {"t": "b"})).problem
    alone = draft_of({"template": [{"role": "system", "content": "s"}]})
    assert "no message of the user" in make(alone, _row({"question": "a"}, {"t": "b"})).problem


def test_examples_stand_after_those_that_are_there_and_before_the_question() -> None:
    draft = draft_of(
        {"template": [{"role": "system", "content": "s"}, {"role": "user", "content": "{{question}}"}]}
    )
    add(draft, [_row({"question": "one"}, {"t": "1"})])
    add(draft, [_row({"question": "two"}, {"t": "2"}), _row({"question": "one"}, {"t": "1"})])
    assert [message["content"] for message in draft.messages] == ["s", "one", "1", "two", "2", "{{question}}"]
    assert len(examples_of(draft)) == 2


def test_a_target_is_said_as_an_answer() -> None:
    assert answer_of({"a": "b"}) == "b"
    assert answer_of({"a": ["Paris", "in Paris"]}) == "Paris"
    assert answer_of({"a": 1}) == "1"
    assert answer_of({"a": "b", "c": 2}) == '{"a": "b", "c": 2}'


def test_who_may_not_type_chooses_no_examples(
    client: TestClient, committed_team: factories.Team, drafted: Version, rows: Version
) -> None:
    with unit_of_work() as session:
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
        stranger = factories.team(session).admin
    signed_in(client, viewer)
    url = f"{base(committed_team, drafted.file_id)}/examples"
    assert client.get(url).status_code == 403
    client.cookies.clear()
    signed_in(client, stranger)
    assert client.get(url).status_code == 404
    own = re.sub(r"/w/[^/]+", f"/w/{stranger.workspace_slug}", url).replace(drafted.file_id, "new")
    form = {"_csrf": csrf_of(client), "dataset": rows.file_id, "row": "x"}
    assert client.post(own, data=form).status_code == 404, "nor rows of another workspace"
