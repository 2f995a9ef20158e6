"""JSON answers: an object of the schema's shape, filled with what the prompt holds."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.practice.checks import as_list, as_object
from app.practice.examples import Pairs
from app.practice.judging import Verdict, graded
from app.practice.labelling import classify
from app.practice.noise import Noise
from app.practice.patterns import guess
from app.practice.reading import Prompt
from app.practice.slots import extract
from app.practice.telling import Told
from app.practice.tokens import tokens
from app.practice.tools import BLANKS, Schema, Source, argument, as_number, kind_of

REASON = re.compile(r"rationale|reason|explan|comment|justif|critique|evidence|quote", re.IGNORECASE)
ANSWER = re.compile(r"answer|label|intent|categor|class|result|output|value|topic", re.IGNORECASE)
TOLD_KEY = re.compile(r"[\"'](\w{1,40})[\"']\s{0,3}:\s{0,3}([^,}\n]{0,80})")
DEEPEST = 6
INPUT_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as text, why it was given, and what was done to get it."""

    text: str
    why: str
    task: str


@dataclass(frozen=True, slots=True)
class Filler:
    """Fills schemas from one prompt; `plain` gives the answer that would be given without a schema."""

    prompt: Prompt
    told: Told
    verdict: Verdict | None
    plain: Callable[[], Answer]
    noise: Noise
    root: Schema
    json_examples: tuple[tuple[str, dict[str, Any]], ...] = field(default=())

    def fill(self, schema: Schema, depth: int = 0) -> dict[str, Any]:
        """An object with the schema's properties; what is not found is left out, or blank when required."""
        schema = self._resolved(schema)
        properties = {k: v for k, v in as_object(schema.get("properties")).items() if isinstance(v, dict)}
        pairs = tuple((text, orjson.dumps(answer).decode()) for text, answer in self.json_examples)
        slots = {} if self.verdict else extract(self.prompt.input, tuple(properties), pairs)
        required = as_list(schema.get("required"))
        out = {}
        for name, given in properties.items():
            spec = self._resolved(given)
            value = self._value(name, spec, slots.get(name), depth)
            if value is None and name in required:
                value = BLANKS.get(kind_of(spec))
            if value is not None:
                out[name] = value
        return out

    def _resolved(self, spec: Schema) -> Schema:
        """The schema behind a reference, or the first option of several that is not null."""
        for _ in range(DEEPEST):
            if isinstance(spec.get("$ref"), str):
                name = spec["$ref"].rsplit("/", 1)[-1]
                spec = as_object(as_object(self.root.get("$defs") or self.root.get("definitions")).get(name))
            options = [option for key in ("anyOf", "oneOf", "allOf") for option in as_list(spec.get(key))]
            option = next((o for o in options if isinstance(o, dict) and o.get("type") != "null"), None)
            if option is None:
                break
            spec = option
        return spec

    def _value(self, name: str, spec: Schema, slot: str | None, depth: int) -> Any:
        kind = kind_of(spec)
        if "const" in spec:
            return spec["const"]
        if kind == "object" or (
            kind == "array" and "properties" in self._resolved(as_object(spec.get("items")))
        ):
            return self._nested(spec, kind, depth)
        if REASON.search(name) and kind == "string":
            return self.verdict.rationale if self.verdict else self.plain().why
        if self.verdict:
            return graded(self.verdict, kind, {"enum": self.told.verdicts, **spec})
        if slot is not None:
            return (
                as_number(slot, kind)
                if kind in {"integer", "number"}
                else [slot]
                if kind == "array"
                else slot
            )
        return self._found(name, spec, kind)

    def _nested(self, spec: Schema, kind: str, depth: int) -> Any:
        if depth >= DEEPEST:
            return BLANKS[kind]
        if kind == "object":
            return self.fill(spec, depth + 1)
        item = self.fill(spec["items"], depth + 1)
        return [item] if any(value not in BLANKS.values() for value in item.values()) else []

    def _found(self, name: str, spec: Schema, kind: str) -> Any:
        options = spec.get("enum")
        if isinstance(options, list) and options:
            return self._option(name, options)
        if kind == "string" and ANSWER.search(name):
            return self.plain().text
        if self.json_examples or guess(name, "").known:
            return None
        text = self.prompt.input[:INPUT_CHARACTERS]
        return argument(name, spec, Source(text, tokens(text)), required=True)

    def _option(self, name: str, options: list[Any]) -> Any:
        by_name = {str(option): option for option in options}
        pairs = tuple((text, str(answer[name])) for text, answer in self.json_examples if name in answer)
        labels = tuple((option, "") for option in by_name)
        return by_name[classify(self.prompt.input, labels, pairs or self.prompt.examples, self.noise).label]


def read_json_examples(examples: Pairs) -> tuple[tuple[str, dict[str, Any]], ...]:
    """The examples whose answers are JSON objects."""
    found = []
    for text, answer in examples:
        if answer.lstrip().startswith("{"):
            try:
                found.append((text, orjson.loads(answer)))
            except orjson.JSONDecodeError:
                continue
    return tuple(found)


def told_schema(rules: str, filler: Filler) -> Schema:
    """The schema that instructions or examples imply when only JSON is asked for; without either, one answer."""
    told = {name: _kind_told(hint) for name, hint in TOLD_KEY.findall(rules)}
    shown = {
        name: _kind_of_value(value) for _, answer in filler.json_examples for name, value in answer.items()
    }
    kinds = told or shown
    if not kinds:
        kinds = {"verdict": "string", "rationale": "string"} if filler.verdict else {"answer": "string"}
    required = [] if shown and not told else list(kinds)
    return {"type": "object", "properties": {k: {"type": v} for k, v in kinds.items()}, "required": required}


def _kind_told(hint: str) -> str:
    if re.search(r"true|false|bool", hint, re.IGNORECASE):
        return "boolean"
    if re.search(r"^\s*[<\"]?\d|number|integer|float|score", hint, re.IGNORECASE):
        return "number"
    return "array" if hint.lstrip().startswith("[") else "string"


def _kind_of_value(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "array" if isinstance(value, list) else "string"
