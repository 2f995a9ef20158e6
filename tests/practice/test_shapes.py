"""JSON by schema, tools, and the form of plain answers."""

import json

import pytest

from tests.practice.prompts import ask, say, system, user

BOOKING = {
    "type": "object",
    "properties": {
        "people": {"type": "integer"},
        "time": {"type": "string"},
        "email": {"type": "string"},
        "wish": {"enum": ["book", "cancel", "move"]},
    },
    "required": ["people", "wish"],
}
WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city",
    "parameters": {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "name of the city"},
            "days": {"type": "integer"},
        },
        "required": ["city"],
    },
}
CALENDAR = {
    "name": "add_appointment",
    "description": "Put an appointment into the calendar",
    "parameters": {},
}


def fill(text, schema, *before):
    return json.loads(say([*before, user(text)], shape="json_schema", schema=schema))


class TestSchema:
    def test_fields_are_found_by_their_names(self):
        found = fill("Please book a table for 4 people at 7 pm, write to anna@example.org", BOOKING)

        assert found == {"people": 4, "time": "7 pm", "email": "anna@example.org", "wish": "book"}

    def test_what_is_not_there_is_left_out_or_blank_when_required(self):
        assert fill("I want to cancel it", BOOKING) == {"people": 0, "wish": "cancel"}

    def test_examples_show_what_a_field_wants(self):
        colours = [
            ("a red bicycle", "red"),
            ("the blue car", "blue"),
            ("a green boat", "green"),
            ("my black bus", "black"),
        ]
        shown = "".join(f"Text: {text}\nJSON: {json.dumps({'paint': paint})}\n\n" for text, paint in colours)
        schema = {"type": "object", "properties": {"paint": {"type": "string"}}}

        assert fill(f"{shown}Text: a white bicycle\nJSON:", schema, system("Extract the paint.")) == {
            "paint": "white"
        }

    def test_nested_objects_references_and_options(self):
        schema = {
            "type": "object",
            "$defs": {
                "guest": {
                    "type": "object",
                    "properties": {"email": {"type": "string"}},
                    "required": ["email"],
                }
            },
            "properties": {
                "guest": {"$ref": "#/$defs/guest"},
                "guests": {"type": "array", "items": {"$ref": "#/$defs/guest"}},
                "kind": {"const": "booking"},
                "people": {"anyOf": [{"type": "null"}, {"type": "integer"}]},
            },
            "required": ["guest", "guests", "kind", "people"],
        }

        assert fill("3 people, ask bo@example.org", schema) == {
            "guest": {"email": "bo@example.org"},
            "guests": [{"email": "bo@example.org"}],
            "kind": "booking",
            "people": 3,
        }

    def test_a_schema_that_holds_itself_ends(self):
        schema = {"type": "object", "properties": {"child": {"$ref": "#/$defs/node"}}, "required": ["child"]}
        schema["$defs"] = {"node": schema.copy()}

        assert "child" in fill("anything", schema)


class TestTools:
    def call(self, text, **options):
        return ask([user(text)], tools=(WEATHER, CALENDAR), **options).replies[0]

    def test_the_tool_that_fits_is_called_with_values_from_the_text(self):
        reply = self.call("What will the weather in the city of Graz be for 3 days?")

        assert reply.finish == "tool_calls"
        assert reply.text is None
        assert (reply.call.name, json.loads(reply.call.arguments)) == (
            "get_weather",
            {"city": "Graz", "days": 3},
        )

    def test_no_tool_is_called_when_none_fits(self):
        assert self.call("Who wrote Faust?").call is None

    def test_no_tool_is_called_when_a_required_value_is_missing(self):
        assert self.call("how will the weather be").call is None

    def test_a_forced_call_leaves_the_missing_blank(self):
        reply = self.call("how will the weather be", tool_forced=True)

        assert json.loads(reply.call.arguments) == {"city": ""}

    def test_after_the_tools_answer_comes_words(self):
        messages = (user("The weather in Graz?"), ("assistant", ""), ("tool", "18 degrees, rain"))
        reply = ask(messages, tools=(WEATHER,)).replies[0]

        assert (reply.text, reply.task) == ("18 degrees, rain", "answer from a tool's result")


class TestForm:
    PASSAGE = "Passage: The library of the town opened in 1899. It was closed in 1950 after a fire in the north wing."

    @pytest.mark.parametrize(
        ("rules", "answer"),
        [
            ("Answer with a short phrase.", "1899"),
            ("Answer in a full sentence.", "The library of the town opened in 1899."),
            ("Answer in capital letters.", "THE LIBRARY OF THE TOWN OPENED IN 1899."),
            (
                "Answer with a short phrase and explain why.",
                "1899\n\nTaken from: The library of the town opened in 1899.",
            ),
        ],
    )
    def test_instructions_on_the_form_are_followed(self, rules, answer):
        assert say([system(rules), user(f"{self.PASSAGE}\n\nQuestion: When did the library open?")]) == answer

    def test_stop_and_length(self):
        messages = [
            system("Answer in a full sentence."),
            user(f"{self.PASSAGE}\n\nQuestion: When did it open?"),
        ]

        assert say(messages, stop=(" of",)) == "The library"
        cut = ask(messages, max_tokens=2).replies[0]
        assert (cut.text, cut.finish) == ("The libr", "length")
