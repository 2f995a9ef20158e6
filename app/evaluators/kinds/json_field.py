"""A field of JSON."""

import json
from typing import Any

from pydantic import Field

from app.evaluators.kinds.comparing import TargetKind, TargetOptions, listed
from app.evaluators.kinds.contract import Row, Traits, Verdict, storable
from app.evaluators.kinds.json_output import ABSENT, NoJson, reach, read_json


class JsonFieldOptions(TargetOptions):
    path: str = Field(min_length=1)
    """The field of the output, such as `intent` or `order.items[0].name`."""
    ignore_case: bool = False
    """Treat capital and small letters in texts as the same."""
    in_fence: bool = False
    """Accept JSON inside a Markdown fence (```json)."""


class JsonField(TargetKind[JsonFieldOptions]):
    """Does a field of the output's JSON have the target's value?

    Where the target has the same field, that is the value to have. Texts are compared without blanks at their ends,
    numbers by value (1 is 1.0), objects member by member. A number, true, false or null also equals a target that is
    its text, as in CSV. If the target is a list, any of its items will do, or the
    whole list. An output that is not JSON, or lacks the field, does not match.
    """

    name = "json_field"
    title = "JSON field"
    purpose = "Extraction and tools"
    keywords = "extraction structured output"
    returns = Traits("boolean", needs_target=True)
    Options = JsonFieldOptions

    def accepted(self, options: JsonFieldOptions, row: Row) -> list[Any]:
        if options.target_field is None and row.target:
            value = reach(row.target, options.path)
            if value is not ABSENT:
                return listed(value)
        return super().accepted(options, row)

    def compare(self, options: JsonFieldOptions, output: str, accepted: list[Any]) -> Verdict:
        try:
            value = reach(read_json(output, options.in_fence), options.path)
        except NoJson as error:
            return Verdict(False, rationale=str(error))
        if value is ABSENT:
            return Verdict(False, rationale=f"no field {options.path}")
        if any(_matches(value, one, options.ignore_case) for one in [*accepted, accepted]):
            return Verdict(True)
        wanted = json.dumps(accepted[0] if len(accepted) == 1 else accepted, ensure_ascii=False)
        said = f"{options.path} is {storable(json.dumps(value, ensure_ascii=False), 240)}, wanted {storable(wanted, 240)}"
        return Verdict(False, rationale=said)


def _matches(found: object, wanted: object, ignore_case: bool) -> bool:
    """Equality with a target, which may be a text because CSV knows nothing else: then "2" is 2, and "true" true."""
    if isinstance(wanted, str) and (found is None or isinstance(found, bool | int | float)):
        text = wanted.strip()
        try:
            wanted = json.loads(text.lower() if text.lower() in ("true", "false", "null") else text)
        except (ValueError, RecursionError):
            return False
        return (wanted is None) if found is None else wanted is not None and _same(found, wanted, ignore_case)
    return _same(found, wanted, ignore_case)


def _same(found: object, wanted: object, ignore_case: bool) -> bool:
    """Equality of JSON values: true is not 1."""
    if isinstance(found, str) and isinstance(wanted, str):
        found, wanted = found.strip(), wanted.strip()
        return found.casefold() == wanted.casefold() if ignore_case else found == wanted
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    if isinstance(found, list) and isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(_same, found, wanted, [ignore_case] * len(found)))
    if isinstance(found, dict) and isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(
            _same(found[key], wanted[key], ignore_case) for key in found
        )
    return found == wanted
