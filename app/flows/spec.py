"""What a flow version says: attributes that its makers choose."""

from typing import Any

from pydantic import Field

from app.core.bodies import Body
from app.core.ids import without_nulls


class FlowSpec(Body):
    """The content of a flow version."""

    attributes: dict[str, Any] = Field(
        default_factory=dict,
        description="What tells one version from another: a commit, the prompts and models used.",
    )

    def content(self) -> dict[str, Any]:
        """The spec as stored and hashed: no attributes and empty attributes are the same."""
        attributes = without_nulls(self.attributes)
        return {"attributes": attributes} if attributes else {}
