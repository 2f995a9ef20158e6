"""A first-time user: one who has a mouse alone, and one who has a keyboard alone. Neither knows an address."""

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.accessibility import sound
from tests.application import Application
from tests.browser import sign_in_by_link

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

_MOST_TABS = 120
_EXPECTED = (
    "status of 422",
    "htmx:sendAbort",
    "htmx:afterRequest",
    "htmx:oobErrorNoTarget, #draft-saved",
    "status of 409",
)
_WHERE = """() => {
    const at = document.activeElement, box = at.getBoundingClientRect();
    const rings = [at, ...["prompt-editor", ".message", "label", ".searchbox", "tr"].map((each) => at.closest(each))].filter(Boolean);
    const ringed = rings.some((each) => {
        const style = getComputedStyle(each);
        return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
    });
    const seen = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    const name = `${at.tagName} ${at.getAttribute("aria-label") ?? at.name ?? ""} ${(at.innerText ?? "").trim().slice(0, 40)}`;
    return {name, ringed, seen, lost: at === document.body};
}"""


def station(page: "Page", name: str) -> None:
    """A page that is worth a look: nothing that axe finds and nothing too wide, on a desk in light and on a phone in the dark.
    With WALK_PICTURES the four pictures of it are put into that folder."""
    folder = os.environ.get("WALK_PICTURES")
    every = [("light", 1440), ("dark", 390), *([("dark", 1440), ("light", 390)] if folder else [])]
    for theme, width in every:
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 900 if width == 1440 else 844})
        if folder:
            page.wait_for_timeout(200)
            page.screenshot(path=Path(folder) / f"{name}-{width}-{theme}.png")
        sound(page, f"{name}, {theme}, {width}")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1440, "height": 900})


@contextmanager
def begun(browser: "Browser", application: Application, tool: str, walk: str) -> Iterator["Page"]:
    """The home page of a workspace of this walk alone, which has nothing yet, for somebody who has just signed in. What its
    console complains of fails the walk, but for forms that were refused and answers that a newer one overtook."""
    mark = f"{tool} {zlib.crc32(walk.encode()):08x}"
    slug = mark.lower().replace(" ", "-")
    made = application.run("init", "--workspace", mark, "--email", f"{slug}@example.com")
    assert made.returncode == 0, made.stderr
    complaints: list[str] = []
    with browser.new_context(
        base_url=application.url, locale="en-GB", viewport={"width": 1440, "height": 900}
    ) as context:
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        sign_in_by_link(page, application, f"{slug}@example.com", f"/w/{slug}")
        yield page
    unknown = [text for text in complaints if not any(known in text for known in _EXPECTED)]
    assert unknown == [], unknown


class Mouse:
    """Clicks, drags and types into what was clicked; presses no key that is not a letter of a text."""

    def __init__(self, page: "Page") -> None:
        self.page = page

    def click(
        self, name: str, role: str = "link", *, exact: bool = True, within: "Locator | None" = None
    ) -> None:
        """Click what has this name."""
        self.at((within or self.page).get_by_role(role, name=name, exact=exact).first)  # type: ignore[arg-type]

    def at(self, target: "Locator") -> None:
        """Click there."""
        target.click()

    def write(self, field: "Locator", text: str) -> None:
        """Click into a field, choose all of it, and type over it."""
        field.click(click_count=3)
        field.page.evaluate("document.activeElement.select?.()")  # three clicks choose a line only
        self.page.keyboard.insert_text(text)

    def append(self, field: "Locator", text: str) -> None:
        """Click behind the text of a field, and type on, letter by letter."""
        field.click()
        field.evaluate("field => field.setSelectionRange(field.value.length, field.value.length)")
        self.page.keyboard.type(text)

    def drag(self, source: "Locator", target: "Locator") -> None:
        """Press on one thing, and let go on another."""
        source.hover()
        self.page.mouse.down()
        target.hover()
        target.hover()
        self.page.mouse.up()


class Keys:
    """Goes by Tab and the shortcuts; notes where the focus could not be seen, or was lost."""

    def __init__(self, page: "Page") -> None:
        self.page = page
        self.unseen: list[str] = []

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        """Type over what the field has."""
        self.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(text)

    def skip(self) -> None:
        """From the top of a page into what it is about."""
        self.page.evaluate("document.activeElement.blur()") if self.at_top() else None
        self.press("Tab", "Enter")

    def at_top(self) -> bool:
        """Whether nothing has the focus yet."""
        return bool(self.page.evaluate(_WHERE)["lost"])

    def to(self, target: "Locator", key: str = "Tab") -> None:
        """Press Tab until the target has the focus."""
        target.wait_for(state="attached")
        passed = []
        for _ in range(_MOST_TABS):
            if target.evaluate("target => target === document.activeElement"):
                return
            self.press(key)
            where = self.page.evaluate(_WHERE)
            passed.append(where["name"])
            if not where["lost"] and not (where["ringed"] and where["seen"]):
                self.unseen.append(f"{self.page.url}: {where}")
        raise AssertionError(f"{target} is not reached by {key}: {passed}")

    def on(
        self, name: str, role: str = "link", *, within: "Locator | None" = None, exact: bool = True
    ) -> None:
        """Go to what has this name, and press Enter on it."""
        self.to((within or self.page).get_by_role(role, name=name, exact=exact).first)  # type: ignore[arg-type]
        self.press("Enter")
