"""The pages of a prompt that show its scores: dashboard, versions, differences, deployments."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from app.core import templating
from app.core.access import Principal
from app.core.database import SessionDep
from app.core.errors import NotFound
from app.core.permissions import Reader
from app.evaluations.file_pages.dashboard import SPEND_DAYS, build_dashboard, list_places
from app.evaluations.file_pages.deploying import version_before
from app.evaluations.file_pages.effects import PLOT_WIDTH, find_effects, sentence
from app.evaluations.file_pages.version_pages import PAGE_LINES, add_deploying
from app.files import repository
from app.files import service as files
from app.files.models import File, FileKind
from app.prompts.changes import compare_specs, sections_of, shortened, whole
from app.prompts.presentation import full_template
from app.prompts.service import raw_file_content

router = APIRouter(prefix="/w/{w}/prompts/{file_id}", include_in_schema=False)


def get_prompt(session: SessionDep, principal: Principal, file_id: str) -> File:
    """The prompt that a page is about.

    Raises:
        NotFound: the workspace has none with this id.
    """
    return files.get_file(session, principal, file_id, FileKind.PROMPT)


@router.get("", name="evaluations:prompt")
def dashboard(file_id: str, request: Request, session: SessionDep, principal: Reader) -> Response:
    """How the versions of a prompt score, what runs where, what it cost."""
    shown = build_dashboard(session, get_prompt(session, principal, file_id))
    return templating.render(request, "prompts/dashboard.html", dash=shown, file=shown.file, days=SPEND_DAYS)


@router.get("/versions/{number}", name="evaluations:version")
def version_page(
    file_id: str, number: int, request: Request, session: SessionDep, principal: Reader
) -> Response:
    """What a version says, who made it and why, and where it runs."""
    file = get_prompt(session, principal, file_id)
    versions = repository.list_versions(session, file.id)
    version = next((each for each in versions if each.number == number), None)
    if version is None:
        raise NotFound(f"{file.path} has no v{number}.")
    settings = {key: value for key, value in version.spec.items() if key != "template"}
    return templating.render(
        request,
        "prompts/version.html",
        file=file,
        version=version,
        versions=versions,
        parent=next((each for each in versions if each.id == version.parent_id), None),
        events=repository.list_version_events(session, version.id),
        places=[
            p for p in list_places(session, file) if p.deployment and p.deployment.version_id == version.id
        ],
        sections=sections_of(version.spec),
        full=full_template(session, version),
        settings=compare_specs({}, settings).settings,
    )


@router.get("/versions/{number}/file", name="evaluations:prompt_file")
def prompt_file(file_id: str, number: int, session: SessionDep, principal: Reader) -> Response:
    """A version as a `.prompt` file to keep."""
    file = get_prompt(session, principal, file_id)
    text = raw_file_content(files.get_version_number(session, file, number))
    name = f"attachment; filename*=UTF-8''{quote(f'{file.name}.prompt', safe='')}"
    return Response(text, media_type="text/plain", headers={"content-disposition": name})


@router.get("/diff", name="evaluations:diff")
def diff_page(
    file_id: str,
    request: Request,
    session: SessionDep,
    principal: Reader,
    older: Annotated[int | None, Query(alias="from")] = None,
    newer: Annotated[int | None, Query(alias="to")] = None,
    unfold: bool = False,
) -> Response:
    """What changed between two versions, and what it did to the scores.

    Without numbers: the last change, or the version itself where it is the only one.
    """
    file = get_prompt(session, principal, file_id)
    versions = repository.list_versions(session, file.id)
    if len(versions) == 1 and not (older or newer):
        own = f"/w/{principal.workspace_slug}/prompts/{file.id}/versions/{versions[0].number}"
        return RedirectResponse(own, 303)
    by_number = {version.number: version for version in versions}
    after = by_number.get(newer) if newer else next(iter(versions), None)
    before = by_number.get(older) if older else version_before(after, versions)
    if after is None or before is None:
        raise NotFound(f"{file.path} has no such versions to compare.")
    changes = compare_specs(before.spec, after.spec)
    effects = find_effects(session, before, after)
    return templating.render(
        request,
        "prompts/diff.html",
        file=file,
        versions=versions,
        before=before,
        after=after,
        changes=changes,
        effects=effects,
        headline=sentence(before, after, changes.summary, effects),
        shown=(lambda rows: (whole(rows), 0)) if unfold else (lambda rows: shortened(rows, PAGE_LINES)),
        unfold=unfold,
        plot_width=PLOT_WIDTH,
    )


@router.get("/deployments", name="evaluations:deployments")
def deployments_page(file_id: str, request: Request, session: SessionDep, principal: Reader) -> Response:
    """What runs where, since when and by whom, and everything that ran before."""
    file = get_prompt(session, principal, file_id)
    return templating.render(
        request,
        "prompts/deployments.html",
        file=file,
        places=list_places(session, file),
        history=repository.list_deployments(session, file.id),
        newest=repository.newest_version(session, file.id),
    )


add_deploying(router, FileKind.PROMPT, compare_specs, then="/deployments", find_effects=find_effects)
