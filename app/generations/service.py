"""Making a version ready to be called."""

from sqlalchemy.orm import Session

from app.core.errors import Invalid
from app.files.includes import Includes
from app.files.models import FileKind, Version
from app.generations.prepared import PreparedPrompt, Target
from app.generations.template_tools import find_tools
from app.prompts.including import with_includes
from app.prompts.linked_tools import with_links
from app.prompts.spec import PromptSpec
from app.prompts.template import compile_prompt
from app.prompts.tool_calls import PromptTemplate
from app.providers import service as providers
from app.providers.presets import dialect_of


def prepare(session: Session, version: Version) -> PreparedPrompt:
    """A prompt version, ready to be called for any number of rows. `version.file` must be loaded.

    Raises:
        Invalid: it is not a prompt.
        NotFound: its provider is not among the workspace's.
    """
    if version.file.kind != FileKind.PROMPT:
        raise Invalid(f"{version.file.path} is a {version.file.kind}: only prompts can be called.")
    return prepare_spec(
        session, version.workspace_id, PromptSpec.model_validate(version.spec), version.file_id
    )


def prepare_spec(
    session: Session, workspace_id: str, spec: PromptSpec, file_id: str | None = None
) -> PreparedPrompt:
    """A prompt that need not be saved, ready to be called. `file_id` is the file that it is of, if there is one.

    Raises:
        NotFound: its provider is not among the workspace's.
        Invalid: what it includes cannot be included, a tool that it links is not there, one that its template calls cannot
            be called, or its provider takes no number of tokens to think in.
    """
    target = target_of(session, workspace_id, spec.provider, spec.model)
    return prepare_for(session, workspace_id, spec, target, file_id)


def prepare_for(
    session: Session, workspace_id: str, spec: PromptSpec, target: Target, file_id: str | None = None
) -> PreparedPrompt:
    """As `prepare_spec`, where it is known already which model is called.

    Raises:
        Invalid: as there.
    """
    _check_effort(spec, target)
    full, included = with_includes(Includes(session, workspace_id), spec, file_id)
    linked = with_links(session, workspace_id, full)
    prompt = PreparedPrompt(linked, target, bool(spec.linked_tools), included)
    if prompt.calls:
        prompt.tools = find_tools(session, workspace_id, prompt.calls)
    return prompt


def _check_effort(spec: PromptSpec, target: Target) -> None:
    endpoint = target.endpoint
    dialect = dialect_of(endpoint.preset, endpoint.base_url)
    if not endpoint.is_practice and (said := dialect.refuses_effort(spec.reasoning_effort)):
        raise Invalid(said, fields={"reasoning_effort": said})


def check_tools(session: Session, version: Version) -> None:
    """Refuse a prompt whose template includes what cannot be included, or makes a call of a tool that cannot be made,
    before many rows fail by it.

    Raises:
        Invalid: with the first of them.
    """
    language = version.spec.get("template_language")
    includes = Includes(session, version.workspace_id)
    full = includes.expand(version.spec.get("template") or [], language, version.file_id)
    template = compile_prompt(full.template, language)
    if isinstance(template, PromptTemplate) and template.calls:
        find_tools(session, version.workspace_id, template.calls)


def target_of(session: Session, workspace_id: str, provider: str | None, model: str) -> Target:
    """Where `model` is called when `provider` is named, and its price there.

    Raises:
        NotFound: no such provider in the workspace.
        Invalid: none is named, and several may be meant.
    """
    endpoint = providers.find_endpoint(session, workspace_id, provider, model)
    return Target(endpoint, model, providers.price_at(endpoint, model))
