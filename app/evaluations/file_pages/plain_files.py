"""What the page of a tool, a flow or an agent says: its content, versions, where it runs, who uses it, its latest calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import NotFound
from app.core.formats import readable_json
from app.evaluations.file_pages import plain_repository
from app.evaluations.file_pages.dashboard import Place, list_places
from app.evaluations.file_pages.flow_steps import FlowTraces, build_traces
from app.evaluations.file_pages.plain_repository import Use
from app.files import repository, tool_shape
from app.files.models import Deployment, File, FileKind, Version
from app.logs import search_repository
from app.logs.models import Log
from app.tools import variables

_LATEST_LOGS = 10
VERSIONS_ON_A_PAGE = 50
_MOST_USES = 50
CALLABLE = ("snippet", "json_schema", "get_api_call")
"""Types of tools that can be called here."""
_TYPES = {
    "snippet": "Texts by their keys, which templates and models ask for",
    "json_schema": "A function that a model is told of; your application runs it",
    "get_api_call": "A GET call to a service, made here behind the guard of addresses",
    "python": "Python, which is kept here and run by you",
    "google": "A search by Google, which is not run here",
    "mock": "A mock, which is not run here",
    "pinecone_search": "A search in Pinecone, which is not run here",
}


@dataclass(frozen=True, slots=True)
class ToolView:
    """What there is to say of a tool beside its versions."""

    type: str
    says: str
    signature: str | None
    variables: Mapping[str, str | None]
    """Names of its secrets, and the origin that each may be sent to."""
    uses: Sequence[Use]
    can_be_called: bool
    inputs: str
    """What the form of a test call begins with."""


@dataclass(frozen=True, slots=True)
class PlainPage:
    """The page of a tool, a flow or an agent."""

    file: File
    version: Version | None
    """The one that is shown."""
    newest: Version | None
    versions: Sequence[Version]
    """The newest ones, or those before a number."""
    older: int | None
    """There are more before this number."""
    places: Sequence[Place]
    history: Sequence[Deployment]
    numbers: Mapping[str, int]
    """Those of the versions that the logs are of, by their ids."""
    logs: Sequence[Log]
    """Empty for a flow, whose logs are traces."""
    tool: ToolView | None
    traces: FlowTraces | None


def build_page(
    session: Session, principal: Principal, file: File, number: int | None, before: int | None = None
) -> PlainPage:
    """The page at a version, or at the one that answers callers who name none. Of its versions, `VERSIONS_ON_A_PAGE` are
    listed: the newest, or those `before` a number.

    Raises:
        NotFound: there is no such version.
    """
    listed = repository.list_versions(session, file.id, before=before, limit=VERSIONS_ON_A_PAGE + 1)
    versions = listed[:VERSIONS_ON_A_PAGE]
    places = list_places(session, file)
    newest = repository.newest_version(session, file.id) if before else next(iter(versions), None)
    version = _shown(session, file, newest, places, number)
    is_flow = file.kind == FileKind.FLOW
    logs = [] if is_flow else search_repository.list_newest(session, file.workspace_id, file.id, _LATEST_LOGS)
    of = repository.find_versions(session, file.workspace_id, {log.version_id for log in logs})
    return PlainPage(
        file=file,
        version=version,
        newest=newest,
        versions=versions,
        older=versions[-1].number if len(listed) > len(versions) else None,
        places=places,
        history=repository.list_deployments(session, file.id),
        numbers={each.id: each.number for each in of},
        logs=logs,
        tool=_tool(session, file, version) if file.kind == FileKind.TOOL and version else None,
        traces=build_traces(session, principal.workspace_slug, file) if is_flow else None,
    )


def _shown(
    session: Session, file: File, newest: Version | None, places: Sequence[Place], number: int | None
) -> Version | None:
    if number is not None:
        chosen = repository.find_version_by_number(session, file.id, number)
        if chosen is None:
            raise NotFound(f"{file.path} has no v{number}.")
        return chosen
    live = next((place.deployment for place in places if place.is_default and place.deployment), None)
    return live.version if live else newest


def _tool(session: Session, file: File, version: Version) -> ToolView:
    spec = version.spec
    kind = str(spec.get("tool_type") or tool_shape.usual_type(spec) or "")
    return ToolView(
        type=kind or "no type",
        says=_TYPES.get(kind, "Kept here, and run by you"),
        signature=tool_shape.signature(spec.get("function")),
        variables=variables.list_origins(session, file),
        uses=plain_repository.list_uses(session, file.workspace_id, file.id, _MOST_USES),
        can_be_called=kind in CALLABLE,
        inputs=_first_inputs(kind, spec),
    )


def _first_inputs(kind: str, spec: Mapping[str, Any]) -> str:
    if kind == "snippet":
        return readable_json({"key": next(iter(spec.get("setup_values") or {}), "")})
    return readable_json(dict.fromkeys(tool_shape.input_names(spec.get("function")), ""))
