import pytest

from app.core.template import MissingInputs
from app.prompts.template import compile_prompt, conversation, few_shot_examples, strip_example_marks


def marked(role, content):
    return {"role": role, "content": content, "name": "example"}


TEMPLATE = [
    {"role": "system", "content": "Choose an intent."},
    marked("user", "Charged 1.5% extra"),
    marked("assistant", "card_fee"),
    marked("user", "You gave me 1.08"),
    marked("assistant", "wrong_rate"),
    {"role": "user", "content": "{{message}}", "name": "Maya"},
]


def test_examples_start_at_each_marked_users_message():
    assert few_shot_examples(TEMPLATE) == [TEMPLATE[1:3], TEMPLATE[3:5]]
    assert few_shot_examples([TEMPLATE[1], TEMPLATE[0], TEMPLATE[2]]) == [[TEMPLATE[1]], [TEMPLATE[2]]]
    assert few_shot_examples([TEMPLATE[0]]) == []


def test_the_mark_is_taken_off_and_other_names_stay():
    stripped = strip_example_marks(TEMPLATE)

    assert [message.get("name") for message in stripped] == [None] * 5 + ["Maya"]
    assert [message["content"] for message in stripped] == [message["content"] for message in TEMPLATE]
    assert TEMPLATE[1]["name"] == "example"


def test_a_conversation_is_the_template_and_then_the_messages():
    history = [{"role": "assistant", "content": "Go on"}, {"role": "user", "content": "{{not}} a template"}]
    sent = conversation(compile_prompt(TEMPLATE, None), {"message": "Hello"}, history)

    assert sent[:5] == strip_example_marks(TEMPLATE)[:5]
    assert sent[5:] == [{"role": "user", "content": "Hello", "name": "Maya"}, *history]


def test_a_plain_string_is_one_user_message():
    compiled = compile_prompt("Say {{word}}", None)

    assert conversation(compiled, {"word": "hi"}) == [{"role": "user", "content": "Say hi"}]
    with pytest.raises(MissingInputs):
        conversation(compiled, {})
