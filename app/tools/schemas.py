"""What the API takes for tools beside their content."""

from typing import Any, ClassVar

from pydantic import Field, SecretStr, field_validator

from app.core.bodies import Body


class VariableGiven(Body):
    """A variable of a tool, and its value, which is never shown again."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"name": "CARDS_TOKEN", "value": "a-token-of-the-service"}

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z_\d]{0,99}$", description="Letters, digits and underscores.")
    value: SecretStr = Field(
        min_length=1,
        max_length=2_000,
        description="It is never shown, and masked wherever an answer has it: a short one takes words like it along.",
    )

    origin: str | None = Field(
        None,
        max_length=2_000,
        description="Scheme, host and port that it is for. Left out, it is for those of the version that answers now; named, "
        "they must be the same.",
    )

    @field_validator("value")
    @classmethod
    def _can_be_sent(cls, value: SecretStr) -> SecretStr:
        plain = value.get_secret_value()
        if not plain.isascii() or not plain.isprintable():
            raise ValueError("It has characters that cannot be sent: copy it again.")
        return value
