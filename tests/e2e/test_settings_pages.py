"""Members, environments and the audit log in a real browser, with and without scripts, wide and narrow."""

import re
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.accessibility import sound
from tests.application import Application
from tests.browser import sign_in_by_link
from tests.endpoint import running_endpoint

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EMAIL = "keeper@example.com"
BASE = "/w/settings-pages"
PASSWORD = "a long enough password"
PAGES = (
    "/settings/members", "/settings/keys", "/settings/providers", "/settings/limits", "/settings/environments", "/settings/account", "/settings/export", "/audit",
    "/audit?to=2020-01-01",
)  # fmt: skip


@pytest.fixture(scope="module")
def key(running_app: Application) -> str:
    """An admin's key of a workspace of this module."""
    running_app.run("init", "--workspace", "Settings pages", "--email", EMAIL).check_returncode()
    made = running_app.run("key", "create", "--workspace", "settings-pages", "--name", "k", "--role", "admin")
    return made.stdout.strip()


def _sound(page: "Page", name: str) -> None:
    """No button of a table sticks out either."""
    sound(page, name)
    away = "td.act :is(a, button):not([popover] *)"
    out = "all => all.filter(e => e.offsetParent && e.getBoundingClientRect().right > innerWidth).length"
    assert page.eval_on_selector_all(away, out) == 0, name


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_pages_are_accessible_and_fit(
    page: "Page", running_app: Application, key: str, scheme: "str", width: int
) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/signin")
    _sound(page, "sign-in")
    sign_in_by_link(page, running_app, EMAIL, BASE)
    for path in PAGES:
        page.goto(BASE + path)
        _sound(page, path)
    page.goto(f"{BASE}/settings/members")
    page.get_by_role("link", name="Invite").click()
    page.locator("#dialog #invite-email").wait_for()
    _sound(page, "the invitation")


def test_from_an_invitation_to_a_role(
    page: "Page", browser: "Browser", running_app: Application, key: str
) -> None:
    sign_in_by_link(page, running_app, EMAIL, BASE)
    page.goto(f"{BASE}/settings/members")
    page.keyboard.press("c")
    page.get_by_label("E-mail").fill("lena@example.com")
    page.keyboard.press("Enter")
    link = page.get_by_label("One-time link").input_value()

    with browser.new_context() as elsewhere:
        other = elsewhere.new_page()
        other.goto(link)
        other.get_by_label("Your name").fill("Lena Lind")
        other.get_by_label("Password").fill(PASSWORD)
        other.keyboard.press("Enter")
        other.wait_for_url(f"**{BASE}")

        page.goto(f"{BASE}/settings/members")
        page.get_by_role("combobox", name="Role of Lena Lind").select_option("guest")
        with page.expect_response("**/role"):
            page.get_by_role("button", name="Set the role of Lena Lind").click()
        page.get_by_text("1 of them a guest").wait_for()
        assert other.goto(running_app.url + BASE).status == 403, "at once"

    page.goto(f"{BASE}/audit")
    page.get_by_label("Did", exact=True).select_option("member.role_changed")
    page.get_by_role("button", name="Filter").click()
    assert "action=member.role_changed" in page.url
    page.get_by_text("role guest, was member").wait_for()


def test_everything_is_there_without_scripts(browser: "Browser", running_app: Application, key: str) -> None:
    headers = {"x-api-key": key}
    body = {"email": "plain@example.com", "role": "viewer"}
    link = httpx2.post(f"{running_app.url}/v5/members", json=body, headers=headers).json()["link"]
    with browser.new_context(base_url=running_app.url, java_script_enabled=False) as plain:
        guest = plain.new_page()
        guest.goto(link)
        guest.get_by_label("Your name").fill("Pia Plain")
        guest.get_by_label("Password").fill(PASSWORD)
        guest.get_by_role("button", name="Join").click()
        plain.clear_cookies()
        page = plain.new_page()
        sign_in_by_link(page, running_app, EMAIL, BASE)
        page.goto(f"{BASE}/settings/members")
        page.get_by_label("Role of Pia Plain", exact=True).select_option("developer")
        page.get_by_role("button", name="Set the role of Pia Plain").click()
        assert page.get_by_label("Role of Pia Plain", exact=True).input_value() == "developer"
        page.get_by_role("link", name="More for Pia Plain").click()
        page.get_by_role("button", name="Make reset link").click()
        assert "/reset/" in page.get_by_label("One-time link").input_value()
        page.goto(f"{BASE}/settings/environments")
        page.get_by_role("link", name="New environment").click()
        page.get_by_label("Name", exact=True).fill("pilot")
        page.get_by_role("button", name="Make environment").click()
        page.get_by_role("link", name="More for pilot").click()
        page.get_by_label("Protected: only admins").check()
        page.get_by_label("Pia Plain").check()
        page.get_by_role("button", name="Save").click()
        page.get_by_text("admin, Pia Plain").wait_for()


def test_a_reset_link_is_printed(running_app: Application, key: str) -> None:
    printed = running_app.run("signin", EMAIL, "--reset").stdout
    assert printed.count("\n") == 1
    path = urlsplit(printed.strip()).path
    assert path.startswith("/reset/")
    answer = httpx2.post(running_app.url + path, data={"password": PASSWORD})
    assert answer.status_code == 303


def test_a_stream_ends_when_its_reader_is_removed(running_app: Application, key: str) -> None:
    """Within five seconds, though the run it follows goes on."""
    url, admin = running_app.url, {"x-api-key": key}
    body = {"email": "rea@example.com", "role": "developer"}
    link = httpx2.post(f"{url}/v5/members", json=body, headers=admin).json()["link"]
    with httpx2.Client(base_url=url, timeout=30) as client:
        token = re.findall(r'name="_csrf" value="([^"]+)"', client.get(link).text)[0]
        client.post(link, data={"_csrf": token, "full_name": "Rea Reader", "password": PASSWORD})
        with running_endpoint(15_000) as endpoint:
            evaluation = _slow_run(client, endpoint.base_url, admin)
            member = next(
                m for m in client.get("/v5/members", headers=admin).json() if m["email"] == body["email"]
            )
            removed: list[float] = []

            def remove() -> None:
                time.sleep(1)
                httpx2.delete(f"{url}/v5/members/{member['id']}", headers=admin).raise_for_status()
                removed.append(time.monotonic())

            thread = threading.Thread(target=remove)
            with client.stream("GET", f"{BASE}/evaluations/{evaluation}/events") as events:
                assert events.status_code == 200
                thread.start()
                for _ in events.iter_bytes():
                    pass
            thread.join()
            assert time.monotonic() - removed[0] < 5
            assert client.get(f"{BASE}/evaluations/{evaluation}").status_code == 404
            running = client.get(f"/v5/evaluations/{evaluation}/runs", headers=admin).json()["runs"][0]
            assert running["status"] == "running"


def _slow_run(client: httpx2.Client, endpoint: str, headers: dict[str, str]) -> str:
    def made(path: str, body: object) -> dict:
        return client.post(f"/v5/{path}", json=body, headers=headers).raise_for_status().json()

    made("providers", {"name": "slow", "base_url": endpoint, "api_key": "none"})
    template = [{"role": "user", "content": "{{q}}"}]
    prompt = made("prompts", {"path": "slow", "model": "m", "provider": "slow", "template": template})
    rows = made("datasets", {"path": "slow rows", "datapoints": [{"inputs": {"q": "a"}}]})
    judge = made("evaluators", {"path": "slow exact", "spec": {"kind": "latency", "settings": {}}})
    evaluators = [{"version_id": judge["version_id"]}]
    evaluation = made("evaluations", {"file": {"id": prompt["id"]}, "evaluators": evaluators})
    run = {"dataset": {"version_id": rows["version_id"]}, "version": {"version_id": prompt["version_id"]}}
    made(f"evaluations/{evaluation['id']}/runs", run)
    return evaluation["id"]
