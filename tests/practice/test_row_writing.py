"""The practice model asked for rows: of those that it is shown, in the shape that was asked for, the same every time."""

import json

from app.datasets.cells import place_of
from app.generations import row_asking
from app.practice.asking import Ask
from app.practice.model import complete

COLUMNS = [place_of("inputs.question"), place_of("target.intent")]
SHOWN = [
    {"inputs.question": "Where is my new card", "target.intent": "card"},
    {"inputs.question": "How do I close it", "target.intent": "account"},
]


def written(rows: int, shown: list[dict], part: int = 1) -> list[dict]:
    request = row_asking.request_of({"template": "x"}, part, 3, rows, COLUMNS, row_asking.lines_of(shown))
    reply = complete(Ask(messages=(("user", "About cards."), ("user", request["content"])))).replies[0]
    return json.loads(reply.text or "")


def test_rows_have_what_was_asked_for_and_keep_the_target_of_the_first_half() -> None:
    rows = written(2, SHOWN)
    assert [row["target.intent"] for row in rows] == ["card", "account"]
    assert rows[0]["inputs.question"].startswith("Where is my ")
    assert rows[0]["inputs.question"].endswith("close it")
    assert rows == written(2, SHOWN)


def test_no_two_rows_are_the_same_however_many() -> None:
    rows = [row["inputs.question"] for part in (1, 2) for row in written(20, SHOWN, part)]
    assert len(set(rows[:20])) == 20
    assert len({row["inputs.question"] for row in written(5, [])}) == 5


def test_what_only_sounds_like_it_is_answered_as_before() -> None:
    said = complete(Ask(messages=(("user", "Write 3 new rows of poetry"),))).replies[0].text or ""
    assert not said.startswith("[")
