"""The demo workspace and its admin."""

from sqlalchemy.orm import Session

from app.accounts import repository as accounts_repository
from app.accounts.service import create_sign_in_link
from app.core.access import Principal, Role
from app.home.onboarding import NewWorkspace, open_workspace
from app.workspaces import repository, service
from app.workspaces.operator import operator_of

SLUG = "demo"
EMAIL = "demo@whetstone.invalid"
"""Nobody can have mail there: the demo's admin signs in by link."""


def ensure_demo_workspace(session: Session) -> Principal:
    """The demo's admin in its workspace, made if they are not there."""
    if repository.find_workspace(session, SLUG):
        return operator_of(session, SLUG)
    new = NewWorkspace("Demo", EMAIL, "Demo admin", slug=SLUG)
    return open_workspace(session, new).principal


def join_demo(session: Session, demo: Principal, user_id: str) -> None:
    """Make a person an admin of the demo workspace; one who is a member already stays what they are."""
    user = accounts_repository.find_user(session, user_id)
    if user and repository.find_membership(session, demo.workspace_id, user_id) is None:
        service.add_member(session, demo, user, Role.ADMIN)


def demo_sign_in_token(session: Session) -> str:
    """A token that signs in once as the demo's admin."""
    return create_sign_in_link(session, ensure_demo_workspace(session).email)
