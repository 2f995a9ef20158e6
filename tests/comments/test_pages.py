"""Comments in pages: where things are shown, in lists, on the home page, and as forms that need no script."""

import html
import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import TextClause, text

from app.comments import service
from app.comments.models import Subject
from app.comments.thread import PAGE
from app.core.access import Principal
from app.core.database import get_engine, unit_of_work
from tests import factories
from tests.comments.staged import Staged, stage
from tests.statements import recorded
from tests.web import csrf_of, signed_in


@pytest.fixture
def staged(client: TestClient) -> Staged:
    with unit_of_work() as session:
        return stage(session)


def _said(staged: Staged, who: Principal, subject: Subject, body: str) -> str:
    with unit_of_work() as session:
        return factories.comment(session, who, subject, staged.things[subject], body).id


def _pages(staged: Staged) -> dict[Subject, str]:
    base = f"/w/{staged.team.workspace.slug}"
    return {
        Subject.VERSION: f"{base}/prompts/{staged.prompt.file_id}/versions/1",
        Subject.ROW: f"{base}/datasets/{staged.rows.file_id}/rows/{staged.things[Subject.ROW]}?version=1",
        Subject.LOG: f"{base}/logs/{staged.things[Subject.LOG]}?tab=comments",
    }


def _post(client: TestClient, url: str, *, htmx: bool = False, **form: str):
    headers = {"hx-request": "true"} if htmx else {}
    return client.post(url, data=form | {"_csrf": csrf_of(client)}, headers=headers)


@pytest.mark.parametrize("subject", list(Subject))
def test_a_comment_is_written_where_its_thing_is_shown(
    client: TestClient, staged: Staged, subject: Subject
) -> None:
    signed_in(client, staged.rita)
    page = _pages(staged)[subject]
    shown = client.get(page).text
    hidden = dict(re.findall(r'<input type="hidden" name="(on|id|back)" value="([^"]*)"', shown))
    form = {name: html.unescape(value) for name, value in hidden.items()}
    assert form == {"on": subject, "id": staged.things[subject], "back": page}
    answer = _post(
        client,
        f"/w/{staged.team.workspace.slug}/comments",
        body="@Grace Hopper\nsee <https://example.com/a?b=1&c=2>",
        **form,
    )
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(f"{page}#comment-com_")
    shown = client.get(page).text
    assert '<span class="mention">@Grace Hopper</span>' in shown
    link = '<a href="https://example.com/a?b=1&amp;c=2" rel="nofollow noopener noreferrer">'
    assert f"see &lt;{link}https://example.com/a?b=1&amp;c=2</a>&gt;" in shown


def test_what_cannot_be_kept_comes_back_with_what_was_typed(client: TestClient, staged: Staged) -> None:
    with unit_of_work() as session:
        factories.member(session, staged.team.workspace, staged.grace.role, "Grace Grant")
    signed_in(client, staged.rita)
    url = f"/w/{staged.team.workspace.slug}/comments"
    form = {"on": "log", "id": staged.things[Subject.LOG], "body": "@Grace <b>, look", "back": "/w/x"}
    for htmx in (False, True):
        answer = _post(client, url, htmx=htmx, **form)
        assert answer.status_code == 422
        assert "@Grace &lt;b&gt;, look</textarea>" in answer.text
        assert "may be Grace Grant or Grace Hopper" in answer.text
        assert ("<html" in answer.text) is not htmx
    answer = _post(client, url, htmx=True, **form | {"body": "@Grace Grant, look"})
    assert answer.status_code == 200
    assert '<span class="mention">@Grace Grant</span>, look' in answer.text
    assert "</textarea>" in answer.text
    assert "look</textarea>" not in answer.text


def test_words_about_what_was_deleted_meanwhile_come_back_to_be_copied(
    client: TestClient, staged: Staged
) -> None:
    comment_id = _said(staged, staged.rita, Subject.LOG, "first words")
    with unit_of_work() as session:
        session.execute(text("delete from log where id = :id"), {"id": staged.things[Subject.LOG]})
    signed_in(client, staged.rita)
    url = f"/w/{staged.team.workspace.slug}/comments"
    form = {"on": "log", "id": staged.things[Subject.LOG], "body": "Long <b> words"}
    for address, htmx in ((url, False), (url, True), (f"{url}/{comment_id}", False)):
        answer = _post(client, address, htmx=htmx, **form)
        assert answer.status_code == 404
        assert "Long &lt;b&gt; words</textarea>" in answer.text
        assert "nothing was saved" in answer.text
        assert ("<html" in answer.text) is not htmx


@pytest.mark.parametrize(
    "back",
    ["https://elsewhere.example/", "//elsewhere.example", "/w/other/logs", "javascript:alert(1)", "/\\x"],
)
def test_no_form_leads_elsewhere(client: TestClient, staged: Staged, back: str) -> None:
    signed_in(client, staged.rita)
    base = f"/w/{staged.team.workspace.slug}"
    form = {"on": "log", "id": staged.things[Subject.LOG], "body": "x", "back": back}
    went = _post(client, f"{base}/comments", **form).headers["location"]
    assert went.startswith(f"{base}/logs/")
    assert _post(client, f"{base}/mentions/read", back=back).headers["location"] == base


def test_who_opens_the_page_has_read_it_and_others_have_not(client: TestClient, staged: Staged) -> None:
    comment_id = _said(staged, staged.grace, Subject.LOG, "@Vera Rubin and @Rita Levi: is it?")
    base = f"/w/{staged.team.workspace.slug}"
    signed_in(client, staged.vera)
    home = client.get(base).text
    assert "Grace Hopper mentioned you on a log of answer" in home
    (url,) = re.findall(r'<a class="btn small" href="([^"]*#comment-[^"]*)"', home)
    assert url == f"{_pages(staged)[Subject.LOG]}#comment-{comment_id}"
    client.get(f"{base}/logs/{staged.things[Subject.LOG]}")
    assert "mentioned you" in client.get(base).text, "the log was opened, and not what is said about it"
    assert f'id="comment-{comment_id}"' in client.get(url.partition("#")[0]).text
    assert "mentioned you" not in client.get(base).text
    signed_in(client, staged.rita)
    assert "mentioned you" in client.get(base).text


def test_mentions_are_marked_as_read_one_at_a_time_or_all(client: TestClient, staged: Staged) -> None:
    ids = [_said(staged, staged.grace, Subject.LOG, f"@Vera {number}") for number in range(7)]
    base = f"/w/{staged.team.workspace.slug}"
    signed_in(client, staged.vera)
    home = client.get(base).text
    assert (home.count("mentioned you on") // 3, "2 more mentions of you" in home) == (5, True)
    assert _post(client, f"{base}/mentions/read", comment=ids[-1]).headers["location"] == base
    with unit_of_work() as session:
        assert service.list_mentions(session, staged.vera)[1] == 6
    listed = client.get(f"{base}/mentions").text
    assert listed.count('<span class="badge accent">new</span>') == 6
    assert listed.count('<li class="todo">') == 7
    _post(client, f"{base}/mentions/read", back=f"{base}/mentions")
    listed = client.get(f"{base}/mentions").text
    assert '<span class="badge accent">new</span>' not in listed
    assert "Mark all as read" not in listed


def test_a_comment_is_edited_and_deleted_without_script(client: TestClient, staged: Staged) -> None:
    comment_id = _said(staged, staged.rita, Subject.VERSION, "@Grace Hopper: why?")
    page, base = _pages(staged)[Subject.VERSION], f"/w/{staged.team.workspace.slug}/comments"
    signed_in(client, staged.grace)
    shown = client.get(page).text
    assert f"/comments/{comment_id}" not in shown, "it is not hers"
    assert client.get(f"{base}/{comment_id}").headers["location"] == f"{page}#comment-{comment_id}"
    assert _post(client, f"{base}/{comment_id}", body="x").status_code == 403
    assert _post(client, f"{base}/{comment_id}/delete").status_code == 403
    signed_in(client, staged.rita)
    edit, delete = re.findall(
        rf'(?:href|action)="(/w/[^"]*/comments/{comment_id}[^"]*)"', client.get(page).text
    )
    form = client.get(html.unescape(edit)).text
    assert "@Grace Hopper: why?</textarea>" in form
    refused = _post(client, f"{base}/{comment_id}", body="  ", back=page)
    assert (refused.status_code, "Write something first" in refused.text) == (422, True)
    saved = _post(client, f"{base}/{comment_id}", body="@Grace Hopper: how?", back=page)
    assert saved.headers["location"] == f"{page}#comment-{comment_id}"
    shown = client.get(page).text
    assert "</span>: how?" in shown
    assert ">edited</span>" in shown
    assert _post(client, html.unescape(delete)).headers["location"] == page
    assert comment_id not in client.get(page).text


def test_a_viewer_reads_and_is_told_why_there_is_no_form(client: TestClient, staged: Staged) -> None:
    _said(staged, staged.grace, Subject.LOG, "look here")
    signed_in(client, staged.vera)
    shown = client.get(_pages(staged)[Subject.LOG]).text
    assert "look here" in shown
    assert "This needs the role admin or developer or member or reviewer" in shown
    assert "<textarea" not in shown


@pytest.mark.parametrize("htmx", [False, True])
def test_words_of_somebody_who_may_not_write_any_more_come_back_to_be_copied(
    client: TestClient, staged: Staged, htmx: bool
) -> None:
    comment_id = _said(staged, staged.rita, Subject.LOG, "first words")
    signed_in(client, staged.vera)
    url = f"/w/{staged.team.workspace.slug}/comments"
    form = {"on": "log", "id": staged.things[Subject.LOG], "body": "Long <b> words"}
    for address in (url, f"{url}/{comment_id}"):
        answer = _post(client, address, htmx=htmx, **form)
        assert answer.status_code == 403
        assert "This needs the role" in answer.text
        assert "Long &lt;b&gt; words</textarea>" in answer.text
        assert "nothing of it was saved" in answer.text


def test_what_a_form_carries_by_itself_is_nothing_that_somebody_wrote(
    client: TestClient, staged: Staged
) -> None:
    signed_in(client, staged.rita)
    answer = client.post(f"/w/{staged.team.workspace.slug}/mentions/read", data={"comment": "com_1"})
    assert answer.status_code == 403
    assert "What you wrote" not in answer.text


def test_lists_say_how_many_in_one_statement_more(client: TestClient, staged: Staged) -> None:
    for subject in Subject:
        for said in ("one", "two"):
            _said(staged, staged.grace, subject, said)
    signed_in(client, staged.grace)
    base = f"/w/{staged.team.workspace.slug}"
    prompts, datasets = f"{base}/prompts/{staged.prompt.file_id}", f"{base}/datasets/{staged.rows.file_id}"
    for url in (f"{base}/logs", prompts, datasets):
        with recorded(get_engine()) as statements:
            shown = client.get(url).text
        assert len(re.findall(r'2<span class="sr-only"> comments on', shown)) == 1, url
        assert sum("from comment" in one.lower() for one in statements) == 1, url
    listed = client.get(f"{datasets}/versions").text
    assert 'sr-only">Comment on v1</span>' in listed
    version = f"{base}/comments?on=version&id={staged.rows.id}"
    assert html.escape(version) in listed
    assert "Comments on cases v1" in client.get(version).text


def test_a_long_thread_shows_its_end_and_leads_to_the_rest(client: TestClient, staged: Staged) -> None:
    with unit_of_work() as session:
        session.execute(
            _insert(),
            [
                {
                    "id": f"com_{number:03}",
                    "w": staged.team.workspace.id,
                    "l": staged.things[Subject.LOG],
                    "b": f"number {number:03}",
                    "a": staged.grace.user_id,
                    "at": f"2026-01-01T00:{number // 60:02}:{number % 60:02}+00:00",
                }
                for number in range(2 * PAGE + 5)
            ],
        )
    signed_in(client, staged.vera)
    shown = client.get(_pages(staged)[Subject.LOG]).text
    assert re.findall(r"number (\d+)", shown) == [f"{n:03}" for n in range(2 * PAGE, 2 * PAGE + 5)]
    (older,) = re.findall(r'href="([^"]*)">Older<', shown)
    shown = client.get(html.unescape(older)).text
    assert re.findall(r"number (\d+)", shown) == [f"{n:03}" for n in range(PAGE, 2 * PAGE)]
    assert ">Older<" in shown
    assert ">Newer<" in shown


def _insert() -> TextClause:
    """Comments as they lie in the table: a hundred take longer than a person may write in a minute."""
    return text(
        "insert into comment (id, workspace_id, log_id, body, author_id, author_name, created_at)"
        " values (:id, :w, :l, :b, :a, 'Grace Hopper', cast(:at as timestamptz))"
    )


def test_a_row_has_the_same_comments_in_an_evaluation(client: TestClient, staged: Staged) -> None:
    admin = staged.team.admin
    with unit_of_work() as session:
        exact = factories.evaluator(session, admin, "exact")
        evaluation = factories.evaluation(session, admin, staged.prompt, exact)
        run = factories.started_run(session, admin, evaluation, staged.prompt, staged.rows)
        factories.finish_run(session, run, ["answer 0", "no"])
    _said(staged, staged.grace, Subject.ROW, "@Rita Levi: is this target right?")
    signed_in(client, staged.rita)
    rows = f"/w/{staged.team.workspace.slug}/evaluations/{evaluation.id}/rows"
    grid = client.get(rows).text
    (number,) = re.findall(r'1<span class="sr-only"> comment on row (\d)', grid)
    drawer = client.get(f"{rows}/{number}", headers={"hx-request": "true", "hx-target": "drawer"}).text
    assert "</span>: is this target right?" in drawer
    assert "is this target right?" not in client.get(f"{rows}/{3 - int(number)}").text
    form = {"on": "row", "id": staged.things[Subject.ROW], "body": "It is.", "back": f"{rows}/{number}"}
    answer = _post(client, f"/w/{staged.team.workspace.slug}/comments", **form)
    assert answer.headers["location"].startswith(f"{rows}/{number}#comment-com_")
    assert "It is." in client.get(_pages(staged)[Subject.ROW]).text


def test_another_workspace_finds_no_page(client: TestClient, staged: Staged) -> None:
    comment_id = _said(staged, staged.grace, Subject.LOG, "secret")
    with unit_of_work() as session:
        other = factories.team(session)
    signed_in(client, other.admin)
    base = f"/w/{other.workspace.slug}/comments"
    form = {"on": "log", "id": staged.things[Subject.LOG], "body": "x"}
    answers = [
        client.get(base, params={"on": "log", "id": staged.things[Subject.LOG]}),
        client.get(f"{base}/{comment_id}"),
        _post(client, base, **form),
        _post(client, f"{base}/{comment_id}", body="x"),
        _post(client, f"{base}/{comment_id}/delete"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 5
    assert all("secret" not in answer.text for answer in answers)
