"""What all shapes of answers have in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """The members of an object that an answer always has. It may have more. Nothing is made of it but a description."""

    model_config = ConfigDict(use_attribute_docstrings=True)


Moment = str | None
"""A time in ISO 8601, or null."""
Json = dict[str, Any]
