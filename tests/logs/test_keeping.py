"""Logs that become rows of a dataset: all or none, where they fit, and what is said where they do not."""

import html
import re
import tracemalloc

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.database import unit_of_work
from tests import factories
from tests.logs.pages_of_logs import beside, sent_log
from tests.web import csrf_of, signed_in


@pytest.fixture
def browser(client: TestClient, committed_team: factories.Team) -> TestClient:
    return signed_in(client, committed_team.admin)


def test_logs_of_any_size_are_chosen_without_their_texts_and_kept_up_to_50_mib(
    browser: TestClient, committed_team: factories.Team
) -> None:
    ids = [sent_log(committed_team, f"answer {n}", inputs={"question": "x"}) for n in range(12)]
    with unit_of_work() as session:
        long = """update log set inputs = jsonb_build_object('question', repeat(md5(id), 150000)) where id = any(:ids)"""
        session.execute(text(long), {"ids": ids})
    sent = {"_csrf": csrf_of(browser), "path": "support/long", "log": ids}
    tracemalloc.start()
    try:
        form = browser.get(beside(committed_team, "/kept-logs"), params={"log": ids})
        refused = browser.post(beside(committed_team, "/kept-logs"), data=sent)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "Add 12 cases to a dataset" in form.text
    assert peak < 20 * 1024**2, "57 MB of texts are not read to be counted, nor to be refused"
    assert refused.status_code == 422
    assert "more than 50 MiB of inputs and outputs: choose fewer" in refused.text
    assert browser.post(beside(committed_team, "/kept-logs"), data=sent | {"log": ids[:3]}).status_code == 303


def test_a_new_dataset_takes_the_place_of_none(browser: TestClient, committed_team: factories.Team) -> None:
    log_id = sent_log(committed_team, "Because.", inputs={"question": "Why?"})
    with unit_of_work() as session:
        there = factories.dataset(session, committed_team.admin, 2, "support/rows")
    sent = {"_csrf": csrf_of(browser), "log": log_id, "path": "support/rows", "dataset": there.file_id}
    refused = browser.post(beside(committed_team, "/kept-logs"), data=sent)
    assert refused.status_code == 422
    [described] = re.findall(
        r'id="keep-path"[^>]* aria-describedby="([^"]+)" aria-invalid="true"', refused.text
    )
    [said] = re.findall(rf'id="{described}">([^<]+)<', refused.text)
    assert "support/rows is there already" in html.unescape(said)
    with unit_of_work() as session:
        assert (
            session.execute(
                text("select count(*) from version where file_id = :id"), {"id": there.file_id}
            ).scalar()
            == 1
        )


def test_what_a_row_cannot_hold_is_refused_in_words(
    browser: TestClient, committed_team: factories.Team
) -> None:
    log_id = sent_log(committed_team, "x", messages=[{"role": "user", "content": "hi"}])
    with unit_of_work() as session:
        statement = 'update log set messages = \'[{"role": "human", "content": "hi"}]\' where id = :id'
        session.execute(text(statement), {"id": log_id})
    csrf = {"_csrf": csrf_of(browser), "log": log_id}
    refused = browser.post(beside(committed_team, "/kept-logs"), data=csrf | {"path": "rows"})
    assert refused.status_code == 422
    assert "It cannot be a row of a dataset" in refused.text
    forged = browser.post(
        beside(committed_team, "/kept-logs"), data=csrf | {"path": "rows", "split": "nonsense"}
    )
    assert forged.status_code == 422


def test_several_logs_become_rows_all_or_none(browser: TestClient, committed_team: factories.Team) -> None:
    ids = [sent_log(committed_team, f"answer {n}", inputs={"question": f"q {n}"}) for n in range(3)]
    empty = sent_log(committed_team, "nothing to try again")
    sent = {"_csrf": csrf_of(browser), "path": "support/several", "as_target": "1"}
    query = "&".join(f"log={log_id}" for log_id in ids)
    assert "Add 3 cases to a dataset" in browser.get(beside(committed_team, f"/kept-logs?{query}")).text
    refused = browser.post(beside(committed_team, "/kept-logs"), data=sent | {"log": [*ids, empty]})
    assert refused.status_code == 422
    assert "1 of the 4 cannot be kept." in refused.text
    assert browser.get(beside(committed_team, "/kept-logs")).status_code == 422
    assert browser.get(beside(committed_team, f"/kept-logs?{query}&log=log_nowhere")).status_code == 404
    kept = browser.post(beside(committed_team, "/kept-logs"), data=sent | {"log": ids})
    assert kept.status_code == 303
    page = browser.get(kept.headers["location"]).text
    assert [f"answer {n}" in page for n in range(3)] == [True] * 3
