"""docs/statistics.md and the answers to the examples, made from the statistics themselves.

`.venv/bin/python -m tests.docs.statistics_examples` writes both anew; tests say when that is due.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.calculator.catalogue import FAMILIES
from app.calculator.contract import Entry
from app.calculator.examples import ANSWERS, answers
from app.calculator.working import answer

DOCUMENT = Path(__file__).parents[2] / "docs" / "statistics.md"
BEGINS = "<!-- From here on the document is made by tests/docs/statistics_examples.py. -->\n"


def worked_out() -> dict[str, Any]:
    """What every statistic says of its example."""
    return {
        entry.name: answer(entry.name, entry.example) for entries in FAMILIES.values() for entry in entries
    }


def render() -> str:
    """The generated part of the document, with the answers that are kept."""
    lines: list[str] = []
    for family, entries in FAMILIES.items():
        lines += [f"## {family}", ""]
        for entry in entries:
            lines += _section(entry)
    return "\n".join(lines).rstrip() + "\n"


def _section(entry: Entry[Any]) -> Iterator[str]:
    yield f"### `{entry.name}`"
    yield ""
    also = f" Also asked for as {', '.join(f'`{name}`' for name in entry.aliases)}." if entry.aliases else ""
    yield f"{entry.purpose}{also}"
    yield ""
    yield f"{_cell(entry.method)} Source: {entry.source}."
    yield ""
    yield "| argument | default | what it is |"
    yield "|---|---|---|"
    schema = entry.arguments.model_json_schema()
    for name, shown in schema["properties"].items():
        default = "needed" if name in schema.get("required", ()) else json.dumps(shown.get("default"))
        yield f"| `{name}` | {default} | {_cell(shown.get('description', ''))} |"
    yield ""
    yield "```json"
    yield json.dumps(dict(entry.example), ensure_ascii=False)
    yield json.dumps(answers()[entry.name], ensure_ascii=False)
    yield "```"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    ANSWERS.write_text(json.dumps(worked_out(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    answers.cache_clear()
    said = DOCUMENT.read_text(encoding="utf-8").partition(BEGINS)[0]
    DOCUMENT.write_text(f"{said}{BEGINS}\n{render()}", encoding="utf-8")
