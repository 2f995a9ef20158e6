"""Judgments from people and from programs elsewhere: what is kept, what is refused, what the scores make of them."""

import threading
import time

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.access import Principal, Role
from app.core.database import unit_of_work
from app.evaluations import repository
from app.evaluations.figures import scoring
from app.evaluations.figures.scores import load_scores
from app.evaluations.given_judgments import Given, give_judgment
from app.evaluations.models import Run
from app.files.models import Version
from tests import factories
from tests.web import signed_in, with_key

LOG = "/v5/evaluators/log"
CHOICES = [{"name": "good", "valence": "positive"}, {"name": "bad", "valence": "negative"}, {"name": "odd"}]


def _judged(team: factories.Team, *kinds: dict) -> tuple[Run, list[Version], list[str]]:
    """An ended run of four rows with evaluators that are judged elsewhere, and its logs in order."""
    with unit_of_work() as session:
        admin = team.admin
        prompt = factories.prompt(session, admin)
        judges = [factories.evaluator(session, admin, **kind) for kind in kinds]
        exact = factories.evaluator(session, admin)
        evaluation = factories.evaluation(session, admin, prompt, *judges, exact)
        run = factories.started_run(session, admin, evaluation, prompt, factories.dataset(session, admin, 4))
        factories.finish_run(session, run, [f"answer {n}" for n in range(4)])
        logs = list(
            session.scalars(
                text("select log_id from run_item where run_id = :run order by position"), {"run": run.id}
            )
        )
        return run, judges, logs


def _give(client: TestClient, version: Version, log_id: str, judgment: object, **more: object):
    body = {"parent_id": log_id, "path": version.file.path, "judgment": judgment} | more
    return client.post(LOG, json=body)


def _score(run: Run, version: Version) -> tuple[float | None, int]:
    """The score as the worker works it out, once it has been asked to."""
    with unit_of_work() as session:
        again = repository.find_run_to_work_on(session, run.id)
        assert again is not None
        assert again.scored_at is None, "a judgment makes old scores invalid"
        scoring.score_run(session, run.id)
        row = session.execute(
            text("select value, n from run_score where run_id = :run and evaluator_version_id = :version"),
            {"run": run.id, "version": version.id},
        ).one_or_none()
    return (row[0], row[1]) if row else (None, 0)


def test_a_run_does_not_wait_for_people_and_their_judgments_become_its_score(
    client: TestClient, committed_team: factories.Team
) -> None:
    run, (human,), logs = _judged(committed_team, {"kind": "human", "instructions": "Is it right?"})
    assert run.status == "completed"
    client = with_key(client, committed_team.admin)

    for log_id, verdict in zip(logs, (True, True, False), strict=False):
        given = _give(client, human, log_id, verdict, rationale="I looked it up.")
        assert given.status_code == 200, given.text
        assert given.json() == {
            "id": given.json()["id"], "parent_id": log_id, "version_id": human.id, "session_id": None
        }  # fmt: skip

    assert _score(run, human) == (pytest.approx(2 / 3), 3)
    shown = client.get(f"/v5/logs/{logs[0]}").json()["evaluator_logs"]
    (mine,) = [one for one in shown if one["evaluator_version_id"] == human.id]
    assert (mine["judgment"], mine["rationale"]) == (True, "I looked it up.")
    assert mine["author"] == committed_team.admin.user_id


def test_each_person_has_one_judgment_and_a_row_scores_their_mean(
    client: TestClient, committed_team: factories.Team
) -> None:
    run, (human,), logs = _judged(
        committed_team, {"kind": "human", "answers": "number", "lowest": 1, "highest": 5}
    )
    with unit_of_work() as session:
        reviewer = factories.member(session, committed_team.workspace, Role.REVIEWER)
    assert _give(with_key(client, committed_team.admin), human, logs[0], 5).status_code == 200
    first = _give(with_key(client, reviewer), human, logs[0], 1).json()["id"]
    again = _give(client, human, logs[0], 2)
    assert again.json()["id"] == first, "it takes the place of what the reviewer said before"
    for user in ("u1", "u2", "u1"):
        assert _give(client, human, logs[0], 4, user=user).status_code == 200

    assert _score(run, human) == (pytest.approx((5 + 2 + 4 + 4) / 4), 1)


def test_a_program_sends_its_judgments_and_the_last_one_counts(
    client: TestClient, committed_team: factories.Team
) -> None:
    run, (external,), logs = _judged(committed_team, {"kind": "external", "attributes": {"commit": "4f2a1c"}})
    client = with_key(client, committed_team.admin)
    for verdict in (False, True):
        given = client.post(
            f"{LOG}?version_id={external.id}",
            json={"parent_id": logs[0], "judgment": verdict, "stdout": "looked", "metadata": {"seed": 3}},
        )
        assert given.status_code == 200, given.text
    assert _give(client, external, logs[1], None, error="my program broke").status_code == 200
    assert _give(client, external, logs[2], None).status_code == 200

    assert _score(run, external) == (1.0, 1)
    shown = client.get(f"/v5/logs/{logs[0]}").json()["evaluator_logs"]
    (mine,) = [one for one in shown if one["evaluator_version_id"] == external.id]
    assert (mine["author"], mine["stdout"], mine["detail"]) == (None, "looked", {"metadata": {"seed": 3}})
    with unit_of_work() as session:
        as_scored = repository.find_run_to_work_on(session, run.id)
        assert as_scored
        column = load_scores(session, [as_scored], [external.id]).column(run.id, external.id)
    assert (column.errors, column.without_score) == (1, 1)


@pytest.mark.parametrize(
    ("settings", "judgment", "said"),
    [
        ({}, "yes", "The judgment is 'yes', and not true or false."),
        ({}, 1, "The judgment is 1, and not true or false."),
        ({"answers": "number"}, True, "The judgment is True, and not a number."),
        ({"answers": "number", "lowest": 1, "highest": 5}, 6, "The judgment is 6, which is outside its limits."),
        ({"answers": "select", "choices": ["a", "b"]}, "c", "The judgment is 'c', which is none of the choices."),
        ({"answers": "multi_select", "choices": ["a", "b"]}, ["a", 2], "The judgment is ['a', 2], and not a list of choices."),
        ({"answers": "text"}, ["a"], "The judgment is ['a'], and not a text."),
        ({"answers": "number"}, 1.7e308, "The judgment is 1.7e+308, which is outside its limits."),
        ({"answers": "number", "lowest": 1, "highest": 5, "step": 0.5}, 2.3, "The judgment is 2.3, which is between the steps of 0.5."),
        ({"answers": "multi_select", "choices": ["a", "b"]}, ["a", "a"], "The judgment is ['a', 'a'], which names a choice twice."),
        ({"answers": "text"}, "x" * 100_001, "A text of more than 100,000 characters is no judgment."),
    ],
)  # fmt: skip
def test_what_is_no_judgment_of_the_evaluator_is_refused(
    client: TestClient, committed_team: factories.Team, settings: dict, judgment: object, said: str
) -> None:
    run, (human,), logs = _judged(committed_team, {"kind": "human", **settings})
    answer = _give(with_key(client, committed_team.admin), human, logs[0], judgment)

    assert answer.status_code == 422
    assert said in answer.text
    with unit_of_work() as session:
        assert session.scalar(text("select scored_at is not null from run where id = :id"), {"id": run.id})


def test_an_evaluator_is_made_on_the_way_and_its_options_survive(
    client: TestClient, committed_team: factories.Team
) -> None:
    _, _, logs = _judged(committed_team)
    client = with_key(client, committed_team.admin)
    spec = {
        "evaluator_type": "human",
        "return_type": "select",
        "options": CHOICES,
        "instructions": "Rate it.",
    }
    body = {"parent_id": logs[0], "path": "feedback/rating", "spec": spec, "judgment": "good"}
    first, second = (client.post(LOG, json=body | {"user": user}).json() for user in ("a", "b"))

    assert first["version_id"] == second["version_id"]
    stored = client.get("/v5/evaluators", params={"path": "feedback/rating"}).json()
    (file,) = [one for one in stored["records"] if one["path"] == "feedback/rating"]
    assert file["spec"]["options"] == [*CHOICES[:2], {"name": "odd", "valence": "neutral"}]
    assert file["spec"]["instructions"] == "Rate it."


@pytest.mark.parametrize(
    ("settings", "given", "score"),
    [
        ({"good": ["yes"]}, ["yes", "no", "so so"], 1 / 3),
        ({"bad": ["no"]}, ["yes", "no", "so so"], 2 / 3),
        ({"good": ["yes"], "bad": ["no"]}, ["yes", "so so"], 1 / 2),
        ({}, ["yes", "no"], None),
    ],
)
def test_good_choices_make_a_score(
    client: TestClient,
    committed_team: factories.Team,
    settings: dict,
    given: list[str],
    score: float | None,
) -> None:
    choices = {"kind": "human", "answers": "select", "choices": ["yes", "no", "so so"]}
    run, (human,), logs = _judged(committed_team, choices | settings)
    client = with_key(client, committed_team.admin)
    for log_id, choice in zip(logs, given, strict=False):
        assert _give(client, human, log_id, choice).status_code == 200

    assert _score(run, human) == ((None, 0) if score is None else (pytest.approx(score), len(given)))
    (stats,) = client.get(f"/v5/evaluations/{run.evaluation_id}/stats").json()["run_stats"]
    (ours,) = [one for one in stats["evaluator_stats"] if one["evaluator_version_id"] == human.id]
    assert ours["num_judgments_per_option"] == {choice: given.count(choice) for choice in given}
    assert (ours["num_judgments"], ours["num_nulls"]) == (len(given), 0)
    page = signed_in(client, committed_team.admin).get(
        f"/w/{committed_team.workspace.slug}/evaluations/{run.evaluation_id}/rows/1?evaluator={human.id}"
    )
    tone = {None: "none"}.get(score, "pass")
    assert f'<span class="verdict {tone}">' in page.text


def test_many_judgments_of_one_answer_are_not_all_shown(
    client: TestClient, committed_team: factories.Team
) -> None:
    run, (human,), logs = _judged(committed_team, {"kind": "human", "answers": "text"})
    client = with_key(client, committed_team.admin)
    for number in range(25):
        given = _give(client, human, logs[0], f"word {number} " * 100, user=f"u{number}")
        assert given.status_code == 200
    page = signed_in(client, committed_team.admin).get(
        f"/w/{committed_team.workspace.slug}/evaluations/{run.evaluation_id}/rows/1"
    )

    assert page.text.count('<summary class="meta">All of it</summary>') == 20
    assert f"5 more judgments of {human.file.name} are among" in page.text


def test_what_contradicts_itself_is_refused(client: TestClient, committed_team: factories.Team) -> None:
    _, (human,), logs = _judged(committed_team, {"kind": "human"})
    client = with_key(client, committed_team.admin)
    both = _give(client, human, logs[0], True, error="my program broke")
    assert (both.status_code, "not both" in both.text) == (422, True)

    def with_spec(**more: object):
        body = {"parent_id": logs[0], "judgment": True, "spec": {"evaluator_type": "human"} | more}
        return client.post(f"{LOG}?version_id={human.id}", json=body)

    other = with_spec(return_type="text")
    assert (other.status_code, f"not the spec of {human.id}" in other.text) == (422, True)
    assert with_spec().status_code == 200


def test_doors_that_stay_shut(client: TestClient, committed_team: factories.Team) -> None:
    _, (human,), logs = _judged(committed_team, {"kind": "human"})
    with unit_of_work() as session:
        exact = factories.evaluator(session, committed_team.admin)
        reviewer = factories.member(session, committed_team.workspace, Role.REVIEWER)
        viewer = factories.member(session, committed_team.workspace, Role.VIEWER)
        stranger = factories.team(session).admin
    admin = with_key(client, committed_team.admin)

    ours = _give(admin, exact, logs[0], True)
    assert (ours.status_code, "judged by the server" in ours.text) == (409, True)
    assert _give(admin, human, "log_nowhere", True).status_code == 404
    nothing = admin.post(LOG, json={"parent_id": logs[0], "path": human.file.path})
    assert (nothing.status_code, "Give a judgment, or `error`." in nothing.text) == (422, True)

    def status(who: Principal, **more: object) -> int:
        return int(_give(with_key(client, who), human, logs[0], True, **more).status_code)

    assert status(viewer) == 403
    assert status(reviewer) == 200
    assert status(reviewer, path="feedback/new", spec={"evaluator_type": "human"}) == 403
    assert status(stranger) == 404
    foreign = with_key(client, stranger).post(
        f"{LOG}?version_id={human.id}", json={"parent_id": logs[0], "judgment": True}
    )
    assert foreign.status_code == 404


def test_judgments_that_were_given_before_count_as_soon_as_an_evaluation_has_the_evaluator(
    client: TestClient, committed_team: factories.Team
) -> None:
    run, _, logs = _judged(committed_team)
    client = with_key(client, committed_team.admin)
    with unit_of_work() as session:
        human = factories.evaluator(session, committed_team.admin, "human")
    assert _give(client, human, logs[0], True).status_code == 200
    added = client.post(
        f"/v5/evaluations/{run.evaluation_id}/evaluators", json={"evaluators": [{"version_id": human.id}]}
    )
    assert added.status_code == 200, added.text

    assert _score(run, human) == (1.0, 1)
    with unit_of_work() as session:
        status = session.scalar(text("select status from run where id = :id"), {"id": run.id})
    assert status == "completed", "there was nothing to do for the workers"


def test_what_a_program_failed_on_stays_when_failed_rows_are_run_again(
    client: TestClient, committed_team: factories.Team
) -> None:
    run, (external,), logs = _judged(committed_team, {"kind": "external"})
    client = with_key(client, committed_team.admin)
    assert _give(client, external, logs[0], None, error="my program broke").status_code == 200
    again = client.post(f"/v5/evaluations/{run.evaluation_id}/runs/{run.id}/retry")

    assert (again.status_code, "No row of this run failed" in again.text) == (409, True), again.text


def test_an_end_users_judgments_go_with_the_end_user(
    client: TestClient, committed_team: factories.Team
) -> None:
    _, (human,), logs = _judged(committed_team, {"kind": "human"})
    client = with_key(client, committed_team.admin)
    for user in ("ann", "bob"):
        assert _give(client, human, logs[0], True, user=user).status_code == 200
    gone = client.post("/v5/logs/delete-of-user", json={"user": "ann"})

    assert gone.status_code == 200
    authors = {one["author"] for one in client.get(f"/v5/logs/{logs[0]}").json()["evaluator_logs"]}
    assert authors == {None, "end_user:bob"}


def test_a_judgment_that_comes_while_a_run_is_scored_is_not_lost(
    client: TestClient, committed_team: factories.Team
) -> None:
    run, (human,), logs = _judged(committed_team, {"kind": "human"})
    client = with_key(client, committed_team.admin)
    answers = []
    late = threading.Thread(target=lambda: answers.append(_give(client, human, logs[0], True)))
    with unit_of_work() as session:
        assert repository.lock_run(session, run.id)
        late.start()
        time.sleep(1)  # it waits for us now
        scoring.score_run(session, run.id)
    late.join()

    assert [one.status_code for one in answers] == [200]
    assert _score(run, human) == (1.0, 1), "the run was marked for scoring again, after we had scored it"


def test_what_came_between_reading_and_keeping_is_scored_once_more(
    client: TestClient, committed_team: factories.Team
) -> None:
    run, (human,), logs = _judged(committed_team, {"kind": "human"})
    assert _give(with_key(client, committed_team.admin), human, logs[0], True).status_code == 200

    def score() -> None:
        with unit_of_work() as session:
            scoring.score_run(session, run.id)

    scorer = threading.Thread(target=score)
    with unit_of_work() as session:
        # As somebody would who adds to the run: it can be claimed, and its scores cannot be kept.
        session.execute(text("select from run where id = :run for key share"), {"run": run.id})
        scorer.start()
        time.sleep(2)  # it has read what there was, and waits for us to keep it
        give_judgment(session, committed_team.admin, human, logs[1], Given(False))
    scorer.join()

    assert _score(run, human) == (0.5, 2), "it was marked to be scored once more"


def test_a_judgment_that_is_taken_back_takes_its_score_from_the_list(
    client: TestClient, committed_team: factories.Team
) -> None:
    run, (human,), logs = _judged(committed_team, {"kind": "human"})
    client = with_key(client, committed_team.admin)
    shown = text("select count(*) from version_score where evaluator_version_id = :version")
    found = []
    for judgment in (True, None):
        assert _give(client, human, logs[0], judgment).status_code == 200
        _score(run, human)
        with unit_of_work() as session:
            found.append(session.scalar(shown, {"version": human.id}))

    assert found == [1, 0]


@pytest.mark.parametrize(
    "metadata", [{"votes": 5}, {"votes": [5]}, {"orders": [{"better": "zzz"}]}, {"parts": 1}]
)
def test_metadata_of_a_judgment_passes_for_nothing_else_on_the_row_page(
    client: TestClient, committed_team: factories.Team, metadata: dict
) -> None:
    run, (human,), logs = _judged(committed_team, {"kind": "human"})
    assert (
        _give(with_key(client, committed_team.admin), human, logs[0], True, metadata=metadata).status_code
        == 200
    )
    pages = f"/w/{committed_team.workspace.slug}/evaluations/{run.evaluation_id}"

    assert signed_in(client, committed_team.admin).get(f"{pages}/rows/1").status_code == 200
