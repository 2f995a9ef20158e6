"""The operator: whoever has the machine's command line acts as the first admin of a workspace."""

from sqlalchemy.orm import Session

from app.core.access import Principal, Role
from app.core.errors import Invalid, NotFound
from app.workspaces import repository, service


def operator_of(session: Session, slug: str | None) -> Principal:
    """The principal that a command acts as in the workspace `slug`; without one, in the only workspace that there is.

    Raises:
        NotFound: there is no such workspace, or it has no admin.
        Invalid: none was named, and there are several.
    """
    if slug is None:
        slug = _only_slug(session)
    workspace = repository.find_workspace(session, slug)
    if workspace is None:
        raise NotFound(
            f"There is no workspace {slug}. Make one: ./whetstone init --workspace NAME --email ADDRESS"
        )
    admin = repository.find_first_admin(session, workspace.id)
    if admin is None:
        raise NotFound(f"The workspace {slug} has no admin.")
    return service.principal_of(workspace, admin, Role.ADMIN)


def _only_slug(session: Session) -> str:
    slugs = repository.list_slugs(session)
    if not slugs:
        raise NotFound("There is no workspace. Make one: ./whetstone init --workspace NAME --email ADDRESS")
    if len(slugs) > 1:
        raise Invalid(f"Say which workspace: --workspace with one of {', '.join(slugs)}.")
    return slugs[0]
