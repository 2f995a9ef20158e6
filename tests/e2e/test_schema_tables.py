"""The table beside a JSON schema, in a real browser: what it shows it changes, and what it cannot show it leaves alone."""

import json
import re
import urllib.request
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.accessibility import violations
from tests.application import Application

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

EMAIL = "schemer@example.com"
WORKSPACE = "Schema tables"
SLUG = "schema-tables"
SCHEMA: dict[str, Any] = {
    "name": "sorted",
    "strict": True,
    "schema": {
        "$defs": {"person": {"type": "object"}},
        "type": "object",
        "properties": {
            "intent": {"type": "string", "enum": ["refund", "other"], "pattern": "^[a-z]+$"},
            "sender": {"$ref": "#/$defs/person"},
            "items": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"price": {"type": ["number", "null"]}},
                    "required": [],
                },
            },
            "odd": {"anyOf": [{"type": "string"}, {"type": "integer"}], "description": "Both"},
        },
        "required": ["intent", "sender"],
        "additionalProperties": False,
    },
}
TOOL = {
    "name": "look",
    "description": "Looks.",
    "parameters": {"type": "object", "properties": {"q": {"type": "string"}}},
}


@pytest.fixture(scope="module")
def key(running_app: Application) -> str:
    made = running_app.run("init", "--workspace", WORKSPACE, "--email", EMAIL)
    assert made.returncode == 0, made.stderr
    return running_app.run(
        "key", "create", "--workspace", SLUG, "--name", "tests", "--role", "admin"
    ).stdout.strip()


@pytest.fixture
def editor(page: "Page", running_app: Application, key: str) -> "Page":
    """The editor on a prompt of this test alone, with its settings open."""
    body = {
        "path": f"Schemas/{uuid.uuid4()}", "model": "practice-1", "provider": "practice", "template": "Sort {{mail}}",
        "response_format": {"type": "json_schema", "json_schema": SCHEMA}, "tools": [TOOL],
    }  # fmt: skip
    asked = urllib.request.Request(
        f"{running_app.url}/v5/prompts",
        json.dumps(body).encode(),
        {"x-api-key": key, "content-type": "application/json"},
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        prompt = json.load(answer)
    link = re.search(r"/signin/link/\S+", running_app.run("signin", EMAIL).stdout)
    assert link
    page.goto(link.group())
    page.get_by_role("main").get_by_role("button").first.click()
    page.wait_for_url(f"**/w/{SLUG}")
    page.goto(f"/w/{SLUG}/prompts/{prompt['id']}/edit")
    page.locator("prompt-editor[data-ready]:visible").first.wait_for()
    page.get_by_text("More settings").click()
    return page


def _tables(editor: "Page", label: str) -> "Locator":
    views = editor.get_by_role("group", name=f"{label} as")
    views.get_by_role("button", name="Table").click()
    return editor.locator("schema-table").filter(has=views)


def _written(editor: "Page", name: str = "json_schema") -> Any:
    return json.loads(editor.locator(f"textarea[name={name}]").input_value())


def test_looking_changes_nothing_and_each_change_touches_its_member_alone(editor: "Page") -> None:
    before = json.dumps(SCHEMA)
    editor.locator("textarea[name=json_schema]").fill(before)
    table = _tables(editor, "JSON schema")
    rows = table.locator("tbody tr")
    assert [row.locator("th input").input_value() for row in rows.all()] == [
        "intent",
        "sender",
        "items",
        "price",
        "odd",
    ]
    assert [row.get_by_text("JSON only", exact=True).count() for row in rows.all()] == [0, 1, 0, 0, 1]
    assert table.get_by_text("JSON only: pattern").is_visible()
    assert table.get_by_text("JSON only: $defs.").is_visible()
    assert violations(editor) == []
    editor.get_by_role("group", name="JSON schema as").get_by_role("button", name="JSON").click()
    assert editor.locator("textarea[name=json_schema]").input_value() == before
    table = _tables(editor, "JSON schema")
    table.get_by_label("Description of intent").fill("What is asked for")
    table.get_by_label("Choices of intent").fill("refund, praise")
    table.get_by_label("Name of property sender").fill("from")
    table.get_by_label("odd is needed").check()
    expected = json.loads(before)
    properties = expected["schema"]["properties"]
    properties["intent"] |= {"description": "What is asked for", "enum": ["refund", "praise"]}
    names = {"sender": "from"}
    expected["schema"]["properties"] = {names.get(name, name): node for name, node in properties.items()}
    expected["schema"]["required"] = ["intent", "from", "odd"]
    found = _written(editor)
    assert found == expected
    assert list(found["schema"]["properties"]) == ["intent", "from", "items", "odd"]


def test_properties_are_added_and_removed_by_keyboard(editor: "Page") -> None:
    table = _tables(editor, "JSON schema")
    table.get_by_role("button", name="Add a property to items").press("Enter")
    editor.keyboard.press("ControlOrMeta+a")
    editor.keyboard.type("count")
    table.get_by_label("Type of property", exact=True).select_option("integer or null")
    inner = _written(editor)["schema"]["properties"]["items"]["items"]
    assert set(inner["properties"]) == {"count", "price"}
    assert inner["properties"]["count"]["type"] == ["integer", "null"]
    assert "count" in inner["required"], "a strict schema needs all that it has"
    table.get_by_role("button", name="Remove intent").press("Enter")
    schema = _written(editor)["schema"]
    assert "intent" not in schema["properties"]
    assert schema["required"] == ["sender"]
    name = table.get_by_label("Name of property sender")
    name.fill("odd")
    table.get_by_role("alert").get_by_text("There is another “odd” beside it.").wait_for()
    name.blur()
    assert name.input_value() == "sender"
    assert violations(editor) == []
    editor.locator("#draft-saved").get_by_text("saved").wait_for()


def test_tools_have_tables_of_their_own(editor: "Page") -> None:
    table = _tables(editor, "Tools")
    table.get_by_label("Description of tool look").fill("Looks it up.")
    table.get_by_label("Type of q").select_option("array")
    table.get_by_label("Type of the items of q").select_option("number")
    table.get_by_role("button", name="Add a tool").click()
    tools = _written(editor, "tools")
    assert tools[0] == {
        "name": "look", "description": "Looks it up.",
        "parameters": {"type": "object", "properties": {"q": {"type": "array", "items": {"type": "number"}}}},
    }  # fmt: skip
    assert tools[1]["name"] == "new_tool"
    table.get_by_role("button", name="Remove tool look").click()
    assert [tool["name"] for tool in _written(editor, "tools")] == ["new_tool"]
    editor.get_by_role("button", name="Commit").click()
    editor.locator("dialog[open]").get_by_role("button", name="Commit").first.wait_for()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"name": ', "This is not JSON"),
        (
            '{"schema": {"type": "object", "properties": {"a": {"minimum": 1.0}}}}',
            "a number, or the order of names",
        ),
        (
            '{"schema": {"type": "object", "properties": {"b": {}, "1": {}}}}',
            "a number, or the order of names",
        ),
        ('{"schema": true, "name": "x"}', "it is no JSON schema"),
    ],
)
def test_what_would_not_come_back_stays_in_the_json_view(editor: "Page", text: str, said: str) -> None:
    editor.locator("textarea[name=json_schema]").fill(text)
    table = _tables(editor, "JSON schema")
    table.get_by_text(said).wait_for()
    assert table.locator("input").count() == 0
    assert editor.locator("textarea[name=json_schema]").input_value() == text


def test_an_empty_field_starts_a_schema(editor: "Page") -> None:
    editor.locator("textarea[name=json_schema]").fill("")
    table = _tables(editor, "JSON schema")
    table.get_by_role("button", name="Start a schema").click()
    table.get_by_role("button", name="Add a property to the schema").click()
    found = _written(editor)
    assert found["schema"] == {
        "type": "object", "properties": {"property": {"type": "string", "description": ""}},
        "required": ["property"], "additionalProperties": False,
    }  # fmt: skip


def test_a_tools_parameters_have_a_table_on_its_page(editor: "Page") -> None:
    editor.goto(f"/w/{SLUG}/tools/new")
    editor.locator("prompt-editor[data-ready]:visible").first.wait_for()
    before = json.loads(editor.locator("textarea[name=spec]").input_value())
    table = _tables(editor, "The tool")
    table.get_by_role("button", name=re.compile("^Add a property to tool")).click()
    editor.keyboard.press("ControlOrMeta+a")
    editor.keyboard.type("order_id")
    after = _written(editor, "spec")
    assert after["function"]["parameters"]["properties"]["order_id"] == {"type": "string", "description": ""}
    assert {name: value for name, value in after.items() if name != "function"} == {
        name: value for name, value in before.items() if name != "function"
    }
    assert violations(editor) == []


def test_properties_are_moved_and_a_version_keeps_their_order(editor: "Page") -> None:
    table = _tables(editor, "JSON schema")
    before = list(_written(editor)["schema"]["properties"])
    assert before == list(SCHEMA["schema"]["properties"]), "as it was written by the API"
    table.get_by_role("button", name="Move items up").press("Enter")
    assert table.get_by_label("Name of property items").evaluate("it => it === document.activeElement")
    table.get_by_role("button", name="Move items up").click()
    assert table.get_by_role("button", name="Move items up").count() == 0, "it is the first"
    table.get_by_role("button", name="Move intent down").click()
    moved = ["items", "sender", "intent", "odd"]
    assert list(_written(editor)["schema"]["properties"]) == moved
    assert list(_written(editor)["schema"]["properties"]["items"]["items"]["properties"]) == ["price"]
    editor.locator("#draft-saved").get_by_text("saved").wait_for()
    editor.reload()
    editor.locator("prompt-editor[data-ready]:visible").first.wait_for()
    assert list(_written(editor)["schema"]["properties"]) == moved, "the draft keeps it"
    editor.get_by_role("button", name="Commit").click()
    dialog = editor.locator("dialog[open]")
    dialog.locator("input[name=note]").fill("Items first")
    dialog.get_by_role("button", name="Commit").click()
    editor.get_by_text("v2").first.wait_for()
    editor.reload()
    editor.locator("prompt-editor[data-ready]:visible").first.wait_for()
    assert list(_written(editor)["schema"]["properties"]) == moved
