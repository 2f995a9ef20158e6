"""Evaluators at `/v5`: specs of the four types that clients know come back as they were sent."""

import pytest
from fastapi.testclient import TestClient

from app.core.database import unit_of_work
from tests import factories
from tests.web import with_key

KERNEL = {
    "model": "gpt-4o",
    "endpoint": "chat",
    "template": [{"role": "user", "content": "Is {{log.output}} right for {{testcase.inputs.question}}?"}],
    "provider": None,
    "temperature": 0.2,
}
TYPES = {
    "llm": {"prompt": KERNEL},
    "python": {"code": "def judge(log):\n    return True\n"},
    "human": {"instructions": "Is it polite?"},
    "external": {},
}


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


def written(api: TestClient, **spec) -> dict:
    answer = api.post("/v5/evaluators", json={"path": "judges/one", "id": None, "spec": spec})
    assert answer.status_code == 200, answer.text
    return answer.json()


def without_nulls(value):
    if isinstance(value, dict):
        return {key: without_nulls(one) for key, one in value.items() if one is not None}
    return value


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize(
    "answer",
    [
        {"return_type": "boolean", "arguments_type": "target_free", "number_valence": None, "options": None},
        {"return_type": "number", "number_limits": {"min": 1.0, "max": 5.0, "step": 0.5}, "number_valence": "negative",
         "arguments_type": "target_required"},
        {"return_type": "select", "arguments_type": "target_free", "number_valence": "positive",
         "options": [{"name": "good", "valence": "positive"}, {"name": "bad", "valence": "negative"},
                     {"name": "so so", "valence": "neutral"}]},
        {"return_type": "multi_select", "arguments_type": "target_free",
         "options": [{"name": "short", "valence": "neutral"}, {"name": "polite", "valence": "positive"}]},
        {"return_type": "text", "arguments_type": "target_free"},
        {"return_type": "boolean", "arguments_type": "target_free",
         "options": [{"name": "True", "valence": "positive"}, {"name": "False", "valence": "negative"}]},
        {"return_type": "number", "number_valence": "neutral", "arguments_type": "target_free"},
    ],
)  # fmt: skip
def test_a_spec_comes_back_as_it_was_sent(api: TestClient, type_: str, answer: dict) -> None:
    sent = {"evaluator_type": type_, "attributes": {"commit": "4f2a1c"}, **TYPES[type_], **answer}
    made = written(api, **sent, unknown_member=1)
    wanted = without_nulls(sent)
    assert made["spec"] == made["spec"] | wanted
    assert made["attributes"] == {"commit": "4f2a1c"}
    got = api.get(f"/v5/evaluators/{made['id']}").json()
    assert got["spec"] == made["spec"]
    assert written(api, **got["spec"])["version_id"] == made["version_id"], "what we said is what we take"


@pytest.mark.parametrize("type_", ["python", "external", "llm"])
@pytest.mark.parametrize("answers", ["select", "multi_select"])
def test_choices_need_not_be_listed(api: TestClient, type_: str, answers: str) -> None:
    spec = {"evaluator_type": type_, **TYPES[type_], "return_type": answers, "arguments_type": "target_free"}
    assert written(api, **spec)["spec"]["options"] == []


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize(
    ("names", "said"), [(["a", "b", "a"], "“a” is there twice"), (["a", " "], "One of the choices is empty")]
)
def test_choices_that_cannot_be_told_apart_are_refused(
    api: TestClient, type_: str, names: list[str], said: str
) -> None:
    spec = {"evaluator_type": type_, **TYPES[type_], "return_type": "select", "arguments_type": "target_free"}
    options = [{"name": name, "valence": "neutral"} for name in names]
    refused = api.post("/v5/evaluators", json={"path": "judges/muddled", "spec": spec | {"options": options}})
    assert (refused.status_code, said in refused.text) == (422, True), refused.text


@pytest.mark.parametrize("wrong", [{"min": 5, "max": 5}, {"min": "x", "max": "x"}])
def test_limits_that_leave_no_room_are_refused(api: TestClient, wrong: dict) -> None:
    spec = {"evaluator_type": "python", **TYPES["python"], "return_type": "number", "number_limits": wrong}
    assert api.post("/v5/evaluators", json={"path": "judges/narrow", "spec": spec}).status_code == 422


@pytest.mark.parametrize("valence", ["neutral", [], {}, "sideways"])
def test_a_valence_of_what_is_no_number_makes_no_other_version(api: TestClient, valence: object) -> None:
    spec = {"evaluator_type": "python", **TYPES["python"], "return_type": "boolean"}
    assert written(api, **spec)["version_id"] == written(api, **spec, number_valence=valence)["version_id"]


@pytest.mark.parametrize("type_", TYPES)
def test_limits_from_nought_to_nought_are_none(api: TestClient, type_: str) -> None:
    spec = {"evaluator_type": type_, **TYPES[type_], "return_type": "number", "arguments_type": "target_free"}
    limits = {"min": 0, "max": 0, "step": 0.5}
    assert written(api, **spec, number_limits=limits)["spec"]["number_limits"] == {"step": 0.5}


@pytest.mark.parametrize("type_", TYPES)
def test_attributes_make_versions_of_the_same_evaluator(api: TestClient, type_: str) -> None:
    spec = {
        "evaluator_type": type_,
        **TYPES[type_],
        "return_type": "boolean",
        "arguments_type": "target_free",
    }
    plain, again = written(api, **spec), written(api, **spec, attributes={})
    other = written(api, **spec, attributes={"commit": "1"})
    assert again["version_id"] == plain["version_id"]
    assert other["version_id"] != plain["version_id"]


def test_inputs_are_what_the_prompt_of_a_judge_names(api: TestClient) -> None:
    made = written(
        api, evaluator_type="llm", prompt=KERNEL, return_type="boolean", arguments_type="target_free"
    )
    assert made["inputs"] == [{"name": "log.output"}, {"name": "testcase.inputs.question"}]
    code = written(api, evaluator_type="python", **TYPES["python"])
    assert code["inputs"] == []


@pytest.mark.parametrize(
    ("spec", "loc"),
    [
        ({"evaluator_type": "llm"}, ["body", "prompt"]),
        ({"evaluator_type": "llm", "prompt": {"template": "{{log.output}}"}}, ["body", "prompt", "model"]),
        ({"evaluator_type": "oracle"}, ["body", "spec", "evaluator_type"]),
        ({"evaluator_type": "human", "options": ["good"]}, ["body", "spec", "options"]),
    ],
)
def test_a_wrong_spec_is_said_in_the_shape_that_clients_read(api: TestClient, spec: dict, loc: list) -> None:
    refused = api.post("/v5/evaluators", json={"path": "judges/one", "spec": spec})
    assert refused.status_code == 422
    assert [said["loc"] for said in refused.json()["detail"]] == [loc]


def test_a_built_in_evaluator_is_read_by_clients_that_know_four_types_and_sent_again(api: TestClient) -> None:
    made = written(api, evaluator_type="builtin", kind="length", settings={"longest": 5})
    spec = made["spec"]

    assert (spec["evaluator_type"], spec["kind"], spec["return_type"]) == ("external", "length", "boolean")
    assert spec["settings"] == {"unit": "words", "longest": 5, "wanted": "lower"}
    assert written(api, **spec)["version_id"] == made["version_id"]
    assert written(api, **spec | {"evaluator_type": "builtin"})["version_id"] == made["version_id"]
    parts = [{"path": "Length", "version_id": made["version_id"], "spec": spec}]
    both = written(api, kind="composite", settings={"parts": parts})["spec"]
    assert both["settings"]["parts"][0]["spec"]["kind"] == "length"
    parts = [
        {"path": "Length", "spec": spec | {"evaluator_type": type_}} for type_ in ("external", "builtin")
    ]
    alike = [written(api, kind="composite", settings={"parts": [part]})["version_id"] for part in parts]
    assert alike[0] == alike[1]


def test_an_evaluator_counts_its_judgments_as_lists_of_its_logs_do(
    api: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        prompt = factories.prompt(session, committed_team.admin)
        logs = [factories.logged(session, committed_team.admin, prompt, output="x") for _ in range(3)]
    first = written(api, evaluator_type="external", return_type="boolean", arguments_type="target_free")
    url = f"/v5/evaluators/{first['id']}"

    def counts(shown: dict) -> tuple[int, int]:
        return shown["version_logs_count"], shown["total_logs_count"]

    def judge(log_id: str, version: dict) -> None:
        said = {"parent_id": log_id, "judgment": True}
        params = {"version_id": version["version_id"]}
        api.post("/v5/evaluators/log", json=said, params=params).raise_for_status()

    assert counts(first) == counts(api.get(url).json()) == (0, 0)
    judge(logs[0], first)
    judge(logs[0], first)  # in place of the first word
    assert counts(api.get(url).json()) == (1, 1)
    second = written(api, evaluator_type="external", return_type="text", arguments_type="target_free")
    for log_id in logs[1:]:
        api.post(
            "/v5/evaluators/log",
            json={"parent_id": log_id, "judgment": "so"},
            params={"version_id": second["version_id"]},
        ).raise_for_status()
    assert counts(api.get(url).json()) == (1, 3)
    assert counts(api.get(url, params={"version_id": second["version_id"]}).json()) == (2, 3)
    records = api.get(f"{url}/versions").json()["records"]
    assert {each["version_id"]: counts(each) for each in records} == {
        first["version_id"]: (1, 3),
        second["version_id"]: (2, 3),
    }
    total = api.get("/v5/logs", params={"file_id": first["id"]}).json()["total"]
    assert counts(api.get("/v5/evaluators").json()["records"][0])[1] == total == 3
    api.delete("/v5/logs", params={"id": logs[2]}).raise_for_status()
    assert counts(api.get(url).json()) == (1, 2)
