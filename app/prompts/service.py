"""Prompts and agents as their content: reading it from what a caller sends, and writing it to a file."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.template import Rendered
from app.files import repository
from app.files import service as files
from app.files.includes import Includes
from app.files.models import FileKind, Version
from app.files.paths import plain_path
from app.files.schemas import FileProperties
from app.prompts import dotprompt
from app.prompts.agents import AgentSpec
from app.prompts.including import with_includes
from app.prompts.linked_tools import check_links
from app.prompts.spec import ModelSpec, PromptSpec, check_template, parse_as
from app.prompts.template import compile_prompt, strip_example_marks

_KINDS: Mapping[type[ModelSpec], FileKind] = {PromptSpec: FileKind.PROMPT, AgentSpec: FileKind.AGENT}


def read_prompt(said: PromptSpec | str) -> PromptSpec:
    """A prompt's content, given as such or as the text of a `.prompt` file.

    Raises:
        Invalid: with the line or the field that is wrong.
    """
    return parse_as(PromptSpec, dotprompt.parse(said)) if isinstance(said, str) else said


def read_agent(said: str) -> AgentSpec:
    """An agent's content, given as the text of an `.agent` file.

    Raises:
        Invalid: with the line or the field that is wrong.
    """
    return parse_as(AgentSpec, dotprompt.parse(said, "agent"))


def write(session: Session, principal: Principal, spec: ModelSpec, about: FileProperties) -> Version:
    """Write content to a prompt or an agent: the same content is the same version. The version has its file.

    Raises:
        Invalid: the template cannot be read, what it includes cannot be included, or what is linked is no tool.
        NotFound: no file with this id.
        Conflict: the path holds another kind of file or a folder, or the version name names other content.
    """
    kind, content = _KINDS[type(spec)], spec.content()
    change = files.Commit(kind, content, file_id=about.id, path=about.path)
    if files.find_committed(session, principal, change) is None:
        check_content(
            session, principal.workspace_id, spec, _written_to(session, principal.workspace_id, about)
        )
    return files.upsert(session, principal, kind, content, about)


def _written_to(session: Session, workspace_id: str, about: FileProperties) -> str | None:
    """The id of the file that will have the content, if there is one already."""
    if about.id or not about.path:
        return about.id
    file = repository.find_file_by_path(session, workspace_id, plain_path(about.path))
    return file.id if file else None


def check_content(session: Session, workspace_id: str, spec: ModelSpec, file_id: str | None = None) -> None:
    """Refuse content that could not be run as it says. Called before it is committed, to the file if there is one already.

    Raises:
        Invalid: the template cannot be read, what it includes cannot be included, or what is linked is no tool.
    """
    full, _ = with_includes(Includes(session, workspace_id), spec, file_id)
    check_logged(session, workspace_id, full)


def check_logged(session: Session, workspace_id: str, spec: ModelSpec) -> None:
    """Refuse content that is none, when it was run elsewhere already: what it includes need not be here.

    Raises:
        Invalid: the template cannot be read, or what is linked is no tool.
    """
    check_template(spec)
    check_links(session, workspace_id, spec)


def raw_file_content(version: Version) -> str:
    """The `.prompt` or `.agent` file of a version, which reads back as the same version."""
    return dotprompt.write(version.spec)


def populate(session: Session, version: Version, inputs: Mapping[str, Any]) -> Rendered | None:
    """The version's template with what it includes and filled in, as a provider would be sent it; None where it has none. Calls of tools that it
    makes stay as they are: nothing is asked.

    Raises:
        Invalid: inputs are missing, or the template cannot be rendered or includes what cannot be included.
    """
    template, language = version.spec.get("template"), version.spec.get("template_language")
    if template is None:
        return None
    expanded = Includes(session, version.workspace_id).expand(template, language, version.file_id)
    rendered = compile_prompt(expanded.template, language).render(inputs)
    return rendered if isinstance(rendered, str) else strip_example_marks(rendered)
