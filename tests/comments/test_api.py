"""Comments over the API: writing, listing, editing, deleting, who may, who is told, and what takes them along."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from app.comments import repository, service
from app.comments.models import Comment, Mention, Subject
from app.core.access import Principal, Role
from app.core.database import unit_of_work
from app.files import service as files
from app.files.models import File
from app.logs import deleting
from app.workspaces import members
from tests import factories
from tests.comments.staged import Staged, stage
from tests.statements import recorded
from tests.web import with_key

NAMES = {Subject.VERSION: "version_id", Subject.ROW: "datapoint_id", Subject.LOG: "log_id"}


@pytest.fixture
def staged(client: TestClient) -> Staged:
    with unit_of_work() as session:
        return stage(session)


def _say(client: TestClient, staged: Staged, who: Principal, subject: Subject, body: str) -> dict:
    answer = with_key(client, who).post(
        "/v5/comments", json={NAMES[subject]: staged.things[subject], "body": body}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.parametrize("subject", list(Subject))
def test_a_comment_is_written_listed_edited_and_deleted(
    client: TestClient, staged: Staged, subject: Subject
) -> None:
    made = _say(client, staged, staged.grace, subject, "  @vera Rubin, see https://example.com/x\r\nnow ")
    assert made["body"] == "@Vera Rubin, see https://example.com/x\nnow"
    assert made["mentions"] == [{"id": staged.vera.user_id, "full_name": "Vera Rubin"}]
    assert made["author"] == {"id": staged.grace.user_id, "full_name": "Grace Hopper"}
    assert made["about"] == subject
    assert made["edited_at"] is None
    url = f"/v5/comments?{NAMES[subject]}={staged.things[subject]}"
    listed = client.get(url).json()
    assert (listed["total"], listed["records"]) == (1, [made])
    edited = client.patch(f"/v5/comments/{made['id']}", json={"body": "@Rita it is"}).json()
    assert edited["body"] == "@Rita Levi it is"
    assert [one["id"] for one in edited["mentions"]] == [staged.rita.user_id]
    assert edited["edited_at"]
    assert client.delete(f"/v5/comments/{made['id']}").status_code == 204
    assert client.get(url).json()["total"] == 0
    assert client.delete(f"/v5/comments/{made['id']}").status_code == 404


def test_comments_come_oldest_first_a_page_at_a_time(client: TestClient, staged: Staged) -> None:
    for number in range(5):
        _say(client, staged, staged.rita, Subject.LOG, f"number {number}")
    url = f"/v5/comments?log_id={staged.things[Subject.LOG]}&size=2"
    found = [
        [one["body"] for one in client.get(f"{url}&page={page}").json()["records"]] for page in (1, 2, 3, 4)
    ]
    assert found == [["number 0", "number 1"], ["number 2", "number 3"], ["number 4"], []]


@pytest.mark.parametrize(
    "body",
    [
        {"body": "about nothing"},
        {"body": "about two", "log_id": "log_x", "version_id": "prv_x"},
        {"log_id": "HERE", "body": ""},
        {"log_id": "HERE", "body": " \n "},
        {"log_id": "HERE", "body": "x" * 4_001},
        {"log_id": "HERE", "body": "\x00"},
        {"log_id": "HERE", "body": None},
    ],
)
def test_what_says_nothing_or_too_much_is_refused(client: TestClient, staged: Staged, body: dict) -> None:
    if body.get("log_id") == "HERE":
        body = body | {"log_id": staged.things[Subject.LOG]}
    assert with_key(client, staged.grace).post("/v5/comments", json=body).status_code == 422
    with unit_of_work() as session:
        assert session.scalar(select(func.count()).select_from(Comment)) == 0


def test_a_text_as_long_as_can_be_is_kept_whole(client: TestClient, staged: Staged) -> None:
    text = "ñ" * 4_000
    assert _say(client, staged, staged.grace, Subject.LOG, text)["body"] == text


def test_authors_edit_and_admins_delete_and_the_audit_log_says_so(client: TestClient, staged: Staged) -> None:
    made = _say(client, staged, staged.grace, Subject.LOG, "mine")
    url = f"/v5/comments/{made['id']}"
    for other in (staged.rita, staged.vera):
        with_key(client, other)
        assert client.patch(url, json={"body": "theirs"}).status_code == 403
        assert client.delete(url).status_code == 403
    with_key(client, staged.team.admin)
    assert client.patch(url, json={"body": "theirs"}).status_code == 403, "not even an admin"
    assert client.delete(url).status_code == 204
    (entry,) = client.get("/v5/audit?action=comment.deleted").json()["records"]
    assert entry["detail"]["author_id"] == staged.grace.user_id
    assert "mine" not in str(entry)


def test_a_viewer_reads_and_does_not_write(client: TestClient, staged: Staged) -> None:
    _say(client, staged, staged.grace, Subject.ROW, "here")
    with_key(client, staged.vera)
    row = staged.things[Subject.ROW]
    assert client.get(f"/v5/comments?datapoint_id={row}").json()["total"] == 1
    assert client.post("/v5/comments", json={"datapoint_id": row, "body": "too"}).status_code == 403


def test_who_may_comment_no_more_edits_no_more(client: TestClient, staged: Staged) -> None:
    made = _say(client, staged, staged.grace, Subject.LOG, "mine")
    with unit_of_work() as session:
        members.change_role(session, staged.team.admin, staged.grace.user_id, Role.VIEWER)
    assert client.patch(f"/v5/comments/{made['id']}", json={"body": "x"}).status_code in (401, 403)


@pytest.mark.parametrize("subject", list(Subject))
def test_another_workspace_sees_finds_and_changes_nothing(
    client: TestClient, staged: Staged, subject: Subject
) -> None:
    made = _say(client, staged, staged.grace, subject, "secret @Vera Rubin")
    with unit_of_work() as session:
        other = factories.team(session).admin
    with_key(client, other)
    name, thing = NAMES[subject], staged.things[subject]
    answers = [
        client.get(f"/v5/comments?{name}={thing}"),
        client.post("/v5/comments", json={name: thing, "body": "x"}),
        client.patch(f"/v5/comments/{made['id']}", json={"body": "x"}),
        client.delete(f"/v5/comments/{made['id']}"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert all("secret" not in answer.text for answer in answers)
    assert client.get("/v5/mentions").json()["total"] == 0
    people = client.get("/v5/mentionable-people").json()["records"]
    assert [one["id"] for one in people] == [other.user_id]
    assert client.post("/v5/mentions/read", json={"comment_ids": [made["id"]]}).json() == {"read": 0}
    with unit_of_work() as session:
        mention = session.get_one(Mention, (made["id"], staged.vera.user_id))
        assert mention.read_at is None
        assert session.get_one(Comment, made["id"]).edited_at is None


def test_nobody_of_another_workspace_is_mentioned(client: TestClient, staged: Staged) -> None:
    with unit_of_work() as session:
        other = factories.team(session)
        stranger = factories.member(session, other.workspace, Role.MEMBER, "Stranger Danger")
    made = _say(client, staged, staged.grace, Subject.LOG, f"@Stranger Danger @[{stranger.user_id}]")
    assert made["mentions"] == []
    assert made["body"] == f"@Stranger Danger @[{stranger.user_id}]"


def test_only_who_can_read_and_sign_in_is_mentioned(client: TestClient, staged: Staged) -> None:
    with unit_of_work() as session:
        members.set_disabled(session, staged.team.admin, staged.rita.user_id, disabled=True)
    assert _say(client, staged, staged.grace, Subject.LOG, "@Rita Levi @Guest Guestson")["mentions"] == []
    names = [one["full_name"] for one in client.get("/v5/mentionable-people").json()["records"]]
    assert names == ["Ada Admin", "Grace Hopper", "Vera Rubin"]
    found = client.get("/v5/mentionable-people?name=rub").json()["records"]
    assert [one["full_name"] for one in found] == ["Vera Rubin"]


def test_a_mention_waits_until_it_is_read(client: TestClient, staged: Staged) -> None:
    first = _say(client, staged, staged.grace, Subject.LOG, "@Vera first")
    second = _say(client, staged, staged.grace, Subject.VERSION, "@Vera and @Grace Hopper second")
    assert client.get("/v5/mentions?unread=true").json()["total"] == 0, "nobody is told of themselves"
    assert client.get("/v5/mentions").json()["total"] == 1
    with_key(client, staged.vera)
    found = client.get("/v5/mentions?unread=true").json()
    assert [one["id"] for one in found["records"]] == [second["id"], first["id"]]
    assert found["records"][0]["title"] == "answer v1"
    assert client.get("/v5/mentions?unread=true").json()["total"] == 2, "asking reads nothing"
    needs = [one for one in client.get("/v5/overview").json()["needs"] if one["kind"] == "mention"]
    assert needs[0]["title"] == "Grace Hopper mentioned you on answer v1"
    assert needs[0]["url"].endswith(f"/versions/1#comment-{second['id']}")
    assert client.post("/v5/mentions/read", json={"comment_ids": [first["id"]]}).json() == {"read": 1}
    assert [one["id"] for one in client.get("/v5/mentions?unread=true").json()["records"]] == [second["id"]]
    assert client.post("/v5/mentions/read", json={}).json() == {"read": 1}
    assert [bool(one["read_at"]) for one in client.get("/v5/mentions").json()["records"]] == [True, True]


def test_an_edit_tells_those_who_are_new_and_nobody_again(client: TestClient, staged: Staged) -> None:
    made = _say(client, staged, staged.grace, Subject.LOG, "@Vera look")
    with unit_of_work() as session:
        service.read_mentions(session, staged.vera)
    client.patch(f"/v5/comments/{made['id']}", json={"body": "@Vera and @Rita look"})
    with unit_of_work() as session:
        assert service.list_mentions(session, staged.vera)[1] == 0
        assert service.list_mentions(session, staged.rita)[1] == 1
    client.patch(f"/v5/comments/{made['id']}", json={"body": "@Vera look"})
    with unit_of_work() as session:
        assert service.list_mentions(session, staged.rita)[1] == 0, "it names them no more"


def test_comments_go_with_what_they_are_about(client: TestClient, staged: Staged) -> None:
    for subject in Subject:
        _say(client, staged, staged.grace, subject, f"@Vera on the {subject}")
    with unit_of_work() as session:
        deleting.delete_logs(session, staged.team.admin, [staged.things[Subject.LOG]])
    with unit_of_work() as session:
        assert repository.count_comments(session, staged.team.workspace.id, staged.about(Subject.LOG)) == 0
        assert service.list_mentions(session, staged.vera)[1] == 2
    assert client.get(f"/v5/comments?log_id={staged.things[Subject.LOG]}").status_code == 404
    with unit_of_work() as session:  # deleted files keep their versions, where nobody finds them
        for version in (staged.prompt, staged.rows):
            files.delete_file(session, staged.team.admin, session.get_one(File, version.file_id))
    with unit_of_work() as session:
        assert service.list_mentions(session, staged.vera) == ([], 0)
    assert client.get(f"/v5/comments?version_id={staged.things[Subject.VERSION]}").status_code == 404
    assert client.get(f"/v5/comments?datapoint_id={staged.things[Subject.ROW]}").status_code == 404


def test_a_deleted_version_takes_its_comments_along(client: TestClient, staged: Staged) -> None:
    with unit_of_work() as session:
        newer = factories.prompt(session, staged.team.admin, "support/answer", temperature=0.5)
        service.create_comment(session, staged.grace, service.about_of(newer.id, None, None), "@Vera look")
    with unit_of_work() as session:
        files.delete_version(session, staged.team.admin, newer)
    with unit_of_work() as session:
        assert session.scalar(select(func.count()).select_from(Comment)) == 0
        assert session.scalar(select(func.count()).select_from(Mention)) == 0


def test_a_row_that_went_is_found_in_the_last_version_that_has_it(client: TestClient, staged: Staged) -> None:
    made = _say(client, staged, staged.grace, Subject.ROW, "@Vera look")
    rows = [{"inputs": {"question": "another"}, "target": {"answer": "yes"}}]
    with unit_of_work() as session:
        factories.dataset(session, staged.team.admin, rows, "support/cases")
    (found,) = client.get(f"/v5/comments?datapoint_id={staged.things[Subject.ROW]}").json()["records"]
    row = f"/datasets/{staged.rows.file_id}/rows/{staged.things[Subject.ROW]}?version=1#comment-{made['id']}"
    assert found["url"].endswith(row)


def test_who_writes_like_a_script_has_to_wait(client: TestClient, staged: Staged) -> None:
    with_key(client, staged.grace)
    body = {"log_id": staged.things[Subject.LOG], "body": "again"}
    answers = [client.post("/v5/comments", json=body) for _ in range(service.MOST_A_MINUTE + 1)]
    assert [answer.status_code for answer in answers] == [201] * service.MOST_A_MINUTE + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    with_key(client, staged.rita)
    assert client.post("/v5/comments", json=body).status_code == 201, "others do not wait"


def test_lists_ask_for_all_counts_at_once(client: TestClient, staged: Staged) -> None:
    with unit_of_work() as session:
        logs = [factories.logged(session, staged.team.admin, staged.prompt) for _ in range(3)]
        for log_id, count in zip(logs, (2, 0, 1), strict=True):
            for _ in range(count):
                service.create_comment(session, staged.grace, service.about_of(None, None, log_id), "x")
    with unit_of_work() as session, recorded(session.get_bind()) as statements:
        found = repository.count_by_thing(session, staged.team.workspace.id, Subject.LOG, logs)
    assert found == {logs[0]: 2, logs[2]: 1}
    assert len([one for one in statements if "comment" in str(one)]) == 1
