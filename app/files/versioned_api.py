"""The v5 routes that every kind of file has: listing, reading, moving, deleting, versions and deployments."""

from collections.abc import Callable, Collection
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from app.core.access import Action, Principal
from app.core.database import SessionDep, unit_of_work
from app.core.errors import NotFound
from app.core.pagination import Page, PageNumber, PageSize
from app.core.permissions import Deleter, Deployer, Editor, Reader, admit, api_key_of, declare
from app.core.plain_routes import PlainRoute
from app.files import deploying, deployments, repository, service
from app.files.fetching import FETCHES, Fetch, encoded
from app.files.models import FileKind, Version
from app.files.paths import parent_of
from app.files.presentation import present, present_environment, present_one
from app.files.schemas import FileUpdate, Json, VersionUpdate

SortBy = Literal["created_at", "updated_at", "name"]
Order = Literal["asc", "desc"]


def shown_version(
    session: SessionDep,
    principal: Principal,
    kind: FileKind,
    file_id: str,
    version_id: str | None,
    environment: str | None,
) -> Version:
    """The version that a request for a file means, with its file.

    Raises:
        NotFound: no such file, version, environment or deployment.
    """
    file = service.get_file(session, principal, file_id, kind)
    version = service.resolve_version(session, file, version_id=version_id, environment=environment)
    version.file = file
    return version


async def fetched(
    request: Request, asked: Fetch, by_itself: Callable[[Session, Principal], Json]
) -> Response:
    """The answer to a request for a file: found together with those of others, or `by_itself`, which raises why not."""

    def alone() -> bytes:
        with unit_of_work() as session:
            return encoded(by_itself(session, admit(request, session, Action.READ)))

    found = await FETCHES.ask(asked)
    return Response(found or await run_in_threadpool(alone), media_type="application/json")


def versioned_routes(kind: FileKind, *, reading: bool = True) -> APIRouter:  # noqa: C901, PLR0915 - a list of short routes
    """The routes that files of `kind` share with all others, under `/v5/{kind}s`.

    `reading` is False for a kind that shows a file and its versions in its own way.
    """
    router = APIRouter(prefix=f"/v5/{kind}s", tags=[f"{kind.capitalize()}s"])

    @router.get("", name=f"list_{kind}s")
    def list_files(
        session: SessionDep,
        principal: Reader,
        page: PageNumber = 1,
        size: PageSize = 10,
        name: str | None = None,
        user_filter: Annotated[str | None, Query(description="Part of the maker's name or address.")] = None,
        sort_by: SortBy = "created_at",
        order: Order = "desc",
    ) -> Page[Json]:
        """Files of this kind with the version that each shows."""
        return list_page(
            session,
            principal,
            [kind],
            page,
            size,
            name=name,
            made_by=user_filter,
            sort_by=sort_by,
            order=order,
        )

    async def get_file(
        request: Request, file_id: str, version_id: str | None = None, environment: str | None = None
    ) -> Response:
        """A file at a version: the one asked for, an environment's, or what the file shows."""
        asked = Fetch(api_key_of(request), kind, file_id, version_id=version_id, environment=environment)

        def by_itself(session: Session, principal: Principal) -> Json:
            version = shown_version(session, principal, kind, file_id, version_id, environment)
            return present_one(session, version)

        return await fetched(request, asked, by_itself)

    if reading:
        declared = [Depends(declare(Action.READ))]
        router.add_api_route(
            "/{file_id}",
            get_file,
            name=f"get_{kind}",
            response_model=Json,
            dependencies=declared,
            methods=["GET"],
            route_class_override=PlainRoute,
        )

    @router.delete("/{file_id}", status_code=204, name=f"delete_{kind}")
    def delete_file(file_id: str, session: SessionDep, principal: Deleter) -> Response:
        """Put a file into the trash, from which it can be brought back. Its path is free again; what used it keeps its history."""
        service.delete_file(session, principal, service.get_file(session, principal, file_id, kind))
        return Response(status_code=204)

    @router.patch("/{file_id}", name=f"update_{kind}")
    def update_file(
        file_id: str,
        body: Annotated[FileUpdate, Body(default_factory=FileUpdate)],
        session: SessionDep,
        principal: Editor,
    ) -> Json:
        """Move, rename or describe a file."""
        file = service.get_file(session, principal, file_id, kind)
        folder = parent_of(file.path)
        if body.directory_id:
            directory = repository.find_directory(session, principal.workspace_id, body.directory_id)
            if directory is None:
                raise NotFound(f"Directory `{body.directory_id}` does not exist")
            folder = directory.path
        path = body.path or f"{folder}/{body.name or file.name}"
        service.move_file(session, principal, file, path)
        service.describe_file(file, description=body.description, tags=body.tags, readme=body.readme)
        return present_one(session, shown_version(session, principal, kind, file_id, None, None))

    def list_versions(
        file_id: str, session: SessionDep, principal: Reader, evaluator_aggregates: bool = False
    ) -> Json:
        """Every version of a file, newest first, if asked for with the last score by each evaluator."""
        file = service.get_file(session, principal, file_id, kind)
        versions = repository.list_versions(session, file.id)
        for version in versions:
            version.file = file
        also = ["evaluator_aggregates"] if evaluator_aggregates else []
        return {"records": present(session, versions, also=also)}

    if reading:
        router.get("/{file_id}/versions", name=f"list_{kind}_versions")(list_versions)

    @router.patch("/{file_id}/versions/{version_id}", name=f"update_{kind}_version")
    def update_version(
        file_id: str,
        version_id: str,
        body: Annotated[VersionUpdate, Body(default_factory=VersionUpdate)],
        session: SessionDep,
        principal: Editor,
    ) -> Json:
        """Name or describe a version."""
        version = shown_version(session, principal, kind, file_id, version_id, None)
        service.describe_version(session, version, name=body.name, note=body.description)
        return present_one(session, version)

    @router.delete("/{file_id}/versions/{version_id}", status_code=204, name=f"delete_{kind}_version")
    def delete_version(file_id: str, version_id: str, session: SessionDep, principal: Deleter) -> Response:
        """Delete a version that runs in no environment, and that no evaluation names."""
        version = shown_version(session, principal, kind, file_id, version_id, None)
        service.delete_version(session, principal, version)
        return Response(status_code=204)

    @router.post("/{file_id}/environments/{environment_id}", name=f"deploy_{kind}")
    def deploy(
        file_id: str,
        environment_id: str,
        session: SessionDep,
        principal: Deployer,
        version_id: Annotated[str, Query()],
    ) -> Json:
        """Make a version the one that runs in an environment."""
        version = shown_version(session, principal, kind, file_id, version_id, None)
        environment = deployments.get_environment(session, principal, environment_id)
        deploying.deploy(session, principal, version.file, version, environment)
        return present_one(session, version)

    @router.delete("/{file_id}/environments/{environment_id}", status_code=204, name=f"undeploy_{kind}")
    def undeploy(file_id: str, environment_id: str, session: SessionDep, principal: Deployer) -> Response:
        """End what runs in an environment."""
        file = service.get_file(session, principal, file_id, kind)
        environment = deployments.get_environment(session, principal, environment_id)
        deployments.undeploy(session, principal, file, environment)
        return Response(status_code=204)

    @router.get("/{file_id}/environments", name=f"list_{kind}_environments")
    def list_environments(file_id: str, session: SessionDep, principal: Reader) -> list[Json]:
        """Every environment of the workspace, each with the version that runs there, or null."""
        file = service.get_file(session, principal, file_id, kind)
        live = {e.id: d.version for e, d in repository.deployed_environments(session, [file.id])}
        for version in live.values():
            version.file = file
        shown = {
            version.id: each
            for version, each in zip(live.values(), present(session, list(live.values())), strict=True)
        }
        return [
            present_environment(environment)
            | {"file": shown[live[environment.id].id] if environment.id in live else None}
            for environment in repository.list_environments(session, principal.workspace_id)
        ]

    return router


def list_page(
    session: SessionDep,
    principal: Principal,
    kinds: list[FileKind],
    page: int,
    size: int,
    *,
    name: str | None = None,
    under: str | None = None,
    made_by: str | None = None,
    environment: str | None = None,
    newest: bool = False,
    sort_by: SortBy = "created_at",
    order: Order = "desc",
    also: Collection[str] = (),
) -> Page[Json]:
    """A page of files, each at the version that it shows, at its `newest`, or at the one that runs in `environment`,
    and then only those of which one does. Files without any version are left out.

    Raises:
        NotFound: no such environment.
    """
    place = deployments.get_environment(session, principal, environment) if environment else None
    found, total = repository.list_files(
        session,
        principal.workspace_id,
        kinds=kinds,
        name=name,
        under=under,
        made_by=made_by,
        deployed_in=place.id if place else None,
        versioned=True,
        sort_by=sort_by,
        descending=order == "desc",
        offset=(page - 1) * size,
        limit=size,
    )
    file_ids = [file.id for file in found]
    if place:
        running = repository.deployed_environments(session, file_ids)
        shown = {each.file_id: each.version for where, each in running if where.id == place.id}
    elif newest:
        shown = repository.newest_versions(session, file_ids)
    else:
        shown = repository.shown_versions(session, file_ids)
    versions = [shown[file_id] for file_id in file_ids if file_id in shown]
    by_id = {file.id: file for file in found}
    for version in versions:
        version.file = by_id[version.file_id]
    return Page(records=present(session, versions, also=also), page=page, size=size, total=total)
