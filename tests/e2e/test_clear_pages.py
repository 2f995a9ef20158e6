"""An evaluation that stops as soon as it is clear, with the whole stack: chosen in the form, ended by the workers, read in a browser."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from app.providers import service as providers
from app.providers.service import ProviderChange
from tests import factories
from tests.accessibility import violations
from tests.application import Application
from tests.browser import sign_in
from tests.endpoint import Endpoint, running_endpoint

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROWS = 800


@dataclass(frozen=True)
class Seen:
    """A prompt whose second version is right where the first is wrong: in the second half of the rows."""

    base: str
    email: str
    endpoint: Endpoint


@pytest.fixture(scope="module")
def seen(running_app: Application) -> Iterator[Seen]:
    engine = create_engine(running_app.database_url)
    with running_endpoint(30) as endpoint:
        with Session(engine, expire_on_commit=False) as session:
            team = factories.team(session)
            admin = team.admin
            change = ProviderChange(
                name="endpoint", base_url=endpoint.base_url, api_key="k", prices={"m": (20, 60)}
            )
            providers.create_provider(session, admin, change)
            for name in "ab":
                template = f"ECHO<{{{{{name}}}}}> {name} {{{{n}}}}"
                factories.prompt(
                    session, admin, "tests/asked", provider="endpoint", model="m", template=template
                )
            rows = [
                {
                    "inputs": {"n": str(n), "a": "right" if n < ROWS / 2 else "wrong", "b": "right"},
                    "target": {"answer": "right"},
                }
                for n in range(ROWS)
            ]
            factories.dataset(session, admin, rows, "tests/rows")
            factories.evaluator(session, admin, "exact", "tests/Right")
            factories.evaluator(session, admin, "latency", "tests/Speed")
            session.commit()
        yield Seen(f"/w/{team.workspace.slug}", admin.email, endpoint)
    engine.dispose()


@pytest.fixture
def inside(page: "Page", seen: Seen) -> "Page":
    """A page that has signed in."""
    sign_in(page, seen.email, seen.base)
    return page


def _tick(page: "Page", selector: str) -> None:
    """The form is asked for again with each choice."""
    with page.expect_response("**/evaluations/new**"):
        page.click(selector)
    page.wait_for_selector(".htmx-request", state="detached")


@pytest.mark.timeout(180)
def test_it_is_chosen_in_the_form_and_ends_by_itself(inside: "Page", seen: Seen) -> None:
    inside.goto(f"{seen.base}/evaluations/new")
    _tick(inside, "input[aria-label='Use Right']")
    _tick(inside, "#stops_when_clear")
    assert inside.is_checked("#stops_when_clear"), "the choice stays when the form is asked for again"
    assert violations(inside) == []
    inside.click("#start")
    inside.wait_for_selector("text=because it was clear", timeout=60_000)
    inside.wait_for_selector("text=Run the rest", timeout=60_000)
    asked = sum(seen.endpoint.calls().values())
    report = inside.url
    time.sleep(2)
    inside.goto(report)
    sentence = inside.inner_text("section.headline")

    assert sum(seen.endpoint.calls().values()) == asked < ROWS
    assert "v2 is better than v1" in sentence
    assert "95% confidence sequence" in sentence
    assert "Saved:" in sentence
    assert "$" in sentence
    for scheme in ("light", "dark"):
        inside.emulate_media(color_scheme=scheme)
        assert violations(inside) == []
    inside.set_viewport_size({"width": 390, "height": 844})
    assert inside.evaluate("document.documentElement.scrollWidth <= innerWidth")
    inside.goto(f"{report}/rows")
    assert "Not run" in inside.inner_text("main")
    assert violations(inside) == []
