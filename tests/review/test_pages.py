"""The pages of review over HTTP, without any script: what is hidden from whom, and where each step leads."""

import re
from html import unescape

from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.access import Principal, Role
from app.core.database import get_engine, unit_of_work
from app.logs.repository import FINAL
from app.review import answering, repository
from app.review.answering import Answered
from app.review.models import ReviewQueue
from tests import factories
from tests.review.staged import CHOICES, Staged, queue, score, stage
from tests.statements import recorded
from tests.web import csrf_of, signed_in


def _send(client: TestClient, url: str, **form: object):
    return client.post(url, data={"_csrf": csrf_of(client)} | form)


def _as(client: TestClient, person: Principal) -> TestClient:
    client.cookies.clear()
    return signed_in(client, person)


def _waiting(page: str) -> str | None:
    found = re.search(r'<span class="truncate">Review</span><span class="count hot">(\d+)', page)
    return found and found[1]


def test_a_queue_is_sent_from_the_report_and_waits_in_the_sidebar(client: TestClient, staged: Staged) -> None:
    _as(client, staged.team.admin)
    report = client.get(f"/w/{staged.team.workspace.slug}/evaluations/{staged.evaluation.id}").text
    url = f"{staged.base}/new?evaluation={staged.evaluation.id}"
    assert url in report
    assert _waiting(report) is None
    rows = client.get(
        f"/w/{staged.team.workspace.slug}/evaluations/{staged.evaluation.id}/rows?only=worse"
    ).text
    assert "rows=worse" in rows

    page = client.get(url).text
    assert staged.asked.file.path in page
    sent = _send(
        client, staged.base, whole="1", evaluation=staged.evaluation.id, evaluators=staged.asked.id,
        versions=[staged.old.id, staged.new.id], rows="worse", most="",
        reviewers=[staged.team.admin.user_id, staged.people[0].user_id], per_item="2", blind="1",
    )  # fmt: skip
    assert sent.status_code == 303
    queue_page = client.get(sent.headers["location"]).text
    assert "2 items wait for you" in queue_page
    assert _waiting(queue_page) == "2"
    listed = client.get(staged.base).text
    assert "Which?: would you send it" in listed
    assert "Reviewer 1" in listed


def test_a_queue_from_the_rows_takes_their_order_of_versions_and_their_evaluator(
    client: TestClient, staged: Staged
) -> None:
    _as(client, staged.team.admin)
    rows = f"/w/{staged.team.workspace.slug}/evaluations/{staged.evaluation.id}/rows"
    page = client.get(f"{rows}?cols={staged.new.id},{staged.old.id}&only=worse").text
    found = re.search(r'href="([^"]*/review/new[^"]*)"', page)
    assert found
    form = client.get(unescape(found[1])).text
    boxes = re.findall(r'name="versions" value="([^"]+)" checked', form)
    assert boxes == [staged.new.id, staged.old.id]
    judge = re.search(r'name="judge" value="([^"]+)"', form)
    assert judge
    assert "You were looking at" not in form
    sent = _send(
        client, staged.base, whole="1", evaluation=staged.evaluation.id, evaluators=staged.asked.id,
        judge=judge[1], versions=boxes, rows="worse", reviewers=[staged.team.admin.user_id],
    )  # fmt: skip
    made = sent.headers["location"].rpartition("/")[2]
    with unit_of_work() as session:
        outputs = session.scalars(
            text(
                "select l.output from review_item i join log l on l.id = i.log_id where i.queue_id = :queue"
            ),
            {"queue": made},
        )
        assert sorted(outputs) == ["answer 2", "answer 3", "old slip 2", "old slip 3"]


def test_the_form_says_which_filter_of_the_rows_a_queue_does_not_have(
    client: TestClient, staged: Staged
) -> None:
    _as(client, staged.team.admin)
    rows = f"/w/{staged.team.workspace.slug}/evaluations/{staged.evaluation.id}/rows"
    for filtered, said in (
        ("only=better", "rows that got better."),
        ("only=failed", "rows on which all failed."),
        ("q=an%26swer", "rows with “an&amp;swer” in them."),
        ("only=better&q=answer", "rows that got better with “answer” in them."),
    ):
        found = re.search(r'href="([^"]*/review/new[^"]*)"', client.get(f"{rows}?{filtered}").text)
        assert found
        assert f"You were looking at {said}" in client.get(unescape(found[1])).text


def test_what_is_wrong_with_a_sending_is_said_and_what_was_chosen_stays(
    client: TestClient, staged: Staged
) -> None:
    _as(client, staged.team.admin)
    sent = _send(
        client, staged.base, whole="1", evaluation=staged.evaluation.id, evaluators=staged.asked.id,
        versions=[staged.new.id], rows="worse", most="7", per_item="3", name="My own name",
        reviewers=[staged.people[1].user_id],
    )  # fmt: skip
    assert sent.status_code == 422
    assert "Between 1 and 1" in sent.text
    assert 'value="My own name"' in sent.text
    assert re.search(rf'value="{staged.people[1].user_id}" checked', sent.text)
    assert not re.search(r'name="blind" value="1" checked', sent.text)


def test_what_is_hidden_is_shown_once_it_is_answered(
    client: TestClient, staged: Staged, made: ReviewQueue
) -> None:
    first = _as(client, staged.people[0])
    url = f"{staged.base}/{made.id}/items/1"
    assert client.get(f"{staged.base}/{made.id}/items").headers["location"] == url
    hidden = first.get(url).text.partition("<main")[2]
    assert "Version hidden" in hidden
    for secret in ('class="ver"', "practice-1", "exact", "Ada Admin", staged.new.version_id):
        assert secret not in hidden, secret

    answered = _send(client, url, **{"answer-0": "true", "note": "Short."})
    assert (answered.status_code, answered.headers["location"]) == (
        303,
        f"{staged.base}/{made.id}/items/2?last=1",
    )
    following = client.get(answered.headers["location"]).text
    assert "Item 1 is kept. It was" in following
    assert '<span class="ver">v2</span> of asked' in following
    assert "practice-1" in following
    again = client.get(url).text
    assert "You have answered this one" in again
    assert "Short." in again
    assert re.search(r'value="true" checked', again)


def test_nobody_sees_what_others_said_before_they_answered(
    client: TestClient, staged: Staged, made: ReviewQueue
) -> None:
    first, second = staged.people
    with unit_of_work() as session:
        for place in range(1, 5):
            factories.reviewed(session, first, made, place, True, note="The first one’s own reason.")
        places = repository.list_neighbours(session, made.id, second.user_id, 1, 4)
        factories.reviewed(session, second, made, 1, False)
    _as(client, second)
    for place in [one.place for one in places]:
        page = client.get(f"{staged.base}/{made.id}/items/{place}").text
        assert "The first one" not in page
        assert "Reviewer 1" not in page
    page = client.get(f"{staged.base}/{made.id}").text
    assert page.count("Reviewer 1: <strong>Yes</strong>") == 1, "of the one that they have answered, too"
    assert client.get(f"{staged.base}/{made.id}/disputes/1").status_code == 403, "reviewers settle nothing"


def test_a_wrong_answer_is_asked_again_with_what_was_typed(
    client: TestClient, staged: Staged, made: ReviewQueue
) -> None:
    _as(client, staged.people[0])
    url = f"{staged.base}/{made.id}/items/1"
    refused = _send(client, url, note="Typed already", correction="Better so")
    assert refused.status_code == 422
    assert "Answer this, or say that you cannot tell." in refused.text
    assert "Typed already" in refused.text
    assert "Better so" in refused.text
    with unit_of_work() as session:
        assert score(session, staged.new, staged.asked) == (None, 0)


def test_undo_leads_back_to_the_last_answer_with_what_it_was(
    client: TestClient, staged: Staged, made: ReviewQueue
) -> None:
    _as(client, staged.people[0])
    base = f"{staged.base}/{made.id}"
    for place in (1, 2):
        _send(client, f"{base}/items/{place}", **{"answer-0": "false", "note": f"Reason {place}"})
    assert 'name="place" value="2"' in client.get(f"{base}/items/3").text
    undone = _send(client, f"{base}/undo", place=2)
    again = _send(client, f"{base}/undo", place=2)
    assert again.headers["location"] == f"{base}/items/2", "a double click"
    assert (undone.status_code, undone.headers["location"]) == (303, f"{base}/items/2")
    page = client.get(undone.headers["location"]).text
    assert "Reason 2" in page
    assert "Version hidden" in page
    with unit_of_work() as session:
        assert score(session, staged.new, staged.asked) == (0.0, 1)
    _send(client, f"{base}/undo", place=1)
    nothing = _send(client, f"{base}/undo")
    assert nothing.headers["location"] == f"{base}/items"


def test_the_end_says_so_and_a_closed_queue_asks_nobody(
    client: TestClient, staged: Staged, made: ReviewQueue
) -> None:
    first = staged.people[0]
    _as(client, first)
    base = f"{staged.base}/{made.id}"
    for place in range(1, 5):
        last = _send(client, f"{base}/items/{place}", **{"answer-0": "true"})
    assert last.headers["location"] == f"{base}?done=1"
    assert "You have answered all 4; 4 answers of others are missing" in client.get(base).text
    assert client.get(f"{base}/items").headers["location"] == base
    assert "Nothing waits for you" in client.get(staged.base).text

    _as(client, staged.team.admin)
    assert _send(client, f"{base}/close").status_code == 303
    assert "Closed with 4 of 8 answers" in client.get(base).text
    _as(client, staged.people[1])
    assert _waiting(client.get(staged.base).text) is None
    assert "nobody is asked any more" in client.get(f"{base}/items/1").text
    assert _send(client, f"{base}/items/1", **{"answer-0": "true"}).status_code == 409


def test_agreement_is_shown_and_a_dispute_is_settled(client: TestClient, staged: Staged) -> None:
    first, second = staged.people
    with unit_of_work() as session:
        choosing = factories.evaluator(session, staged.team.admin, "human", "tests/which", **CHOICES)
        both = factories.review(
            session, staged.team.admin, staged.evaluation, choosing, staged.people, runs=[staged.new]
        )
        order = {
            one.user_id: [
                task.position for task, _ in repository.list_tasks(session, both.id, one.user_id, 0, 9)[0]
            ]
            for one in staged.people
        }
        for person, said in ((first, ["yes"] * 4), (second, ["yes", "no", "yes", "yes"])):
            for place, position in enumerate(order[person.user_id], start=1):
                factories.reviewed(session, person, both, place, said[position - 1])
    base = f"{staged.base}/{both.id}"
    viewer_page = _as(client, first).get(base).text
    assert "Everybody is done: 8 answers" in viewer_page
    assert "75.0%" in viewer_page
    assert "Gwet’s AC1" in viewer_page
    assert "4 items with two answers" in viewer_page
    assert "1 dispute to settle" in viewer_page
    assert 'aria-disabled="true"' in viewer_page, "what a reviewer may not do stays in sight"

    _as(client, staged.team.admin)
    page = client.get(f"{base}/disputes/2").text
    assert "Version hidden" in page
    assert "Reviewer 2" in page
    settled = _send(client, f"{base}/disputes/2", **{"answer-0": "c1", "note": "As the guide says."})
    assert settled.headers["location"] == base
    after = client.get(base).text
    assert "with edits" in after
    assert "to settle." not in after
    with unit_of_work() as session:
        (final,) = repository.list_finals(session, both.id).values()
        assert (final.author, final.text_value) == (FINAL, "with edits")
        assert final.detail == {"settled_by": staged.team.admin.user_id}
    _send(client, f"{base}/disputes/2", reopen="1")
    assert "1 dispute to settle" in client.get(base).text


def test_in_a_closed_queue_disputes_are_settled_by_whoever_was_asked(
    client: TestClient, staged: Staged
) -> None:
    admin, other = staged.team.admin, staged.people
    with unit_of_work() as session:
        made = factories.review(
            session, admin, staged.evaluation, staged.asked, [admin, *other], runs=[staged.new], most_rows=1
        )
        for person, said in zip(other, (True, False), strict=True):
            factories.reviewed(session, person, made, 1, said)
    _as(client, admin)
    base = f"{staged.base}/{made.id}"
    assert "Reviewer 1: <strong>" not in client.get(base).text
    assert client.get(f"{base}/disputes/1").status_code == 409
    _send(client, f"{base}/close")
    assert "Reviewer 1: <strong>" in client.get(base).text
    assert client.get(f"{base}/disputes/1").status_code == 200
    assert _send(client, f"{base}/disputes/1", **{"answer-0": "false"}).status_code == 303
    with unit_of_work() as session:
        assert score(session, staged.new, staged.asked) == (0.0, 1)


def test_a_viewer_reads_and_is_asked_nothing(client: TestClient, staged: Staged, made: ReviewQueue) -> None:
    with unit_of_work() as session:
        viewer = factories.member(session, staged.team.workspace, Role.VIEWER)
    _as(client, viewer)
    assert client.get(f"{staged.base}/{made.id}").status_code == 200
    assert client.get(f"{staged.base}/{made.id}/items/1").status_code == 403
    form = client.get(f"{staged.base}/new?evaluation={staged.evaluation.id}").text
    assert "This needs the role admin or developer or member" in form
    refused = _send(client, staged.base, evaluation=staged.evaluation.id)
    assert refused.status_code == 403


def test_without_queues_runs_or_questions_the_page_says_what_to_do(client: TestClient) -> None:
    with unit_of_work() as session:
        team = factories.team(session)
        prompt = factories.prompt(session, team.admin)
        empty = factories.evaluation(session, team.admin, prompt, factories.evaluator(session, team.admin))
    _as(client, team.admin)
    base = f"/w/{team.workspace.slug}/review"
    assert "No queue yet" in client.get(base).text
    assert "Outputs of which evaluation?" in client.get(f"{base}/new").text
    assert "has no run" in client.get(f"{base}/new?evaluation={empty.id}").text
    with unit_of_work() as session:
        rows = factories.dataset(session, team.admin)
        factories.finish_run(
            session, factories.started_run(session, team.admin, empty, prompt, rows), ["a"] * 3
        )
    assert "No question for people yet" in client.get(f"{base}/new?evaluation={empty.id}").text


def test_pages_ask_the_database_no_more_for_more_items_people_and_queues(client: TestClient) -> None:
    counts = []
    for rows, people in ((2, 2), (20, 5)):
        with unit_of_work() as session:
            staged = stage(session, rows=rows, people=people)
            for _ in range(people):
                made = queue(session, staged)
            for number, person in enumerate(staged.people):
                for place in range(1, rows):
                    factories.reviewed(session, person, made, place, number == 0)
        _as(client, staged.people[0])
        pages = [staged.base, f"{staged.base}/{made.id}", f"{staged.base}/{made.id}/items/{rows}?last=1"]
        counts.append([])
        for page in pages:
            with recorded(get_engine()) as statements:
                assert client.get(page).status_code == 200
            counts[-1].append(len(statements))
    assert counts[0] == counts[1]


def test_only_what_is_disputed_is_settled(client: TestClient, staged: Staged) -> None:
    first, second = staged.people
    with unit_of_work() as session:
        tone = factories.evaluator(
            session, staged.team.admin, "human", "tests/tone", answers="number", lowest=1, highest=5, step=1
        )
        both = factories.review(
            session, staged.team.admin, staged.evaluation, [staged.asked, tone], staged.people,
            runs=[staged.new], most_rows=1,
        )  # fmt: skip
        for person, number in ((first, 2.0), (second, 5.0)):
            answering.answer(session, person, both, 1, Answered({staged.asked.id: True, tone.id: number}))
    _as(client, staged.team.admin)
    url = f"{staged.base}/{both.id}/disputes/1"
    page = client.get(url).text
    assert 'name="answer-1"' in page
    assert 'name="answer-0"' not in page
    assert _send(client, url, **{"answer-0": "false"}).status_code == 422
    assert _send(client, url, **{"answer-1": "3"}).status_code == 303
    with unit_of_work() as session:
        assert list(repository.list_finals(session, both.id)) == [(1, tone.id)]
        assert score(session, staged.new, staged.asked) == (1.0, 1)
        assert score(session, staged.new, tone) == (3.0, 1)
