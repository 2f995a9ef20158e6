"""What a browser sends of the evaluator page's form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

PREFIX = "s."
"""Before the names of a kind's settings in the form, so that none of them meets a field of the page."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a browser sent of the page's form."""

    kind: str = ""
    path: str = ""
    note: str = ""
    dataset: str = ""
    row: str = ""
    output: str = ""
    target: str = ""
    taken: str = ""
    """The output that the server filled in: another row brings another one, unless somebody has changed it."""
    case: str = ""
    """What was given, as JSON: inputs, messages, context and metadata."""
    shown: str = ""
    """Which row of a dataset `case` was filled in from: `{dataset}:{number}`."""
    settings: Mapping[str, str] | None = None
    """None where no form was sent."""
    fill: str = ""
    """`people` puts their verdicts into the examples of a judge."""
    example: str = ""
    """Of a new evaluator: the program or the rubric to begin with."""
    upload: tuple[str, BinaryIO] | None = None
    """A database that was sent along: name and content."""


def read_sent(values: Mapping[str, Any], *, form: bool) -> Sent:
    """The fields of the page in a form or an address."""

    def text(name: str) -> str:
        return str(values.get(name) or "").replace("\r\n", "\n")

    settings = {
        key.removeprefix(PREFIX): str(value) for key, value in values.items() if key.startswith(PREFIX)
    }
    return Sent(
        kind=text("kind"),
        path=text("path").strip(),
        note=text("note").strip(),
        dataset=text("dataset"),
        row=text("row"),
        output=text("output"),
        target=text("target"),
        taken=text("taken"),
        case=text("case"),
        shown=text("shown"),
        settings=settings if form else None,
        fill=text("fill"),
        example=text("example"),
    )
