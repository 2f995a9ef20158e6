"""Erasing an end user: the spans that name them however they are written, and where copies of their logs are."""

import gzip
import json

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.database import unit_of_work
from app.logs.naming import names
from tests import factories
from tests.web import csrf_of, signed_in, with_key

SPANS = "/v5/import/otel/v1/traces"


@pytest.mark.parametrize(
    ("body", "user", "named"),
    [
        ('{"user": "7"}', "7", True),
        ('{"user": "17", "tokens": 7, "said": "7 of 9"}', "7", False),
        ('{"user": "zo\\u00EB/1"}', "zoë/1", True),
        ('{"user": "zo\\u00eb\\/1"}', "zoë/1", True),
        ('{"user": "zoë/1"}', "zoë/1", True),
        ('{"user": "\\ud83d\\ude00"}', "😀", True),
        ('{"zoë": 1}', "zoë", True),
        (json.dumps({"stringValue": json.dumps({"inputs": {"who": "zoë"}})}), "zoë", True),
        (json.dumps({"stringValue": json.dumps(["7 of 9", 7])}), "7", False),
        ('{"user": "7", ', "7", True),
        (json.dumps({"stringValue": "{'user': 'zoë'}"}), "zoë", True),
        (json.dumps({"stringValue": "('zoë', 1)"}), "zoë", True),
        (json.dumps({"stringValue": "{'user': 12345}"}), "12345", True),
        (json.dumps({"stringValue": "{'user': 112345}"}), "12345", False),
        ('{"user": 12345}', "12345", True),
        ('{"user": 12345, ', "12345", True),
        ('{"user": 123456}', "12345", False),
        ('{"user": "17", "said": "7 of 9", ', "7", False),
        ('{"stringValue": "{\\"user\\": \\"zo\\\\u00eb\\"}", ', "zoë", True),
        ('{"user": "\\ud83d\\ude00", ', "😀", True),
    ],
)
def test_an_id_is_found_as_a_whole_text_however_it_is_written(body: str, user: str, *, named: bool) -> None:
    assert names(body.encode(), user) is named


def test_spans_that_nobody_can_look_through_go_with_any_end_user(
    client: TestClient, committed_team: factories.Team
) -> None:
    client = with_key(client, committed_team.admin)
    others = b'{"resourceSpans": [1], "marked": "others", "tokens": 7, "said": "7 \\u00e9"}'
    for body, headers in (
        (others, {}),
        (b'\n {"resourceSpans": [1], "marked": "named", "user": "7"}', {}),
        (b'{"resourceSpans": [1], "marked": "cut", "x": "' + b"x" * 70_000 + b'", "user": "7"}', {}),
        (gzip.compress(b'{"user": "7"}'), {"content-encoding": "gzip"}),
        (b"\x0a\x01\x37 protobuf", {}),
        (b'{"resourceSpans": [1], "user": "8", "x": ' + b"[" * 1005 + b"]" * 1005 + b"}", {}),
    ):
        answer = client.post(SPANS, content=body, headers=headers)
        assert answer.status_code == 200, answer.text
    deep = b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"user": "7", "x": %s}]}]}]}'
    client.post(SPANS, content=deep % (b"[" * 300 + b"]" * 300))
    assert client.post("/v5/logs/delete-of-user", json={"user": "7"}).status_code == 200
    with unit_of_work() as session:
        left = session.scalars(text("select body from quarantined_span")).all()
    assert others in left
    assert all(b'"7"' not in body and b"'7'" not in body and b"protobuf" not in body for body in left)
    assert all(len(body) < 10_000 for body in left)


def test_rows_that_were_made_from_the_logs_are_told(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        version = factories.prompt(session, committed_team.admin, "support/answer")
        ids = [
            factories.logged(
                session, committed_team.admin, version, output=f"{n}", inputs={"question": f"{n}"}, user=user
            )
            for n, user in enumerate(["u1", "u1", "u2"])
        ]
    browser = signed_in(client, committed_team.admin)
    base = f"/w/{committed_team.workspace.slug}"
    sent = {"_csrf": csrf_of(browser), "path": "support/rows", "log": ids}
    kept = browser.post(f"{base}/kept-logs", data=sent)
    dataset_id = kept.headers["location"].rpartition("/")[2]
    again = {"_csrf": csrf_of(browser), "user": "u1"}
    page = browser.post(f"{base}/settings/retention/user", data=again).text
    assert "2 logs deleted." in page
    assert "Rows made from them stay in datasets" in page
    assert f'<a href="{base}/datasets/{dataset_id}">support/rows</a>: 2 rows' in page
    api = with_key(client, committed_team.admin)
    row = {"inputs": {"question": "2, in other words"}, "metadata": {"log_id": ids[2]}}
    api.post(f"/v5/datasets/{dataset_id}/draft/datapoints", json={"datapoints": [row]}).raise_for_status()
    answer = api.post("/v5/logs/delete-of-user", json={"user": "u2"}).json()
    assert answer["datasets"] == [{"id": dataset_id, "path": "support/rows", "rows": 2}], "one is in a draft"


WORDS = "My card 4929 was stolen\nin Zürich"


def test_drafts_of_prompts_that_repeat_what_was_said_are_told_with_their_history(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        version = factories.prompt(session, committed_team.admin, "support/answer")
        other = factories.prompt(session, committed_team.admin, "support/other")
        inputs = {"question": WORDS, "language": "English", "more": ["Whatever I have said"]}
        factories.logged(
            session, committed_team.admin, version, output="card_stolen", inputs=inputs, user="u1"
        )
        factories.logged(
            session, committed_team.admin, version, output="x", inputs={"question": "short"}, user="u2"
        )
    api = with_key(client, committed_team.admin)

    def types(file_id: str, **typed: object) -> None:
        draft = {"model": "practice-1", "template": [{"role": "user", "content": "In English: card_stolen"}]}
        answer = api.put(f"/v5/prompts/{file_id}/draft", json={"content": draft | typed})
        assert answer.status_code == 200, answer.text

    example = [
        {"role": "user", "name": "example", "content": f"Route this: {WORDS}"},
        {"role": "assistant", "name": "example", "content": "card_stolen"},
    ]
    types(version.file_id, template=example)
    types(version.file_id)
    types(other.file_id)
    answer = api.post("/v5/logs/delete-of-user", json={"user": "u2"}).json()
    assert answer["prompt_drafts"] == [], "short words stand in drafts by themselves"
    types(version.file_id, template=[{"role": "user", "content": "As: Whatever I have said."}])
    browser = signed_in(client, committed_team.admin)
    sent = {"_csrf": csrf_of(browser), "user": "u1"}
    page = " ".join(
        browser.post(f"/w/{committed_team.workspace.slug}/settings/retention/user", data=sent).text.split()
    )
    link = f'<a href="/w/{committed_team.workspace.slug}/prompts/{version.file_id}">support/answer</a>'
    assert f"{link}: 2 drafts of {committed_team.admin.name}, with history" in page
    assert "support/other</a>:" not in page


def test_a_draft_of_a_prompt_that_is_not_saved_is_told_without_a_name(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        version = factories.prompt(session, committed_team.admin, "support/answer")
        factories.logged(
            session, committed_team.admin, version, output="x", inputs={"question": WORDS}, user="u1"
        )
    api = with_key(client, committed_team.admin)
    draft = {"model": "practice-1", "template": [{"role": "user", "content": WORDS}]}
    api.put("/v5/prompts/new/draft", json={"content": draft}).raise_for_status()
    (found,) = api.post("/v5/logs/delete-of-user", json={"user": "u1"}).json()["prompt_drafts"]
    assert (found.get("id"), found.get("path"), found["drafts"]) == (None, None, 1)
