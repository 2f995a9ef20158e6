"""Links are mailed where a mail server is set, and can always be copied."""

import base64
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from app.core.access import Role
from app.core.database import unit_of_work
from app.core.settings import get_settings
from tests import factories
from tests.smtp import MailServer, mail_server
from tests.web import csrf_of, signed_in, with_key


@pytest.fixture
def mails(monkeypatch: pytest.MonkeyPatch, committed_team: factories.Team) -> Iterator[MailServer]:
    """A mail server, and the setting that leads to it."""
    with mail_server() as server:
        monkeypatch.setenv("WHETSTONE_SMTP_URL", server.url)
        monkeypatch.setenv("WHETSTONE_MAIL_FROM", "Whetstone <robot@example.com>")
        get_settings.cache_clear()
        yield server
        monkeypatch.undo()
        get_settings.cache_clear()


def test_an_invitation_is_mailed_and_its_link_works(
    client: TestClient, committed_team: factories.Team, mails: MailServer
) -> None:
    body = {"email": "lena@example.com", "role": "viewer"}
    link = with_key(client, committed_team.admin).post("/v5/members", json=body).json()["link"]
    (mail,) = mails.mails
    assert mail["To"] == "lena@example.com"
    assert mail["From"] == "Whetstone <robot@example.com>"
    assert committed_team.workspace.name in mail["Subject"]
    assert link in mail.get_content()
    assert base64.b64decode(mails.logins[0].split()[-1]) == b"\0user\0p@ss"


def test_a_reset_link_is_mailed_and_shown(
    client: TestClient, committed_team: factories.Team, mails: MailServer
) -> None:
    with unit_of_work() as session:
        person = factories.member(session, committed_team.workspace, Role.MEMBER)
    signed_in(client, committed_team.admin)
    url = f"/w/{committed_team.workspace.slug}/settings/members/{person.user_id}/reset"
    page = client.post(url, data={"_csrf": csrf_of(client)}).text
    assert f"It was mailed to {person.email} as well." in page
    token = page.split("/reset/")[1].split('"')[0]
    assert f"/reset/{token}" in mails.mails[0].get_content()


@pytest.mark.parametrize("trouble", ["refuses", "away", "no TLS"])
def test_without_the_mail_the_link_is_there_to_copy(
    client: TestClient,
    committed_team: factories.Team,
    mails: MailServer,
    monkeypatch: pytest.MonkeyPatch,
    trouble: str,
) -> None:
    mails.refuses = trouble == "refuses"
    addresses = {
        "refuses": mails.url,
        "away": "smtp://127.0.0.1:9",
        "no TLS": mails.url.replace("127.0.0.1", "127.1"),  # which might be any machine
    }
    monkeypatch.setenv("WHETSTONE_SMTP_URL", addresses[trouble])
    get_settings.cache_clear()
    signed_in(client, committed_team.admin)
    url = f"/w/{committed_team.workspace.slug}/settings/members/invite"
    page = client.post(url, data={"_csrf": csrf_of(client), "email": "a@example.com", "role": "viewer"})
    assert page.status_code == 200
    assert "did not take the mail" in page.text
    assert "/join/" in page.text
    assert mails.mails == mails.logins == [] or trouble == "refuses"


def test_a_relay_inside_the_network_may_do_without_tls(
    client: TestClient, committed_team: factories.Team, mails: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = mails.url.replace("127.0.0.1", "127.1") + "?starttls=never"
    monkeypatch.setenv("WHETSTONE_SMTP_URL", relay)
    get_settings.cache_clear()
    body = {"email": "lena@example.com", "role": "viewer"}
    with_key(client, committed_team.admin).post("/v5/members", json=body).raise_for_status()
    assert len(mails.mails) == 1


def test_a_workspace_name_adds_no_header(
    client: TestClient, committed_team: factories.Team, mails: MailServer
) -> None:
    with unit_of_work() as session:
        workspace = session.merge(committed_team.workspace)
        workspace.name = "Evil\r\nBcc: everybody@example.com"
    body = {"email": "lena@example.com", "role": "viewer"}
    made = with_key(client, committed_team.admin).post("/v5/members", json=body)
    assert made.status_code == 201
    assert [mail for mail in mails.mails if mail["Bcc"]] == []
