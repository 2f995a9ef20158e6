"""Guest reviewers over HTTP: what their link opens, what stays hidden from them, and when it ends."""

import re
from datetime import timedelta
from html import unescape

import pytest
from fastapi.testclient import TestClient

from app.core import clock
from app.core.access import Role
from app.core.csrf import GUEST_COOKIE
from app.core.database import unit_of_work
from app.core.security import signature
from app.review import guests
from app.review.guests import Asked
from app.review.models import ReviewGuest, ReviewQueue
from app.workspaces import members
from tests import factories
from tests.review.guest_visit import come_in, count, link_of, send
from tests.review.staged import Staged, queue, score
from tests.web import csrf_of, signed_in


def test_a_guest_answers_the_whole_queue_by_a_link(
    client: TestClient, staged: Staged, made: ReviewQueue
) -> None:
    link = link_of(staged, made)
    page = client.get(link)
    assert page.status_code == 200
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["cache-control"] == "no-store"
    assert made.name in unescape(page.text)
    assert "set-cookie" not in page.headers
    assert count("select count(*) from review_guest where opened_at is not null") == 0, (
        "looking is not opening"
    )

    nameless = client.post(link, data={"_csrf": signature("csrf", ""), "name": "  "})
    assert nameless.status_code == 422
    assert "Say what you are called" in nameless.text
    base = come_in(client, link, "  Gil   Okafor ")
    assert "4 items wait for you" in client.get(base).text
    at = client.get(f"{base}/items").headers["location"]
    for done in range(4):
        shown = client.get(at)
        assert shown.status_code == 200
        assert f"{done} of 4" in shown.text
        unanswered = send(client, at, note="a note that is not lost")
        assert unanswered.status_code == 422
        assert "a note that is not lost" in unanswered.text
        answered = send(client, at, **{"answer-0": "true" if done else "false", "note": "because"})
        assert answered.status_code == 303
        at = answered.headers["location"]
    assert at == base
    assert "You have answered all 4" in client.get(base).text

    undone = send(client, f"{base}/undo", place="4")
    assert undone.headers["location"] == f"{base}/items/4"
    again = client.get(undone.headers["location"]).text
    assert "because" in again
    assert re.search(r'value="true" checked', again)
    assert "1 item waits for you" in client.get(base).text
    send(client, f"{base}/items/4", **{"answer-0": "true"})
    with unit_of_work() as session:
        assert score(session, staged.new, staged.asked) == (0.75, 4), "what guests say counts in the report"

    client.cookies.clear()
    signed_in(client, staged.team.admin)
    seen = client.get(f"{staged.base}/{made.id}").text
    assert "Gil Okafor (guest)" in seen
    assert "each judged by 3 people" in seen


def test_nothing_of_an_item_tells_a_guest_whose_it_is_even_in_a_queue_that_hides_nothing(
    client: TestClient, staged: Staged
) -> None:
    with unit_of_work() as session:
        seen = queue(session, staged, blind=False)
        factories.reviewed(session, staged.people[0], seen, 1, True)
    base = come_in(client, link_of(staged, seen))
    pages = [client.get(base), client.get(f"{base}/items/1")]
    answered = send(client, f"{base}/items/1", **{"answer-0": "true"})
    pages += [client.get(answered.headers["location"]), client.get(f"{base}/items/1")]
    assert "Item 1 is kept." in pages[2].text
    for page in pages:
        assert page.status_code == 200
        told = ['class="ver"', "Reviewer 1", staged.team.admin.name, staged.evaluation.id, "exact"]
        for secret in [*told, f"/w/{staged.team.workspace.slug}", "practice", 'id="palette"', "mention"]:
            assert secret not in page.text.replace("/static/js/mentions.js", ""), secret
    with unit_of_work() as session:
        factories.guest(session, staged.team.admin, seen)
    signed_in(client, staged.people[0])
    assert 'class="ver"' in client.get(f"{staged.base}/{seen.id}/items/1").text, "members are told"


def test_a_link_opens_one_queue_of_one_guest_in_as_many_browsers_as_there_are(
    client: TestClient, staged: Staged, made: ReviewQueue
) -> None:
    with unit_of_work() as session:
        other = queue(session, staged)
        elsewhere = factories.guest(session, staged.team.admin, other)
        beside = factories.guest(session, staged.team.admin, made)
    link = link_of(staged, made)
    base = come_in(client, link)
    send(client, f"{base}/items/1", **{"answer-0": "true"})
    for guest, _, _ in (elsewhere, beside):
        assert client.get(f"/guest-reviews/{guest.id}/items/1").status_code == 404
        client.cookies.set(
            GUEST_COOKIE, client.cookies.get(GUEST_COOKIE, path=base), path=f"/guest-reviews/{guest.id}"
        )
        assert client.get(f"/guest-reviews/{guest.id}/items/1").status_code == 404, "another one's cookie"
    assert client.get(f"{base}/items/5").status_code == 404, "no item of theirs"
    client.cookies.clear()
    assert client.get(base).status_code == 404
    assert "Open the link" in client.get(base).text
    assert "Gil Okafor" in client.get(link).text, "whoever has the name keeps it"
    assert come_in(client, link, "Somebody Else") == base
    page = client.get(base).text
    assert "Gil Okafor" in page
    assert "3 items wait for you" in page
    left = send(client, f"{base}/leave")
    assert "You are signed out" in left.text
    assert client.get(base).status_code == 404
    assert client.get(link).status_code == 200


def test_a_member_who_opens_a_link_stays_signed_in_and_is_the_guest_there(
    client: TestClient, staged: Staged, made: ReviewQueue
) -> None:
    signed_in(client, staged.team.admin)
    link = link_of(staged, made)
    answer = client.post(link, data={"_csrf": csrf_of(client), "name": "Test"})
    base = answer.headers["location"]
    assert staged.team.admin.name not in client.get(base).text
    sent = client.post(f"{base}/items/1", data={"_csrf": csrf_of(client), "answer-0": "true"})
    assert sent.status_code == 403, "a form of the member's pages is none of the guest's"
    assert client.get(staged.base).status_code == 200


@pytest.mark.parametrize("how", ["ended", "out of date", "maker demoted", "maker removed", "made anew"])
def test_a_link_that_ended_opens_nothing_and_whoever_is_in_is_out(
    client: TestClient, staged: Staged, made: ReviewQueue, how: str
) -> None:
    with unit_of_work() as session:
        maker = factories.member(session, staged.team.workspace, Role.MEMBER, "Maker")
        ((guest, url),) = guests.ask_guests(session, maker, made, Asked())
    link = url.removeprefix("http://127.0.0.1:8000")
    base = come_in(client, link)
    send(client, f"{base}/items/1", **{"answer-0": "true"})
    with unit_of_work() as session:
        if how == "ended":
            guests.end(session, staged.team.admin, made, guest.id)
        elif how == "out of date":
            session.get_one(ReviewGuest, guest.id).expires_at = clock.now() - timedelta(seconds=1)
        elif how == "maker demoted":
            members.change_role(session, staged.team.admin, maker.user_id, Role.REVIEWER)
        elif how == "maker removed":
            members.remove_member(session, staged.team.admin, maker.user_id)
        else:
            guests.renew(session, staged.team.admin, made, guest.id)
    for answer in (
        client.get(base),
        client.get(f"{base}/items/2"),
        send(client, f"{base}/items/2", **{"answer-0": "true"}),
    ):
        assert answer.status_code == 404
        assert "What you answered is kept" in answer.text
    unknown = client.get("/guest/unknown")
    gone = client.get(link)
    assert gone.status_code == unknown.status_code == 404
    assert gone.text == unknown.text.replace("unknown", ""), "nobody learns which links ever worked"
    assert client.post(link, data={"_csrf": signature("csrf", ""), "name": "x"}).status_code == 404
    assert count("select count(*) from judgment where author = :guest", guest=guest.id) == 1
    client.cookies.clear()
    signed_in(client, staged.team.admin)
    page = client.get(f"{staged.base}/{made.id}").text
    assert "Gil Okafor (guest)" in page
    with unit_of_work() as session:
        _, again = guests.renew(session, staged.team.admin, made, guest.id)
    client.cookies.clear()
    assert come_in(client, again.removeprefix("http://127.0.0.1:8000")) == base
    assert "3 items wait for you" in client.get(base).text, "they go on where they were"


def test_links_that_open_nothing_are_counted_and_those_that_work_are_not(
    client: TestClient, staged: Staged, made: ReviewQueue
) -> None:
    link = link_of(staged, made)
    statuses = [client.get(f"/guest/wrong{n}").status_code for n in range(12)]
    assert statuses == [404] * 10 + [429] * 2
    assert client.get(link).status_code == 200
    openings = [
        client.post(link, data={"_csrf": signature("csrf", ""), "name": "G"}).status_code for _ in range(11)
    ]
    assert openings == [303] * 10 + [429], "each opening is a line of the audit log"
