"""The form in which people answer: one field for each evaluator, by its spec."""

from typing import Any

import pytest
from starlette.datastructures import FormData

from app.core.errors import Invalid
from app.evaluators.binding import make_spec
from app.files.models import File, Version
from app.review.fields import CANNOT_TELL, NONE_OF_THEM, Field, fields_of, form_of, in_words, read_answers


def human(name: str = "Would you send it?", **settings: Any) -> Version:
    version = Version(id=f"evv_{name}", spec=make_spec("human", settings))
    version.file = File(path=f"tests/{name}")
    return version


def field(**settings: Any) -> Field:
    return fields_of([human(**settings)])[0]


def read(one: Field, *said: str) -> Any:
    return read_answers([one], FormData([(one.name, each) for each in said]))[one.name]


SCALE = {"answers": "number", "lowest": 1, "highest": 5, "step": 1}
SELECT = {"answers": "select", "choices": ("yes", "with edits", "no")}
SEVERAL = {"answers": "multi_select", "choices": ("made up", "too long", "rude")}


@pytest.mark.parametrize(
    ("settings", "said", "value", "words"),
    [
        ({}, ["true"], True, "Yes"),
        ({}, ["false"], False, "No"),
        (SCALE, ["4"], 4.0, "4"),
        ({"answers": "number"}, ["2.5"], 2.5, "2.5"),
        (SELECT, ["c1"], "with edits", "with edits"),
        (SEVERAL, ["c2", "c0"], ["rude", "made up"], "rude, made up"),
        (SEVERAL, [NONE_OF_THEM], [], "None of them"),
        (SEVERAL, [CANNOT_TELL], None, "Cannot tell"),
        ({"answers": "text"}, [" Say sorry first. "], "Say sorry first.", "Say sorry first."),
        ({}, [CANNOT_TELL], None, "Cannot tell"),
        (SCALE, [CANNOT_TELL], None, "Cannot tell"),
    ],
)
def test_an_answer_is_read_and_stands_in_the_form_again(
    settings: dict[str, Any], said: list[str], value: object, words: str
) -> None:
    one = field(**settings)
    assert read(one, *said) == value
    assert in_words(value) == words
    again = form_of(one, value)
    assert read(one, *again) == value


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, []),
        ({}, ["maybe"]),
        (SCALE, ["6"]),
        (SCALE, ["1.5"]),
        ({"answers": "number"}, ["many"]),
        ({"answers": "number"}, ["nan"]),
        ({"answers": "number"}, [CANNOT_TELL]),
        (SELECT, ["yes"]),
        (SEVERAL, ["c3"]),
        (SEVERAL, []),
        (SEVERAL, ["c1", NONE_OF_THEM]),
        (SEVERAL, [CANNOT_TELL, NONE_OF_THEM]),
        (SELECT, [NONE_OF_THEM]),
        ({"answers": "text"}, ["  "]),
        ({"answers": "text"}, ["x" * 20_001]),
        ({"answers": "text"}, ["a\x00b"]),
    ],
)
def test_what_an_evaluator_does_not_take_is_said_at_its_field(
    settings: dict[str, Any], said: list[str]
) -> None:
    one = field(**settings)
    with pytest.raises(Invalid) as refused:
        read(one, *said)
    assert list(refused.value.fields) == [one.name]


def test_a_long_scale_is_typed_and_a_short_one_chosen() -> None:
    assert [one.value for one in field(**SCALE).choices] == ["1", "2", "3", "4", "5", CANNOT_TELL]
    assert field(answers="number", lowest=0, highest=100, step=1).shape == "number"
    assert field(answers="number", lowest=0, highest=1, step=0.1).shape == "choices"
    assert field(answers="number", lowest=0, highest=1e308, step=1e-5).shape == "number"
    assert field(answers="number", lowest=-1.7e308, highest=1.7e308, step=1e308).shape == "number"


def test_every_key_does_one_thing_and_none_that_the_page_has() -> None:
    fields = fields_of([human(), human("tone", **SCALE), human("kind", **SELECT), human("what", **SEVERAL)])
    keys = [choice.key for one in fields for choice in one.choices if choice.key]
    assert len(keys) == len(set(keys))
    assert not set(keys) & set("zsjkgt")
    assert [choice.key for choice in fields[0].choices] == ["y", "n", "x"]
    assert [choice.key for choice in fields[1].choices][:5] == list("12345")


def test_more_answers_than_letters_have_no_key() -> None:
    many = field(answers="multi_select", choices=[f"choice {n}" for n in range(40)])
    assert [one.key for one in many.offered][-1] == ""
