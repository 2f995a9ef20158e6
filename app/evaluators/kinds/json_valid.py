"""JSON is valid."""

from app.evaluators.kinds.comparing import OutputKind
from app.evaluators.kinds.contract import KindOptions, Traits, Verdict
from app.evaluators.kinds.json_output import ABSENT, NoJson, reach, read_json


class JsonValidOptions(KindOptions):
    in_fence: bool = False
    """Accept JSON inside a Markdown fence (```json)."""
    must_be_object: bool = True
    """A list, number or text alone does not count."""
    required: tuple[str, ...] = ()
    """Fields that must be there, such as `order.id`."""


class JsonValid(OutputKind[JsonValidOptions]):
    """Is the output valid JSON?

    With required fields it also checks that they are there; their values are for “JSON field”.
    """

    name = "json_valid"
    title = "JSON valid"
    purpose = "Format"
    keywords = "structured output"
    returns = Traits("boolean")
    Options = JsonValidOptions

    def check(self, options: JsonValidOptions, output: str) -> Verdict:
        try:
            value = read_json(output, options.in_fence)
        except NoJson as error:
            return Verdict(False, rationale=str(error))
        if options.must_be_object and not isinstance(value, dict):
            return Verdict(False, rationale="JSON, but no object")
        missing = [path for path in options.required if reach(value, path) is ABSENT]
        return Verdict(not missing, rationale=f"missing: {', '.join(missing)}" if missing else None)
