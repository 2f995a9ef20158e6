"""Passages of an output that people mark: found to the character, kept with the answer, and shown to whom they may be."""

import re
from html import unescape

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from app.core.access import Principal
from app.core.database import get_engine, unit_of_work
from app.core.errors import Invalid
from app.logs.passages import Passage, passages_of
from app.review import answering, repository
from app.review.answering import Answered
from app.review.marking import Marked, in_form, passages_in, pieces, read_spans
from app.review.models import ReviewQueue
from tests import factories
from tests.review.staged import Staged
from tests.statements import recorded
from tests.web import csrf_of, signed_in, with_key

OUTPUT = "No fee 🙂 at all.\r\nNo <b>fee</b> is due; ask us & we say so."


def test_a_quote_is_found_to_the_code_point_whatever_the_line_ends() -> None:
    (found,) = passages_in(OUTPUT, [Marked("🙂 at all.\nNo", note="which?")])
    assert (found.start, found.end) == (7, 20)
    assert found.quote == OUTPUT[7:20] == "🙂 at all.\r\nNo"
    (given_,) = passages_in(OUTPUT, [Marked(start=7, end=8, label="tone")])
    assert given_ == Passage(7, 8, "🙂", "", "tone")


def test_of_a_quote_that_stands_there_more_than_once_the_nearest_is_meant() -> None:
    with pytest.raises(Invalid, match="stands there 2 times"):
        passages_in(OUTPUT, [Marked("No", note="n")])
    for near, start in ((0, 0), (6, 0), (15, 18), (40, 18)):
        assert passages_in(OUTPUT, [Marked("No", "n", start=near)])[0].start == start


@pytest.mark.parametrize(
    ("marked", "said"),
    [
        (Marked("no fee", note="n"), "does not stand in the output"),
        (Marked("", note="n"), "Quote the passage"),
        (Marked("due"), "Say what there is to say"),
        (Marked("due", note="x" * 2_001), "under 2,000 characters"),
        (Marked("due", label="x" * 61), "under 60 characters"),
        (Marked("due", note="a\x00"), "cannot be stored"),
        (Marked(start=5, end=5, note="n"), "is no passage of it"),
        (Marked(start=5, end=500, note="n"), "is no passage of it"),
        (Marked("due", "n", start=0, end=3), "does not stand at 0 to 3"),
    ],
)
def test_what_is_no_passage_is_said(marked: Marked, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        passages_in(OUTPUT, [marked])


def test_so_many_and_no_longer() -> None:
    assert len(passages_in("x" * 100, [Marked(start=n, end=n + 1, note="n") for n in range(50)])) == 50
    with pytest.raises(Invalid, match="up to 50"):
        passages_in("x" * 100, [Marked(start=n, end=n + 1, note="n") for n in range(51)])
    with pytest.raises(Invalid, match="up to 2,000 characters"):
        passages_in("x" * 3_000, [Marked(start=0, end=2_001, note="n")])


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70)), max_size=6))
def test_the_pieces_are_the_output_and_each_is_marked_as_its_passages_say(
    output: str, spans: list[tuple[int, int]]
) -> None:
    passages = [Passage(*sorted(span), "q", "n", "") for span in spans if span[0] != span[1]]
    cut = pieces(output, passages)
    assert "".join(piece.text for piece in cut) == output
    at = 0
    for piece in cut:
        for number, one in enumerate([p for p in passages if p.start < len(output)], 1):
            inside = one.start <= at and at + len(piece.text) <= min(one.end, len(output))
            assert (number in piece.numbers) == (inside and bool(piece.text))
        at += len(piece.text)


def test_what_is_no_passage_in_a_detail_or_a_form_is_left_out() -> None:
    good = Passage(1, 3, "q", "n", "l")
    assert read_spans(
        [*in_form([good]), "no JSON", "[]", '{"start": true, "end": 2, "quote": "q"}', "{}"]
    ) == [good]
    for strange in (None, [], "x", {"spans": "x"}, {"spans": [1, {"start": 3, "end": 1, "quote": "q"}]}):
        assert passages_of(strange) == []


@pytest.fixture
def made(staged: Staged) -> ReviewQueue:
    """A queue of one output, of which two people are asked."""
    with unit_of_work() as session:
        session.execute(text("update log set output = :output"), {"output": OUTPUT})
        return factories.review(
            session, staged.team.admin, staged.evaluation, staged.asked, staged.people,
            runs=[staged.new], rows="random", most_rows=1,
        )  # fmt: skip


def _send(client: TestClient, url: str, **form: object):
    return client.post(url, data={"_csrf": csrf_of(client)} | form)


def _hidden(page: str) -> list[str]:
    return [unescape(one) for one in re.findall(r'name="spans" value="([^"]*)"', page)]


def _kept(made: ReviewQueue, author: str) -> list[Passage]:
    with unit_of_work() as session:
        detail = session.scalar(
            text(
                "select detail from judgment j join review_item i on i.log_id = j.log_id "
                "where i.queue_id = :queue and author = :author"
            ),
            {"queue": made.id, "author": author},
        )
    return passages_of(detail)


def test_passages_are_marked_without_a_script_and_kept_with_the_answer(
    client: TestClient, staged: Staged, made: ReviewQueue
) -> None:
    person = staged.people[0]
    signed_in(client, person)
    url = f"{staged.base}/{made.id}/items/1"
    wrong = _send(client, url, mark="1", quote="no such words", span_note="hm", note="typed before")
    assert wrong.status_code == 422
    assert "does not stand in the output" in wrong.text
    assert "no such words" in wrong.text
    assert "typed before" in wrong.text

    one = _send(
        client, url, mark="1", quote="<b>fee</b>", span_note="a <i>tag</i>", span_label="format", note="typed"
    )
    assert one.status_code == 200
    assert _kept(made, person.user_id) == [], "nothing is kept yet"
    assert '<mark class="note">&lt;b&gt;fee&lt;/b&gt;<sup data-n="1"></sup></mark>' in one.text
    assert "a &lt;i&gt;tag&lt;/i&gt;" in one.text
    assert ">typed</textarea>" in one.text
    assert "data-unsent" in one.text
    two = _send(client, url, mark="1", spans=_hidden(one.text), quote="No fee", span_note="really?")
    assert len(_hidden(two.text)) == 2
    fewer = _send(client, url, drop="1", spans=_hidden(two.text))
    assert len(_hidden(fewer.text)) == 1

    sent = _send(
        client, url, spans=_hidden(fewer.text), quote="due", span_label="fact", **{"answer-0": "true"}
    )
    assert sent.status_code == 303
    assert _kept(made, person.user_id) == [
        Passage(21, 31, "<b>fee</b>", "a <i>tag</i>", "format"),
        Passage(35, 38, "due", "", "fact"),
    ]
    again = client.get(url).text
    assert len(_hidden(again)) == 2
    undone = _send(client, f"{staged.base}/{made.id}/undo", place="1")
    assert len(_hidden(client.get(undone.headers["location"]).text)) == 2, "undo loses no mark"
    assert _kept(made, person.user_id) == []


def test_marks_are_shown_where_what_people_said_is_and_to_no_second_reviewer(
    client: TestClient, staged: Staged, made: ReviewQueue
) -> None:
    first, second = staged.people
    _answer(made, first, True, Marked("due", note="secret-first"))
    signed_in(client, second)
    item = client.get(f"{staged.base}/{made.id}/items/1").text
    assert "secret-first" not in item
    _answer(made, second, False, Marked("ask us", note="secret-second"))
    assert "secret-first" not in client.get(f"{staged.base}/{made.id}/items/1").text
    client.cookies.clear()
    signed_in(client, staged.team.admin)
    with unit_of_work() as session:
        found = repository.find_item(session, made.id, 1)
        assert found is not None
        number = session.scalar(
            text("select position from run_item where log_id = :log"), {"log": found.log_id}
        )
    ws = f"/w/{staged.team.workspace.slug}"
    pages = [
        client.get(f"{staged.base}/{made.id}/disputes/1"),
        client.get(f"{ws}/evaluations/{staged.evaluation.id}/rows/{number + 1}"),
        client.get(f"{ws}/logs/{found.log_id}"),
    ]
    for page in pages:
        assert page.status_code == 200
        for said in ("secret-first", "secret-second", '<mark class="note">due'):
            assert said in page.text
    assert 'due<sup data-n="1"></sup></mark>' in pages[0].text
    assert "Reviewer 1" in pages[0].text


def _answer(made: ReviewQueue, person: Principal, said: bool, *marked: Marked) -> None:
    with unit_of_work() as session:
        (asked,) = repository.list_evaluators(session, [made.id])[made.id]
        answering.answer(session, person, made, 1, Answered({asked.id: said}, marked=marked))


def test_marks_by_the_api_and_in_what_it_exports(
    client: TestClient, staged: Staged, made: ReviewQueue
) -> None:
    api = with_key(client, staged.people[0])
    url = f"/v5/review-queues/{made.id}/items/1"
    answers = [{"evaluator_version_id": staged.asked.id, "judgment": True}]
    refused = api.post(url, json={"answers": answers, "spans": [{"quote": "nowhere", "note": "n"}]})
    assert refused.status_code == 422
    assert _kept(made, staged.people[0].user_id) == []
    sent = api.post(url, json={"answers": answers, "spans": [{"start": 7, "end": 8, "label": "emoji"}]})
    assert sent.status_code == 200, sent.text
    span = {"start": 7, "end": 8, "quote": "🙂", "note": "", "label": "emoji"}
    assert sent.json()["spans"] == [span]
    log = api.get(f"/v5/logs/{sent.json()['log_id']}").json()
    assert [one["detail"]["spans"] for one in log["evaluator_logs"] if one["author"]] == [[span]]


def test_two_outputs_are_not_marked(client: TestClient, staged: Staged) -> None:
    with unit_of_work() as session:
        made = factories.review(
            session, staged.team.admin, staged.evaluation, (), staged.people,
            runs=[staged.old, staged.new], is_pair=True,
        )  # fmt: skip
        asked = repository.list_evaluators(session, [made.id])[made.id][0]
    signed_in(client, staged.people[0])
    assert "Mark a passage" not in client.get(f"{staged.base}/{made.id}/items/1").text
    answered = Answered({asked.id: "a"}, marked=[Marked("answer", note="n")])
    with unit_of_work() as session, pytest.raises(Invalid, match="not in one of two"):
        answering.answer(session, staged.people[0], made, 1, answered)


def test_marks_cost_a_page_no_statement_more(client: TestClient, staged: Staged, made: ReviewQueue) -> None:
    signed_in(client, staged.people[0])

    def asked(*marked: Marked) -> int:
        _answer(made, staged.people[0], True, *marked)
        with recorded(get_engine()) as statements:
            assert client.get(f"{staged.base}/{made.id}/items/1").status_code == 200
        return len(statements)

    assert asked() == asked(*(Marked(start=n, end=n + 1, note="n") for n in range(20)))
