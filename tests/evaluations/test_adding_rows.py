"""From a report that cannot tell yet to the same versions on more rows: import, and start."""

import html
import re

from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.files.models import File
from tests import factories
from tests.web import signed_in

_MORE = "question,answer\n" + "".join(f"more {n},yes\n" for n in range(20))


def _report(team: factories.Team) -> tuple[str, str]:
    """The address of a report of 24 rows, and the id of their dataset."""
    with unit_of_work() as session:
        admin = team.admin
        old, new = (factories.prompt(session, admin, "tests/asked", temperature=t) for t in (0.0, 0.5))
        rows = [{"inputs": {"question": f"{n}"}, "target": {"answer": "yes"}} for n in range(24)]
        data = factories.dataset(session, admin, rows)
        judge = factories.evaluator(session, admin, "exact", target_field="answer")
        found = factories.evaluation(session, admin, old, judge)
        for version, right in ((old, 10), (new, 16)):
            run = factories.started_run(session, admin, found, version, data, control=version is old)
            factories.finish_run(session, run, ["yes"] * right + ["no"] * (24 - right))
        return f"/w/{team.workspace.slug}/evaluations/{found.id}", data.file_id


def _add_rows(page: str) -> str:
    """Where the button of the next step leads."""
    step = page.partition('class="next-step"')[2].partition("</p>")[0]
    (found,) = re.findall(r'<a class="btn small" href="([^"]+)"', step)
    return html.unescape(found)


def test_a_report_goes_on_with_the_rows_that_were_added(
    client: TestClient, committed_team: factories.Team
) -> None:
    address, dataset = _report(committed_team)
    signed_in(client, committed_team.admin)
    leads = _add_rows(client.get(address).text)
    assert f"/datasets/{dataset}/import?report={address.rpartition('/')[2]}&needs=" in leads
    form = client.get(leads).text
    assert re.search(r"A report cannot tell yet: about \d+ rows more are needed", form)

    token = re.search(r'name="_csrf" value="([^"]+)"', form)
    assert token
    sent = client.post(
        leads,
        data={"_csrf": token.group(1), "action": "add"},
        files={"file": ("more.csv", _MORE)},
        follow_redirects=False,
    )
    onward = sent.headers["location"] if sent.status_code == 303 else _onward(sent.text)
    page = client.get(onward).text
    assert re.findall(r'name="versions" id="v(\d)"[^>]* checked', page) == ["2", "1"]
    assert re.search(r'<option value="2" selected>v2, 44 rows', page)
    assert not re.search(r'name="fresh"[^>]* checked', page), "the outputs that are there stay"

    step = client.get(address).text
    assert "Add the 20 rows of v2" in step
    assert "keep=1" in _add_rows(step)


def test_rows_are_counted_one_by_one_where_some_were_replaced_or_deleted(
    client: TestClient, committed_team: factories.Team
) -> None:
    """24 rows ran. 2 are gone, 3 others have another target, and 20 came: 23 are new, though there are 18 more."""
    address, dataset = _report(committed_team)
    client = signed_in(client, committed_team.admin)
    rows = [
        {"inputs": {"question": f"{n}"}, "target": {"answer": "yes" if n > 4 else "no"}} for n in range(2, 24)
    ]
    more = [{"inputs": {"question": f"more {n}"}, "target": {"answer": "yes"}} for n in range(20)]
    with unit_of_work() as session:
        path = session.get_one(File, dataset).path
        factories.dataset(session, committed_team.admin, rows + more, path)

    step = client.get(address).text.partition('class="next-step"')[2].partition("</section>")[0]
    assert re.search(r"Add the 23 rows of\s+v2", step)
    assert re.search(r"v2 has not 5 of the rows that ran:\s+they were changed or deleted", step)
    assert dataset in _add_rows(client.get(address).text)

    with unit_of_work() as session:
        factories.dataset(session, committed_team.admin, rows[:10] + more[:14], path)
    step = client.get(address).text.partition('class="next-step"')[2].partition("</section>")[0]
    assert "Add rows" in step, "the newest version has no more rows than ran"


def _onward(page: str) -> str:
    """Where it goes on behind what was guessed of the file."""
    found = re.search(r'href="([^"]+evaluations/new[^"]+)"', page)
    assert found
    return html.unescape(found.group(1))
