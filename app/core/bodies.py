"""What every body of the JSON API has in common: unknown members are ignored, null means
absent, and what could not be stored as it is, is refused."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator

from app.core.json_values import unstorable


class Body(BaseModel):
    """A request's body, or a part of one."""

    model_config = ConfigDict(extra="ignore")

    NULL_SAYS: ClassVar[frozenset[str]] = frozenset()
    """Members of which null says something, such as: take this away."""

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        if problem := unstorable(data):
            raise ValueError(problem)
        return {name: value for name, value in data.items() if value is not None or name in cls.NULL_SAYS}
