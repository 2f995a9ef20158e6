"""JSON fits a schema."""

from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from pydantic import Field, field_validator, model_validator

from app.core.json_values import DEPTH
from app.evaluators.kinds.answering import object_of
from app.evaluators.kinds.comparing import OutputKind
from app.evaluators.kinds.contract import Execution, KindOptions, Traits, Verdict, storable
from app.evaluators.kinds.json_output import NoJson, read_json
from app.evaluators.kinds.schema_shape import SchemaShape, shape_of

_EXAMPLE = """{
 "type": "object",
 "properties": {"order": {"type": "string", "pattern": "^[A-Z]-[0-9]+$"}, "items": {"type": "integer", "minimum": 1}},
 "required": ["order", "items"],
 "additionalProperties": false
}"""
_MOST_TOLD = 5
_ALL_TOLD_STEPS = 20_000
"""Parts of the schema times characters of the output, up to which all problems are told: the library finds all of them at once,
some two a step, of 1.5 KB each."""
_MOST_STEPS = 1_000_000
"""Steps to the first problem, which the library takes without remembering what it has been at: about a second."""
_MOST_WORK = 20_000_000
"""Parts of the schema times characters of the output: two seconds in the worst case, in which the interpreter can do nothing
else (measured: an object compared with the members of an `enum`)."""
_MOST_OF_A_PATTERN = 1 << 20
"""Bytes of a pattern that is compiled, and of what is remembered while it is looked for: the library's own limit is for each
of them ten times as much."""


class JsonSchemaOptions(KindOptions):
    json_schema: dict[str, Any] = Field(
        title="Schema", json_schema_extra={"multiline": True, "first": True, "initial": _EXAMPLE}
    )
    """The schema, as JSON (draft 2020-12). References lead to places in it, such as `#/$defs/item`; patterns have no look-around and no back references."""
    formats: bool = True
    """Check formats, too: `date`, `email`, `uri` and the others of the standard."""
    in_fence: bool = False
    """Accept JSON inside a Markdown fence (```json)."""

    @field_validator("json_schema", mode="before")
    @classmethod
    def _of_a_form(cls, value: object) -> object:
        return object_of(value, '{"type": "object"}')

    @model_validator(mode="after")
    def _compiles(self) -> "JsonSchemaOptions":
        _compiled(self)
        return self


class JsonSchema(OutputKind[JsonSchemaOptions]):
    """Is the output JSON that fits a schema?

    The first problems are told, each with its place; of a long output or a large schema the first one, or none where there are
    alternatives. Nothing is fetched for a schema. Looking for patterns takes a
    time that grows with the length of the output, and never explodes; an output that is too long for a large schema has no score.
    """

    name = "json_schema"
    title = "JSON schema"
    purpose = "Format"
    keywords = "structured output validation"
    returns = Traits("boolean")
    Options = JsonSchemaOptions

    def load(self, options: JsonSchemaOptions) -> None:
        _compiled(options)

    def takes_long(self, options: JsonSchemaOptions, execution: Execution) -> bool:
        return _compiled(options).shape.size * len(execution.output or "") > _MOST_STEPS

    def check(self, options: JsonSchemaOptions, output: str) -> Verdict:
        try:
            value = read_json(output, options.in_fence)
        except NoJson as error:
            return Verdict(False, rationale=storable(str(error)))
        compiled = _compiled(options)
        if len(output) > (most := _MOST_WORK // compiled.shape.size):
            said = f"The output is too long for this schema: {len(output):,} characters, at most {most:,} are checked"
            return Verdict(None, error=said)
        if compiled.validator.is_valid(value):
            return Verdict(True)
        return Verdict(False, rationale=_problems(compiled, value, output))


class _Compiled(NamedTuple):
    validator: Any
    shape: SchemaShape


def _compiled(options: JsonSchemaOptions) -> _Compiled:
    return _validator(orjson.dumps(options.json_schema), options.formats)


@lru_cache(maxsize=64)
def _validator(schema: bytes, formats: bool) -> _Compiled:
    """The schema, ready to check by.

    Raises:
        ValueError: it is none, or one that could take any time to check by; says where and why.
    """
    import jsonschema_rs  # noqa: PLC0415 - the start of the application must not wait for it

    read = orjson.loads(schema)
    shape = shape_of(read)
    try:
        validator = jsonschema_rs.Draft202012Validator(
            read,
            offline=True,  # else it fetches what a schema refers to, from any address and from the disk
            pattern_options=jsonschema_rs.RegexOptions(  # the linear engine, not the one with look-around
                size_limit=_MOST_OF_A_PATTERN, dfa_size_limit=_MOST_OF_A_PATTERN
            ),
            validate_formats=formats,
            mask="this",  # an output may be long, and is shown beside the verdict
        )
    except jsonschema_rs.ValidationError as error:
        place = _place(error.instance_path)
        msg = f"at {place} of the schema: {storable(error.message, 300)}"
        raise ValueError(msg) from None
    return _Compiled(validator, shape)


def _problems(compiled: _Compiled, value: Any, output: str) -> str:
    """The first problems, each with its place."""
    import jsonschema_rs  # noqa: PLC0415 - see above

    steps = compiled.shape.size * len(output) * compiled.shape.turns ** _depth(value)
    if steps > _MOST_STEPS and compiled.shape.turns > 1:
        return "it does not fit the schema, which refers to itself too often to say where"
    if steps > _ALL_TOLD_STEPS and compiled.shape.has_alternatives:
        return "it does not fit the schema, which has too many alternatives to say where in so long an output"
    if steps > _ALL_TOLD_STEPS:
        try:
            compiled.validator.validate(value)
        except jsonschema_rs.ValidationError as error:
            return f"{_told(error)} (the first problem)"
    errors = [*compiled.validator.iter_errors(value)]
    more = f"; and {len(errors) - _MOST_TOLD:,} more" if len(errors) > _MOST_TOLD else ""
    return "; ".join(map(_told, errors[:_MOST_TOLD])) + more


def _told(error: Any) -> str:
    return storable(f"{_place(error.instance_path)}: {storable(error.message, 300)}", 600)


def _place(path: list[str | int]) -> str:
    """A place as JSONPath writes it (RFC 9535): `$.order.items[0]`."""
    steps = (f".{step}" if isinstance(step, str) and step.isidentifier() else f"[{step!r}]" for step in path)
    return f"${''.join(steps)}"


def _depth(value: Any) -> int:
    """How many objects and lists stand within each other."""
    level, depth = [value], 0
    while (level := [one for one in level if isinstance(one, dict | list)]) and depth <= DEPTH:
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
        depth += 1
    return depth
