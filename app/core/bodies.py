"""What every body of the JSON API has in common: unknown members are ignored, null means
absent, and what could not be stored as it is, is refused."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationInfo, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from app.core.json_values import unstorable

CHECKED = "checked"
"""The context of a validation of what has been read by `json_values.loads`: it is not looked through again, part by part."""


class Body(BaseModel):
    """A request's body, or a part of one."""

    model_config = ConfigDict(extra="ignore")

    NULL_SAYS: ClassVar[frozenset[str]] = frozenset()
    """Members of which null says something, such as: take this away."""
    EXAMPLE: ClassVar[dict[str, Any] | None] = None
    """One that a caller could send: `openapi` shows it with the routes that take such a body."""

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any, info: ValidationInfo) -> Any:
        if not isinstance(data, dict):
            return data
        if info.context is not CHECKED and (problem := unstorable(data)):
            raise ValueError(problem)
        if None not in data.values():
            return data
        return {name: value for name, value in data.items() if value is not None or name in cls.NULL_SAYS}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core_schema)
        shown = handler.resolve_ref_schema(schema)
        for name, member in shown.get("properties", {}).items():
            if name not in shown.get("required", ()):
                shown["properties"][name] = _or_null(member)
        return schema


_SAID_OF_IT = frozenset({"default", "description", "title"})


def _or_null(member: JsonSchemaValue) -> JsonSchemaValue:
    """The schema of a member that may be left out: null is no member."""
    kinds = member.get("anyOf", [{name: value for name, value in member.items() if name not in _SAID_OF_IT}])
    if {"type": "null"} in kinds or {} in kinds:
        return member
    return {"anyOf": [*kinds, {"type": "null"}]} | {
        name: member[name] for name in _SAID_OF_IT if name in member
    }
