"""The links of guest reviewers: how guests are asked, what is wrong with that, who is told, and the same by API."""

import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.database import get_engine, unit_of_work
from app.core.errors import Conflict, Invalid
from app.review import guests, repository, sending
from app.review.guests import Asked
from app.review.models import ReviewQueue
from tests import factories
from tests.review.guest_visit import come_in, count, link_of, send
from tests.review.staged import Staged, queue
from tests.statements import recorded
from tests.web import csrf_of, signed_in, with_key


def test_guests_share_outputs_evenly_beside_those_who_are_asked_already(
    client: TestClient, staged: Staged, made: ReviewQueue
) -> None:
    with unit_of_work() as session:
        asked = guests.ask_guests(session, staged.team.admin, made, Asked(links=3, per_item=2))
    assert len({url for _, url in asked}) == 3
    with unit_of_work() as session:
        by_guest = {one.user_id: one.asked for one in repository.list_progress(session, [made.id])[made.id]}
        assert sorted(by_guest[guest.id] for guest, _ in asked) == [2, 3, 3]
        assert {by_guest[one.user_id] for one in staged.people} == {4}
        of_items = session.execute(
            text("select count(*) from review_task where queue_id = :queue group by position"),
            {"queue": made.id},
        )
        assert [row[0] for row in of_items] == [4] * 4
        assert sending.get_queue(session, staged.team.admin, made.id).per_item == 4


def test_a_queue_of_guests_only_begins_with_nobody(client: TestClient, staged: Staged) -> None:
    signed_in(client, staged.team.admin)
    form = {
        "_csrf": csrf_of(client), "whole": "1", "evaluation": staged.evaluation.id, "evaluators": staged.asked.id,
        "versions": staged.new.id, "rows": "all", "per_item": "1", "blind": "1",
    }  # fmt: skip
    refused = client.post(staged.base, data=form)
    assert refused.status_code == 422
    assert "Choose who is asked." in refused.text
    sent = client.post(staged.base, data=form | {"guests": "1"})
    assert sent.status_code == 303
    url = sent.headers["location"]
    assert url.endswith("#guests")
    page = client.get(url.partition("#")[0]).text
    assert "Nobody is asked yet" in page
    made = client.post(
        f"{url.partition('#')[0]}/guests",
        data={"_csrf": csrf_of(client), "links": "2", "per_item": "1", "days": "30", "name": ""},
    )
    links = re.findall(r'value="http://127.0.0.1:8000(/guest/[^"]+)"', made.text)
    assert len(links) == 2
    assert "will not be shown again" in made.text
    assert "each judged by 1 person" in made.text
    assert all(link not in client.get(url.partition("#")[0]).text for link in links)
    client.cookies.clear()
    assert "2 items wait for you" in client.get(come_in(client, links[0])).text


def test_what_is_wrong_with_asking_guests_is_said_and_what_was_typed_stays(
    client: TestClient, staged: Staged, made: ReviewQueue
) -> None:
    signed_in(client, staged.team.admin)
    url = f"{staged.base}/{made.id}/guests"
    for form, said in (
        ({"links": "many"}, "A whole number."),
        ({"links": "51"}, "Between 1 and 50 links."),
        ({"links": "2", "per_item": "3"}, "Between 1 and 2, as many as are asked."),
        ({"links": "2", "name": "Gil"}, "Several guests cannot have one name"),
        ({"days": "5"}, "Choose for how long the link works."),
        ({"name": "x" * 101}, "Keep the name under 100 characters."),
    ):
        whole = {"_csrf": csrf_of(client), "links": "1", "per_item": "1", "days": "7", "name": ""} | form
        answer = client.post(url, data=whole)
        assert answer.status_code == 422, form
        assert said in answer.text
        assert f'value="{whole["links"]}"' in answer.text
    assert count("select count(*) from review_guest") == 0
    with unit_of_work() as session:
        with pytest.raises(Invalid):
            guests.ask_guests(session, staged.team.admin, made, Asked(name="a\x00b"))
        sending.close(session, staged.team.admin, session.get_one(ReviewQueue, made.id), closed=True)
    closed = client.post(url, data={"_csrf": csrf_of(client), "links": "1", "per_item": "1", "days": "7"})
    assert closed.status_code == 409
    assert "Open it again before you ask guests." in closed.text


def test_a_queue_has_no_more_links_than_it_may(staged: Staged, made: ReviewQueue) -> None:
    with unit_of_work() as session:
        asked = guests.ask_guests(session, staged.team.admin, made, Asked(links=guests.MOST_GUESTS))
    with unit_of_work() as session, pytest.raises(Conflict, match="End some of them first"):
        guests.ask_guests(session, staged.team.admin, made, Asked())
    with unit_of_work() as session:
        guests.renew(session, staged.team.admin, made, asked[0][0].id)  # is one of them already
        guests.end(session, staged.team.admin, made, asked[1][0].id)
        guests.ask_guests(session, staged.team.admin, made, Asked())
    with unit_of_work() as session, pytest.raises(Conflict):
        guests.renew(session, staged.team.admin, made, asked[1][0].id)


def test_only_guests_of_the_queue_take_items_over(staged: Staged, made: ReviewQueue) -> None:
    with unit_of_work() as session:
        other = queue(session, staged)
        stranger, _, _ = factories.guest(session, staged.team.admin, other)
        ours, _, _ = factories.guest(session, staged.team.admin, made)
        gone, _, _ = factories.guest(session, staged.team.admin, made)
        guests.end(session, staged.team.admin, made, gone.id)
        for no in (stranger, gone):
            with pytest.raises(Invalid):
                sending.hand_over(session, staged.team.admin, made, staged.people[0].user_id, no.id)
        session.execute(
            text("delete from review_task where user_id = :guest and position < 3"), {"guest": ours.id}
        )
        assert sending.hand_over(session, staged.team.admin, made, staged.people[0].user_id, ours.id) == 2


def test_a_guests_name_is_erased_and_stands_nowhere_else(
    client: TestClient, staged: Staged, made: ReviewQueue
) -> None:
    base = come_in(client, link_of(staged, made), "Zofia Canary")
    send(client, f"{base}/items/1", **{"answer-0": "true", "note": "mine"})
    guest_id = base.rpartition("/")[2]
    client.cookies.clear()
    signed_in(client, staged.team.admin)
    end = f"{staged.base}/{made.id}/guests/{guest_id}/end"
    assert client.post(end, data={"_csrf": csrf_of(client)}).status_code == 303
    assert "Zofia Canary" in client.get(f"{staged.base}/{made.id}").text
    assert client.post(end, data={"_csrf": csrf_of(client), "forget": "1"}).status_code == 303
    assert "Zofia" not in client.get(f"{staged.base}/{made.id}").text
    with get_engine().connect() as connection:
        tables = connection.scalars(
            text("select table_name from information_schema.tables where table_schema = 'public'")
        ).all()
        for table in tables:
            found = connection.scalar(
                text(f"select count(*) from \"{table}\" t where t::text like '%Zofia%'")
            )
            assert not found, table


def test_the_audit_log_tells_of_links_and_of_who_came_in_without_names(
    client: TestClient, staged: Staged, made: ReviewQueue
) -> None:
    base = come_in(client, link_of(staged, made))
    guest_id = base.rpartition("/")[2]
    with unit_of_work() as session:
        guests.renew(session, staged.team.admin, made, guest_id)
        guests.end(session, staged.team.admin, made, guest_id)
        entries = session.execute(
            text(
                "select action, actor_name, actor_id, subject_id from audit_entry where action like 'review_guest.%' order by at, id"
            )
        ).all()
    assert [tuple(entry) for entry in entries] == [
        ("review_guest.invited", staged.team.admin.name, staged.team.admin.user_id, made.id),
        ("review_guest.came_in", "Guest 1", guest_id, made.id),
        ("review_guest.renewed", staged.team.admin.name, staged.team.admin.user_id, made.id),
        ("review_guest.ended", staged.team.admin.name, staged.team.admin.user_id, made.id),
    ]


def test_links_by_the_api(client: TestClient, staged: Staged, made: ReviewQueue) -> None:
    api = with_key(client, staged.team.admin)
    url = f"/v5/review-queues/{made.id}/guests"
    sent = api.post(url, json={"links": 2, "per_item": 2, "days": 14})
    assert sent.status_code == 201
    first, second = sent.json()
    assert first["url"] != second["url"]
    assert (first["number"], first["name"], first["asked"], first["open"]) == (1, None, 4, True)
    assert all("url" not in one for one in api.get(url).json())
    assert api.post(url, json={"links": 1, "per_item": 2}).status_code == 422
    assert api.delete(f"{url}/{first['id']}").status_code == 204
    assert [one["open"] for one in api.get(url).json()] == [False, True]
    anew = api.post(f"{url}/{first['id']}/link", json={}).json()
    assert anew["open"]
    assert anew["url"] != first["url"]
    assert {one["full_name"] for one in api.get(f"/v5/review-queues/{made.id}").json()["reviewers"]} >= {
        "Guest 1"
    }
    with unit_of_work() as session:
        other = factories.team(session)
    elsewhere = with_key(client, other.admin)
    assert elsewhere.get(url).status_code == 404
    assert elsewhere.delete(f"{url}/{second['id']}").status_code == 404
    only = with_key(client, staged.team.admin).post(
        "/v5/review-queues",
        json={
            "evaluation_id": staged.evaluation.id, "evaluators": [{"version_id": staged.asked.id}], "per_item": 0,
        },
    )  # fmt: skip
    assert only.status_code == 201, only.text
    assert only.json()["asked_count"] == 0


def test_the_pages_of_guests_take_as_many_statements_however_many_items_and_guests_there_are(
    client: TestClient, staged: Staged, made: ReviewQueue
) -> None:
    def asked() -> tuple[int, int]:
        base = come_in(client, link_of(staged, made))
        with recorded(get_engine()) as statements:
            client.get(f"{base}/items/1")
        item = len(statements)
        client.cookies.clear()
        signed_in(client, staged.team.admin)
        with recorded(get_engine()) as statements:
            client.get(f"{staged.base}/{made.id}")
        client.cookies.clear()
        return item, len(statements)

    few = asked()
    with unit_of_work() as session:
        guests.ask_guests(session, staged.team.admin, made, Asked(links=20, per_item=20))
    assert asked() == few
