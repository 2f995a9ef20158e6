"""A prompt in a real browser: edit, run on a row as the answer streams in, commit, compare, deploy."""

import json
import re
import urllib.request
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.accessibility import violations
from tests.application import Application

if TYPE_CHECKING:
    from playwright.sync_api import Page

EMAIL = "prompter@example.com"
WORKSPACE = "Prompt pages"
SLUG = "prompt-pages"
PASSAGE = (
    "In the old park every place has a tree of its own. At place {0} stands the great oak, which is very old."
)


Post = Callable[[str, dict[str, Any]], dict[str, Any]]


@pytest.fixture(scope="module")
def post(running_app: Application) -> Post:
    """A call that makes something in a workspace of this module, as its admin."""
    made = running_app.run("init", "--workspace", WORKSPACE, "--email", EMAIL)
    assert made.returncode == 0, made.stderr
    key = running_app.run(
        "key", "create", "--workspace", SLUG, "--name", "tests", "--role", "admin"
    ).stdout.strip()

    def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(
            running_app.url + path,
            json.dumps(body).encode(),
            {"x-api-key": key, "content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    return post


@pytest.fixture
def workspace(post: Post) -> dict[str, str]:
    """A prompt of one version and its rows, of this test alone; the ids of the two files."""
    folder = f"Reading/{uuid.uuid4()}"
    template = [
        {"role": "system", "content": "Answer the question with a short phrase."},
        {"role": "user", "content": "Question: {{question}}"},
    ]
    prompt = post(
        "/v5/prompts",
        {
            "path": f"{folder}/Answerer",
            "model": "practice-1",
            "provider": "practice",
            "template": template,
            "commit_message": "Ask alone",
        },
    )
    rows = [
        {
            "inputs": {
                "question": f"What stands at place {n}?",
                "passage": PASSAGE.format(n),
            },
            "target": {"answer": "great oak"},
        }
        for n in range(1, 41)
    ]
    dataset = post("/v5/datasets", {"path": f"{folder}/Places", "datapoints": rows, "commit_message": "Rows"})
    return {"prompt": prompt["id"], "dataset": dataset["id"]}


@pytest.fixture
def person(page: "Page", running_app: Application, workspace: dict[str, str]) -> "Page":
    """The page of somebody who is signed in."""
    link = re.search(r"/signin/link/\S+", running_app.run("signin", EMAIL).stdout)
    assert link
    page.goto(link.group())
    page.get_by_role("main").get_by_role("button").first.click()
    page.wait_for_url(f"**/w/{SLUG}")
    return page


def test_from_a_change_to_production_by_keyboard(person: "Page", workspace: dict[str, str]) -> None:
    base = f"/w/{SLUG}/prompts/{workspace['prompt']}"
    person.goto(f"{base}/edit")
    person.locator("prompt-editor[data-ready]:visible").first.wait_for()
    assert violations(person) == []

    message = person.get_by_role("textbox", name="User message")
    message.focus()
    person.keyboard.press("ControlOrMeta+Home")
    person.keyboard.type("Passage: {{passage}}\n\n")
    changed = person.locator(".line.changed")
    marked = [text.strip() for text in changed.all_inner_texts()]
    assert marked == ["Passage: {{passage}}", ""], "only the new lines are marked"
    assert person.locator(".mirror .var").all_inner_texts() == ["{{passage}}", "{{question}}"]

    with person.expect_response(lambda answer: answer.url.endswith("/edit")):
        message.blur()
    passage = person.get_by_label("passage", exact=True)
    passage.wait_for()
    assert passage.input_value() == PASSAGE.format(1)
    with person.expect_response(lambda answer: answer.url.endswith("/edit")):
        person.keyboard.press("]")
    person.get_by_text("row 2 of 40").wait_for()
    assert "row=2" in person.url
    assert passage.input_value() == PASSAGE.format(2)
    assert "Passage: {{passage}}" in message.input_value(), "the draft is still there"

    message.focus()
    with person.expect_response(lambda answer: answer.url.endswith("/run")) as run:
        person.keyboard.press("ControlOrMeta+Enter")
    assert run.value.headers["content-type"].startswith("text/event-stream")
    card = person.locator("[data-finished=done]")
    card.wait_for()
    assert "great oak" in card.inner_text()
    assert "practice model, not an LLM" in card.inner_text()
    assert "a passage of" in card.inner_text()
    assert violations(person) == []

    person.keyboard.press("ControlOrMeta+s")
    dialog = person.locator("dialog[open]")
    dialog.get_by_text("2 lines changed").wait_for()
    assert violations(person) == []
    person.keyboard.type("Give the passage")
    person.keyboard.press("Enter")
    person.wait_for_url(f"**{base}")
    assert "v2" in person.locator("#versions").inner_text()

    person.goto(f"{base}/diff?from=1&to=2")
    assert person.locator("tr.add ins").first.inner_text() == "Passage: {{passage}}"
    assert violations(person) == []
    person.keyboard.press("p")
    dialog.get_by_role("button", name="Deploy v2").wait_for()
    assert violations(person) == []
    person.keyboard.press("Escape")
    person.wait_for_selector("dialog[open]", state="detached")
    person.keyboard.press("p")
    dialog.get_by_role("button", name="Deploy v2").press("Enter")
    person.wait_for_url("**/deployments")
    assert person.get_by_role("heading", name="v2 answers in production").is_visible()
    assert violations(person) == []


def test_the_draft_runs_beside_its_base_and_both_are_judged(
    person: "Page", post: Post, workspace: dict[str, str]
) -> None:
    judge = post(
        "/v5/evaluators", {"path": f"{uuid.uuid4()}/Right", "spec": {"kind": "exact", "settings": {}}}
    )
    settings = {"model": "practice-1", "provider": "practice", "rubric": "Right? {{log.output}}"}
    asked = post(
        "/v5/evaluators",
        {"path": f"{uuid.uuid4()}/Asked", "spec": {"kind": "llm_judge", "settings": settings}},
    )
    post(
        "/v5/evaluations",
        {
            "name": "By hand",
            "file": {"id": workspace["prompt"]},
            "evaluators": [{"id": judge["id"]}, {"id": asked["id"]}],
        },
    )
    person.goto(f"/w/{SLUG}/prompts/{workspace['prompt']}/edit")
    person.locator("prompt-editor[data-ready]:visible").first.wait_for()
    message = person.get_by_role("textbox", name="User message")
    message.fill("Passage: {{passage}}\n\nQuestion: {{question}}")
    with person.expect_response(lambda answer: answer.url.endswith("/edit")):
        message.blur()
    person.get_by_label("passage", exact=True).wait_for()
    person.get_by_label("What runs").select_option("both")
    with person.expect_response(lambda answer: answer.url.endswith("/scores")):
        person.get_by_role("button", name="Run").click()

    cards = person.locator("#outputs [data-finished=done]")
    assert [card.get_attribute("data-name") for card in cards.all()] == ["v1", "Draft"]
    assert "great oak" in cards.nth(1).inner_text()
    scores = person.locator("#scores")
    scores.get_by_role("table").wait_for()
    assert scores.get_by_role("row").nth(1).inner_text().split() == ["Right", "Fail", "Pass"]
    assert "up to 2 calls of models" in scores.inner_text()
    assert violations(person) == []
    with person.expect_response(lambda answer: answer.url.endswith("/scores")) as answer:
        scores.get_by_role("button", name="Ask the judge, too").click()
    assert answer.value.status == 200
    scores.get_by_role("row").nth(2).wait_for()
    assert scores.get_by_role("row").nth(2).inner_text().startswith("Asked")
    assert violations(person) == []

    with person.expect_response(lambda answer: "/kept-logs" in answer.url):
        cards.nth(1).get_by_role("link", name="Add to a dataset").click()
    person.locator("dialog[open]").get_by_text("The output of this log is right").wait_for()
    assert violations(person) == []


def test_panes_of_other_versions_and_temperatures_run_on_the_same_inputs(
    person: "Page", workspace: dict[str, str]
) -> None:
    person.goto(f"/w/{SLUG}/prompts/{workspace['prompt']}/edit")
    person.locator("prompt-editor[data-ready]:visible").first.wait_for()
    person.get_by_label("What runs").select_option("both")
    for place in (1, 2):
        person.get_by_role("button", name="Pane", exact=True).click()
        person.get_by_role("group", name=f"Pane {place}").wait_for()
    assert person.get_by_role("button", name="Pane", exact=True).count() == 0, "four are the most"
    person.get_by_role("group", name="Pane 1").get_by_label("Version").select_option("1")
    person.get_by_role("group", name="Pane 2").get_by_label("Temperature").fill("0.9")
    assert violations(person) == []
    person.get_by_role("button", name="Run").click()
    cards = person.locator("#outputs [data-finished=done]")
    cards.nth(3).wait_for()
    assert [card.get_attribute("data-name") for card in cards.all()] == [
        "v1", "Draft", "v1", "Draft, temperature 0.9",
    ]  # fmt: skip
    assert violations(person) == []
    person.get_by_role("button", name="Remove pane 1").click()
    person.get_by_role("group", name="Pane 2").wait_for(state="detached")
    assert person.get_by_label("Temperature").last.input_value() == "0.9"


def test_several_answers_of_each_stream_beside_each_other(person: "Page", workspace: dict[str, str]) -> None:
    person.goto(f"/w/{SLUG}/prompts/{workspace['prompt']}/edit")
    person.locator("prompt-editor[data-ready]:visible").first.wait_for()
    person.get_by_label("What runs").select_option("both")
    person.get_by_label("Answers of each").select_option("3")
    person.get_by_role("button", name="Run").click()
    cards = person.locator("#outputs [data-finished=done]")
    cards.nth(5).wait_for()
    names = [f"{side}, answer {number}" for side in ("v1", "Draft") for number in (1, 2, 3)]
    assert [card.get_attribute("data-name") for card in cards.all()] == names
    assert violations(person) == []
    with person.expect_response(lambda answer: answer.url.endswith("/edit")):
        person.keyboard.press("]")
    assert person.get_by_label("Answers of each").input_value() == "3", "another row is asked as often"


def test_pinned_rows_are_run_by_one_key_and_judged_as_they_come(
    person: "Page", post: Post, workspace: dict[str, str]
) -> None:
    judge = post(
        "/v5/evaluators", {"path": f"{uuid.uuid4()}/Right", "spec": {"kind": "exact", "settings": {}}}
    )
    post(
        "/v5/evaluations",
        {"name": "By hand", "file": {"id": workspace["prompt"]}, "evaluators": [{"id": judge["id"]}]},
    )
    person.goto(f"/w/{SLUG}/prompts/{workspace['prompt']}/edit")
    person.locator("prompt-editor[data-ready]:visible").first.wait_for()
    person.get_by_role("button", name="Pin this row", exact=True).click()
    person.get_by_text("1 pinned row").wait_for()
    person.get_by_role("button", name="Next row").click()
    person.get_by_role("button", name="Pin this row", exact=True).click()
    person.get_by_text("2 pinned rows").wait_for()
    assert violations(person) == []
    person.keyboard.press("ControlOrMeta+Shift+Enter")
    person.locator("#pins-told").get_by_text("of 2 pass").wait_for()
    cells = person.get_by_role("group", name="Pinned rows").get_by_role("link")
    assert cells.count() == 2
    assert " by Right" in (cells.first.get_attribute("title") or "")
    assert person.get_by_text("A smoke test, not evidence.").is_visible()
    assert violations(person) == []
    cells.first.click()
    person.wait_for_url("**/logs/**")


def test_leaving_a_draft_that_could_not_be_kept_is_asked_about(
    person: "Page", workspace: dict[str, str]
) -> None:
    person.route("**/draft", lambda _: None)  # on its way, and never answered
    person.goto(f"/w/{SLUG}/prompts/{workspace['prompt']}/edit")
    person.locator("prompt-editor[data-ready]:visible").first.wait_for()
    message = person.get_by_role("textbox", name="User message")
    message.fill("Passage: {{passage}}\n\nQuestion: {{question}}")
    message.blur()
    person.get_by_label("passage", exact=True).wait_for()
    with person.expect_response(lambda answer: answer.url.endswith("/edit")):
        person.keyboard.press("]")
    person.get_by_text("row 2 of 40").wait_for()

    with person.expect_event("dialog") as asked:
        person.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    assert "{{passage}}" in message.input_value()


def test_a_run_can_be_stopped_and_a_refusal_is_shown(person: "Page", workspace: dict[str, str]) -> None:
    person.goto(f"/w/{SLUG}/prompts/{workspace['prompt']}/edit")
    person.locator("prompt-editor[data-ready]:visible").first.wait_for()
    person.get_by_label("Model", exact=True).fill("no-such-model")
    person.get_by_role("button", name="Run").click()
    problem = person.locator("[data-finished=problem]")
    problem.wait_for()
    assert "no-such-model" in problem.inner_text()
    assert violations(person) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_every_page_is_accessible_and_fits(
    person: "Page", workspace: dict[str, str], width: int, theme: str
) -> None:
    person.set_viewport_size({"width": width, "height": 900})
    home, prompt = f"/w/{SLUG}", f"/w/{SLUG}/prompts/{workspace['prompt']}"
    paths = ("", "/files", "/files?q=nothing-like-it", "/create", "/prompts/new")
    own = (
        "",
        "/edit",
        "/draft/history",
        "/draft/diff",
        "/examples",
        "/versions/1",
        "/deployments",
        "/deploy",
    )
    for url in [*(home + path for path in paths), *(prompt + path for path in own)]:
        answer = person.goto(url + ("&" if "?" in url else "?") + f"theme={theme}")
        assert answer
        assert answer.status == 200, url
        assert not person.evaluate("document.documentElement.scrollWidth > innerWidth"), url
        assert violations(person) == []


def test_without_a_script_the_editor_runs_and_commits(
    browser: Any, running_app: Application, workspace: dict[str, str]
) -> None:
    link = re.search(r"/signin/link/\S+", running_app.run("signin", EMAIL).stdout)
    assert link
    with browser.new_context(base_url=running_app.url, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(link.group())
        page.get_by_role("main").get_by_role("button").first.click()
        page.goto(f"/w/{SLUG}/prompts/{workspace['prompt']}/edit?base=1")
        text = page.get_by_role("textbox", name="System message")
        text.fill("Answer in one word.")
        page.get_by_role("button", name="Run").click()
        assert page.locator("[data-finished=done]").is_visible()
        assert text.input_value() == "Answer in one word."
        page.get_by_role("button", name="Commit").click()
        page.get_by_label("Reason").fill("Shorter still")
        page.get_by_role("main").get_by_role("button", name="Commit").click()
        assert page.get_by_text("Shorter still").first.is_visible()
