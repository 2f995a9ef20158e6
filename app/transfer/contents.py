"""From what an export says of a version to the content that is stored, by kind of file. Pure."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, get_args

from pydantic import ValidationError

from app.core.errors import DomainError
from app.evaluators.binding import make_spec, read_spec
from app.evaluators.kinds.contract import ReturnType
from app.files.models import FileKind
from app.flows.spec import FlowSpec
from app.prompts.agents import AgentSpec
from app.prompts.spec import PromptSpec
from app.tools.spec import ToolSpec
from app.transfer.said import Said

Json = dict[str, Any]
Note = Callable[[str], None]
"""Is told what is not kept as it was."""


class NotKept(Exception):
    """A version that cannot be stored; the message says why."""


def content_of(
    kind: FileKind, values: Mapping[str, Any], note: Note, tools: Collection[str] = frozenset()
) -> Json:
    """The content of a version of this kind. A dataset's rows are no part of it. A prompt stays linked to those of `tools`.

    Raises:
        NotKept: it says what no version can.
    """
    said = Said(values)
    try:
        return _prompt(said, note, tools) if kind == FileKind.PROMPT else _MAKERS[kind](said, note)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise NotKept(f"its content cannot be stored ({place}: {first['msg']})") from None
    except DomainError as error:
        raise NotKept(f"its content cannot be stored ({error})") from None


def _prompt(said: Said, note: Note, tools: Collection[str]) -> Json:
    values = dict(said.values)
    linked = said.objects("linked_tools")
    kept = [str(each["id"]) for each in linked if each.get("id") in tools]
    if gone := [each for each in linked if each.get("id") not in tools]:
        note(
            "linked tools that are not here are tools of the version itself now, as they were when it was exported"
        )
        values["tools"] = [*said.objects("tools"), *gone]
    elif said.values.get("linked_tools") and not linked:
        note("linked tools that are named by their ids only are left out")
    values["linked_tools"] = kept or None
    return PromptSpec.model_validate(values).content()


def linked_by(values: Mapping[str, Any]) -> list[str]:
    """The ids of the tools that what is said of a prompt's version links."""
    return [each["id"] for each in Said(values).objects("linked_tools") if isinstance(each.get("id"), str)]


def _agent(said: Said, _note: Note) -> Json:
    return AgentSpec.model_validate(said.values).content()


def _spec_of(model: type[ToolSpec] | type[FlowSpec]) -> Callable[[Said, Note], Json]:
    def make(said: Said, _note: Note) -> Json:
        spec: ToolSpec | FlowSpec = model.model_validate(said.values)
        return spec.content()

    return make


def _dataset(said: Said, _note: Note) -> Json:
    attributes = said.object("attributes")
    return {"attributes": attributes} if attributes else {}


def _evaluator(said: Said, note: Note) -> Json:
    spec = said.object("spec")
    if spec is None:
        raise NotKept("it has no `spec`")
    if problem := Said(spec).problem:
        raise NotKept(problem)
    try:
        return make_spec(*read_spec(spec))
    except DomainError as error:
        note(f"it is kept for its judgments, and does not judge by itself ({error})")
    returns = spec.get("return_type")
    stand_in = {
        "evaluator_type": "external",
        "return_type": returns if returns in get_args(ReturnType) else "text",
        "attributes": {"imported": spec},
    }
    return make_spec(*read_spec(stand_in))


_MAKERS: dict[FileKind, Callable[[Said, Note], Json]] = {
    FileKind.AGENT: _agent,
    FileKind.TOOL: _spec_of(ToolSpec),
    FileKind.FLOW: _spec_of(FlowSpec),
    FileKind.DATASET: _dataset,
    FileKind.EVALUATOR: _evaluator,
}
