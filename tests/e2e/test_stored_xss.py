"""Fifty texts that try to be scripts, in every text column of the database; then every page, in a real browser.

Nothing runs, nothing is fetched, no element of theirs exists, and the browser has nothing to refuse: escaping holds without
the content security policy (which the browser is told to ignore at first), and the policy holds beside it.
"""

import dataclasses
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, select

from app.accounts import service as accounts
from app.core import clock, ids
from app.core.access import Role
from app.core.csrf import GUEST_COOKIE, SESSION_COOKIE
from app.core.database import unit_of_work
from app.core.security import signature
from app.datasets.summary import summarise
from app.evaluations.models import RunItem
from app.files import deployments
from app.files import service as files
from app.files.models import FileKind
from app.logs.records import LogRecord
from app.logs.repository import insert_logs
from app.providers.service import ProviderChange, create_provider
from app.tables import ALL_TABLES
from tests import factories
from tests.architecture.test_access import EVERY
from tests.architecture.test_injection import PAGES as SEARCHES
from tests.architecture.world import World, build_world
from tests.canary import Canary, running_canary
from tests.hostile_text import KEPT, PAYLOADS, Poison, is_filled
from tests.web_process import running_web

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Dialog, Page

OPENED = sorted(
    route for route in EVERY
    if route.startswith("GET ") and "/v5/" not in route and not route.endswith(("/events", "/export", "/file", "/newer-logs", "/spans/{span_id}", "/openapi.json", "/health/live"))
)  # fmt: skip
"""Every page. Not streams, which have no end, nor downloads, which are never shown."""
DOWNLOAD = "POST /w/{w}/settings/export"
SENT = sorted(
    route for route in EVERY if route.startswith("POST /") and "/v5/" not in route and route != DOWNLOAD
)
"""Every form, but for the one that is answered with a download: no page follows it."""
NOT_SENT = {"POST /signout", "POST /w/{w}/settings/account/sign-out-everywhere", "POST /signin"}
"""They end the session that looks."""
ROWS = len(PAYLOADS)
BY_API = "no page shows it: it is the API's"
NOT_SHOWN = {
    "file.description": BY_API,
    "file.tags": BY_API,
    "file.readme": BY_API,
    "deletion.folders": "the folders that are made again; the first of them is shown",
    "judgment.options_value": BY_API,
    "log.environment": BY_API,
    "log.user": BY_API,
    "log.metadata": BY_API,
    "log.messages": BY_API,
    "log.output_message": BY_API,
    "log.provider_request": BY_API,
    "log.provider_response": BY_API,
    "log.stdout": BY_API,
    "log.tool_choice": BY_API,
    "row_generation.inputs": BY_API,
    "judgment.engine": "where a program judged: the server writes it",
    "version.summary": "counts; its words are targets, which are shown, and the splits' names",
}

_WATCH = """
window.__refused = [];
document.addEventListener("securitypolicyviolation", (event) => window.__refused.push(
    `${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""
_LOOK = r"""
() => {
  const found = [...window.__refused];
  const addresses = ["href", "src", "action", "formaction", "xlink:href", "srcset", "data", "poster", "hx-get",
                     "hx-post", "hx-put", "hx-delete", "hx-patch", "sse-connect", "data-poll"];
  const look = (root) => {
    for (const element of root.querySelectorAll("*")) {
      const shown = element.outerHTML.slice(0, 300);
      if (element.matches("base, iframe, object, embed, meta[http-equiv], style")) found.push(`element: ${shown}`);
      for (const { name, value } of element.attributes) {
        if (name === "data-xss" || /^on|^(data-)?hx-on|^data-hx|^hx-vars$/i.test(name)
            || (name === "hx-ext" && value !== "sse") || /^(js|javascript):/i.test(value)) found.push(`${name}: ${shown}`);
        if (name === "style" && /url\(|import/i.test(value)) found.push(`style: ${shown}`);
        const linked = element.matches('.remark > a[rel="nofollow noopener noreferrer"]') && name === "href" && /^https?:\/\//i.test(value);  // in a comment: only a click follows it
        if (addresses.includes(name) && !linked && new URL(value, location.href).origin !== location.origin) found.push(`${name}: ${shown}`);
      }
      if (element.tagName === "TEMPLATE") look(element.content);
    }
  };
  look(document);
  return found;
}
"""


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    with running_canary() as found:
        yield found


@pytest.fixture
def web(database: Engine) -> Iterator[str]:
    """The address of a web process on the database of this test."""
    with running_web() as process:
        yield process.url


@dataclass
class Stage:
    """The poisoned database: two worlds of its things, who looks, and what stands where."""

    worlds: list[World]
    token: str
    poison: Poison
    asking: list[str]
    """Prompts of the hostile model: one is answered, one fails."""
    querying: str
    """An evaluator that holds a database."""


_ASK = [{"role": "user", "content": "Say it."}]


@pytest.fixture
def stage(database: Engine, canary: Canary) -> Stage:
    poison = Poison(canary.url)
    with unit_of_work() as session:
        world = build_world(session, Role.ADMIN)
        rich = _rich(session, world, poison)
        held = factories.database(session, world.team.admin)
        querying = factories.evaluator(session, world.team.admin, "sql_match", database=held).file_id
        user = accounts.repository.find_user_by_email(session, world.team.admin.email)
        assert user is not None
        token = accounts.start_session(session, user)
    with unit_of_work() as session:
        poison.fill(session)
    with unit_of_work() as session:  # what the hostile model is called by has to be found
        hostile = ProviderChange(name="hostile", base_url=f"{canary.url}/v1", api_key="k")
        create_provider(session, world.team.admin, hostile)
        asking = [
            factories.prompt(
                session, world.team.admin, model=model, provider="hostile", template=_ASK
            ).file_id
            for model in ("answering", "failing")
        ]
    return Stage([world, rich], token, poison, asking, querying)


def _rich(session: Any, world: World, poison: Poison) -> World:
    """The world with a prompt that says everything, as many rows as there are payloads, and more kinds of text."""
    admin, said = world.team.admin, poison.text("model")
    template = [
        {"role": "system", "content": "x"},
        {"role": "user", "name": "example", "content": "x"},
        {"role": "assistant", "name": "example", "content": "x"},
        {"role": "assistant", "tool_calls": [{"id": "x", "function": {"name": "x", "arguments": "x"}}]},
        {"role": "tool", "tool_call_id": "x", "content": "x"},
        {"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "x"}}]},
        {"role": "user", "content": "{{question}} x"},
    ]  # fmt: skip
    spec: dict[str, Any] = {
        "template": template, "stop": ["x"], "other": {"x": "x"}, "attributes": {"x": "x"}, "linked_tools": ["x"],
        "tools": [{"name": "x", "description": "x", "parameters": {"type": "object", "title": "x"}}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"title": "x"}}},
    }  # fmt: skip
    old = factories.prompt(session, admin, "hostile/prompt", **spec)
    new = factories.prompt(session, admin, "hostile/prompt", **spec, temperature=0.5)
    factories.panes(session, admin, old, model="x", provider="x")
    rows = factories.dataset(
        session, admin,
        [
            {
                "inputs": {"question": f"x {n}"}, "target": {"answer": f"answer {n}"}, "context": ["x"],
                "messages": [{"role": "user", "content": "x"}], "metadata": {"x": "x"}, "cluster": f"x {n % 9}",
            }
            for n in range(ROWS)
        ],
        "hostile/rows",
    )  # fmt: skip
    factories.dataset_draft(session, admin, rows)
    judges = [
        factories.evaluator(session, admin, "class_match", "hostile/classes"),
        factories.evaluator(session, admin, "contains", "hostile/contains", text="x"),
        factories.evaluator(
            session, admin, "llm_judge", "hostile/judge", model="x", provider="x", rubric="x {{log.output}}",
            verdict="select", choices=["x", "y"],
        ),
    ]  # fmt: skip
    evaluation = factories.evaluation(session, admin, old, *judges)
    runs = [factories.started_run(session, admin, evaluation, version, rows) for version in (old, new)]
    for run in runs:
        factories.finish_run(session, run, [f"answer {n}" if n % 5 else "x" for n in range(ROWS)])
    summarise(session, rows)
    files.commit(session, admin, files.Commit(FileKind.PROMPT, dict(new.spec), file_id=new.file_id, note="x"))
    production = deployments.get_environment(session, admin, "production")
    deployments.deploy(session, admin, new.file, new, production)
    now = clock.now().isoformat()
    insert_logs(
        session,
        [
            LogRecord(
                ids.new_id("log"), admin.workspace_id, new.file_id, new.id, "editor", now, now, model=said
            )
        ],
    )
    rich = dataclasses.replace(
        world, prompt=old, newer_prompt=new, dataset=rows, evaluation=evaluation, quiet_evaluation=evaluation,
        compared_evaluation=evaluation,
        evaluator=judges[2], run=runs[0], failed_run=runs[1],
    )  # fmt: skip
    first = select(RunItem).where(RunItem.run_id == runs[0].id, RunItem.position == 0)
    return dataclasses.replace(rich, datapoint_id=session.scalars(first).one().datapoint_id)


@dataclass
class Watch:
    """What happened in a browser that must not happen."""

    page: "Page"
    happened: list[str] = field(default_factory=list)
    text: str = ""
    """Of all that was answered: what of the database was shown at all."""

    def look(self, where: str) -> None:
        """Look at the page that is open."""
        self.happened += [f"{where}: {one}" for one in self.page.evaluate(_LOOK)]
        self.text += self.page.content()


def _watched(context: "BrowserContext", web: str, token: str) -> Watch:
    context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": web}])
    page = context.new_page()
    page.set_default_timeout(15_000)
    watch = Watch(page)
    page.add_init_script(_WATCH)
    context.expose_function("canary", lambda: watch.happened.append(f"a script ran on {page.url}"))

    def asked(dialog: "Dialog") -> None:
        if dialog.type == "beforeunload":  # what was typed would be lost: a question of ours
            dialog.accept()
            return
        watch.happened.append(f"dialog on {page.url}")
        dialog.dismiss()

    page.on("dialog", asked)
    context.on(
        "request",
        lambda asked: (
            None if asked.url.startswith(web) else watch.happened.append(f"{page.url} asked {asked.url}")
        ),
    )
    return watch


def _address(route: str, world: World) -> str:
    path, query = EVERY[route](world).path, EVERY[route](world).query
    url = route.split(" ")[1].replace(":path}", "}").format(**path)
    return url + ("?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else "")


def test_every_text_column_is_filled_or_says_why() -> None:
    names = {f"{table.name}.{column.name}" for table in ALL_TABLES for column in table.columns}
    assert set(KEPT) <= names, "a column that is gone"
    assert len(PAYLOADS) >= 50
    filled = [f"{t.name}.{c.name}" for t in ALL_TABLES for c in t.columns if is_filled(c)]
    assert len(filled) > 50


@pytest.mark.browser
@pytest.mark.long
@pytest.mark.timeout(900)  # three hundred pages, one after the other
@pytest.mark.parametrize("policy", ["without the policy", "with the policy"])
def test_no_page_runs_what_is_stored(
    browser: "Browser", web: str, stage: Stage, canary: Canary, policy: str
) -> None:
    with browser.new_context(base_url=web, bypass_csp=policy.startswith("without")) as context:
        watch = _watched(context, web, stage.token)
        own_pages = f"{web}/guest-reviews/{stage.worlds[0].guest.id}/"
        guest = {"name": GUEST_COOKIE, "value": stage.worlds[0].guest_session, "url": own_pages}
        context.add_cookies([guest])
        for world in stage.worlds:
            for route in OPENED:
                answer = watch.page.goto(_address(route, world))
                assert answer is not None
                assert answer.status < 500 or route == "GET /health/ready", (
                    f"{route}: {watch.page.content()[:2000]}"
                )
                _has_policy(answer.headers)
                watch.look(route)
            for number in range(2, 8):  # what is filled in every fifth row stands on one of them
                for part in ("", "/logs"):
                    row = f"/w/{world.slug}/evaluations/{world.evaluation.id}/rows/{number}{part}"
                    watch.page.goto(row)
                    watch.look(row)
        watch.page.goto(f"/w/{stage.worlds[0].slug}/evaluators/{stage.querying}")
        watch.look("an evaluator with a database")
        own = stage.worlds[0]
        watch.page.goto(
            f"/w/{own.slug}/prompts/{own.prompt.file_id}/draft/diff?base=1&from={own.draft_state_id}&to=draft"
        )
        watch.look("a state of a draft")
        watch.page.goto(f"/w/{stage.worlds[0].slug}")
        assert watch.page.evaluate("[htmx.config.allowEval, htmx.config.selfRequestsOnly]") == [False, True]
        if policy.startswith("without"):
            _run_the_hostile_model(watch, stage)
            _search(watch, stage)
        else:
            _send_forms(watch, stage)
    assert watch.happened == []
    assert canary.asked == []
    assert {f"{t.name}.{c.name}" for t in ALL_TABLES for c in t.columns if is_filled(c)} == set(
        stage.poison.labels.values()
    ), "a column without a row: make one in `_rich`"
    unseen = {column for label, column in stage.poison.labels.items() if label not in watch.text}
    assert unseen <= set(NOT_SHOWN), "a page with it has to be opened, or the reason given"


def _has_policy(headers: dict[str, str]) -> None:
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["base-uri"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert headers["x-content-type-options"] == "nosniff"


def _run_the_hostile_model(watch: Watch, stage: Stage) -> None:
    """Stream a hostile answer, and a provider's hostile error, into the editor."""
    page = watch.page
    for prompt in stage.asking:
        page.goto(f"/w/{stage.worlds[0].slug}/prompts/{prompt}/edit")
        page.locator("[data-run]").click()
        page.locator("#outputs [data-finished]").wait_for()
        watch.look("the answer of the hostile model")


def _search(watch: Watch, stage: Stage) -> None:
    world = stage.worlds[1]
    for url in SEARCHES:
        at = url.replace("{dataset}", world.dataset.file_id).replace("{prompt}", world.prompt.file_id)
        said = "".join(f"%{byte:02x}" for byte in stage.poison.path("searched").encode()[:1500])
        watch.page.goto(f"/w/{world.slug}/{at.replace('{}', said)}")
        watch.look(url)


_ID = re.compile(r"[a-z]+_[0-9A-Za-z]{21,22}|[0-9]+|")


def _send_forms(watch: Watch, stage: Stage) -> None:
    """Send every form with payloads in it: what cannot be saved is said again, and what can be is shown."""
    world = stage.worlds[1]
    for route in SENT:
        if route in NOT_SENT:
            continue
        call = EVERY[route](world)
        form = {
            name: value if _ID.fullmatch(str(value)) or isinstance(value, list) else stage.poison.path("sent")
            for name, value in (call.form or {}).items()
        }
        watch.page.goto("/w/" + world.slug)
        token = json.loads(watch.page.locator("body").get_attribute("hx-headers") or "{}")["x-csrf-token"]
        if "/guest-reviews/" in route:
            token = signature("csrf", world.guest_session)
        named = stage.poison.path("file")[:120] + ".csv"
        upload = (named, stage.poison.text("cell")) if call.upload else None
        with watch.page.expect_navigation():
            watch.page.evaluate(_SUBMIT, [_address(route, world), form | {"_csrf": token}, upload])
        watch.look(route)


_SUBMIT = """
([action, fields, upload]) => {
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action });
  if (upload) {
    form.enctype = "multipart/form-data";
    const transfer = new DataTransfer();
    transfer.items.add(new File([upload[1]], upload[0]));
    const input = Object.assign(document.createElement("input"), { type: "file", name: "file" });
    input.files = transfer.files;
    form.append(input);
  }
  for (const [name, values] of Object.entries(fields))
    for (const value of [values].flat()) form.append(Object.assign(document.createElement("textarea"), { name, value }));
  document.body.append(form);
  HTMLFormElement.prototype.submit.call(form);
}
"""
