"""What the automated accessibility check says of a page."""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

_STILL = """() => Promise.all(document.getAnimations()
    .filter(animation => animation.effect.getComputedTiming().endTime < Infinity)
    .map(animation => animation.finished.catch(() => {})))"""

_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > innerWidth).map((each) => each.outerHTML.slice(0, 160)).concat("wide")"""


def violations(page: "Page") -> list[str]:
    """What axe finds, one line each. Waits for what slides in: half transparent text has too little contrast."""
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate(_STILL)
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {json.dumps([node['html'][:160] for node in one['nodes'][:3]])}" for one in found]


def sound(page: "Page", name: str) -> None:
    """Nothing that axe finds, and nothing wider than the window. `name` says which page it was."""
    found = violations(page) + page.evaluate(_WIDE)
    assert found == [], f"{name}: {found}"
