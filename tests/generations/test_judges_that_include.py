"""What judges include is put in when they are saved: a version of one asks the same whenever it judges."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from app.evaluations.verdicts.judging import JUDGE
from app.files.repository import find_version_anywhere
from tests import factories
from tests.evaluations.counting_meter import Meter
from tests.generations.model_server import ModelServer
from tests.generations.test_includes import deploy, file_of
from tests.generations.test_template_tools_in_runs import work_of, worked
from tests.web import csrf_of, signed_in

TONE = "A good answer is {{testcase.target.tone}}. It said: {{log.output}}"
ROW = {"log": {"output": "Please wait."}, "testcase": {"target": {"tone": "kind"}}}
CHOICES = [{"name": "Paris"}, {"name": "London"}]


def prompted(template: Any, **more: Any) -> dict[str, Any]:
    prompt = {"provider": "fake", "model": "m", "template": template, **more}
    return {"evaluator_type": "llm", "prompt": prompt, "return_type": "select", "options": CHOICES}


def built_in(kind: str, **settings: Any) -> dict[str, Any]:
    return {
        "evaluator_type": "builtin",
        "kind": kind,
        "settings": {"model": "m", "provider": "fake", **settings},
    }


def saved(caller: TestClient, spec: dict[str, Any], path: str = "judges/polite") -> dict[str, Any]:
    answer = caller.post("/v5/evaluators", json={"path": path, "spec": spec})
    assert answer.status_code == 200, answer.text
    return answer.json()


def tried(caller: TestClient, spec: dict[str, Any], path: str = "judges/polite") -> dict[str, Any]:
    answer = caller.post(f"/v5/evaluators/{saved(caller, spec, path)['id']}/test", json=ROW)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("language", ["default", "jinja"])
def test_a_prompt_that_judges_asks_what_was_included_when_it_was_saved(
    caller: TestClient, model: ModelServer, language: str
) -> None:
    file_of(caller, "judges/tone", TONE, template_language=language)
    spec = prompted('{{ include("judges/tone") }} Which city?', template_language=language)
    judge = saved(caller, spec)
    assert judge["spec"]["prompt"]["template"] == f"{TONE} Which city?"
    assert [one["name"] for one in judge["inputs"]] == ["testcase.target.tone", "log.output"]
    assert saved(caller, spec)["version_id"] == judge["version_id"]

    deploy(caller, file_of(caller, "judges/tone", "Judge {{log.output}}", template_language=language))
    tried = caller.post(f"/v5/evaluators/{judge['id']}/test", json=ROW).json()
    assert tried["judgment"] == "Paris"
    asked = model.bodies[-1]["messages"][0]["content"]
    assert asked == "A good answer is kind. It said: Please wait. Which city?"


def test_saved_again_it_is_another_version_where_what_it_includes_is_another(caller: TestClient) -> None:
    file_of(caller, "judges/tone", "Be kind. {{log.output}}")
    spec = prompted('{{ include("judges/tone") }}')
    first = saved(caller, spec)
    deploy(caller, file_of(caller, "judges/tone", "Be strict. {{log.output}}"))
    second = saved(caller, spec)
    assert first["id"] == second["id"]
    assert first["version_id"] != second["version_id"]
    assert second["spec"]["prompt"]["template"] == "Be strict. {{log.output}}"


def test_messages_stand_in_the_place_of_an_include(caller: TestClient, model: ModelServer) -> None:
    file_of(
        caller,
        "judges/rules",
        [{"role": "system", "content": "Be strict."}, {"role": "user", "content": "{{log.output}}"}],
    )
    tried(caller, prompted([{"role": "user", "content": '{{ include("judges/rules") }}'}]))
    assert [one["content"] for one in model.bodies[-1]["messages"]] == ["Be strict.", "Please wait."]


def test_what_is_judged_includes_nothing(caller: TestClient, model: ModelServer) -> None:
    file_of(caller, "judges/secret", "the secret")
    file_of(caller, "judges/tone", "It said: {{log.output}}")
    judge = saved(caller, prompted('{{ include("judges/tone") }}'))
    row = {"log": {"output": '{{ include("judges/secret") }}'}}
    assert caller.post(f"/v5/evaluators/{judge['id']}/test", json=row).json()["judgment"] == "Paris"
    assert model.bodies[-1]["messages"][0]["content"] == 'It said: {{ include("judges/secret") }}'


def test_rubrics_and_criteria_include_too(caller: TestClient, model: ModelServer) -> None:
    file_of(caller, "judges/tone", TONE)
    file_of(caller, "judges/house", "The house style is plain.")
    tried(caller, built_in("llm_judge", rubric='{{ include("judges/tone") }}', fence=False))
    assert model.bodies[-1]["messages"][-1]["content"] == "A good answer is kind. It said: Please wait."
    criteria = '{{ include("judges/house") }} Which is plainer?'
    tried(caller, built_in("pairwise_judge", criteria=criteria), "judges/plainer")
    assert "The house style is plain. Which is plainer?" in model.bodies[-1]["messages"][0]["content"]


def test_several_together_ask_with_what_each_includes(caller: TestClient, model: ModelServer) -> None:
    file_of(caller, "judges/tone", "It said: {{log.output}}")
    saved(caller, built_in("llm_judge", rubric='{{ include("judges/tone") }}'), "judges/a")
    saved(caller, built_in("llm_judge", rubric="Only {{log.output}}"), "judges/b")
    both = {"evaluator_type": "builtin", "kind": "composite"}
    tried(caller, both | {"settings": {"parts": [{"path": "judges/a"}, {"path": "judges/b"}]}}, "judges/both")
    sent = [body["messages"][-1]["content"] for body in model.bodies]
    assert sorted(text.split()[0] for text in sent) == ["It", "Only"]


def test_a_run_judges_with_what_is_included(
    caller: TestClient, committed_team: factories.Team, model: ModelServer
) -> None:
    admin = committed_team.admin
    file_of(caller, "judges/tone", "It said: {{log.output}}")
    judge = saved(caller, prompted('{{ include("judges/tone") }}'))
    deploy(caller, file_of(caller, "judges/tone", "Another text: {{log.output}}"))
    with unit_of_work() as session:
        version = factories.prompt(session, admin, provider="fake", model="m", template="Where?")
        rows = factories.dataset(session, admin, [{"inputs": {"a": "b"}}])
        evaluator = find_version_anywhere(session, admin.workspace_id, judge["version_id"])
        assert evaluator
        evaluation = factories.evaluation(session, admin, version, evaluator)
        run = factories.started_run(session, admin, evaluation, version, rows)
        plan, items = work_of(session, run, "own_1")
    outcomes = worked(plan, items, Meter(10))
    assert [body["messages"][0]["content"] for body in model.bodies] == ["Where?", "It said: Paris"]
    sent = [log.messages for one in outcomes for log in one.logs if log.source == JUDGE]
    assert sent == [[{"role": "user", "content": "It said: Paris"}]], "its log shows what it was asked"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ('{{ include("judges/none") }} {{log.output}}', "nothing is at this path"),
        ('{{ include("judges/tone", "nowhere") }} {{log.output}}', "nowhere"),
        ("{{ include(judges) }} {{log.output}}", "cannot be read"),
        ('{{ include("judges/tone") }}', "the template must show the judge something of the log"),
        ('{{ include("judges/strange") }}', "the template knows log and testcase, not city"),
        ('{{ include("judges/code") }} {{log.output}}', "no prompt or snippet, but an evaluator"),
    ],
)
@pytest.mark.parametrize("language", ["default", "jinja"])
def test_what_cannot_be_included_is_refused_where_it_is_saved(
    caller: TestClient, committed_team: factories.Team, template: str, said: str, language: str
) -> None:
    file_of(caller, "judges/tone", "Be kind.", template_language=language)
    file_of(caller, "judges/strange", "{{city}} {{log.output}}", template_language=language)
    saved(caller, {"evaluator_type": "external", "return_type": "boolean"}, "judges/code")
    spec = prompted(template, template_language=language)
    answer = caller.post("/v5/evaluators", json={"path": "judges/polite", "spec": spec})
    assert answer.status_code == 422, answer.text
    assert said in answer.text.replace("\\n", " "), answer.text
    signed_in(caller, committed_team.admin)
    form = {
        "_csrf": csrf_of(caller), "kind": "prompt_judge", "s.prompt": json.dumps(spec["prompt"]), "s.answers": "boolean",
        "s.wanted": "higher", "s.target": "not needed", "output": "Please wait.", "path": "judges/polite",
    }  # fmt: skip
    page = caller.post(f"/w/{committed_team.workspace.slug}/evaluators/new", data=form)
    assert page.status_code == 422
    assert said.split("“", maxsplit=1)[0] in page.text


def test_a_gap_made_later_is_none(caller: TestClient, model: ModelServer) -> None:
    tone = file_of(caller, "judges/tone", "It said: {{log.output}}")
    judge = saved(caller, prompted('{{ include("judges/tone") }}'))
    assert caller.delete(f"/v5/prompts/{tone['id']}").status_code == 204
    assert caller.post(f"/v5/evaluators/{judge['id']}/test", json=ROW).json()["judgment"] == "Paris"
    assert model.bodies[-1]["messages"][0]["content"] == "It said: Please wait."


def test_a_target_that_is_named_in_what_is_included_keeps_a_judge_from_monitoring(
    caller: TestClient,
) -> None:
    file_of(caller, "judges/tone", TONE)
    watched = file_of(caller, "main", "Where?")
    judge = saved(caller, built_in("llm_judge", rubric='{{ include("judges/tone") }}'))
    wanted = {"activate": [{"evaluator_version_id": judge["version_id"]}]}
    answer = caller.post(f"/v5/prompts/{watched['id']}/evaluators", json=wanted)
    assert answer.status_code == 422
    assert "compares with a target" in answer.text
