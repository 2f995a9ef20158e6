"""Statistics at `/v5/statistics`: every example is what is answered, and what is wrong is told how to be put right."""

import json
import math
import time

import jsonschema
import pytest
from fastapi.testclient import TestClient

from app.calculator import working
from app.calculator.catalogue import FAMILIES, by_name
from app.core.errors import Invalid
from tests import factories
from tests.web import with_key

ENTRIES = {entry.name: entry for entries in FAMILIES.values() for entry in entries}
MEMBERS = {"estimate", "lo", "hi", "p", "n", "method", "clusters", "warnings"}


@pytest.fixture
def api(client: TestClient, committed_team: factories.Team) -> TestClient:
    return with_key(client, committed_team.admin)


def complaint(api: TestClient, name: str, **arguments) -> str:
    answer = api.post(f"/v5/statistics/{name}", json=arguments)
    assert answer.status_code == 422, answer.text
    return " ".join(item["msg"] for item in answer.json()["detail"])


def figures(answer: dict) -> list[dict]:
    return [answer] if "method" in answer else list(answer.values())


def assert_same(found, expected) -> None:
    """Numbers may differ in the last bits from machine to machine."""
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for name, value in expected.items():
            assert_same(found[name], value)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-7, abs=1e-9)
    else:
        assert found == expected


def test_every_example_that_is_listed_is_answered_as_it_says(api: TestClient) -> None:
    listed = api.get("/v5/statistics").json()
    assert [one["name"] for one in listed] == list(ENTRIES)
    for one in listed:
        jsonschema.Draft202012Validator.check_schema(one["arguments"])
        jsonschema.validate(one["example"]["request"], one["arguments"])
        said = api.post(f"/v5/statistics/{one['name']}", json=one["example"]["request"])
        assert said.status_code == 200, (one["name"], said.text)
        assert_same(said.json(), one["example"]["answer"])
        assert all(set(figure) <= MEMBERS for figure in figures(said.json()))
        assert all(set(figure) >= {"n", "method", "warnings"} for figure in figures(said.json()))
        assert all(set(shown) > {"description"} for shown in one["arguments"]["properties"].values())
        assert all(one[member] for member in ("family", "purpose", "method", "source"))


def test_no_two_statistics_share_a_name() -> None:
    names = [name for entry in ENTRIES.values() for name in (entry.name, *entry.aliases)]
    assert sorted(names) == sorted(set(names)) == sorted(by_name())


def test_an_alias_answers_the_same(api: TestClient) -> None:
    counts = {"improved": 3, "worsened": 1, "n": 9}
    known = api.post("/v5/statistics/mcnemar", json=counts).json()
    assert api.post("/v5/statistics/mcnemar_small", json=counts).json() == known


def test_the_description_has_the_arguments_of_every_statistic(api: TestClient) -> None:
    schema = api.get("/openapi.json").json()
    shown = {one["title"]: one for one in schema["components"]["schemas"]["StatisticArguments"]["anyOf"]}
    assert list(shown) == list(ENTRIES)
    for name, entry in ENTRIES.items():
        assert shown[name]["examples"] == [json.loads(json.dumps(dict(entry.example)))]
        assert all(member["description"] for member in shown[name]["properties"].values()), name


def test_a_name_that_is_none_is_not_found(api: TestClient) -> None:
    answer = api.post("/v5/statistics/wilsom", json={})
    assert answer.status_code == 404
    assert "GET /v5/statistics" in answer.json()["detail"]


def test_what_is_wrong_is_said_with_what_to_do(api: TestClient) -> None:
    assert "`scores` is missing" in complaint(api, "mean_ci_continuous")
    assert "item 1 is 'x': give a number, true or false, or null" in complaint(api, "mean", scores=[1, "x"])
    assert "give a finite number of a size up to 1e+50" in complaint(api, "mean", scores=[1, 1e60])
    assert "give a list" in complaint(api, "mean", scores=3)
    assert "at most 100,000" in complaint(api, "mean", scores=[0] * 100_001)
    assert "less than or equal to 0.9999" in complaint(api, "mean", scores=[1], confidence=95)
    assert "differ in length" in complaint(api, "mean", scores=[1, 0], clusters=["a"])
    assert "`successes` is at most `n`" in complaint(api, "wilson", successes=6, n=5)
    assert "whole number" in complaint(api, "wilson", successes=0.5, n=5)
    assert (
        "no number of rows shows a difference of 0"
        in complaint(api, "sample_size_mcnemar", difference=0).lower()
    )
    assert "less than or equal to 10000" in complaint(api, "bootstrap", values=[1, 2], resamples=10_001)


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_refused(api: TestClient, word: str) -> None:
    answer = api.post(
        "/v5/statistics/mean",
        content=f'{{"scores": [0.5, {word}]}}',
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 422


def test_an_argument_that_is_none_is_ignored_and_named(api: TestClient) -> None:
    answer = api.post("/v5/statistics/mean", json={"scores": [0.5, 0.25], "cluster": ["a", "a"]})
    assert answer.json()["warnings"] == ["`cluster` is no argument of mean_ci_continuous: it was ignored"]


EDGES = [
    ("mean", {"scores": []}, {"n"}),
    ("mean", {"scores": [None, None]}, {"n"}),
    ("mean", {"scores": [0.4]}, {"n", "estimate"}),
    ("mean", {"scores": [0.4] * 9}, {"n", "estimate", "lo", "hi"}),
    ("mean", {"scores": [1] * 9}, {"n", "estimate", "lo", "hi"}),
    ("clustered_se", {"scores": [1, 0, 1], "clusters": ["a", "b", "b"]}, {"n", "estimate", "clusters"}),
    ("wilson", {"successes": 0, "n": 0}, {"n"}),
    ("proportion_no_failures", {"n": 0}, {"n"}),
    ("paired_difference", {"baseline": [], "candidate": []}, {"n"}),
    ("paired_difference", {"baseline": [1], "candidate": [0]}, {"n", "estimate", "p"}),
    ("paired_difference", {"baseline": [None], "candidate": [0]}, {"n"}),
    ("mcnemar", {"improved": 0, "worsened": 0, "n": 0}, {"n"}),
    ("bonett_price", {"improved": 1, "worsened": 0, "n": 1}, {"n", "estimate"}),
    ("sign_flip", {"differences": []}, {"n"}),
    ("bootstrap", {"values": []}, {"n"}),
    ("bootstrap", {"values": [3]}, {"n", "estimate"}),
    ("bootstrap", {"values": [3, 3, 3]}, {"n", "estimate", "lo", "hi"}),
    ("ratio_bootstrap", {"numerators": [1, 2], "denominators": [0, 0]}, {"n"}),
    ("classification", {"targets": [], "predictions": []}, {"n"}),
    ("mde_miller", {"n": 1}, {"n"}),
    ("design_effect", {"scores": [1, 1], "clusters": ["a", "b"]}, {"n"}),
    ("repeats_mean", {"repeats": []}, {"n"}),
    ("judge_repeats", {"repeats": [[None]]}, {"n"}),
    ("pass_at_k", {"attempts": [1], "passed": [1], "k": 2}, {"n"}),
    ("multiple_comparisons", {"p_values": []}, {"n"}),
    ("equivalence", {"baseline": [1, 1], "candidate": [1, 1], "margin": 0.1}, {"n", "estimate"}),
    ("gwet_ac1", {"ratings": [["a", "a"], ["a", "a"]]}, {"n"}),
    ("krippendorff_alpha", {"ratings": [["a", "a"], ["a", "a"]]}, {"n"}),
    ("rogan_gladen", {"passed": 0, "n": 0, "passed_good": 9, "good": 9, "failed_bad": 9, "bad": 9}, {"n"}),
    ("ppi_mean", {"human": [1], "judge_labelled": [1], "judge_unlabelled": [1]}, {"n"}),
    ("position_bias", {"a_first": [], "b_first": []}, {"n"}),
    ("judge_length_bias", {"picked_first": [1, 1], "length_difference": [1, 2]}, {"n"}),
    ("bradley_terry", {"first": ["a"], "second": ["b"], "outcomes": [1]}, {"n"}),
    ("ir_metrics", {"rankings": [["a"]], "relevant": [[]]}, {"n"}),
    ("ece_brier", {"outcomes": [], "probabilities": []}, {"n"}),
    ("asymptotic_cs", {"scores": [1, 0, 1]}, {"n", "estimate"}),
    ("msprt", {"scores": [1, 1], "tau": 1}, {"n"}),
    ("ab_two_proportions", {"successes_a": 0, "n_a": 0, "successes_b": 1, "n_b": 2}, {"n"}),
    ("squad_em_f1", {"predictions": [], "answers": []}, {"n"}),
    ("ragas_aggregation", {"metric": "faithfulness", "verdicts": [[]]}, {"n"}),
    ("slot_f1", {"right": [0], "found": [0], "wanted": [0]}, {"n"}),
    ("sacrebleu", {"metric": "ter", "counts": []}, {"n"}),
    ("verdict", {"baseline": [], "candidate": []}, {"n"}),
    ("cuped", {"before_a": [1], "after_a": [1], "before_b": [1], "after_b": [1]}, {"n"}),
]


@pytest.mark.parametrize(
    ("name", "arguments", "members"), EDGES, ids=[f"{n} {name}" for n, (name, *_) in enumerate(EDGES)]
)
def test_an_edge_neither_crashes_nor_lies(api: TestClient, name: str, arguments: dict, members: set) -> None:
    answer = api.post(f"/v5/statistics/{name}", json=arguments)
    assert answer.status_code == 200, answer.text
    for figure in figures(answer.json()):
        assert set(figure) - {"method", "warnings"} == members
        assert figure["warnings"] or {"estimate", "lo", "hi"} <= members
        assert all(math.isfinite(figure[one]) for one in members)


def test_a_kappa_with_a_constant_rater_is_undefined_and_the_agreement_is_shown(api: TestClient) -> None:
    labels = {"first": [1] * 20, "second": [1] * 19 + [0]}
    answer = api.post("/v5/statistics/cohen_kappa", json=labels).json()
    assert "estimate" not in answer["kappa"]
    assert "look at the agreement" in answer["kappa"]["warnings"][0]
    assert answer["agreement"]["estimate"] == 0.95
    assert answer["gwet_ac1"]["estimate"] > 0.9


CHANGES = {
    "nothing": lambda values: [],
    "one": lambda values: values[:1],
    "two": lambda values: values[:2],
    "all the same": lambda values: [values[0]] * len(values),
    "huge": lambda values: [v * 1e49 if isinstance(v, float | int) else v for v in values],
    "tiny": lambda values: [v * 1e-300 if isinstance(v, float | int) else v for v in values],
    "all null": lambda values: [None] * len(values),
    "backwards": lambda values: values[::-1],
}


def _answered_or_refused(name: str, arguments: dict) -> dict | list[str]:
    """The answer, or the sentences of a refusal."""
    try:
        return working.answer(name, arguments)
    except Invalid as error:
        return [error.message, *error.fields.values()]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ENTRIES)
def test_whatever_becomes_of_an_example_it_is_answered_or_refused_with_a_sentence(
    name: str, change: str
) -> None:
    example = json.loads(json.dumps(dict(ENTRIES[name].example)))
    lists = {key: CHANGES[change](value) for key, value in example.items() if isinstance(value, list)}
    said = _answered_or_refused(name, example | lists)
    if isinstance(said, list):
        assert all(text.endswith(".") for text in said)
        return
    for figure in figures(said):
        assert all(math.isfinite(figure[one]) for one in ("estimate", "lo", "hi", "p") if one in figure)
        assert ("lo" in figure) == ("hi" in figure)
        assert "lo" not in figure or figure["lo"] <= figure["hi"]
        assert 0 <= figure.get("p", 0) <= 1
        assert "estimate" in figure or figure["warnings"] or "p" in figure or "lo" in figure


def test_a_verdict_is_the_word_of_reports(api: TestClient) -> None:
    def word(baseline: list, candidate: list, **more) -> str:
        sent = {"baseline": baseline, "candidate": candidate, **more}
        return api.post("/v5/statistics/verdict", json=sent).json()["method"].partition(":")[0]

    low, high = [0, 1] * 40, [1, 1] * 40
    assert word(low, high) == "better"
    assert word(low, high, wanted="lower") == word(high, low) == "worse"
    assert word(low[:20], high[:20]) == "too_few"
    assert word([0.5, 0.6] * 40, [0.51, 0.59] * 40) == "no_clear_change"
    assert word([0.5, 0.6] * 40, [0.51, 0.59] * 40, smallest_difference=0.05) == "no_relevant_difference"


def test_a_judge_of_llmbar_leans_to_the_first_place(api: TestClient) -> None:
    """ChatGPT on 439 pairs (Zeng et al. 2023): the same answer on 59%, and the first place in 173 of 179 flips."""
    sent = {
        "a_first": ["first"] * 260 + ["first"] * 173 + ["second"] * 6,
        "b_first": ["second"] * 260 + ["first"] * 173 + ["second"] * 6,
    }
    answer = api.post("/v5/statistics/position_bias", json=sent).json()
    assert answer["consistency"]["estimate"] == pytest.approx(0.592, abs=0.0005)
    assert answer["first_place_of_flips"]["estimate"] == pytest.approx(0.966, abs=0.0005)
    assert answer["first_place_of_flips"]["p"] < 1e-40


def test_identical_versions_differ_by_nothing_and_not_surely(api: TestClient) -> None:
    scores = [1, 0] * 20
    answer = api.post(
        "/v5/statistics/paired_difference", json={"baseline": scores, "candidate": scores}
    ).json()
    assert (answer["estimate"], answer["p"]) == (0, 1)
    assert (answer["lo"], answer["hi"]) == pytest.approx((-0.066, 0.066), abs=0.0005)


def test_the_largest_question_is_answered_in_time(api: TestClient) -> None:
    values = [(row * 7919) % 1000 for row in range(100_000)]
    began = time.monotonic()
    answer = api.post("/v5/statistics/bootstrap", json={"values": values, "statistic": "percentile"})
    assert answer.status_code == 200, answer.text
    assert time.monotonic() - began < working.LONGEST_S + 5


def test_an_interval_without_a_width_is_no_certainty() -> None:
    assert "no width" in working.answer("bootstrap", {"values": [3, 3, 3, 3]})["warnings"][0]


@pytest.mark.parametrize("name", ["cohen_kappa", "weighted_kappa", "krippendorff_alpha", "fleiss_kappa"])
def test_a_table_that_would_not_fit_is_refused_before_it_is_made(api: TestClient, name: str) -> None:
    each = list(range(20_000))
    two = (
        {"first": each, "second": each}
        if "_kappa" in name and name != "fleiss_kappa"
        else {"ratings": [[n, n] for n in each]}
    )
    assert "There are 20000 categories: at most 100 can be compared." in complaint(api, name, **two)


def test_what_takes_too_long_is_ended_with_a_word() -> None:
    with pytest.raises(Invalid, match="send fewer values"):
        working.answer("bootstrap", {"values": [1, 2, 3]}, longest_s=0)
