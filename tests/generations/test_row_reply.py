"""Reading the rows that a model wrote, in whichever form it did."""

import pytest

from app.datasets.cells import place_of
from app.generations.row_reply import read_reply
from app.providers.answers import Answer

COLUMNS = [place_of("inputs.question"), place_of("target.intent")]
ROW = {"inputs": {"question": "Where?"}, "target": {"intent": "lost"}}


def reply_to(text: str | None, columns=COLUMNS, most: int = 10, **more):
    given = dict.fromkeys(
        ("finish_reason", "model", "prompt_tokens", "output_tokens", "reasoning_tokens"), None
    ) | {"content": text, "message": {"role": "assistant", "content": text}, "latency_ms": 1.0, "attempts": 1}
    return read_reply(Answer(**given | more), columns, most)


@pytest.mark.parametrize(
    "text",
    [
        '[{"inputs.question": "Where?", "target.intent": "lost"}]',
        '[{"question": "Where?", "intent": "lost"}]',
        '[{"inputs": {"question": "Where?"}, "target": {"intent": "lost"}}]',
        '[{"question": "Where?", "target": "lost"}]',
        '{"rows": [{"question": "Where?", "intent": "lost"}]}',
        '{"question": "Where?", "intent": "lost"}',
        '{"question": "Where?", "intent": "lost"}\n',
        'Here they are:\n```json\n[{"question": "Where?", "intent": "lost"}]\n```\nDone.',
        'Sure! [{"question": "Where?", "intent": "lost", "why": "a thought"}] That is all.',
    ],
)
def test_the_usual_forms_are_read(text: str) -> None:
    found = reply_to(text)
    assert found.problem is None
    assert [row.content() for row in found.rows] == [ROW]
    assert found.left_out == []


def test_one_object_a_line_is_read_and_a_line_that_is_none_is_told() -> None:
    text = '{"question": "A", "intent": "x"}\n{"question": "B", "intent": \n{"question": "C", "intent": "z"},'
    found = reply_to(text)
    assert [row.inputs["question"] for row in found.rows] == ["A", "C"]
    assert [one["why"] for one in found.left_out] == ["it is no JSON object"]


def test_a_row_that_lacks_what_was_asked_for_is_left_out_and_the_others_stay() -> None:
    found = reply_to(
        '[{"question": "A"}, {"question": "", "intent": "x"}, "text", {"question": "B", "intent": "y"}]'
    )
    assert [row.inputs["question"] for row in found.rows] == ["B"]
    assert [one["why"] for one in found.left_out] == [
        "it has no target.intent", "it has no inputs.question", "it is no JSON object",
    ]  # fmt: skip


def test_no_more_rows_are_taken_than_were_asked_for() -> None:
    found = reply_to('[{"question": "A", "intent": "x"}, {"question": "B", "intent": "y"}]', most=1)
    assert (len(found.rows), len(found.left_out)) == (1, 1)
    assert found.left_out[0]["why"] == "more than the 1 asked for"


def test_a_name_that_two_columns_share_has_to_be_said_whole() -> None:
    both = [place_of("inputs.text"), place_of("target.text")]
    assert reply_to('[{"text": "a"}]', both).left_out[0]["why"] == "it has no inputs.text"
    assert reply_to('[{"inputs.text": "a", "target.text": "b"}]', both).rows[0].target == {"text": "b"}


@pytest.mark.parametrize(
    ("text", "more", "said"),
    [
        ("I would rather not.", {}, "it begins with “I would rather not.”"),
        ('[{"question": "A", "inte', {"finish_reason": "length"}, "cut off at its largest number of tokens"),
        ("", {}, "was empty"),
        (None, {"message": {"role": "assistant", "tool_calls": [{}]}}, "called a tool"),
        ("[]", {}, "holds no row"),
    ],
)
def test_what_cannot_be_read_is_told_in_words(text: str | None, more: dict, said: str) -> None:
    found = reply_to(text, **more)
    assert found.rows == []
    assert said in (found.problem or "")


def test_of_a_reply_that_was_cut_off_the_whole_rows_are_taken() -> None:
    text = '[\n{"question": "A", "intent": "x"},\n{"question": "B", "intent": "y"},\n{"question": "C", "int'
    found = reply_to(text, finish_reason="length")
    assert [row.inputs["question"] for row in found.rows] == ["A", "B"]
    assert "cut off" in (found.problem or "")


def test_what_cannot_be_stored_is_left_out() -> None:
    found = reply_to('[{"question": "a\\u0000b", "intent": "x"}]')
    assert found.rows == []
    assert found.problem or found.left_out
