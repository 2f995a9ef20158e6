"""SQL execution match: what a query finds decides, and nothing that a query tries does more."""

import hashlib
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from app.evaluators.binding import BoundEvaluator, Verdict
from app.evaluators.kinds import kind, sql_match
from app.evaluators.kinds.sql_match import query_in
from app.sandbox.supervisor import Limits
from tests.evaluators.cases import execution, row

DATA = Path(__file__).parents[1] / "data" / "chinook_sql"
CHINOOK = (DATA / "chinook.sqlite").read_bytes()
QUESTIONS = [json.loads(line) for line in (DATA / "questions.jsonl").read_text("utf-8").splitlines()]
ENDLESS = "with recursive n(x) as (select 1 union all select x + 1 from n) select count(*) from n"


def bound(content: bytes = CHINOOK, **options: object) -> BoundEvaluator:
    hash_ = hashlib.sha256(content).hexdigest()
    return kind("sql_match").prepare({"database": hash_, **options}).given({hash_: content})


def judged(output: str, target: object, content: bytes = CHINOOK, **options: object) -> Verdict:
    return bound(content, **options).judge(execution(output), row(target))


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question["id"])
def test_the_right_query_finds_what_is_known_to_be_right(question: dict) -> None:
    said = f"Here it is:\n```sql\n{question['gold_sql']};\n```\nIt reads the tables that hold it."
    evaluator = bound(ordered=question["order_matters"])

    assert evaluator.judge(execution(said), row(question["gold_sql"])).value is True
    by_rows = evaluator.judge(execution(said), row({"rows": question["gold_rows"]}))
    assert by_rows.value is True, by_rows
    other = QUESTIONS[(QUESTIONS.index(question) + 1) % len(QUESTIONS)]
    assert evaluator.judge(execution(other["gold_sql"]), row(question["gold_sql"])).value is False


def test_another_way_to_the_same_rows_is_right() -> None:
    target = "select Country, count(*) from Customer group by Country"
    same = "select c.Country as land, sum(1.0) from Customer c group by 1 order by 2 desc"

    assert judged(same, target).value is True
    assert judged(same, {"output": [target, "select 1"]}).value is True
    assert judged(same, {"output": ["select 1", target]}).value is True
    assert judged(same, {"output": ["select 1", "select 2"]}).value is False


@pytest.mark.parametrize(
    ("target", "ordered", "right"),
    [
        ("select Name from MediaType order by Name", False, False),
        ("select Name from MediaType", False, True),
        ("select Name from MediaType", True, False),
        ("select Name from MediaType where Name <> ' order by '", False, True),
        ("select Name from (select Name from MediaType order by Name)", False, True),
        ("select Name, '(' from MediaType /* order by */ -- order by", False, True),
        ("select [Name] from MediaType ORDER\n BY (Name)", False, False),
    ],
)
def test_order_counts_where_the_target_sorts_or_it_is_asked_for(
    target: str, ordered: bool, right: bool
) -> None:
    second = ", '('" if "'('" in target else ""
    backwards = f"select Name{second} from MediaType order by Name desc"

    assert judged(backwards, target, ordered=ordered).value is right


def test_rows_as_the_target() -> None:
    query = "select GenreId, Name from Genre where GenreId < 3 order by 1 desc"

    assert judged(query, {"rows": [[1, "Rock"], [2, "Jazz"]]}).value is True
    assert judged(query, {"rows": '[[1, "Rock"], [2, "Jazz"]]'}).value is True
    assert judged(query, {"rows": [[1, "Rock"], [2, "Jazz"]]}, ordered=True).value is False
    assert judged(query, {"rows": [[2, "Jazz"], [True, "Rock"]]}, ordered=True).value is True
    assert judged("select 1 where 0", {"rows": []}).value is True
    wrong = judged(query, {"rows": [[1, "Rock"]]})
    assert (wrong.value, wrong.rationale) == (
        False,
        "it finds 2 rows, the target 1 row; not wanted: (2, 'Jazz')",
    )


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ({"rows": [[1, {"a": 2}]]}, "The target's rows are no lists of values"),
        ({"rows": [1, 2]}, "The target's rows are no lists of values"),
        ({"rows": [[1]] * 10_001}, "The target has more than 10,000 rows"),
        ({"sql": "select * from nowhere"}, "The target's query fails: no such table: nowhere"),
        ({"sql": "drop table Album"}, "The target's query fails: it may only read"),
        ({"sql": 5}, "The target is neither a query nor a list of rows"),
        ({"sql": "select 1", "rows": [[1]]}, "The target has several fields (sql, rows)"),
        ({"sql": "x" * 200_000}, "too long to compare"),
        ({"sql": ["select 2"] * 10 + ["select 1"]}, "The target has 11 queries: give at most 10"),
    ],
)
def test_a_target_that_says_nothing_is_an_error(target: dict, error: str) -> None:
    verdict = judged("select 1", target)
    assert verdict.value is None
    assert (verdict.error or "").startswith(error)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("I cannot answer this.", "the query fails: near"),
        ("select Title from Albums", "the query fails: no such table: Albums"),
        ("delete from Album", "the query fails: it may only read"),
        ("pragma query_only = off", "the query fails: it may only read"),
        ("select a.* from Track a, Track b", "the query fails: it finds more than 10,000 rows"),
        (ENDLESS, "the query fails: it was stopped after 50,000,000 steps"),
        ("select hex(zeroblob(9000000)) from Track", "the query fails: "),
        ("", "the query fails: it is no query that finds rows"),
    ],
)
def test_an_output_that_is_no_answer_is_not_right(output: str, said: str) -> None:
    verdict = judged(output, "select count(*) from Album")
    assert verdict.value is False
    assert (verdict.rationale or "").startswith(said), verdict


def test_a_query_that_takes_the_child_with_it_is_not_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would count for nothing, and be better than a wrong one. Each row is a few steps, of a fiftieth of a second."""
    monkeypatch.setattr(sql_match, "_LIMITS", Limits(wall_s=1.0))
    # Under the limit of a text, over which it is null at once; and other for each row, or it would be made only once.
    slow = "select length(printf('%.*c', 4000000 + TrackId, 'x')) from Track"

    verdict = judged(slow, "select count(*) from Album")
    assert (verdict.value, verdict.rationale, verdict.late) == (
        False,
        "the query fails: The program was stopped after 1 s",
        True,
    )
    assert judged(slow, {"rows": [[347]]}).value is False
    assert judged("select 1", slow).error == "The program was stopped after 1 s"


def test_what_judged_is_kept_with_the_verdict() -> None:
    assert (judged("select 1", "select 1").engine or "").startswith("cpython-seccomp ")


def test_a_database_that_is_written_by_way_of_a_log_can_be_read(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "wal.db") as made:
        made.execute("pragma journal_mode = wal")
        made.execute("create table t as select 7 as a")
    made.close()
    content = (tmp_path / "wal.db").read_bytes()
    assert content[18:20] == b"\2\2"

    assert judged("select a from t", "select 7", content).value is True


def test_without_its_database_it_does_not_judge() -> None:
    evaluator = kind("sql_match").prepare({"database": "0" * 64})
    verdict = evaluator.judge(execution("select 1"), row("select 1"))

    assert verdict.error == "The evaluator's database is not there any more: give it to a new version"


def test_where_there_is_no_sandbox_it_does_not_judge() -> None:
    code = """
import sys
sys.executable = "/nonexistent/python"
from tests.evaluators.test_kind_sql_match import judged
print(judged("select 1", "select 1"))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=DATA.parents[2], check=True
    )
    assert "value=None" in done.stdout
    assert "There is no safe sandbox on this host, so that no query runs: no process" in done.stdout


@pytest.mark.parametrize(
    ("output", "query"),
    [
        ("select 1", "select 1"),
        ("```sql\nselect 1\n```", "select 1\n"),
        ("So:\n```SQL\nselect 1\n```\nor\n```sql\nselect 2\n```", "select 1\n"),
        ("```\nselect 1\n```", "select 1\n"),
        ("```\nresult\n```\n```sqlite\nselect 2\n```", "select 2\n"),
        ("```python\nprint(1)\n```", "```python\nprint(1)\n```"),
        ("```sql\nselect 1", "select 1"),
        ("select '```'", "select '```'"),
    ],
)
def test_the_query_is_taken_out_of_its_fence(output: str, query: str) -> None:
    assert query_in(output) == query
