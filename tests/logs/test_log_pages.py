"""The list of logs with its filters, a trace with its tree, and the way from a log to a dataset and to the editor."""

import html
import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core import clock
from app.core.access import Role
from app.core.database import unit_of_work
from app.core.settings import get_settings
from app.logs import listing
from tests import factories
from tests.logs.pages_of_logs import beside, outputs, sent_log, url
from tests.web import csrf_of, signed_in, with_key


def _words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.fixture
def browser(client: TestClient, committed_team: factories.Team) -> TestClient:
    return signed_in(client, committed_team.admin)


def test_an_empty_workspace_says_how_the_first_log_comes(
    browser: TestClient, committed_team: factories.Team
) -> None:
    page = browser.get(url(committed_team)).text
    assert "No log yet" in page
    assert f"{get_settings().public_url}/v5/prompts/log" in page
    look = re.search(r'hx-get="(/w/[^"]+/newer-logs[^"]*)"', page)
    assert look, "it tells when the first one has come"
    assert browser.get(html.unescape(look[1])).status_code == 204
    with unit_of_work() as session:
        version = factories.prompt(session, committed_team.admin)
        factories.logged(session, committed_team.admin, version)
    assert "1 newer log" in browser.get(html.unescape(look[1])).text


def test_the_list_goes_on_where_it_ended_and_counts_what_came_since(
    browser: TestClient, committed_team: factories.Team
) -> None:
    for n in range(listing.A_PAGE + 5):
        sent_log(committed_team, f"answer {n}")
    first = browser.get(url(committed_team)).text
    [older] = re.findall(r'before=([^"]+)"', first)
    second = browser.get(url(committed_team, f"?before={html.unescape(older)}")).text
    everything = [f"answer {n}" for n in reversed(range(listing.A_PAGE + 5))]
    assert outputs(first) + outputs(second) == everything
    assert "Older" not in second
    assert "Live" not in second

    [asks] = re.findall(r'hx-get="([^"]+/newer-logs[^"]+)"', first)
    assert browser.get(html.unescape(asks)).status_code == 204, "nothing new to say"
    sent_log(committed_team, "one more")
    assert "1 newer log<" in browser.get(html.unescape(asks)).text
    assert browser.get(f"{html.unescape(asks)}&seen=1").status_code == 204
    assert "Live" not in browser.get(url(committed_team, "?until=2020-01-01")).text
    assert browser.get(beside(committed_team, "/newer-logs?after=nonsense")).status_code == 204


def test_a_log_from_the_future_does_not_blind_the_bar(
    browser: TestClient, committed_team: factories.Team
) -> None:
    future = sent_log(committed_team, "in 2100", created_at="2100-01-01T00:00:00Z")
    page = browser.get(url(committed_team)).text
    asks = html.unescape(re.findall(r'hx-get="([^"]+/newer-logs[^"]+)"', page)[0])
    assert browser.get(asks).status_code == 204, "it is listed, and nothing has come since"
    sent_log(committed_team, "now")
    assert "1 newer log<" in browser.get(asks).text
    assert outputs(browser.get(url(committed_team)).text) == ["in 2100", "now"]
    attributes = _words(browser.get(url(committed_team, f"/{future}?tab=attributes")).text)
    assert "Logged 2100-01-01" in attributes
    assert f"Received {clock.now().year}-" in attributes


def test_a_trace_is_a_tree_with_its_slowest_call_and_what_was_said_of_it(
    browser: TestClient, committed_team: factories.Team
) -> None:
    admin, began = committed_team.admin, clock.now()
    with unit_of_work() as session:
        flow, prompt = (
            factories.flow(session, admin, "docs/answer"),
            factories.prompt(session, admin, "docs/write"),
        )
        tool = factories.tool(session, admin, "docs/search")
        judge = factories.evaluator(session, admin, "exact", "docs/right")

        def log(version, start_s: float, end_s: float, **said):
            return factories.logged(
                session, admin, version, start_time=began + timedelta(seconds=start_s),
                end_time=began + timedelta(seconds=end_s), **said,
            )  # fmt: skip

        root = log(flow, 0, 4, inputs={"question": "Why?"}, output="Because.")
        search = log(tool, 0.5, 1.5, inputs={"query": "why"}, error="out of <time>", trace_parent_id=root)
        write = log(
            prompt,
            2,
            4,
            inputs={"question": "Why?"},
            output="Because.",
            trace_parent_id=root,
            prompt_tokens=10,
        )
        judge_id = judge.id
    client = with_key(browser, admin)
    said = {"parent_id": write, "path": "docs/right", "judgment": False, "version_id": judge_id}
    client.post("/v5/evaluators/log", json=said | {"spec": {"kind": "exact", "settings": {}}})
    del client.headers["x-api-key"]

    page = browser.get(url(committed_team, f"/{write}")).text
    names = re.findall(r'style="--depth:(\d)".*?<a class="plain truncate" href="[^"]+/(log_\w+)"', page)
    assert names == [("0", root), ("1", search), ("1", write)]
    assert "data-chosen" in page.partition(f'/{search}"')[2]
    assert "out of <time>" not in page
    slowest = re.findall(r'class="num dur hot">([^<]+)<', page)
    assert slowest == ["2.00 s"]
    widths = re.findall(r"--x:([\d.]+)%;--w:([\d.]+)%", page)
    assert widths == [("0.00", "100.00"), ("12.50", "25.00"), ("50.00", "50.00")]
    assert "out of &lt;time&gt;" in browser.get(url(committed_team, f"/{search}")).text
    attributes = _words(browser.get(url(committed_team, f"/{write}?tab=attributes")).text)
    assert f"Nested under {root}" in attributes
    assert "Tokens in 10" in attributes
    assert (
        "Nothing came back, or nothing was kept of it."
        in browser.get(url(committed_team, f"/{write}?tab=raw")).text
    )
    assert browser.get(url(committed_team, "/log_nowhere")).status_code == 404


def test_what_hangs_in_the_air_is_shown_and_said(browser: TestClient, committed_team: factories.Team) -> None:
    sent_log(committed_team, "an orphan", trace_parent_id="log_that_never_came")
    orphan = sent_log(committed_team, "another", trace_parent_id="log_that_never_came")
    page = browser.get(url(committed_team, f"/{orphan}")).text
    assert "is not there" in page
    assert len(re.findall(r'<li class="span"', page)) == 2


def test_a_log_becomes_a_row_and_opens_in_the_editor(
    browser: TestClient, committed_team: factories.Team
) -> None:
    log_id = sent_log(committed_team, "Because.", inputs={"question": "Why <so>?"})
    address, csrf = url(committed_team, f"/{log_id}"), {"_csrf": csrf_of(browser)}
    assert "there is none yet" in browser.get(beside(committed_team, f"/kept-logs?log={log_id}")).text
    nothing = browser.post(beside(committed_team, "/kept-logs"), data=csrf | {"log": log_id})
    assert nothing.status_code == 422
    assert "Choose a dataset, or name a new one." in nothing.text
    made = browser.post(
        beside(committed_team, "/kept-logs"),
        data=csrf | {"log": log_id, "path": "support/cases", "as_target": "1", "split": "test"},
    )
    assert made.status_code == 303, made.text
    dataset_id = made.headers["location"].rpartition("/")[2]
    other = sent_log(committed_team, "No.", inputs={"question": "And now?"})
    more = browser.post(
        beside(committed_team, "/kept-logs"),
        data=csrf | {"log": other, "dataset": dataset_id, "target": "Yes."},
    )
    assert more.status_code == 303

    client = with_key(browser, committed_team.admin)
    newest = client.get(f"/v5/datasets/{dataset_id}/versions").json()["records"][0]["version_id"]
    listed = client.get(f"/v5/datasets/{dataset_id}/datapoints", params={"version_id": newest}).json()
    rows = sorted(listed["records"], key=lambda row: row["target"]["output"])
    del client.headers["x-api-key"]
    assert [(row["inputs"], row["target"]) for row in rows] == [
        ({"question": "Why <so>?"}, {"output": "Because."}), ({"question": "And now?"}, {"output": "Yes."}),
    ]  # fmt: skip
    assert rows[0]["metadata"] == {"log_id": log_id}

    [editor] = re.findall(r'href="([^"]+/edit\?[^"]+)"', browser.get(address).text)
    opened = browser.get(html.unescape(editor)).text
    assert "Why &lt;so&gt;?</textarea>" in opened
    assert browser.get(html.unescape(editor).replace(quote(log_id), "log_nowhere")).status_code == 404


def test_what_was_cleared_is_shown_as_cleared(browser: TestClient, committed_team: factories.Team) -> None:
    log_id = sent_log(committed_team, "a secret", inputs={"question": "private"})
    with unit_of_work() as session:
        session.execute(
            text("update log set inputs = null, output = null, payload_cleared_at = now() where id = :id"),
            {"id": log_id},
        )
    assert "▒▒▒" in browser.get(url(committed_team)).text
    page = browser.get(url(committed_team, f"/{log_id}")).text
    assert "were cleared" in page
    assert "private" not in page
    assert "were cleared" in browser.get(beside(committed_team, f"/kept-logs?log={log_id}")).text
    refused = browser.post(
        beside(committed_team, "/kept-logs"), data={"_csrf": csrf_of(browser), "log": log_id, "path": "x"}
    )
    assert refused.status_code == 422


def test_who_may_only_read_sees_why_they_cannot_keep(
    client: TestClient, committed_team: factories.Team
) -> None:
    log_id = sent_log(committed_team, "Because.", inputs={"question": "Why?"})
    with unit_of_work() as session:
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
        stranger = factories.team(session).admin
    signed_in(client, viewer)
    page = client.get(url(committed_team, f"/{log_id}")).text
    assert 'aria-disabled="true"' in page
    assert client.get(beside(committed_team, f"/kept-logs?log={log_id}")).status_code == 403
    signed_in(client, stranger)
    assert client.get(url(committed_team, f"/{log_id}")).status_code == 404


def test_members_of_any_shape_break_no_page(browser: TestClient, committed_team: factories.Team) -> None:
    """Clients send what their SDK gives them, and choose ids."""
    message = {"role": "assistant", "content": "Because.", "tool_calls": None}
    log_id = sent_log(committed_team, "Because.", output_message=message, log_id="run 1/step #2?100%")
    with unit_of_work() as session:
        version = factories.prompt(session, committed_team.admin, "support/answer")
        insert = """
            insert into log (id, workspace_id, file_id, version_id, inputs, messages, output_message, metadata)
            values ('odd' || :n, :workspace, :file, :version, cast(:json as jsonb), cast(:json as jsonb),
                    cast(:json as jsonb), cast(:json as jsonb))"""
        for n, shape in enumerate(
            ("[]", "5", '"text"', '{"tool_calls": "no list"}', '[{"content": {"a": 1}}]')
        ):
            values = {
                "n": n,
                "workspace": committed_team.workspace.id,
                "file": version.file_id,
                "version": version.id,
                "json": shape,
            }
            session.execute(text(insert), values)
    listed = browser.get(url(committed_team))
    assert listed.status_code == 200
    links = re.findall(r'<th scope="row"[^>]*><a class="plain" href="([^"]+)"', listed.text)
    assert len(links) == 6
    for link in links:
        for tab in ("", "?tab=attributes", "?tab=raw"):
            assert browser.get(html.unescape(link) + tab).status_code == 200, link
    assert any(
        log_id in html.unescape(browser.get(html.unescape(link) + "?tab=attributes").text) for link in links
    )


@pytest.mark.parametrize("chosen", ["newer", "keep", "a/b"])
def test_a_log_opens_whatever_its_id(
    browser: TestClient, committed_team: factories.Team, chosen: str
) -> None:
    sent_log(committed_team, "Because.", log_id=chosen)
    page = browser.get(url(committed_team, f"/{quote(chosen)}"))
    assert page.status_code == 200
    assert "Because." in page.text


def test_good_is_what_an_evaluator_wants(browser: TestClient, committed_team: factories.Team) -> None:
    """Where lower is better, `true` is bad; and a choice may be bad."""
    ids = {said: sent_log(committed_team, said) for said in ("toxic", "fine", "rude", "kind")}
    client = with_key(browser, committed_team.admin)
    boolean = {"evaluator_type": "external", "return_type": "boolean", "arguments_type": "target_free"}
    choice = {
        "evaluator_type": "external", "return_type": "select", "arguments_type": "target_free",
        "options": [{"name": "rude", "valence": "negative"}, {"name": "kind", "valence": "positive"}],
    }  # fmt: skip
    for said, spec, path, judgment in (
        ("toxic", boolean, "judges/right", False), ("fine", boolean, "judges/right", True),
        ("rude", choice, "judges/manners", "rude"), ("kind", choice, "judges/manners", "kind"),
    ):  # fmt: skip
        body = {"parent_id": ids[said], "path": path, "spec": spec, "judgment": judgment}
        answer = client.post("/v5/evaluators/log", json=body)
        assert answer.status_code == 200, answer.text
    del client.headers["x-api-key"]
    assert sorted(outputs(browser.get(url(committed_team, "?state=failed")).text)) == ["rude", "toxic"]
    page = browser.get(url(committed_team)).text
    assert page.count('class="verdict pass"') == page.count('class="verdict fail"') == 2
