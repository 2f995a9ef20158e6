"""Reviewing in a real browser, by keyboard alone, on a desk and on a phone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from app.review import answering, repository
from app.review.answering import Answered
from app.review.models import ReviewQueue
from tests import factories
from tests.accessibility import violations
from tests.application import Application
from tests.review.staged import CHOICES, Staged, stage

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = pytest.mark.browser


@dataclass
class Seen:
    """What is looked at."""

    staged: Staged
    queue: ReviewQueue
    url: str


@pytest.fixture
def seen(running_app: Application) -> Iterator[Seen]:
    """A queue of twelve outputs with a choice and a scale, on half of which the second reviewer has answered."""
    engine = create_engine(running_app.database_url)
    with Session(engine, expire_on_commit=False) as session:
        staged = stage(session, rows=12, **CHOICES, instructions="Would you send it as it is?")
        tone = factories.evaluator(
            session, staged.team.admin, "human", "tests/tone", answers="number", lowest=1, highest=5, step=1
        )
        made = factories.review(
            session, staged.team.admin, staged.evaluation, [staged.asked, tone],
            [staged.team.admin, staged.people[0]], runs=[staged.new],
        )  # fmt: skip
        session.commit()
    yield Seen(staged, made, f"{staged.base}/{made.id}")
    engine.dispose()


@pytest.fixture
def inside(page: "Page", seen: Seen) -> "Page":
    """A page that the admin has signed in on."""
    page.goto("/signin")
    page.fill("input[name=email]", seen.staged.team.admin.email)
    page.fill("input[name=password]", factories.PASSWORD)
    page.click("form button")
    page.wait_for_url(f"**/w/{seen.staged.team.workspace.slug}")
    return page


def _answers(running_app: Application, seen: Seen) -> list[tuple[str | None, float | None, str | None]]:
    engine = create_engine(running_app.database_url)
    with engine.connect() as connection:
        found = connection.execute(
            text("select text_value, number_value, rationale from judgment where author = :user order by id"),
            {"user": seen.staged.team.admin.user_id},
        ).all()
    engine.dispose()
    return [tuple(row) for row in found]


def test_a_review_by_keyboard_alone(inside: "Page", seen: Seen, running_app: Application) -> None:
    page = inside
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/review")
    page.get_by_role("link", name="Review 12 of").press("Enter")
    page.wait_for_url("**/items/1")
    page.keyboard.press("y")
    page.keyboard.press("4")
    assert page.get_by_role("radio", name="yes").is_checked()
    page.get_by_label("Note").focus()
    page.keyboard.type("Zebras, no keys: typed")
    page.keyboard.press("Escape")
    page.keyboard.press("5")
    page.keyboard.press("ControlOrMeta+Enter")
    page.wait_for_url("**/items/2?last=1")
    assert page.get_by_text("Item 1 is kept.").is_visible()
    assert _answers(running_app, seen) == [("yes", None, "Zebras, no keys: typed"), (None, 5.0, None)]

    page.keyboard.press("z")
    page.wait_for_url("**/items/1")
    assert _answers(running_app, seen) == []
    assert page.get_by_role("radio", name="yes").is_checked(), "what was said is still in the form"
    page.keyboard.press("n")
    page.keyboard.press("ControlOrMeta+Enter")
    page.wait_for_url("**/items/2?last=1")
    assert _answers(running_app, seen)[0][0] == "no"
    page.keyboard.press("s")
    page.wait_for_url("**/items/3")
    page.keyboard.press("k")
    page.wait_for_url("**/items/2")
    page.keyboard.press("j")
    page.wait_for_url("**/items/3")
    assert page.locator(".sidebar .count.hot").inner_text().startswith("11")


def test_a_double_click_sends_once(inside: "Page", seen: Seen) -> None:
    inside.goto(f"{seen.staged.base}/new?evaluation={seen.staged.evaluation.id}")
    held: list[Route] = []

    def hold(route: "Route") -> None:
        held.append(route)

    inside.route("**/review", hold)  # the server takes its time
    button = inside.get_by_role("button", name="Send to review")
    button.evaluate("one => { one.click(); setTimeout(() => one.click(), 200) }")
    inside.wait_for_timeout(600)
    assert len(held) == 1
    held[0].continue_()
    inside.wait_for_url("**/review/rvq_*")


def test_the_rows_are_sent_as_they_are_filtered(inside: "Page", seen: Seen) -> None:
    inside.goto(f"/w/{seen.staged.team.workspace.slug}/evaluations/{seen.staged.evaluation.id}/rows")
    inside.fill("#q", "slip 7")
    inside.wait_for_url("**q=slip%207*")
    inside.get_by_role("link", name="Send to review").click()
    assert inside.get_by_text("You were looking at rows with “slip 7” in them").is_visible()


def test_logs_are_ticked_and_sent_to_review(inside: "Page", seen: Seen) -> None:
    page, workspace = inside, f"/w/{seen.staged.team.workspace.slug}"
    page.goto(f"{workspace}/logs?source=evaluation")
    boxes = page.locator("input[name=log]")
    chosen = [boxes.nth(n).get_attribute("value") for n in (0, 2)]
    for log_id in chosen:
        page.check(f"input[value='{log_id}']")
    page.keyboard.press("v")
    page.wait_for_url("**/review/from-logs?*")
    assert page.get_by_text("2 logs that you chose.").is_visible()
    page.get_by_role("button", name="Send to review").click()
    page.wait_for_url("**/review/rvq_*")
    assert page.get_by_text("2 outputs of logs that were chosen").is_visible()
    page.goto(f"{workspace}/logs?source=evaluation")
    page.get_by_role("link", name="Send all that match to review").click()
    page.wait_for_url("**/review/from-logs?source=evaluation")
    assert page.get_by_text("logs match and can be read").is_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{workspace}/logs?source=evaluation")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.fixture
def disputed(seen: Seen, running_app: Application) -> int:
    """The second reviewer has answered all, the admin all but their second item, and they differ: a disputed item."""
    engine = create_engine(running_app.database_url)
    with Session(engine, expire_on_commit=False) as session:
        made = session.merge(seen.queue, load=False)
        which, tone = repository.list_evaluators(session, [made.id])[made.id]
        for person, said in ((seen.staged.people[0], "yes"), (seen.staged.team.admin, "with edits")):
            for place in range(1, 13):
                if person is seen.staged.people[0] or place != 2:
                    values = {which.id: said, tone.id: float(1 + place % 5)}
                    better = "Your card is on its way." if said == "with edits" and place % 3 else ""
                    answered = Answered(values, note="Because it is so.", correction=better)
                    answering.answer(session, person, made, place, answered)
        task, _ = answering.get_task(session, seen.staged.team.admin, made, 1)
        session.commit()
        position = task.position
    engine.dispose()
    return position


def test_corrected_outputs_are_written_into_the_dataset(inside: "Page", seen: Seen, disputed: int) -> None:
    page = inside
    page.goto(seen.url)
    page.get_by_role("link", name="Propose as targets").click()
    assert page.get_by_role("heading", name="7 rows get another target").is_visible()
    page.locator("input[name=row]").first.uncheck()
    page.keyboard.press("ControlOrMeta+Enter")
    page.wait_for_url("**/targets?*written=6*")
    assert page.get_by_role("heading", name="1 row gets another target").is_visible()
    page.get_by_role("link", name="tests/dataset").click()
    page.wait_for_url("**/datasets/**")
    page.get_by_role("link", name="Versions").click()
    assert page.get_by_text("6 targets from the review").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path",
    ["{base}", "{base}/new?evaluation={evaluation}", "{base}/from-logs?source=evaluation", "{queue}", "{queue}/items/1", "{queue}/items/2?last=1", "{queue}/disputes/{disputed}", "{queue}/targets", "{queue}/targets?of={question}"],
)  # fmt: skip
def test_axe_finds_nothing_and_a_phone_shows_all(
    inside: "Page", seen: Seen, disputed: int, path: str, scheme: str
) -> None:
    inside.emulate_media(color_scheme=scheme)
    evaluation = seen.staged.evaluation.id
    names = {"evaluation": evaluation, "disputed": disputed, "question": seen.staged.asked.id}
    inside.goto(path.format(base=seen.staged.base, queue=seen.url, **names))
    for details in inside.locator("main details").all():
        details.evaluate("one => { one.open = true }")
    assert violations(inside) == []
    inside.set_viewport_size({"width": 390, "height": 844})
    assert inside.evaluate("document.documentElement.scrollWidth <= innerWidth")
