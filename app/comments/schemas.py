"""Comments as the API takes them."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from app.core.bodies import Body

MOST_CHARACTERS = 4_000
_Id = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MOST_CHARACTERS,
        description="Plain text. `@` and a member's name, or `@[…]` with their id between the brackets, mentions them.",
    ),
]


class CommentCreate(Body):
    """What is said, and about what: exactly one of `version_id`, `datapoint_id` and `log_id`."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "log_id": "log_2Zr8vXqW4nTbY7kLmC1dA",
        "body": "@Ada Lovelace, is this the answer that you saw?",
    }

    version_id: _Id | None = Field(None, description="A version of a file of any kind.")
    datapoint_id: _Id | None = Field(None, description="A row of a dataset.")
    log_id: str | None = Field(None, min_length=1, max_length=2_000)
    body: Text


class CommentUpdate(Body):
    """What is to stand there instead."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "body": "@Ada Lovelace, is this the answer? It names the wrong city."
    }

    body: Text


class MentionsRead(Body):
    """Which mentions were read."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"comment_ids": ["com_2Zr8vXqW4nTbY7kLmC1dA"]}

    comment_ids: list[_Id] | None = Field(
        None,
        max_length=1_000,
        description="The comments; all that mention the key's maker, if it is left out.",
    )
