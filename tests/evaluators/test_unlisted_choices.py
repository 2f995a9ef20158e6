"""What a judge's reply says where any text is a choice."""

import pytest

from app.evaluators.kinds.answering import AnswerOptions
from app.evaluators.kinds.last_line import read_last_line


@pytest.mark.parametrize(
    ("answers", "reply", "value"),
    [
        ("select", "It asks for its money.\n**refund**", "refund"),
        ("multi_select", "It is both.\nrude, too long", ["rude", "too long"]),
        ("multi_select", "It is neither.\n,", None),
    ],
)
def test_any_text_is_a_choice_where_none_are_listed(answers: str, reply: str, value: object) -> None:
    assert read_last_line(AnswerOptions(answers=answers), reply).value == value
