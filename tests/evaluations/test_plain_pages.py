"""The pages of tools, flows and agents: what they say, a test call, versions, deployments, and who may do what."""

import html
import json
import re

import pytest
from fastapi.testclient import TestClient

from app.core.access import Role
from app.core.database import get_engine, unit_of_work
from app.evaluations.file_pages import plain_repository
from app.files import repository as files
from app.files.models import Version
from tests import factories
from tests.statements import recorded
from tests.web import csrf_of, signed_in

SNIPPET = {"function": None, "tool_type": "snippet", "setup_values": {"berlin": "9 to 5", "rome": "10 to 6"}}


def _words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def _tool(team: factories.Team, path: str = "support/hours", **spec) -> Version:
    with unit_of_work() as session:
        return factories.tool(session, team.admin, path, **spec)


def _post(client: TestClient, url: str, **form):
    return client.post(url, data={"_csrf": csrf_of(client)} | form)


def test_a_tool_says_what_it_is_and_who_links_it(client: TestClient, committed_team: factories.Team) -> None:
    tool = _tool(committed_team)
    with unit_of_work() as session:
        factories.prompt(session, committed_team.admin, "support/links it", linked_tools=[tool.file_id])
        other = factories.tool(session, committed_team.admin, "support/other")
        factories.prompt(session, committed_team.admin, "support/links another", linked_tools=[other.file_id])
    signed_in(client, committed_team.admin)
    page = client.get(f"/w/{committed_team.workspace.slug}/tools/{tool.file_id}")
    assert page.status_code == 200, page.text
    words = _words(page.text)
    assert "json_schema A function that a model is told of; your application runs it." in words
    assert "weather(city: string)" in words
    assert '"city" : { "type" : "string" }' in words
    assert "support/links it v1" in words
    assert "support/links another" not in words
    assert "in production" in words


def test_a_test_call_is_the_one_of_the_api_and_is_logged(
    client: TestClient, committed_team: factories.Team
) -> None:
    tool = _tool(committed_team, **SNIPPET)
    signed_in(client, committed_team.admin)
    url = f"/w/{committed_team.workspace.slug}/tools/{tool.file_id}"
    said = _post(client, f"{url}/call", version=1, inputs='{"key": "rome"}')
    assert said.status_code == 200, said.text
    assert "Answered v1 Its log 10 to 6" in _words(said.text)
    log = re.search(rf'/w/{committed_team.workspace.slug}/logs/(log_\w+)"', said.text)
    assert log
    assert client.get(f"/w/{committed_team.workspace.slug}/logs/{log[1]}").status_code == 200
    assert "editor" in _words(client.get(url).text), "a trial of ours, as the log says"


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ("no json", "This is no JSON"),
        ("[1]", "This is no JSON object"),
        ('{"key": "paris"}', "The snippet has no key paris. Its keys: berlin, rome."),
        ('{"key": "a\\u0000b"}', ""),
        ("{}", "Give the input `key`"),
    ],
)
def test_what_is_wrong_with_a_call_stands_in_its_place(
    client: TestClient, committed_team: factories.Team, inputs: str, says: str
) -> None:
    tool = _tool(committed_team, **SNIPPET)
    signed_in(client, committed_team.admin)
    url = f"/w/{committed_team.workspace.slug}/tools/{tool.file_id}/call"
    said = _post(client, url, version=1, inputs=inputs)
    assert said.status_code == 422
    page = html.unescape(said.text)
    assert 'role="alert"' in page
    assert says in page
    assert inputs in page, "what was typed is still there"


def test_a_failed_call_says_why(client: TestClient, committed_team: factories.Team) -> None:
    function = {"name": "f", "parameters": {"type": "object", "properties": {"a": {}}, "required": ["a"]}}
    tool = _tool(committed_team, function=function)
    signed_in(client, committed_team.admin)
    url = f"/w/{committed_team.workspace.slug}/tools/{tool.file_id}/call"
    said = _words(_post(client, url, version=1, inputs="{}").text)
    assert "Failed v1 Its log The schema requires a." in said


def test_only_those_who_may_run_call_it(client: TestClient, committed_team: factories.Team) -> None:
    tool = _tool(committed_team, **SNIPPET)
    with unit_of_work() as session:
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
        other = factories.team(session, "Elsewhere")
    url = f"/w/{committed_team.workspace.slug}/tools/{tool.file_id}"
    signed_in(client, viewer)
    page = client.get(url).text
    assert "This needs the role admin or developer or member" in page
    assert _post(client, f"{url}/call", version=1, inputs='{"key": "rome"}').status_code == 403
    assert client.post(f"{url}/call", data={"version": 1, "inputs": "{}"}).status_code == 403, "no token"
    client.cookies.clear()
    signed_in(client, other.admin)
    assert client.get(url).status_code == 404
    elsewhere = url.replace(committed_team.workspace.slug, other.workspace.slug)
    assert client.get(elsewhere).status_code == 404
    assert _post(client, f"{elsewhere}/call", version=1, inputs="{}").status_code == 404


def test_a_tool_is_written_and_changed_by_form(client: TestClient, committed_team: factories.Team) -> None:
    signed_in(client, committed_team.admin)
    base = f"/w/{committed_team.workspace.slug}/tools"
    spec = {"function": {"name": "find_order", "parameters": {"type": "object", "properties": {"n": {}}}}}
    made = _post(client, f"{base}/new", path="support/find_order", spec=json.dumps(spec), note="first")
    assert made.status_code == 303, made.text
    url = made.headers["location"]
    assert "find_order(n)" in _words(client.get(url).text)
    page = url.partition("?")[0]
    assert "find_order" in client.get(f"{page}/edit").text
    spec["function"]["description"] = "Finds an order."
    assert (
        _post(client, f"{page}/edit", spec=json.dumps(spec), note="say what").headers["location"]
        == f"{page}?version=2"
    )
    assert "1 setting changed" in _words(client.get(f"{page}/diff").text)
    words = _words(client.get(page).text)
    assert "v2 say what" in words
    again = _post(client, f"{page}/edit", spec=json.dumps(spec), note="again")
    assert again.headers["location"] == f"{page}?version=2", "the same content is the same version"
    for path, text, says in (
        ("support/find_order", json.dumps(spec), "There is something at this path already"),
        ("support / find_order/", json.dumps(spec), "There is something at this path already"),
        ("support/x", "{", "This is no JSON that can be kept: not valid JSON"),
        (
            "support/x",
            '{"attributes": {"n": 123456789012345678901234567890}}',
            "123456789012345678901234567890",
        ),
        ("support/x", '{"attributes": {"a": 1, "a": 2}}', "This is no JSON that can be kept"),
        ("support/x", "{}", "Say what the tool is"),
        ("support/x", '{"function": {"name": ""}}', "function.name"),
        ("support/x", '{"tool_type": "get_api_call", "setup_values": {"url": "http://10.0.0.1/"}}', ""),
        ("", json.dumps(spec), ""),
    ):
        refused = _post(client, f"{base}/new", path=path, spec=text)
        assert refused.status_code in (409, 422), (path, text)
        assert 'role="alert"' in refused.text
        assert says in html.unescape(refused.text)
        assert html.escape(text).replace("&quot;", "&#34;") in refused.text, "nothing typed is lost"
    with unit_of_work() as session:
        assert not files.find_file_by_path(session, committed_team.workspace.id, "support/x")


def test_a_tool_that_somebody_changed_meanwhile_is_not_overwritten_unseen(
    client: TestClient, committed_team: factories.Team
) -> None:
    tool = _tool(committed_team)
    signed_in(client, committed_team.admin)
    page = f"/w/{committed_team.workspace.slug}/tools/{tool.file_id}"
    assert '<input type="hidden" name="newest" value="1">' in client.get(f"{page}/edit").text
    mine = json.dumps({"function": {"name": "mine", "parameters": {}}})
    with unit_of_work() as session:
        file = files.find_file(session, committed_team.workspace.id, tool.file_id)
        assert file
        factories.tool(
            session, committed_team.admin, file.path, function={"name": "theirs", "parameters": {}}
        )
    late = _post(client, f"{page}/edit", spec=mine, newest="1")
    assert late.status_code == 409
    assert "committed v2 while you wrote. Nothing was committed." in _words(late.text)
    assert "mine" in late.text, "nothing typed is lost"
    assert '<input type="hidden" name="newest" value="2">' in late.text
    assert _post(client, f"{page}/edit", spec=mine, newest="2").headers["location"] == f"{page}?version=3"


def test_of_many_versions_a_page_lists_the_newest_and_leads_to_the_rest(
    client: TestClient, committed_team: factories.Team
) -> None:
    first = _tool(committed_team)
    with unit_of_work() as session:
        file = files.find_file(session, committed_team.workspace.id, first.file_id)
        assert file
        for n in range(2, 54):
            factories.tool(
                session, committed_team.admin, file.path, function={"name": f"f{n}", "parameters": {}}
            )
    signed_in(client, committed_team.admin)
    base = f"/w/{committed_team.workspace.slug}/tools/{first.file_id}"
    page = client.get(base).text
    assert '"city"' in html.unescape(page), "v1 runs, and is shown though it is not listed"
    listed = re.findall(r'<a class="ver" href="[^"]*version=([0-9]+)"', page.partition("Deployments")[0])
    assert listed == [str(n) for n in range(53, 3, -1)]
    assert 'What changed<span class="sr-only"> in v4</span>' in page
    assert f'href="{base}?before=4#vs"' in page
    rest = client.get(f"{base}?before=4").text
    listed = re.findall(r'<a class="ver" href="[^"]*version=([0-9]+)"', rest.partition("Deployments")[0])
    assert listed == ["3", "2", "1"]
    assert "Deploy v53" in rest, "the newest, wherever one looks"
    assert f'href="{base}?before=' not in rest
    diff = client.get(f"{base}/diff?from=1&to=2").text
    assert '<option value="1" selected>' in diff
    assert client.get(f"{base}/diff?to=1").status_code == 404
    assert client.get(f"{base}/diff?from=99").status_code == 404
    assert client.get(f"{base}?version=99").status_code == 404


def test_who_links_a_tool_is_looked_for_in_the_versions_that_count(
    client: TestClient, committed_team: factories.Team
) -> None:
    """The newest ones and those that run; of all the others no content is read."""
    tool = _tool(committed_team)
    with unit_of_work() as session:
        for n in range(30):
            factories.prompt(
                session,
                committed_team.admin,
                "support/once",
                temperature=n / 100,
                linked_tools=[tool.file_id],
            )
        factories.prompt(session, committed_team.admin, "support/once", temperature=0.9)
        factories.prompt(session, committed_team.admin, "support/now", linked_tools=[tool.file_id])
    with unit_of_work() as session:
        uses = plain_repository.list_uses(session, committed_team.workspace.id, tool.file_id, 50)
        assert [(use.path, use.number) for use in uses] == [("support/now", 1), ("support/once", 1)]
        with recorded(get_engine()) as sent:
            plain_repository.list_uses(session, committed_team.workspace.id, tool.file_id, 50)
        values = {"workspace": committed_team.workspace.id, "file": tool.file_id, "limit": 50}
        # Of so few rows the planner reads all, once it has counted them: which way it would go with many is asked here.
        session.connection().exec_driver_sql("set local enable_seqscan = off")
        (plan,) = session.connection().exec_driver_sql(
            f"explain (analyze, format json) {sent[0]}", values
        ).scalar_one()  # fmt: skip
    assert _looked_through(plan["Plan"]) <= 3


def _looked_through(node: dict) -> int:
    """Rows whose content a plan looked through."""
    said = node.get("Filter", "") + node.get("Join Filter", "")
    dropped = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Join Filter", 0)
    mine = (node["Actual Rows"] + dropped) * node["Actual Loops"] if "spec" in said else 0
    return mine + sum(_looked_through(each) for each in node.get("Plans", []))


def test_a_flow_shows_its_steps_as_its_traces_do(client: TestClient, committed_team: factories.Team) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        flow = factories.flow(session, admin, "support/triage", commit="4f2a1c")
        old = factories.prompt(session, admin, "support/classify")
        new = factories.prompt(session, admin, "support/classify", temperature=0.5)
        tool = factories.tool(session, admin, "support/find_order")
        for n in range(4):
            root = factories.logged(session, admin, flow, inputs={"q": str(n)})
            step = factories.logged(session, admin, old if n == 0 else new, trace_parent_id=root)
            said = {"error": "no answer"} if n == 3 else {"output": "found"}
            factories.logged(session, admin, tool, trace_parent_id=step, **said)
    signed_in(client, admin)
    page = client.get(f"/w/{committed_team.workspace.slug}/flows/{flow.file_id}")
    assert page.status_code == 200, page.text
    words = _words(page.text)
    assert '"commit" : "4f2a1c"' in words
    assert "as the last 4 traces show them" in words
    assert "classify v2 3× v1 1× 4 of 4 4" in words
    assert "find_order v1 4 of 4 4 1" in words
    assert words.index("classify v2") < words.index("find_order v1")
    assert words.count("Not complete yet") == 4
    assert f"/prompts/{new.file_id}" in page.text


def test_more_traces_take_no_more_statements(client: TestClient, committed_team: factories.Team) -> None:
    from app.evaluations.file_pages.flow_steps import build_traces

    admin = committed_team.admin
    with unit_of_work() as session:
        flow = factories.flow(session, admin, "support/triage", commit="1")
        prompt = factories.prompt(session, admin, "support/classify")

    def statements() -> int:
        with unit_of_work() as session:
            file = files.find_file(session, admin.workspace_id, flow.file_id)
            with recorded(get_engine()) as sent:
                build_traces(session, admin.workspace_slug, file)
        return len(sent)

    counts = []
    for _ in range(2):
        with unit_of_work() as session:
            for _ in range(3):
                root = factories.logged(session, admin, flow)
                factories.logged(session, admin, prompt, trace_parent_id=root)
        counts.append(statements())
    assert counts[0] == counts[1]


@pytest.mark.parametrize("kind", ["tool", "flow", "agent"])
def test_every_kind_has_versions_a_diff_and_deployments(
    client: TestClient, committed_team: factories.Team, kind: str
) -> None:
    admin = committed_team.admin
    with unit_of_work() as session:
        make = {
            "tool": lambda n: factories.tool(session, admin, "x/one", attributes={"n": n}),
            "flow": lambda n: factories.flow(session, admin, "x/one", n=n),
            "agent": lambda n: factories.agent(session, admin, "x/one", max_iterations=n),
        }[kind]
        first = make(1)
        make(2)
        staging = next(e for e in files.list_environments(session, admin.workspace_id) if e.name == "staging")
    signed_in(client, admin)
    url = f"/w/{committed_team.workspace.slug}/{kind}s/{first.file_id}"
    for address in (url, f"{url}?version=2", f"{url}/diff", f"{url}/deploy"):
        assert client.get(address).status_code == 200, address
    assert client.get(f"{url}?version=9").status_code == 404
    assert "1 setting changed" in _words(client.get(f"{url}/diff?from=1&to=2").text)
    done = _post(client, f"{url}/deploy", version=2, environment=staging.id)
    assert done.headers["location"] == url
    assert "v2, in staging" in _words(client.get(f"{url}?version=2").text)
    tree = client.get(f"/w/{committed_team.workspace.slug}/files").text
    assert f'href="{url}"' in tree, "the tree leads there"
    assert client.get(f"/w/{committed_team.workspace.slug}/files/x/one").headers["location"] == url
    other = "flow" if kind == "tool" else "tool"
    assert client.get(url.replace(f"/{kind}s/", f"/{other}s/")).status_code == 404, (
        "each kind has its own page"
    )
