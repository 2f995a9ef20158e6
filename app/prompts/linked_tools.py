"""Tools that a prompt links: files of their own, whose deployed version the model is told of when it is called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import Invalid
from app.files import repository
from app.files.models import FileKind, Version
from app.prompts.spec import ModelSpec, PromptSpec, ToolFunction


@dataclass(frozen=True, slots=True)
class LinkedTool:
    """A tool at the version that it shows: deployed to the default environment, else the newest."""

    file_id: str
    version_id: str
    function: ToolFunction | None
    """How a model calls it; None for one that no model can call."""


def find_linked(session: Session, workspace_id: str, file_ids: Sequence[str]) -> dict[str, LinkedTool]:
    """Those of the files that are tools of the workspace, by their ids."""
    tools = [
        file.id
        for file in repository.find_files(session, workspace_id, list(file_ids))
        if file.kind == FileKind.TOOL
    ]
    shown = repository.shown_versions(session, tools) if tools else {}
    return {file_id: _linked(version) for file_id, version in shown.items()}


def _linked(version: Version) -> LinkedTool:
    said = version.spec.get("function")
    return LinkedTool(version.file_id, version.id, ToolFunction.model_validate(said) if said else None)


def check_links(session: Session, workspace_id: str, spec: ModelSpec) -> None:
    """Refuse content that links what is no tool. Called before it is committed.

    Raises:
        Invalid: with the first id that is none.
    """
    if isinstance(spec, PromptSpec):
        with_links(session, workspace_id, spec)


def with_links(session: Session, workspace_id: str, spec: PromptSpec) -> PromptSpec:
    """The content with the functions of its linked tools among its own, as a model is told of them today.

    Raises:
        Invalid: one of the files is not there, is no tool, or has no function.
    """
    if not spec.linked_tools:
        return spec
    found = find_linked(session, workspace_id, spec.linked_tools)
    functions = []
    for file_id in spec.linked_tools:
        tool = found.get(file_id)
        if tool is None or tool.function is None:
            said = (
                f"There is no tool with the id {file_id}."
                if tool is None
                else f"The tool {file_id} has no function that a model could call."
            )
            raise Invalid(said, fields={"linked_tools": said})
        functions.append(tool.function)
    return spec.model_copy(update={"tools": [*(spec.tools or ()), *functions], "linked_tools": None})


def linked_tools_of(session: Session, versions: Sequence[Version]) -> Mapping[str, Any]:
    """The linked tools of each prompt version, as the API shows them. One that is not there any more is left out."""
    wanted = {
        version.id: version.spec["linked_tools"]
        for version in versions
        if version.file.kind == FileKind.PROMPT and version.spec.get("linked_tools")
    }
    if not wanted:
        return {}
    every = list({file_id for ids in wanted.values() for file_id in ids})
    found = find_linked(session, versions[0].workspace_id, every)
    return {
        version_id: [_shown(found[file_id]) for file_id in ids if file_id in found]
        for version_id, ids in wanted.items()
    }


def _shown(tool: LinkedTool) -> dict[str, Any]:
    function = tool.function or ToolFunction(name="")
    return {"id": tool.file_id, "version_id": tool.version_id, **function.model_dump(mode="json")}
