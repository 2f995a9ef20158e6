"""What a report says beside the score table: scores over all rows, wrong labels, which model answered."""

import html
import re

from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.database import unit_of_work
from app.evaluations.models import Evaluation, Run
from tests import factories
from tests.web import signed_in, with_key

LABELS = ["red", "green", "blue"]
TARGETS = [LABELS[n % 3] for n in range(60)]
BEFORE = [LABELS[(n + 1) % 3] for n in range(5)] + TARGETS[5:]


def _compared(team: factories.Team, after: list[str]) -> tuple[Evaluation, Run, Run]:
    """Two finished runs of 60 rows that are labelled: of the first, five rows are wrong."""
    with unit_of_work() as session:
        admin = team.admin
        old = factories.prompt(session, admin, "tests/labels")
        new = factories.prompt(session, admin, "tests/labels", temperature=0.5)
        content = [{"inputs": {"question": f"q {n}"}, "target": {"answer": TARGETS[n]}} for n in range(60)]
        rows = factories.dataset(session, admin, content)
        judge = factories.evaluator(session, admin, "class_match", "tests/Right", labels=LABELS)
        found = factories.evaluation(session, admin, old, judge)
        runs = [factories.started_run(session, admin, found, version, rows) for version in (old, new)]
        for run, outputs in zip(runs, (BEFORE, after), strict=True):
            factories.finish_run(session, run, outputs)
        return found, *runs


def _url(team: factories.Team, evaluation: Evaluation) -> str:
    return f"/w/{team.workspace.slug}/evaluations/{evaluation.id}"


def test_scores_over_all_rows_have_their_name_unit_and_interval(
    client: TestClient, committed_team: factories.Team
) -> None:
    with unit_of_work() as session:
        admin = committed_team.admin
        content = [
            {"inputs": {"question": f"q {n}"}, "target": {"answer": f"label {n % 3} of many words"}}
            for n in range(30)
        ]
        version, rows = factories.prompt(session, admin), factories.dataset(session, admin, content)
        kinds = ("class_match", "bleu", "ter", "abstention")
        judges = [factories.evaluator(session, admin, kind, f"tests/{kind}") for kind in kinds]
        evaluation = factories.evaluation(session, admin, version, *judges)
        run = factories.started_run(session, admin, evaluation, version, rows)
        answers = ["I don't know" if n % 10 == 0 else f"label {n % 2} of many words" for n in range(30)]
        factories.finish_run(session, run, answers)
    page = signed_in(client, admin).get(_url(committed_team, evaluation)).text

    words = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())
    assert "Macro-F1 by class_match 30 answers, every label counts the same; 95% bootstrap interval" in words
    assert re.search(r"More over all rows .* Macro precision \d+\.\d% \d+\.\d–\d+\.\d Micro-F1", words)
    assert "Macro recall, Micro recall, Weighted recall: as in the score table" in words, (
        "every label has ten rows"
    )
    assert re.search(r"Corpus BLEU by bleu 30 answers, all rows together, sacrebleu nrefs:1\S+; 95%", words)
    assert re.search(
        r"Corpus TER by ter 30 answers, all rows together, lower is better, sacrebleu \S+; 95%", words
    )
    ter = words.partition("Corpus TER by ter")[2].partition("by abstention")[0]
    assert "%" not in ter.partition("interval")[2].partition("F1 of")[0]
    assert re.search(r"Precision of abstaining 0\.0%(?! 0\.0–)", words), "all wrong is no certainty"
    assert words.count("Wrong labels") == 1
    assert "v1 has 21 of 30 rows wrong." in words


def test_wrong_labels_are_counted_in_all_and_by_pair_before_and_after(
    client: TestClient, committed_team: factories.Team
) -> None:
    """Thirty rows become wrong, and no pair of labels says so by itself."""
    after = TARGETS[:14] + ["none"] * 16 + [LABELS[(n + n % 2) % 3] for n in range(30, 60)]
    found, _, _ = _compared(committed_team, after)
    page = signed_in(client, committed_team.admin).get(_url(committed_team, found)).text
    panel = " ".join(
        re.sub(r"<[^>]+>", " ", page.partition(">Wrong labels<")[2].partition("</section>")[0]).split()
    )

    wrong = sum(one != target for one, target in zip(after, TARGETS, strict=True))
    assert f"v1 has 5 of 60 rows wrong, v2 {wrong} of 60. 6 mix-ups got more frequent, 0 less." in panel
    assert f"All wrong labels 5 {wrong} +{wrong - 5}" in panel
    lines = re.findall(r"(red|green|blue) (red|green|blue|no label) (\d+) (\d+) (\+\d+|−\d+|0)", panel)
    assert len(lines) == 6
    assert sum(int(line[2]) for line in lines) == 5, "the lines add up"
    assert sum(int(line[3]) for line in lines) == wrong
    changes = [int(line[4]) for line in lines]
    assert changes == sorted(changes, reverse=True)
    assert "red no label 0 5 +5" in panel or "red no label 0 6 +6" in panel


def test_labels_are_not_compared_before_both_versions_are_counted(
    client: TestClient, committed_team: factories.Team
) -> None:
    evaluation, _, candidate = _compared(committed_team, TARGETS)
    with unit_of_work() as session:
        session.execute(text("delete from run_score where run_id = :run"), {"run": candidate.id})
    page = signed_in(client, committed_team.admin).get(_url(committed_team, evaluation)).text

    assert "Wrong labels" not in page
    assert ">not yet<" in page, "nor called undefined"


def test_what_the_practice_model_is_stands_in_the_page(
    client: TestClient, committed_team: factories.Team
) -> None:
    evaluation, _, _ = _compared(committed_team, TARGETS)
    client = signed_in(client, committed_team.admin)
    page = client.get(_url(committed_team, evaluation)).text
    about = re.search(
        r'<a class="badge outline" href="([^"]+)" title="([^"]+)">practice model, not an LLM', page
    )

    assert about
    assert f"<p>{about[2]}</p>" in page, "also where nothing hovers"
    assert "say nothing about a real model" in about[2]
    target, _, anchor = about[1].partition("#")
    assert f'id="{anchor}"' in client.get(target).text


def test_without_a_baseline_the_report_still_stands(
    client: TestClient, committed_team: factories.Team
) -> None:
    evaluation, baseline, _ = _compared(committed_team, TARGETS)
    client = signed_in(with_key(client, committed_team.admin), committed_team.admin)
    gone = client.delete(f"/v5/evaluations/{evaluation.id}/runs/{baseline.id}")
    assert gone.status_code == 204, gone.text
    page = client.get(_url(committed_team, evaluation))

    assert page.status_code == 200
    assert "v2 scores" in page.text
    assert "No label was taken for another." in page.text
    assert "Next:" not in page.text
