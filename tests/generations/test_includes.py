"""What templates include: other prompts and snippets, at the version that runs where they say, on every way to a model."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from app.core.database import unit_of_work
from tests import factories
from tests.generations.calls import CALL_URL, log_of
from tests.generations.model_server import ModelServer
from tests.statements import recorded
from tests.web import csrf_of, signed_in

TONE = "Write as {{brand}} does."


def file_of(caller: TestClient, path: str, template: Any, **more: Any) -> dict[str, Any]:
    body = {"path": path, "provider": "fake", "model": "m", "template": template}
    answer = caller.post("/v5/prompts", json=body | more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def snippet(caller: TestClient, path: str = "parts/greeting", **texts: str) -> dict[str, Any]:
    answer = caller.post("/v5/tools", json={"path": path, "tool_type": "snippet", "setup_values": texts})
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(caller: TestClient, template: Any, path: str = "main", **more: Any) -> str:
    body = {"path": path, "provider": "fake", "model": "m", "template": template}
    answer = caller.post("/v5/prompts", json=body | more)
    assert answer.status_code == 422, answer.text
    return answer.text


def sent(caller: TestClient, model: ModelServer, path: str = "main", **inputs: str) -> list[tuple[str, str]]:
    answer = caller.post(CALL_URL, json={"path": path, "inputs": inputs})
    assert answer.status_code == 200, answer.text
    return [(one["role"], one["content"]) for one in model.bodies[-1]["messages"]]


def deploy(caller: TestClient, file: dict[str, Any], environment: str = "default") -> None:
    environments = caller.get(f"/v5/prompts/{file['id']}/environments").json()
    found = next(one["id"] for one in environments if environment in (one["tag"], one["name"]))
    query = {"version_id": file["version_id"]}
    assert caller.post(f"/v5/prompts/{file['id']}/environments/{found}", params=query).status_code == 200


def test_the_text_of_a_prompt_stands_where_it_is_included(caller: TestClient, model: ModelServer) -> None:
    tone = file_of(caller, "parts/tone", TONE)
    greeting = snippet(caller, text="Hello {{name}}!")
    main = file_of(
        caller,
        "main",
        [
            {"role": "system", "content": 'Be brief. {{ include("parts/tone") }} Thanks.'},
            {
                "role": "user",
                "content": [{"type": "text", "text": "{{include( 'parts/greeting' )}} {{question}}"}],
            },
        ],
    )
    assert [one["name"] for one in main["inputs"]] == ["brand", "name", "question"]
    inputs = {"brand": "{{name}}", "name": "Ann", "question": "Why?"}
    answer = caller.post(CALL_URL, json={"path": "main", "inputs": inputs}).json()
    first, second = model.bodies[-1]["messages"]
    assert first["content"] == "Be brief. Write as {{name}} does. Thanks.", "what fills in is no template"
    assert second["content"] == [{"type": "text", "text": "Hello Ann! Why?"}]
    assert log_of(caller, answer["log_id"])["included"] == [
        {"type": kind, "path": one["path"], "environment": None, "file_id": one["id"], "version_id": one["version_id"], "number": 1}
        for kind, one in (("prompt", tone), ("tool", greeting))
    ]  # fmt: skip
    filled = caller.post(f"/v5/prompts/{main['id']}/populate", json=inputs).json()
    assert filled["populated_template"][0]["content"] == first["content"]
    assert "include(" in filled["template"][0]["content"], "the version is as it was written"
    missing = caller.post(CALL_URL, json={"path": "main", "inputs": {"name": "Ann"}})
    assert (missing.status_code, "brand, question" in missing.text) == (422, True)


def test_messages_stand_in_place_of_the_one_that_includes_them(
    caller: TestClient, model: ModelServer
) -> None:
    file_of(
        caller,
        "parts/shots",
        [
            {"role": "user", "content": "2+2", "name": "example"},
            {"role": "assistant", "content": "4", "name": "example"},
            {"role": "user", "content": "Now {{what}}."},
        ],
    )
    around = [
        {"role": "system", "content": "Add."},
        {"role": "user", "content": ' {{include("parts/shots")}}\n'},
    ]
    file_of(caller, "main", [*around, {"role": "user", "content": "{{more}}"}])
    assert sent(caller, model, what="3+3", more="x") == [
        ("system", "Add."), ("user", "2+2"), ("assistant", "4"), ("user", "Now 3+3."), ("user", "x"),
    ]  # fmt: skip
    said = refusal(caller, [{"role": "user", "content": 'See {{ include("parts/shots") }}'}])
    assert "parts/shots has 3 messages" in said


def test_an_environment_says_which_version_is_included(caller: TestClient, model: ModelServer) -> None:
    file_of(caller, "parts/tone", "old")
    file_of(caller, "parts/tone", "new")
    template = '{{ include("parts/tone") }} {{ include("parts/tone", "staging") }}'
    assert "No version of parts/tone is deployed to staging" in refusal(caller, template)
    assert "nowhere" in refusal(caller, '{{ include("parts/tone", "nowhere") }}')
    staged = file_of(caller, "parts/tone", "staged")
    deploy(caller, staged, "staging")
    file_of(caller, "main", template)
    assert sent(caller, model) == [("user", "old staged")]


def test_what_is_included_is_as_it_is_when_the_model_is_asked(caller: TestClient, model: ModelServer) -> None:
    file_of(caller, "parts/tone", "one {{a}}")
    main = file_of(caller, "main", '{{ include("parts/tone") }}')
    assert [one["name"] for one in caller.get(f"/v5/prompts/{main['id']}").json()["inputs"]] == ["a"]
    newer = file_of(caller, "parts/tone", "two {{b}}")
    assert sent(caller, model, a="x") == [("user", "one x")], "not deployed yet"
    deploy(caller, newer)
    shown = caller.get(f"/v5/prompts/{main['id']}").json()
    assert [one["name"] for one in shown["inputs"]] == ["b"], "no older answer is given again"
    assert sent(caller, model, b="x") == [("user", "two x")]
    with unit_of_work() as session:
        session.execute(text("update file set deleted_at = now() where path = 'parts/tone'"))
    gone = caller.post(CALL_URL, json={"path": "main", "inputs": {"b": "x"}})
    assert gone.status_code == 422
    assert "nothing is at this path" in gone.text
    assert caller.get(f"/v5/prompts/{main['id']}").json()["inputs"] == []


def test_includes_within_includes_are_resolved_and_circles_refused(
    caller: TestClient, model: ModelServer
) -> None:
    file_of(caller, "a", "A")
    file_of(caller, "b", 'B{{ include("a") }}{{ include("a") }}')
    file_of(caller, "c", 'C{{ include("b") }}{{ include("a") }}')
    answer = caller.post(CALL_URL, json={"path": "c"}).json()
    assert model.bodies[-1]["messages"][0]["content"] == "CBAAA"
    assert [one["path"] for one in log_of(caller, answer["log_id"])["included"]] == ["b", "a"]
    assert "goes round in a circle: a → b → a" in refusal(caller, '{{ include("b") }}', path="a")
    assert "goes round in a circle: a → c → b → a" in refusal(caller, '{{ include("c") }}', path="a")
    assert "goes round in a circle: a → a" in refusal(caller, '{{ include("a") }}', path="a")
    with unit_of_work() as session:  # as a deployment or a rename can make it
        session.execute(
            text("""update version set spec = jsonb_set(spec::jsonb, '{template}', '"{{ include(\\"c\\") }}"') where file_id ="""
                 " (select id from file where path = 'a')")
        )  # fmt: skip
    circle = caller.post(CALL_URL, json={"path": "c"})
    assert circle.status_code == 422
    assert "circle" in circle.text


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ include(tone) }}", "in quotation marks"),
        ('{{ include("parts/tone) }}', "in quotation marks"),
        ('{{ include("parts/tone", "a", "b") }}', "in quotation marks"),
        ('{{ include("") }}', "in quotation marks"),
        ('{{ include("parts/none") }}', "nothing is at this path"),
        ('{{ include("parts/rows") }}', "a dataset is at this path"),
        ('{{ include("parts/many") }}', 'many(\\"key\\")'),
        ('{{ include("parts/api") }}', "is a tool, and no snippet"),
        ('{{ include("parts/jinja") }}', "is written in Jinja"),
    ],
)
def test_what_cannot_be_included_is_refused_when_it_is_committed(
    caller: TestClient, template: str, said: str
) -> None:
    file_of(caller, "parts/tone", TONE)
    snippet(caller, "parts/many", one="1", two="2")
    file_of(caller, "parts/jinja", "{% if a %}b{% endif %}", template_language="jinja")
    assert caller.post("/v5/tools", json={"path": "parts/api", "function": {"name": "f", "description": "d"}}).status_code == 200  # fmt: skip
    assert caller.post("/v5/datasets", json={"path": "parts/rows", "datapoints": [{"inputs": {"a": "b"}}]}).status_code in (200, 201)  # fmt: skip
    assert said in refusal(caller, template)
    assert said in refusal(caller, [{"role": "user", "content": template}])


def test_templates_in_jinja_include_those_in_jinja_and_mere_text(
    caller: TestClient, model: ModelServer
) -> None:
    file_of(caller, "parts/jinja", "{% for x in xs %}{{ x }};{% endfor %}", template_language="jinja")
    file_of(caller, "parts/text", 'Say {"a": 1}.')
    snippet(caller, "parts/snippet", only="{{ name|upper }}")
    template = '{{- include("parts/jinja") -}} {{ include("parts/text") }} {{ include("parts/snippet") }}'
    main = file_of(caller, "main", template, template_language="jinja")
    assert [one["name"] for one in main["inputs"]] == ["name", "xs"]
    answer = caller.post(CALL_URL, json={"path": "main", "inputs": {"xs": ["1", "2"], "name": "ann"}})
    assert answer.status_code == 200, answer.text
    assert model.bodies[-1]["messages"][0]["content"] == '1;2; Say {"a": 1}. ANN'
    file_of(caller, "parts/plain", TONE)
    said = refusal(caller, '{{ include("parts/plain") }}', template_language="jinja")
    assert "parts/plain is written in the plain language" in said
    broken = refusal(caller, '{{ include("parts/text") | upper }}', template_language="jinja")
    assert "in quotation marks" in broken


def test_texts_that_grow_without_end_are_refused(caller: TestClient) -> None:
    file_of(caller, "g0", "x" * 1_000)
    for level in range(1, 4):
        file_of(caller, f"g{level}", f'{{{{ include("g{level - 1}") }}}}' * 9)
    assert "over 5 MiB" in refusal(caller, '{{ include("g3") }}' * 9)
    file_of(caller, "big", "x" * (1 << 20))
    assert "over 5 MiB" in refusal(caller, '{{include("big")}}' * 400)
    assert "more than 100 different texts" in refusal(
        caller, "".join(f'{{{{ include("{one}") }}}}' for one in many(caller))
    )
    file_of(caller, "empty", [{"role": "user", "content": ""}] * 1_500)
    assert "more than 2,000 messages" in refusal(
        caller, [{"role": "user", "content": '{{include("empty")}}'}] * 1_500
    )


def test_what_counts_is_what_comes_out_however_many_levels_it_comes_through(
    caller: TestClient, model: ModelServer
) -> None:
    file_of(caller, "l0", "x" * 3_000_000)
    file_of(caller, "m0", [{"role": "user", "content": "x"}] * 1_500)
    for level in range(1, 4):
        file_of(caller, f"l{level}", f'{{{{ include("l{level - 1}") }}}}')
        file_of(caller, f"m{level}", [{"role": "user", "content": f'{{{{ include("m{level - 1}") }}}}'}])
    file_of(caller, "main", [{"role": "user", "content": '{{ include("l3") }}'}])
    file_of(caller, "of messages", [{"role": "user", "content": '{{ include("m3") }}'}])
    assert len(sent(caller, model, "of messages")) == 1_500
    assert "over 5 MiB" in refusal(caller, '{{ include("l3") }}{{ include("l2") }}')
    for level in range(4, 14):
        file_of(caller, f"l{level}", f'{{{{ include("l{level - 1}") }}}}')
    assert "over fewer levels" in refusal(caller, '{{ include("l13") }}')


def many(caller: TestClient) -> list[str]:
    paths = [f"many/p{number}" for number in range(101)]
    for path in paths:
        file_of(caller, path, "x")
    return paths


def test_a_prompt_of_another_workspace_is_not_included(
    caller: TestClient, committed_team: factories.Team, model: ModelServer
) -> None:
    with unit_of_work() as session:
        other = factories.team(session, "elsewhere")
        factories.prompt(session, other.admin, "parts/secret")
    assert "nothing is at this path" in refusal(caller, '{{ include("parts/secret") }}')


def test_the_editor_shows_what_is_included_and_asks_for_its_inputs(
    caller: TestClient, committed_team: factories.Team, model: ModelServer
) -> None:
    tone = file_of(caller, "parts/tone", "Write as <b>{{brand}}</b> does.")
    main = file_of(caller, "main", [{"role": "user", "content": '{{ include("parts/tone") }} {{question}}'}])
    slug = committed_team.workspace.slug
    base = f"/w/{slug}/prompts/{main['id']}"
    del caller.headers["x-api-key"]
    signed_in(caller, committed_team.admin)
    for page in (caller.get(f"{base}/edit").text, caller.get(f"{base}/versions/1").text):
        assert f'/w/{slug}/prompts/{tone["id"]}/versions/1"' in page
        assert "Write as &lt;b&gt;{{brand}}&lt;/b&gt; does." in page
    editor = caller.get(f"{base}/edit").text
    assert 'name="input.brand"' in editor
    assert 'name="input.question"' in editor
    form = {
        "_csrf": csrf_of(caller), "base": "1", "model": "m", "provider": "fake", "role": ["user"], "name": [""],
        "content": ['{{ include("parts/tone") }} {{question}}'], "extra": [""], "input.question": "Why?", "input.brand": "Acme",
    }  # fmt: skip
    assert caller.post(f"{base}/run", data=form).status_code == 200
    assert model.bodies[-1]["messages"][0]["content"] == "Write as <b>Acme</b> does. Why?"
    wrong = caller.post(f"{base}/edit", data=form | {"content": ['{{ include("parts/none") }} {{question}}']})
    assert "nothing is at this path" in wrong.text
    assert 'name="input.question"' in wrong.text
    refused = caller.post(f"{base}/run", data=form | {"content": ['{{ include("main") }}']})
    assert refused.status_code == 422
    assert "goes round in a circle" in refused.text
    with unit_of_work() as session:
        log_id = session.scalar(text("select id from log where error is null"))
    shown = caller.get(f"/w/{slug}/logs/{log_id}").text
    assert "Included" in shown
    assert f'/w/{slug}/prompts/{tone["id"]}/versions/1"' in shown


def test_what_is_included_weighs_and_may_name_images(
    caller: TestClient, committed_team: factories.Team, model: ModelServer
) -> None:
    photo = {"type": "image_url", "image_url": {"url": "{{photo}}"}}
    file_of(
        caller,
        "parts/photo",
        [{"role": "system", "content": "x" * 4_000}, {"role": "user", "content": [photo]}],
    )
    main = file_of(caller, "main", [{"role": "user", "content": '{{ include("parts/photo") }}'}])
    del caller.headers["x-api-key"]
    signed_in(caller, committed_team.admin)
    editor = caller.get(f"/w/{committed_team.workspace.slug}/prompts/{main['id']}/edit").text
    assert 'name="input.photo"' in editor
    assert "about 2,0" in editor, "with the picture"


def test_a_message_that_is_more_than_a_text_stands_as_it_is(caller: TestClient, model: ModelServer) -> None:
    """Its parts, its calls of tools and its name are not lost, and it has a place of its own."""
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    calling = {"role": "assistant", "content": "so", "tool_calls": [call]}
    pictured = {
        "role": "user",
        "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}],
    }
    file_of(caller, "parts/calling", [calling])
    file_of(caller, "parts/picture", [pictured])
    file_of(
        caller,
        "main",
        [
            {"role": "user", "content": f'{{{{ include("parts/{name}") }}}}'}
            for name in ("picture", "calling")
        ],
    )
    assert caller.post(CALL_URL, json={"path": "main"}).status_code == 200
    assert model.bodies[-1]["messages"] == [pictured, calling]
    assert "1 message that is not just a text" in refusal(caller, 'See {{ include("parts/picture") }}')


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ('{{ include("p/{tone}") }}', "has no braces"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": '{{ include("a") }}'}}]}], "address of an image"),
        ('{{ include("parts/tone", "' + "e" * 200_000 + '") }}', "Environment eee"),
    ],
)  # fmt: skip
def test_what_looks_like_an_include_is_no_text(caller: TestClient, template: Any, said: str) -> None:
    file_of(caller, "parts/tone", TONE)
    told = refusal(caller, template)
    assert said in told
    assert len(told) < 2_000


def test_what_was_run_elsewhere_is_logged_whatever_it_includes(caller: TestClient) -> None:
    for template in ('{{ include("nope") }}', '{{ include("logged") }}'):
        body = {"path": "logged", "prompt": {"model": "m", "template": template}, "output": "o"}
        answer = caller.post("/v5/prompts/log", json=body)
        assert answer.status_code == 200, answer.text
    assert caller.post(CALL_URL, json={"path": "logged"}).status_code == 422, "it cannot be called here"


def test_content_that_is_there_is_the_same_version_whatever_became_of_what_it_includes(
    caller: TestClient,
) -> None:
    tone = file_of(caller, "parts/tone", TONE)
    main = file_of(caller, "main", '{{ include("parts/tone") }}')
    assert caller.patch(f"/v5/prompts/{tone['id']}", json={"path": "parts/voice"}).status_code == 200
    assert file_of(caller, "main", '{{ include("parts/tone") }}')["version_id"] == main["version_id"]
    assert "nothing is at this path" in refusal(caller, 'New. {{ include("parts/tone") }}')


def test_a_tool_called_include_is_called_where_no_file_has_the_path(
    caller: TestClient, model: ModelServer
) -> None:
    snippet(caller, "old/include", k="from the tool")
    file_of(caller, "k2", "from the file")
    file_of(caller, "main", '{{ include("k") }}, {{ include("k2") }}')
    assert sent(caller, model) == [("user", "from the tool, from the file")]


def test_a_level_of_includes_is_looked_up_at_once(caller: TestClient, database: Engine) -> None:
    paths = many(caller)[:50]
    main = file_of(caller, "main", "".join(f'{{{{ include("{path}") }}}}' for path in paths))
    with recorded(database) as seen:
        assert caller.get(f"/v5/prompts/{main['id']}").status_code == 200
    assert len(seen) < 15, seen


def test_whoever_moves_or_deletes_a_file_is_told_who_includes_it(
    caller: TestClient, committed_team: factories.Team
) -> None:
    path = "parts/50% off. (a+b) 'x' end"
    tone = file_of(caller, path, TONE)
    include = f'{{{{ include("{path}") }}}}'
    file_of(caller, "main", include)
    file_of(caller, "other", [{"role": "user", "content": f"See {include}"}])
    file_of(caller, "was", include)
    for said in ("no more", "nor now"):
        file_of(caller, "was", said)
    with unit_of_work() as session:
        session.execute(
            text("delete from deployment where file_id = (select id from file where path = 'was')")
        )
    file_of(caller, "parts/longer", TONE)
    file_of(caller, "third", '{{ include("parts/longer") }}')
    del caller.headers["x-api-key"]
    signed_in(caller, committed_team.admin)
    for action in ("delete", "move"):
        page = caller.get(f"/w/{committed_team.workspace.slug}/files-at/{tone['id']}/{action}").text
        assert "2 prompts include it by its path" in page
        assert "main, other." in page
