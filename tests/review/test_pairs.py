"""Two outputs side by side: what is drawn for whom, what a preference is kept as, and what it comes to."""

import re
from collections import Counter
from html import unescape

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.access import Principal
from app.core.database import get_engine, unit_of_work
from app.core.errors import Invalid
from app.files.models import Version
from app.review import answering, pairs, repository, sending
from app.review.answering import Answered
from app.review.models import ReviewQueue
from app.review.pairs import first_of
from app.review.queue_view import build_queue_page
from tests import factories
from tests.review.staged import Staged, score, stage
from tests.statements import recorded
from tests.web import csrf_of, signed_in, with_key


@pytest.fixture
def staged(client: TestClient) -> Staged:
    """The versions say the same on the first row, the old one is right on the second, the new one on the others."""
    with unit_of_work() as session:
        return stage(session)


def _pairs(staged: Staged, people: list[Principal] | None = None, **asked) -> ReviewQueue:
    with unit_of_work() as session:
        return factories.review(
            session, staged.team.admin, staged.evaluation, asked.pop("evaluators", ()), people or staged.people,
            runs=[staged.old, staged.new], is_pair=True, **asked,
        )  # fmt: skip


@pytest.fixture
def made(staged: Staged) -> ReviewQueue:
    return _pairs(staged)


def _question(made: ReviewQueue) -> Version:
    with unit_of_work() as session:
        (asked,) = repository.list_evaluators(session, [made.id])[made.id]
        return asked


def _outputs(made: ReviewQueue, person: Principal) -> dict[int, tuple[int, str, str]]:
    """By the person's place: the item, and what the new and the old version said."""
    with unit_of_work() as session:
        rows = session.execute(
            text("""
            select t.place, t.position, l.output, o.output from review_task t
            join review_item i on i.queue_id = t.queue_id and i.position = t.position
            join log l on l.id = i.log_id join log o on o.id = i.other_log_id
            where t.queue_id = :queue and t.user_id = :user
            """),
            {"queue": made.id, "user": person.user_id},
        )
        return {row[0]: (row[1], row[2], row[3]) for row in rows}


def _says(made: ReviewQueue, person: Principal, better: str) -> None:
    """Answer every item: the `right` answer is better, or the `new` one, or the one that stands `first`, or all are a tie."""
    asked = _question(made)
    for place, (position, new, old) in _outputs(made, person).items():
        first = first_of(made, position, person.user_id)
        shown = (new, old) if first == "output" else (old, new)
        if better == "first":
            said = "a"
        elif better == "tie":
            said = "tie"
        else:
            wins = shown.index(new) == 0 if better == "new" else "answer" in shown[0]
            said = "a" if wins else "b"
        with unit_of_work() as session:
            answering.answer(session, person, made, place, Answered({asked.id: said}))


def test_a_queue_of_pairs_has_the_rows_on_which_the_versions_differ(
    made: ReviewQueue, staged: Staged
) -> None:
    assert (made.candidate, made.baseline, made.sent, made.equal_count) == ("v2", "v1", 3, 1)
    outputs = sorted(one[1:] for one in _outputs(made, staged.people[0]).values())
    assert outputs == [("answer 2", "old slip 2"), ("answer 3", "old slip 3"), ("new slip 1", "answer 1")]
    asked = _question(made)
    assert asked.file.path == pairs.QUESTION
    assert _question(_pairs(staged)).id == asked.id, "the question is made once"


def test_the_order_is_a_toss_for_each_person_and_item_and_stays() -> None:
    made = ReviewQueue(id="rvq_1", baseline="v1")
    tosses = [first_of(made, position, user) for position in range(500) for user in ("usr_a", "usr_b")]
    assert tosses == [
        first_of(made, position, user) for position in range(500) for user in ("usr_a", "usr_b")
    ]
    assert 440 < Counter(tosses)["output"] < 560
    same = sum(a == b for a, b in zip(tosses[::2], tosses[1::2], strict=True))
    assert 200 < same < 300, "one person's order says nothing of another's"
    assert first_of(ReviewQueue(id="rvq_1"), 1, "usr_a") is None


def test_a_person_says_which_is_better_without_knowing_whose_it_is(
    client: TestClient, staged: Staged, made: ReviewQueue
) -> None:
    person = staged.people[0]
    signed_in(client, person)
    url = f"{staged.base}/{made.id}/items"
    outputs = _outputs(made, person)
    for place, said in ((1, "a"), (2, "b"), (3, "tie")):
        position, new, old = outputs[place]
        page = unescape(client.get(f"{url}/{place}").text)
        first = first_of(made, position, person.user_id)
        shown = [new, old] if first == "output" else [old, new]
        assert page.index(f">{shown[0]}<") < page.index(f">{shown[1]}<")
        assert "Version hidden" in page
        assert not re.search(r'class="ver"|\bv[12]\b', page)
        assert re.findall(r'data-key="([120x])"', page) == ["1", "2", "0", "x"]
        assert client.post(f"{url}/{place}", data={"_csrf": csrf_of(client)}).status_code == 422
        sent = client.post(f"{url}/{place}", data={"_csrf": csrf_of(client), "answer-0": said, "note": "so"})
        assert sent.status_code == 303
        with unit_of_work() as session:
            value, detail = session.execute(
                text("""
                select j.number_value, j.detail from judgment j join review_item i on i.log_id = j.log_id
                where i.queue_id = :queue and i.position = :position and j.author = :person
                """),
                {"queue": made.id, "position": position, "person": person.user_id},
            ).one()
        won = {"tie": 0.5}.get(said, float((said == "a") == (first == "output")))
        better = {0.0: "other", 0.5: "tie", 1.0: "output"}[won]
        assert value == won
        assert detail["orders"] == [{"shown_first": first, "better": better}]
        again = client.get(f"{url}/{place}").text
        assert f'value="{said}" checked' in again
        assert "A: <span" in again, "now it is told whose they are"
        assert "B: <span" in again

    undone = client.post(f"{staged.base}/{made.id}/undo", data={"_csrf": csrf_of(client), "place": "3"})
    page = client.get(undone.headers["location"]).text
    assert 'value="tie" checked' in page
    assert "Version hidden" in page
    with unit_of_work() as session:
        found, n = score(session, staged.new, _question(made))
        assert (found, n) == (sum(_values(made, person)) / 2, 2), "the report has the share of wins"
        assert score(session, staged.old, _question(made))[1] == 0


def _values(made: ReviewQueue, person: Principal) -> list[float]:
    with unit_of_work() as session:
        return list(
            session.scalars(
                text(
                    "select number_value from judgment j join review_item i on i.log_id = j.log_id "
                    "where i.queue_id = :queue and j.author = :person"
                ),
                {"queue": made.id, "person": person.user_id},
            )
        )


def test_people_agree_on_versions_not_on_places(
    client: TestClient, staged: Staged, made: ReviewQueue
) -> None:
    for person in staged.people:
        _says(made, person, "right")
    signed_in(client, staged.team.admin)
    page = " ".join(re.sub(r"<[^>]+>", " ", client.get(f"{staged.base}/{made.id}").text).split())
    assert "v2 preferred in 2 of 3 , v1 in 1, 0 ties." in page
    assert "3 pairs of outputs, v2 and v1 side by side" in page
    assert "On 1 more row both say the same" in page
    assert "None: nobody differs so far." in page
    assert "Propose as targets" not in page
    api = with_key(client, staged.team.admin).get(f"/v5/review-queues/{made.id}").json()
    (agreed,) = api["agreement"]
    assert agreed["same"]["estimate"] == 1
    assert {one["name"]: one["value"]["estimate"] for one in agreed["measures"]}["cohen_kappa"] == 1
    (preferred,) = api["preferences"]
    assert (preferred["candidate_items"], preferred["baseline_items"], preferred["ties"]) == (2, 1, 0)
    assert preferred["share_of_wins"]["estimate"] == pytest.approx(2 / 3)
    assert api["side_by_side"] == {"candidate": "v2", "baseline": "v1", "equal_count": 1}


def test_who_always_picks_the_first_is_seen_by_the_place(staged: Staged) -> None:
    made = _pairs(staged, staged.people[:1])
    _says(made, staged.people[0], "first")
    with unit_of_work() as session:
        (found,) = build_queue_page(session, staged.team.admin, made).preferences
    assert found.preference.first_place is not None
    assert (found.preference.first_place.estimate, found.preference.first_place.n) == (1, 3)
    assert found.preference.first_place.lo is not None
    assert found.preference.first_place.lo < 0.5


def test_ties_are_half_a_win_and_have_no_place(staged: Staged) -> None:
    made = _pairs(staged)
    _says(made, staged.people[0], "tie")
    _says(made, staged.people[1], "new")
    with unit_of_work() as session:
        page = build_queue_page(session, staged.team.admin, made)
    (found,) = page.preferences
    assert found.preference.share.estimate == 0.75
    assert (found.preference.candidate_items, found.preference.ties) == (3, 0)
    assert found.preference.first_place is not None
    assert found.preference.first_place.n == 3
    assert page.open_disputes == 3
    assert {one.words for dispute in page.disputes for one in dispute.said} == {"A tie", "v2 is better"}


def test_a_dispute_is_settled_by_the_place_that_whoever_settles_sees(
    client: TestClient, staged: Staged, made: ReviewQueue
) -> None:
    _says(made, staged.people[0], "new")
    _says(made, staged.people[1], "tie")
    admin = staged.team.admin
    signed_in(client, admin)
    url = f"{staged.base}/{made.id}/disputes/1"
    page = client.get(url).text
    first = first_of(made, 1, admin.user_id)
    assert f"{'A' if first == 'output' else 'B'} is better</dd>" in page
    assert client.post(url, data={"_csrf": csrf_of(client), "answer-0": "a"}).status_code == 303
    with unit_of_work() as session:
        kept = session.scalar(
            text(
                "select number_value from judgment j join review_item i on i.log_id = j.log_id "
                "where i.queue_id = :queue and i.position = 1 and j.author = 'final'"
            ),
            {"queue": made.id},
        )
        view = build_queue_page(session, admin, session.get_one(ReviewQueue, made.id))
    assert kept == float(first == "output")
    assert 'value="a" checked' in client.get(url).text
    said = "v2 is better" if kept else "v1 is better"
    assert [one.final for one in view.disputes if one.position == 1] == [said]
    assert view.preferences[0].preference.items == 3


def test_the_form_sends_two_versions_side_by_side(client: TestClient, staged: Staged) -> None:
    signed_in(client, staged.team.admin)
    form = {
        "_csrf": csrf_of(client), "whole": "1", "evaluation": staged.evaluation.id, "rows": "all", "per_item": "1",
        "blind": "1", "reviewers": staged.people[0].user_id, "pair": "1",
        "evaluators": staged.asked.id,  # a yes or no, which is not asked of two
    }  # fmt: skip
    one = client.post(staged.base, data=form | {"versions": staged.new.id})
    assert one.status_code == 422
    assert "Choose two versions to show side by side: 1 are chosen." in one.text
    assert re.search(r'name="pair" value="1" checked', one.text)
    sent = client.post(staged.base, data=form | {"versions": [staged.old.id, staged.new.id]})
    assert sent.status_code == 303
    assert "v2 and v1 side by side" in client.get(sent.headers["location"]).text


def test_an_answer_means_one_thing(staged: Staged, made: ReviewQueue) -> None:
    asked = _question(made)
    with unit_of_work() as session, pytest.raises(Invalid, match="one answer cannot mean both"):
        factories.review(
            session, staged.team.admin, staged.evaluation, asked, staged.people, runs=[staged.new]
        )
    with unit_of_work() as session, pytest.raises(Invalid, match="takes no preference"):
        factories.review(
            session, staged.team.admin, staged.evaluation, staged.asked, staged.people,
            runs=[staged.old, staged.new], is_pair=True,
        )  # fmt: skip
    with unit_of_work() as session:
        again = factories.review(
            session, staged.team.admin, staged.evaluation, asked, staged.people,
            runs=[staged.old, staged.new], is_pair=True,
        )  # fmt: skip
        assert again.sent == 3, "the same two outputs may be asked about again"
    with unit_of_work() as session, pytest.raises(Invalid, match="not a, b or tie"):
        answering.answer(session, staged.people[0], made, 1, Answered({asked.id: True}))


def test_pairs_by_the_api(client: TestClient, staged: Staged) -> None:
    admin = with_key(client, staged.team.admin)
    body = {
        "evaluation_id": staged.evaluation.id, "reviewers": [staged.people[0].user_id], "side_by_side": True,
        "run_ids": [staged.old.id, staged.new.id],
    }  # fmt: skip
    assert admin.post("/v5/review-queues", json=body | {"run_ids": [staged.new.id]}).status_code == 422
    logs = admin.post(
        "/v5/review-queues", json={"logs": {}, "side_by_side": True, "reviewers": body["reviewers"]}
    )
    assert logs.status_code == 422
    sent = admin.post("/v5/review-queues", json=body)
    assert sent.status_code == 201, sent.text
    url = f"/v5/review-queues/{sent.json()['id']}"
    person = with_key(client, staged.people[0])
    item = person.get(f"{url}/items").json()["records"][0]
    assert item["output"] is None
    assert [set(side) for side in item["sides"]] == [{"output", "log_id", "version_id"}] * 2
    assert {side["log_id"] for side in item["sides"]} | {item["log_id"], item["version_id"]} == {None}
    (asked,) = [one["version_id"] for one in item["evaluators"]]
    wrong = person.post(f"{url}/items/1", json={"answers": [{"evaluator_version_id": asked, "judgment": 1}]})
    assert wrong.status_code == 422
    answered = person.post(
        f"{url}/items/1", json={"answers": [{"evaluator_version_id": asked, "judgment": "b"}]}
    )
    assert answered.json()["answers"] == [{"evaluator_version_id": asked, "judgment": "b"}]
    told = person.get(f"{url}/items").json()["records"][0]["sides"]
    assert {side["version_id"] for side in told} == {staged.old.version_id, staged.new.version_id}
    assert person.post(f"{url}/undo", json={}).json() == {"place": 1}


def test_a_preference_stands_beside_the_output_in_the_evaluations_rows_and_on_the_logs_page(
    client: TestClient, staged: Staged, made: ReviewQueue
) -> None:
    _says(made, staged.people[0], "new")
    signed_in(client, staged.team.admin)
    ws = f"/w/{staged.team.workspace.slug}"
    pages = [client.get(f"{ws}/evaluations/{staged.evaluation.id}/rows/{number}") for number in (2, 3, 4)]
    with unit_of_work() as session:
        log_id = repository.find_item(session, made.id, 1).log_id  # type: ignore[union-attr]
    for page in (*pages, client.get(f"{ws}/logs/{log_id}")):
        assert page.status_code == 200
        assert pairs.QUESTION in page.text
        assert "Changes with the order" not in page.text, "nobody was asked twice"


def test_a_pair_goes_with_either_of_its_logs(staged: Staged, made: ReviewQueue) -> None:
    with unit_of_work() as session:
        session.execute(
            text(
                "delete from log where id = (select other_log_id from review_item where queue_id = :q limit 1)"
            ),
            {"q": made.id},
        )
    with unit_of_work() as session:
        assert len(sending.get_queue(session, staged.team.admin, made.id).id) > 0
        assert repository.count_items(session, [made.id])[made.id] == 2


def test_guests_compare_two_outputs_too(client: TestClient, staged: Staged, made: ReviewQueue) -> None:
    with unit_of_work() as session:
        guest, _, token = factories.guest(session, staged.team.admin, made)
    base = f"/guest-reviews/{guest.id}"
    client.cookies.set("whetstone_guest", token, path=base)
    page = client.get(f"{base}/items/1").text
    assert 'value="tie"' in page
    from app.core.security import signature

    sent = client.post(f"{base}/items/1", data={"_csrf": signature("csrf", token), "answer-0": "a"})
    assert sent.status_code == 303
    assert 'class="ver"' not in client.get(f"{base}/items/1").text


def test_the_pages_of_pairs_take_as_many_statements_however_many_there_are(client: TestClient) -> None:
    def asked(rows: int) -> tuple[int, int]:
        with unit_of_work() as session:
            staged = stage(session, rows=rows)
        made = _pairs(staged)
        _says(made, staged.people[0], "right")
        client.cookies.clear()
        signed_in(client, staged.people[0])
        found = []
        for url in (f"{staged.base}/{made.id}/items/1", f"{staged.base}/{made.id}"):
            with recorded(get_engine()) as statements:
                assert client.get(url).status_code == 200
            found.append(len(statements))
        return found[0], found[1]

    assert asked(4) == asked(12)
