"""What people said in a queue as targets of a dataset's rows: which, what is left out and why, and how it is written."""

import re
from html import unescape

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.database import unit_of_work
from app.core.errors import Conflict
from app.datasets import draft_commit, drafts
from app.datasets import repository as datasets
from app.datasets.drafts import RowEdit
from app.datasets.rows import Destination
from app.files import repository as files
from app.files.models import File
from app.review import answering, repository
from app.review.answering import Answered
from app.review.models import ReviewItem, ReviewQueue
from app.review.target_writing import write_targets
from app.review.targets_view import CORRECTIONS, find_options, proposed_of, wanted_of
from tests import factories
from tests.review.staged import CHOICES, Staged, queue, stage
from tests.web import csrf_of, signed_in, with_key

PLACE = Destination("target", "answer")


def _say(
    session: Session, staged: Staged, made: ReviewQueue, who: int, said: dict[int, str], value: object = True
) -> None:
    """A reviewer answers every item, and writes the output that they would give for some positions."""
    person = staged.people[who]
    for place in range(1, made.sent + 1):
        found = repository.find_task(session, made.id, person.user_id, place)
        assert found is not None
        correction = said.get(found[0].position, "")
        factories.reviewed(session, person, made, place, value, correction=correction)


def _targets(session: Session, file: File) -> list[str]:
    """Of the newest version, in the order of its rows."""
    newest = files.newest_version(session, file.id)
    assert newest is not None
    return [
        (datapoint.target or {}).get("answer")
        for _, datapoint in datasets.list_rows(session, newest, limit=50)
    ]


def _dataset(session: Session, staged: Staged) -> File:
    version = files.find_version_anywhere(
        session, staged.team.workspace.id, str(staged.new.dataset_version_id)
    )
    assert version is not None
    return session.get_one(File, version.file_id)


def _row(session: Session, made: ReviewQueue, position: int) -> str:
    """The row of an item."""
    query = text(
        "select l.datapoint_id from review_item i join log l on l.id = i.log_id where i.queue_id = :q and i.position = :p"
    )
    return str(session.scalar(query, {"q": made.id, "p": position}))


def _reasons(session: Session, staged: Staged, made: ReviewQueue, **chosen: str) -> dict[int, str]:
    admin = staged.team.admin
    wanted = wanted_of(find_options(session, admin, made, **({"of": CORRECTIONS} | chosen)))
    return {one.position: one.reason for one in proposed_of(session, admin, made, wanted).left_out}


def test_corrected_outputs_are_written_as_a_version_that_says_where_they_come_from(
    client: TestClient,
) -> None:
    with unit_of_work() as session:
        staged = stage(session)
        made = queue(session, staged)
        _say(session, staged, made, 0, {1: "right one", 2: "right two"})
        _say(session, staged, made, 1, {1: "right one"})
        file = _dataset(session, staged)
        before = _targets(session, file)
        rows = {position: _row(session, made, position) for position in (1, 2)}
        first = files.newest_version(session, file.id)
        assert first is not None
        old = {
            dp.id: dp.target["answer"] for _, dp in datasets.list_rows(session, first, limit=50) if dp.target
        }
    signed_in(client, staged.team.admin)
    url = f"{staged.base}/{made.id}"
    shown = client.get(url).text
    assert f'href="{url}/targets"' in shown
    assert "Of 2 items somebody wrote the output" in shown
    page = client.get(f"{url}/targets").text
    assert "2 rows get another target" in page
    assert "Of 2 items nobody said what could be a target" in page
    for position, new, by in ((1, "right one", "Reviewer 1, Reviewer 2"), (2, "right two", "Reviewer 1")):
        line = next(each for each in page.split("<tr>") if f"<ins>{new}</ins>" in each)
        assert f"<del>{old[rows[position]]}</del>" in line
        assert f">{by}</td>" in line
    ticked = re.findall(r'name="row" value="([^"]+)"', page)
    note = unescape(re.findall(r'name="note"[^>]* placeholder="([^"]+)"', page)[0])
    assert note == f"2 targets from the review “{made.name}” ({made.id})"
    sent = {"_csrf": csrf_of(client), "dataset": file.id, "of": CORRECTIONS, "member": "answer", "note": ""}
    answer = client.post(f"{url}/targets", data=sent | {"row": ticked}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    with unit_of_work() as session:
        newest = files.newest_version(session, file.id)
        assert newest is not None
        assert (newest.number, newest.note) == (first.number + 1, note)
        changed = {"right one": old[rows[1]], "right two": old[rows[2]]}
        assert [changed.get(one, one) for one in _targets(session, file)] == before, (
            "others, and the order, stay"
        )
        assert sorted(set(_targets(session, file)) - set(before)) == ["right one", "right two"]
        assert drafts.find(session, staged.team.admin, file) is None
    after = client.get(answer.headers["location"]).text
    assert "2 targets were written" in after
    assert "Nothing to write" in after
    assert "2 items: its row says so already" in " ".join(after.split())
    again = client.post(f"{url}/targets", data=sent | {"row": ticked})
    assert again.status_code == 409
    assert "2 of the rows are not what you saw any more" in unescape(again.text)


def test_into_a_draft_they_go_beside_what_it_changes_and_its_commit_begins_with_the_reason(
    client: TestClient,
) -> None:
    with unit_of_work() as session:
        staged = stage(session)
        made = queue(session, staged)
        _say(session, staged, made, 0, {1: "right one"})
        file = _dataset(session, staged)
        draft = drafts.opened(session, staged.team.admin, file)
        drafts.edit(
            session, draft, [RowEdit(_row(session, made, 2), {Destination("metadata", "note"): "mine"})]
        )
    signed_in(client, staged.team.admin)
    url = f"{staged.base}/{made.id}/targets"
    page = client.get(url).text
    assert "You have a draft of this dataset" in page
    assert "Write v" not in page
    sent = {"_csrf": csrf_of(client), "dataset": file.id, "of": CORRECTIONS, "member": "answer"}
    sent |= {"row": re.findall(r'name="row" value="([^"]+)"', page)}
    refused = client.post(url, data=sent)
    assert (refused.status_code, "would become part of the version" in refused.text) == (409, True)
    answer = client.post(url, data=sent | {"draft": "1"}, follow_redirects=False)
    commit = client.get(answer.headers["location"])
    assert commit.status_code == 200
    assert f"1 target from the review “{made.name}” ({made.id})" in unescape(commit.text)
    with unit_of_work() as session:
        draft = drafts.get(session, staged.team.admin, file)
        assert drafts.count(session, draft).edited == 2
        assert "right one" not in _targets(session, file)
        written = draft_commit.commit(session, staged.team.admin, file, draft_commit.DraftCommit("both"))
        assert "right one" in _targets(session, file)
        assert written.rows == 4


def test_what_cannot_become_a_target_is_told_item_by_item(session: Session) -> None:
    staged = stage(session, rows=8)
    admin = staged.team.admin
    made = queue(session, staged)
    file = _dataset(session, staged)
    _say(session, staged, made, 0, {n: f"right {n}" for n in (1, 2, 3, 4, 5, 6)})
    _say(session, staged, made, 1, {1: "another"})
    rows = {n: _row(session, made, n) for n in range(1, 9)}
    draft = drafts.opened(session, admin, file)
    drafts.edit(session, draft, [RowEdit(rows[2], {Destination("inputs", "question"): "asked anew"})])
    drafts.apply(session, draft, "remove", drafts.Filter(row_ids=[rows[3]]))
    draft_commit.commit(session, admin, file, draft_commit.DraftCommit("changes"))
    draft = drafts.opened(session, admin, file)
    drafts.apply(session, draft, "remove", drafts.Filter(row_ids=[rows[4]]))
    drafts.edit(session, draft, [RowEdit(rows[5], {PLACE: "right 5"})])
    session.execute(text("update log set datapoint_id = null where datapoint_id = :row"), {"row": rows[6]})
    assert _reasons(session, staged, made) == {
        1: "disputed", 2: "changed", 3: "gone", 4: "removed", 5: "same", 6: "no_row",
    }  # fmt: skip
    answering.settle(session, admin, made, 1, Answered({staged.asked.id: True}, correction="the final word"))
    options = find_options(session, admin, made, of=CORRECTIONS)
    found = proposed_of(session, admin, made, wanted_of(options))
    assert [(one.row.row_id, one.new, one.authors) for one in found.proposals] == [
        (rows[1], "the final word", ["final"])
    ]
    assert found.silent == 2


def test_final_and_equal_answers_are_targets_and_disputed_ones_are_not(session: Session) -> None:
    staged = stage(session, **CHOICES)
    admin = staged.team.admin
    made = queue(session, staged)
    _say(session, staged, made, 0, {}, "with edits")
    for place in range(1, 5):
        found = repository.find_task(session, made.id, staged.people[1].user_id, place)
        assert found is not None
        said = {1: "yes", 2: "yes", 3: "with edits", 4: None}[found[0].position]
        factories.reviewed(session, staged.people[1], made, place, said)
    answering.settle(session, admin, made, 2, Answered({staged.asked.id: "no"}))
    options = find_options(session, admin, made)
    assert [one.version.id for one in options.fields] == [staged.asked.id]
    assert wanted_of(options).field is not None, "nobody wrote an output: the question is proposed"
    found = proposed_of(session, admin, made, wanted_of(options))
    said = {one.positions[0]: one.new for one in found.proposals}
    assert said == {2: "no", 3: "with edits", 4: "with edits"}
    assert [(one.position, one.reason) for one in found.left_out] == [(1, "disputed")]


def test_what_others_said_is_not_shown_to_whoever_has_not_answered(session: Session) -> None:
    staged = stage(session)
    made = queue(session, staged)
    made = factories.review(
        session, staged.team.admin, staged.evaluation, staged.asked, [staged.people[0], staged.team.admin],
        runs=[staged.new],
    )  # fmt: skip
    _say(session, staged, made, 0, {1: "right one"})
    assert _reasons(session, staged, made) == {1: "unseen"}
    wanted = wanted_of(find_options(session, staged.team.admin, made, of=CORRECTIONS))
    assert proposed_of(session, staged.team.admin, made, wanted).proposals == []


def test_a_target_stays_what_it_was_a_list_or_a_number(session: Session) -> None:
    staged = stage(session)
    admin = staged.team.admin
    rows = [
        {"inputs": {"question": str(n)}, "target": {"answer": was}}
        for n, was in enumerate((["a", "b"], 7, 7))
    ]
    data = factories.dataset(session, admin, rows)
    run = factories.started_run(session, admin, staged.evaluation, staged.prompt, data, fresh=True)
    factories.finish_run(session, run, ["x", "y", "z"])
    made = queue(session, staged, runs=[run])
    by_row = {_row(session, made, n): n for n in (1, 2, 3)}
    ordered = [dp.id for _, dp in datasets.list_rows(session, data, limit=10)]
    places = [by_row[one] for one in ordered]
    _say(session, staged, made, 0, {places[0]: "c", places[1]: "8", places[2]: "eight"})
    wanted = wanted_of(find_options(session, admin, made, of=CORRECTIONS))
    found = proposed_of(session, admin, made, wanted)
    assert [(one.row.row_id, one.new) for one in found.proposals] == [(ordered[0], ["c"]), (ordered[1], 8)]
    assert [(one.position, one.reason) for one in found.left_out] == [(places[2], "unfit")]


def test_what_was_said_otherwise_since_is_not_written(session: Session) -> None:
    staged = stage(session)
    admin = staged.team.admin
    made = queue(session, staged)
    _say(session, staged, made, 0, {1: "right one", 2: "right two"})
    wanted = wanted_of(find_options(session, admin, made, of=CORRECTIONS))
    seen = {one.row.row_id: one.mark for one in proposed_of(session, admin, made, wanted).proposals}
    _say(session, staged, made, 0, {1: "righter", 2: "right two"})
    before = _targets(session, wanted.file)
    with pytest.raises(Conflict, match="One of the rows is not what you saw"):
        write_targets(session, admin, made, wanted, seen, as_version=True)
    assert _targets(session, wanted.file) == before


def test_outputs_of_no_dataset_say_what_to_do(client: TestClient) -> None:
    with unit_of_work() as session:
        staged = stage(session)
        log_id = factories.logged(
            session, staged.team.admin, staged.prompt, inputs={"question": "?"}, output="x"
        )
        made = factories.review_of_logs(session, staged.team.admin, [log_id], staged.asked, staged.people[:1])
        _say(session, staged, made, 0, {1: "better"})
    signed_in(client, staged.team.admin)
    url = f"{staged.base}/{made.id}/targets"
    assert "No row to write to" in client.get(url).text
    sent = {"_csrf": csrf_of(client), "row": ["dp_x~y"]}
    assert client.post(url, data=sent).status_code == 422


def test_the_api_proposes_and_writes(client: TestClient) -> None:
    with unit_of_work() as session:
        staged = stage(session)
        made = queue(session, staged)
        _say(session, staged, made, 0, {1: "right one", 2: "right two", 3: "right three"})
        _say(session, staged, made, 1, {3: "another"})
        file = _dataset(session, staged)
    with_key(client, staged.team.admin)
    url = f"/v5/review-queues/{made.id}/targets"
    told = client.get(url).json()
    assert (told["dataset_id"], told["of"], told["member"], told["silent_count"]) == (
        file.id, "corrections", "answer", 1,
    )  # fmt: skip
    assert {(tuple(one["positions"]), one["new"], tuple(one["people"])) for one in told["targets"]} == {
        ((1,), "right one", ("Reviewer 1",)), ((2,), "right two", ("Reviewer 1",)),
    }  # fmt: skip
    assert told["left_out"] == [{"position": 3, "reason": "disputed"}]
    one = told["targets"][0]["datapoint_id"]
    for wrong, status in (
        ({"dataset_id": "ds_nowhere"}, 404),
        ({"of": "evv_nowhere"}, 404),
        ({"datapoint_ids": [one, "dp_nowhere"]}, 409),
        ({"datapoint_ids": []}, 422),
        ({"note": "x" * 1001}, 422),
    ):
        assert client.post(url, json=wrong).status_code == status, wrong
    made_version = client.post(url, json={"datapoint_ids": [one], "into": "version", "note": "First"}).json()
    assert (made_version["written_count"], made_version["left_out"]) == (1, told["left_out"])
    in_draft = client.post(url, json={}).json()
    assert (in_draft["written_count"], in_draft["version_id"]) == (1, None)
    with unit_of_work() as session:
        newest = files.newest_version(session, file.id)
        assert newest is not None
        assert (newest.id, newest.note) == (made_version["version_id"], "First")
        assert drafts.count(session, drafts.get(session, staged.team.admin, file)).edited == 1
    with_key(client, staged.people[0])
    assert client.get(url).status_code == client.post(url, json={}).status_code == 403


def test_datasets_of_another_workspace_are_not_written_to(session: Session) -> None:
    """Rows are stored once a workspace: one of the same content elsewhere, in a log that names its id, is nobody's here."""
    staged = stage(session)
    made = queue(session, staged)
    _say(session, staged, made, 0, {1: "right one"})
    other = factories.team(session)
    theirs = factories.dataset(session, other.admin, 2)
    (_, foreign), *_ = datasets.list_rows(session, theirs, limit=1)
    log_id = session.scalar(
        text("select log_id from review_item where queue_id = :q and position = 1"), {"q": made.id}
    )
    session.execute(
        text("update log set datapoint_id = :row where id = :log"), {"row": foreign.id, "log": log_id}
    )
    options = find_options(session, staged.team.admin, made, of=CORRECTIONS)
    assert theirs.file_id not in [file.id for file, _ in options.datasets]
    assert _reasons(session, staged, made) == {1: "other_dataset"}
    assert session.get(ReviewItem, (made.id, 1)) is not None
