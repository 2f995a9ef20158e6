"""Rows, targets and verdicts as short texts, for tables of evaluations."""

from collections.abc import Mapping
from typing import Any

import orjson
from markupsafe import Markup, escape

from app.core import templating
from app.datasets.models import Datapoint


def plain(value: Any) -> str:
    """A value from a row as people read it: texts as they are, everything else as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def question_text(datapoint: Datapoint) -> str:
    """What a row asks: its shortest input (the question, not the passage), or its last message."""
    if datapoint.inputs:
        return min((plain(value) for value in datapoint.inputs.values()), key=len)
    messages = datapoint.messages or []
    return plain(messages[-1].get("content") or "") if messages else ""


def passages(datapoint: Datapoint) -> str:
    """What stands beside the question: the longer inputs."""
    return " · ".join(sorted((plain(value) for value in datapoint.inputs.values()), key=len)[1:])


def target_text(target: Mapping[str, Any] | None) -> str:
    """What a row's right answer is; several right ones are joined by "or"."""
    values = []
    for value in (target or {}).values():
        values += [plain(one) for one in value] if isinstance(value, list) else [plain(value)]
    return " or ".join(dict.fromkeys(value for value in values if value))


def breakable(text: str) -> Markup:
    """A name such as `card_payment_wrong_rate` that may break after each underscore."""
    return Markup("_<wbr>").join(escape(part) for part in text.split("_"))


def coded(text: str) -> Markup:
    """A help text with what stands between backticks as code."""
    parts = [escape(part) for part in text.split("`")]
    shown = [Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts)]
    return Markup("").join(shown)


def install() -> None:
    """Make these the filters of all pages."""
    templating.environment().filters.update(
        question=question_text,
        passages=passages,
        target_text=target_text,
        breakable=breakable,
        plain=plain,
        coded=coded,
    )
