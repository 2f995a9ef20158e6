"""Judges include prompts and snippets as prompts do: looked up when they judge, and told in the logs of their calls."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.core.database import unit_of_work
from app.evaluations.verdicts.judging import JUDGE
from app.files.include_repository import list_including
from app.files.repository import find_version_anywhere
from app.logs.models import Log
from tests import factories
from tests.evaluations.counting_meter import Meter
from tests.generations.model_server import ModelServer
from tests.generations.test_includes import file_of
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
def test_a_prompt_that_judges_includes_as_it_stands_now(
    caller: TestClient, model: ModelServer, language: str
) -> None:
    first = file_of(caller, "judges/tone", TONE, template_language=language)
    spec = prompted('{{ include("judges/tone") }} Which city?', template_language=language)
    assert tried(caller, spec)["judgment"] == "Paris"
    assert (
        model.bodies[-1]["messages"][0]["content"]
        == "A good answer is kind. It said: Please wait. Which city?"
    )
    judge = saved(caller, spec)
    assert [one["name"] for one in judge["inputs"]] == ["testcase.target.tone", "log.output"]
    newer = file_of(caller, "judges/tone", "Judge {{log.output}}", template_language=language)
    caller.post(f"/v5/prompts/{newer['id']}/environments", json={})
    with unit_of_work() as session:
        logs = session.scalars(select(Log).where(Log.source == "evaluator_test")).all()
        assert [[one["version_id"] for one in log.included or []] for log in logs] == [[first["version_id"]]]
        assert [(one["type"], one["path"]) for one in logs[0].included or []] == [("prompt", "judges/tone")]


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


def test_of_several_together_each_log_says_what_its_part_included(
    caller: TestClient, model: ModelServer
) -> None:
    tone = file_of(caller, "judges/tone", "It said: {{log.output}}")
    saved(caller, built_in("llm_judge", rubric='{{ include("judges/tone") }}'), "judges/a")
    saved(caller, built_in("llm_judge", rubric="Only {{log.output}}"), "judges/b")
    both = {"evaluator_type": "builtin", "kind": "composite"}
    tried(caller, both | {"settings": {"parts": [{"path": "judges/a"}, {"path": "judges/b"}]}}, "judges/both")
    sent = [body["messages"][-1]["content"] for body in model.bodies]
    assert sorted(text.split()[0] for text in sent) == ["It", "Only"]
    with unit_of_work() as session:
        logs = session.scalars(select(Log).where(Log.source == "evaluator_test")).all()
        included = [[one["version_id"] for one in log.included or []] for log in logs]
        assert sorted(included) == [[], [tone["version_id"]]]


def test_a_run_judges_with_what_is_included(
    caller: TestClient, committed_team: factories.Team, model: ModelServer
) -> None:
    admin = committed_team.admin
    tone = file_of(caller, "judges/tone", "It said: {{log.output}}")
    judge = saved(caller, prompted('{{ include("judges/tone") }}'))
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
    said = [log.included for one in outcomes for log in one.logs if log.source == JUDGE]
    assert [[each["version_id"] for each in one or []] for one in said] == [[tone["version_id"]]]


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


def test_a_gap_made_later_is_the_error_of_each_judgment(caller: TestClient, model: ModelServer) -> None:
    tone = file_of(caller, "judges/tone", "It said: {{log.output}}")
    judge = saved(caller, prompted('{{ include("judges/tone") }}'))
    assert caller.delete(f"/v5/prompts/{tone['id']}").status_code == 204
    answer = caller.post(f"/v5/evaluators/{judge['id']}/test", json=ROW)
    assert answer.status_code == 422
    assert "nothing is at this path" in answer.text
    assert model.bodies == []


def test_a_move_names_the_judges_that_include_a_file(
    caller: TestClient, committed_team: factories.Team
) -> None:
    file_of(caller, "judges/tone", TONE)
    saved(caller, prompted([{"role": "user", "content": '{{ include("judges/tone") }}'}]), "judges/a")
    saved(caller, built_in("llm_judge", rubric="{{ include('judges/tone') }}"), "judges/b")
    saved(caller, built_in("llm_judge", rubric="{{log.output}}"), "judges/c")
    both = {"evaluator_type": "builtin", "kind": "composite"}
    saved(caller, both | {"settings": {"parts": [{"path": "judges/b"}]}}, "judges/d")
    with unit_of_work() as session:
        found = list_including(session, committed_team.workspace.id, "judges/tone")
    assert found == ["judges/a", "judges/b", "judges/d"]


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
