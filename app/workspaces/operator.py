"""The operator: whoever has the machine's command line acts as the first admin of a workspace."""

from sqlalchemy.orm import Session

from app.core.access import Principal, Role
from app.core.errors import NotFound
from app.workspaces import repository, service


def operator_of(session: Session, slug: str) -> Principal:
    """The principal that a command acts as in the workspace `slug`.

    Raises:
        NotFound: there is no such workspace, or it has no admin.
    """
    workspace = repository.find_workspace(session, slug)
    if workspace is None:
        raise NotFound(
            f"There is no workspace {slug}. Make one: ./whetstone init --workspace NAME --email ADDRESS"
        )
    admin = repository.find_first_admin(session, workspace.id)
    if admin is None:
        raise NotFound(f"The workspace {slug} has no admin.")
    return service.principal_of(workspace, admin, Role.ADMIN)
