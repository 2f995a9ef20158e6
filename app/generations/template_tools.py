"""The tools that a prompt's template calls: found when the prompt is made ready, called before the model is."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import DomainError, Invalid, Unavailable
from app.core.template import MOST_FILLED_IN, text_of, too_long
from app.files import repository as files
from app.files.models import File
from app.files.tool_shape import usual_type
from app.prompts.tool_calls import LONGEST, TemplateCall
from app.tools import calls, repository, variables
from app.tools.http_calls import HttpRequest, Outcome, Secret, input_names, names_in

MOST_CALLS = 20
"""Different calls in one template: each may be a request to a service, for each row of a run."""
_INSTEAD = "put a variable in its place, and give what it comes to as an input"
_MOST_NAMED = 5
_SHOWN = 100
"""Characters of a call or a name in an error: each row of a run keeps one."""


class ToolFailed(Unavailable):
    """A tool that a template calls gave no answer: the model was not asked."""

    title = "A tool of the template failed"


@dataclass(frozen=True, slots=True)
class CalledTool:
    """A tool as it is called by templates: at the version that is deployed to the default environment, else the newest."""

    version_id: str
    spec: Mapping[str, Any]
    secrets: Mapping[str, Secret]
    parameters: Sequence[str]
    """The names of its inputs, in the order in which calls give them."""

    @property
    def asks_a_service(self) -> bool:
        return self.spec.get("tool_type") == "get_api_call"


class TemplateAnswers:
    """What the calls of a template come to, found out once, however many samples are made with it."""

    def __init__(self, prepared: Mapping[str, Outcome | HttpRequest], workspace_id: str) -> None:
        self._prepared, self._workspace_id = prepared, workspace_id
        self._found: dict[str, str] | DomainError | None = None
        self._asking = asyncio.Lock()

    async def get(self, *, patient: bool = False) -> dict[str, str]:
        """The texts by the calls, which are made side by side, and wait for their turns as long as it takes if `patient`.

        Raises:
            ToolFailed: with the first call that failed, and why.
            Invalid: they are longer than what may fill in a template. Those that had not answered by then are left.
        """
        async with self._asking:
            if self._found is None:
                self._found = await self._find(patient)
        if isinstance(self._found, DomainError):
            raise self._found
        return self._found

    async def _find(self, patient: bool) -> dict[str, str] | DomainError:
        made = {
            call: asyncio.create_task(calls.run(one, self._workspace_id, patient=patient))
            for call, one in self._prepared.items()
        }
        left = MOST_FILLED_IN
        try:
            for answered in asyncio.as_completed(made.values()):
                left -= len((await answered).output or "")
                if left < 0:
                    return too_long()
        finally:
            for task in made.values():
                task.cancel()
            await asyncio.gather(*made.values(), return_exceptions=True)
        outcomes = {call: task.result() for call, task in made.items()}
        for call, outcome in outcomes.items():
            if outcome.error is not None:
                said = f"`{call[:_SHOWN]}` in the template failed. {outcome.error} The model was not asked."
                return ToolFailed(said)
        return {call: outcome.output or "" for call, outcome in outcomes.items()}


@dataclass(frozen=True, slots=True)
class TemplateTools:
    """The calls of a template, and the tools that they call."""

    workspace_id: str
    calls: Sequence[tuple[TemplateCall, CalledTool]]

    @property
    def version_ids(self) -> list[str]:
        """The versions that are called, in the order of their calls."""
        return [tool.version_id for _, tool in self.calls]

    @property
    def ask_a_service(self) -> bool:
        """Whether what they come to may be another thing each time."""
        return any(tool.asks_a_service for _, tool in self.calls)

    def answers(self, inputs: Mapping[str, Any]) -> TemplateAnswers:
        """The calls with these inputs, ready to be made.

        Raises:
            MissingInputs: a call takes an input that is not given.
            Invalid: with the first call that cannot be made with them.
        """
        prepared = {call.text: _prepared(call, tool, inputs) for call, tool in self.calls}
        return TemplateAnswers(prepared, self.workspace_id)

    @property
    def unanswered(self) -> dict[str, str]:
        """Nothing for each call, to look at a template without calling anything."""
        return {call.text: "" for call, _ in self.calls}


def _prepared(call: TemplateCall, tool: CalledTool, inputs: Mapping[str, Any]) -> Outcome | HttpRequest:
    texts = [
        text_of(inputs, one.variable) if one.variable is not None else one.text for one in call.arguments
    ]
    try:
        return calls.prepare(tool.spec, dict(zip(tool.parameters, texts, strict=True)), tool.secrets)
    except Invalid as error:
        raise _refused(call, error.message) from error


def _refused(call: TemplateCall, why: str) -> Invalid:
    said = f"`{call.text[:_SHOWN]}` in the template: {why}"
    return Invalid(said, fields={"template": said})


def find_tools(session: Session, workspace_id: str, template_calls: Sequence[TemplateCall]) -> TemplateTools:
    """The tools that these calls name, as they are today.

    Raises:
        Invalid: with the first call that cannot be made: there is no such tool or there are several, tools of its type
            are not run here, or it takes other arguments.
        Unavailable: a variable of a tool cannot be read with this server's secret.
    """
    if len(template_calls) > MOST_CALLS:
        said = f"The template makes {len(template_calls)} different calls of tools: at most {MOST_CALLS} are made."
        raise Invalid(said, fields={"template": said})
    named = repository.find_named(session, workspace_id, {call.tool for call in template_calls})
    files_called = {call.text: _file_of(call, named) for call in template_calls}
    shown = files.shown_versions(session, list({file.id for file in files_called.values()}))
    found = []
    for call in template_calls:
        file = files_called[call.text]
        if (version := shown.get(file.id)) is None:
            raise _refused(call, f"{file.path} has no version yet.")
        tool = _tool_of(session, call, file, version.id, version.spec)
        _check_arguments(call, file, tool)
        if not call.variables:
            _prepared(call, tool, {})  # no inputs will make it another call
        found.append((call, tool))
    return TemplateTools(workspace_id, found)


def _file_of(call: TemplateCall, named: Sequence[File]) -> File:
    meant = [file for file in named if file.path == call.tool] or [
        file for file in named if file.path.rpartition("/")[2] == call.tool
    ]
    if not meant:
        raise _refused(call, f"there is no tool {call.tool[:_SHOWN]}. Write one of this name, or {_INSTEAD}.")
    if len(meant) > 1:
        paths = ", ".join(file.path for file in meant[:_MOST_NAMED])
        raise _refused(
            call, f"several tools have this name ({paths}). Write the path of the one that is meant."
        )
    return meant[0]


def _tool_of(
    session: Session, call: TemplateCall, file: File, version_id: str, spec: Mapping[str, Any]
) -> CalledTool:
    kind = spec.get("tool_type") or usual_type(spec)
    if kind == "snippet":
        return CalledTool(version_id, spec, {}, ["key"])
    if kind != "get_api_call":
        what = f"is a tool of the type {kind}" if kind else "is a tool without a type"
        why = f"{file.path} {what}, and templates call those of the types snippet and get_api_call. Run it yourself: {_INSTEAD}."
        raise _refused(call, why)
    try:
        secrets = variables.secrets_of(session, file.id, names_in(spec))
        parameters = input_names(spec, secrets)
    except Invalid as error:
        raise _refused(call, error.message) from error
    return CalledTool(version_id, spec, secrets, parameters)


def _check_arguments(call: TemplateCall, file: File, tool: CalledTool) -> None:
    if not call.is_readable:
        if len(call.text) > LONGEST:
            raise _refused(call, f"it is over {LONGEST:,} characters. {_INSTEAD[0].upper()}{_INSTEAD[1:]}.")
        why = (
            'its arguments cannot be read. It takes texts in double quotation marks ("…"), whole numbers, and without marks the names'
            " of inputs, of letters, digits, - and _, with commas between."
        )
        raise _refused(call, why)
    if (given := len(call.arguments)) != (taken := len(tool.parameters)):
        # Fewer are no call either: what is left out may be a variable that was not set, and shift the others.
        names = ", ".join(name[:_SHOWN] for name in tool.parameters[:_MOST_NAMED])
        more = f" and {taken - _MOST_NAMED} more" if taken > _MOST_NAMED else ""
        why = f"{given} {'argument is' if given == 1 else 'arguments are'} given, and {file.path} takes {names or 'nothing'}{more}."
        raise _refused(call, why)
