"""Single sign-on against a real provider in a process of its own: the good way, and every lie it can tell."""

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.accounts.models import SignInFlow
from app.accounts.passwords import create_reset_link, find_reset
from app.accounts.repository import find_user_by_email
from app.accounts.service import set_password
from app.accounts.throttle import SINGLE_SIGN_ONS
from app.core import clock
from app.core.access import Role
from app.core.csrf import SESSION_COOKIE
from app.core.database import unit_of_work
from app.core.settings import get_settings
from app.workspaces import invitations
from app.workspaces.audit_repository import AuditFilter, list_entries
from app.workspaces.service import principal_of
from tests import factories
from tests.oidc_provider import CLIENT, SECRET
from tests.web import signed_in

Behave = Callable[..., None]


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The provider's address."""
    program = Path(__file__).parents[1] / "oidc_provider.py"
    with subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.fixture
def behave(
    provider: str, monkeypatch: pytest.MonkeyPatch, committed_team: factories.Team
) -> Iterator[Behave]:
    """Single sign-on that is configured, for the admin of the team unless told otherwise."""
    for name, value in {
        "ISSUER": provider,
        "CLIENT_ID": CLIENT,
        "CLIENT_SECRET": SECRET,
        "NAME": "Northbank",
    }.items():
        monkeypatch.setenv(f"WHETSTONE_OIDC_{name}", value)
    monkeypatch.setenv("WHETSTONE_PUBLIC_URL", "http://whetstone.test")
    get_settings.cache_clear()

    def behave(**how: Any) -> None:
        told = json.dumps({"email": committed_team.admin.email} | how).encode()
        urllib.request.urlopen(urllib.request.Request(f"{provider}/behaviour", told), timeout=5).close()

    behave()
    yield behave
    monkeypatch.undo()
    get_settings.cache_clear()


def _to_provider(client: TestClient, next_: str = "/") -> str:
    """Start, let the provider approve, and return where it sends the browser."""
    return _approved(client.get("/signin/oidc", params={"next": next_}).headers["location"])


def _approved(there: str) -> str:
    opener = urllib.request.build_opener(_Stay)
    with pytest.raises(urllib.error.HTTPError) as sent:
        opener.open(there, timeout=5)
    back = sent.value.headers["location"]
    sent.value.close()
    return back


def _refused(client: TestClient, back: str, refusal: str = "sso-refused") -> None:
    answer = client.get(back)
    assert answer.headers["location"] == f"/signin?problem={refusal}"
    assert SESSION_COOKIE not in client.cookies
    assert 'role="alert"' in client.get(answer.headers["location"]).text


def test_a_person_whom_the_provider_vouches_for_is_in(
    client: TestClient, committed_team: factories.Team, behave: Behave
) -> None:
    page = f"/w/{committed_team.workspace.slug}/files"
    asked = client.get(page).text
    link = re.search(r'href="(/signin/oidc\?next=[^"]+)"', asked)
    assert link
    assert "Continue with Northbank" in asked
    answer = client.get(_to_provider(client, page))
    assert answer.headers["location"] == page
    assert client.get(page).status_code == 200
    with unit_of_work() as session:
        user = find_user_by_email(session, committed_team.admin.email)
        assert user
        assert user.signed_in_by == "sso"


def test_the_case_of_an_address_does_not_matter(
    client: TestClient, committed_team: factories.Team, behave: Behave
) -> None:
    behave(email=committed_team.admin.email.upper())
    assert client.get(_to_provider(client)).headers["location"] == "/"


LIES: dict[str, dict[str, Any]] = {
    "wrong nonce": {"claims": {"nonce": "another"}},
    "no nonce": {"claims": {"nonce": None}},
    "wrong audience": {"claims": {"aud": "another-client"}},
    "no audience": {"claims": {"aud": None}},
    "shared audience without azp": {"claims": {"aud": [CLIENT, "another-client"]}},
    "issued to another client": {"claims": {"azp": "another-client"}},
    "wrong issuer": {"claims": {"iss": "https://elsewhere.example"}},
    "another issuer is discovered": {"discovered_issuer": "https://elsewhere.example"},
    "another issuer answers": {"answer": {"iss": "https://elsewhere.example"}},
    "expired": {"claims": {"exp": int(time.time()) - 120}},
    "no expiry": {"claims": {"exp": None}},
    "issued in the future": {"claims": {"iat": int(time.time()) + 3600}},
    "signed by somebody else": {"forged": True},
    "unsigned": {"algorithm": "none"},
    "signed with our secret": {"algorithm": "HS256"},
    "unknown key": {"kid": "two"},
    "wrong code": {"answer": {"code": "made-up"}},
    "wrong state": {"answer": {"state": "made-up"}},
    "keys that are none": {"keys": [1]},
    "keys that are no list": {"keys": {"kid": 1}},
    "a key without numbers": {"keys": [{"kty": "RSA", "kid": "one"}]},
    "keys without an end": {"keys": ["x" * 2_000_000]},
    "the person said no": {"answer": {"error": "access_denied"}},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_signs_nobody_in(client: TestClient, behave: Behave, lie: str) -> None:
    behave(**LIES[lie])
    if lie == "another issuer is discovered":
        assert client.get("/signin/oidc").headers["location"] == "/signin?problem=sso-refused"
    else:
        _refused(client, _to_provider(client))


@pytest.mark.parametrize("verified", [False, None, "false", 1.5, "yes"])
def test_an_address_that_is_not_verified_counts_for_nothing(
    client: TestClient, behave: Behave, verified: object
) -> None:
    behave(claims={"email_verified": verified})
    _refused(client, _to_provider(client), "sso-unverified")


def test_letters_that_look_like_others_open_no_account(
    client: TestClient, committed_team: factories.Team, behave: Behave
) -> None:
    """The sign of kelvin is a “k” in small letters."""
    with unit_of_work() as session:
        invitations.invite(session, committed_team.admin, "kate@example.com", Role.VIEWER)
    behave(email="\u212aate@example.com")
    _refused(client, _to_provider(client), "sso-unverified")
    behave(email="Kate@example.com")
    assert client.get(_to_provider(client)).headers["location"] == "/"


def test_a_state_works_once_and_in_one_browser(
    client: TestClient, committed_team: factories.Team, behave: Behave
) -> None:
    back = _to_provider(client)
    client.cookies.delete("whetstone_sign_in")
    _refused(client, back)

    there = client.get("/signin/oidc").headers["location"]
    first, second = _approved(there), _approved(there)  # two good codes for one state
    state_cookie = client.cookies["whetstone_sign_in"]
    assert client.get(first).headers["location"] == "/"
    client.cookies.clear()
    client.cookies.set("whetstone_sign_in", state_cookie)
    _refused(client, second)


def test_an_attempt_runs_out(client: TestClient, behave: Behave) -> None:
    back = _to_provider(client)
    with unit_of_work() as session:
        for flow in session.query(SignInFlow):
            flow.expires_at = clock.now()
    _refused(client, back)


def test_the_invited_come_in_without_a_password(
    client: TestClient, committed_team: factories.Team, behave: Behave
) -> None:
    with unit_of_work() as session:
        other = factories.team(session)
        for team, role in ((committed_team, Role.VIEWER), (other, Role.ADMIN)):
            invitations.invite(session, team.admin, "lena@example.com", role)
        gone, _ = invitations.invite(session, other.admin, "gone@example.com", Role.ADMIN)
        invitations.revoke(session, other.admin, gone.id)
    behave(email="gone@example.com")
    _refused(client, _to_provider(client), "sso-unknown")
    behave(email="Lena@example.com", claims={"email_verified": False})
    _refused(client, _to_provider(client), "sso-unverified")

    behave(email="Lena@example.com", claims={"name": "Lena Lind"})
    answer = client.get(_to_provider(client, f"/w/{committed_team.workspace.slug}/files"))
    assert client.get(answer.headers["location"]).status_code == 200
    assert client.get(f"/w/{other.workspace.slug}/settings/members").status_code == 200
    with unit_of_work() as session:
        user = find_user_by_email(session, "lena@example.com")
        assert user
        assert (user.full_name, user.password_hash) == ("Lena Lind", None)
        assert [each.email for each in invitations.list_open(session, other.admin)] == []


def test_only_people_who_have_an_account_come_in(
    client: TestClient, committed_team: factories.Team, behave: Behave
) -> None:
    behave(email="nobody@example.com")
    _refused(client, _to_provider(client), "sso-unknown")
    with unit_of_work() as session:
        user = find_user_by_email(session, committed_team.admin.email)
        assert user
        user.disabled_at = clock.now()
    behave()
    _refused(client, _to_provider(client), "sso-unknown")


@pytest.mark.parametrize(
    ("domains", "fits"), [("example.com", True), ("other.example, EXAMPLE.com", True), ("ample.com", False)]
)
def test_domains_can_be_narrowed(
    client: TestClient, behave: Behave, monkeypatch: pytest.MonkeyPatch, domains: str, fits: bool
) -> None:
    monkeypatch.setenv("WHETSTONE_OIDC_DOMAINS", domains)
    get_settings.cache_clear()
    where = client.get(_to_provider(client)).headers["location"]
    assert where == ("/" if fits else "/signin?problem=sso-unverified")


def test_a_provider_that_is_away_leaves_the_password(
    client: TestClient, behave: Behave, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHETSTONE_OIDC_ISSUER", "http://127.0.0.1:9")
    get_settings.cache_clear()
    where = client.get("/signin/oidc").headers["location"]
    assert where == "/signin?problem=sso-away"
    assert "sign in with a password" in client.get(where).text


def test_without_a_provider_there_is_no_button(client: TestClient) -> None:
    assert "/signin/oidc" not in client.get("/signin").text
    assert client.get("/signin/oidc").headers["location"] == "/signin"


def test_nobody_is_sent_elsewhere_after_single_sign_on(client: TestClient, behave: Behave) -> None:
    assert client.get(_to_provider(client, "//elsewhere.example")).headers["location"] == "/"


def test_an_account_that_somebody_else_made_is_its_owners_from_the_first_sign_on(
    client: TestClient, app: FastAPI, committed_team: factories.Team, behave: Behave
) -> None:
    """Who invites an address that is not theirs, follows the link and waits, has nothing when its owner comes."""
    email, admin = "owner@example.com", committed_team.admin
    page = f"/w/{committed_team.workspace.slug}/files"
    with unit_of_work() as session:
        _, token = invitations.invite(session, admin, email, Role.ADMIN)
        user = invitations.join_as_new(session, token, full_name="Not Me", password=factories.PASSWORD)
        squatter = principal_of(committed_team.workspace, user, Role.ADMIN)
        key = factories.key(session, squatter)
        link = create_reset_link(session, email)
        _, way_back = invitations.invite(session, squatter, "again@example.com", Role.ADMIN)
        others = create_reset_link(session, admin.email, made_by=user.id)
    behave(email=email)
    with_key = {"x-api-key": key}
    with TestClient(app, follow_redirects=False) as before:
        signed_in(before, squatter)
        assert before.get(page).status_code == 200
        assert before.get("/v5/prompts", headers=with_key).status_code == 200
        client.get(_to_provider(client, page))
        assert client.get(page).status_code == 200
        assert before.get(page).status_code == 401
        assert before.get("/v5/prompts", headers=with_key).status_code == 401
    with unit_of_work() as session:
        assert find_reset(session, link) is None
        assert find_reset(session, others) is None
        assert invitations.find_usable(session, way_back) is None
        entries = list_entries(session, committed_team.workspace.id, AuditFilter(), limit=50)
        told = [each.detail for each in entries if each.action == "member.taken_over"]
        assert told == [{"keys_revoked": 1}]
        user = find_user_by_email(session, email)
        assert user
        assert user.password_hash is None
        set_password(user, "set by the owner since")
        key = factories.key(session, squatter)  # by the owner, since

    client.get(_to_provider(client, page))
    assert client.get("/v5/prompts", headers={"x-api-key": key}).status_code == 200
    with unit_of_work() as session:
        user = find_user_by_email(session, email)
        assert user
        assert user.password_hash is not None, "a later sign-on takes nothing away"


def test_the_first_admin_keeps_password_and_keys_beside_single_sign_on(
    client: TestClient, committed_team: factories.Team, behave: Behave
) -> None:
    with unit_of_work() as session:
        key = factories.key(session, committed_team.admin)
    assert client.get(_to_provider(client)).headers["location"] == "/"
    assert client.get("/v5/prompts", headers={"x-api-key": key}).status_code == 200
    client.cookies.clear()
    signed_in(client, committed_team.admin)


def test_ways_to_the_provider_are_bounded_and_those_who_come_back_do_not_count(
    app: FastAPI, client: TestClient, behave: Behave
) -> None:
    for _ in range(3):
        assert client.get(_to_provider(client)).headers["location"] == "/"
    answers = [client.get("/signin/oidc") for _ in range(SINGLE_SIGN_ONS + 5)]
    sent = [each for each in answers if each.status_code == 303]
    assert len(sent) == SINGLE_SIGN_ONS
    refused = answers[-1]
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert "Too many tries. Wait a minute" in refused.text
    assert 'name="password"' in refused.text, "other ways in are still there"
    with unit_of_work() as session:
        assert session.scalar(text("select count(*) from sign_in_flow")) == SINGLE_SIGN_ONS
    elsewhere = TestClient(
        app, base_url="http://whetstone.test", follow_redirects=False, client=("192.0.2.7", 1)
    )
    assert elsewhere.get("/signin/oidc").status_code == 303
