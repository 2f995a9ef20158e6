"""Opening a workspace: its first admin, its environments, and the providers that it can call at once."""

import os
from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session

from app.accounts import repository as accounts_repository
from app.accounts import service as accounts
from app.accounts.models import User
from app.core import clock
from app.core.access import Principal, Role
from app.core.errors import Invalid
from app.files.deployments import create_default_environments
from app.providers import service as providers
from app.providers.service import ProviderChange
from app.workspaces import service as workspaces
from app.workspaces.models import Workspace

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class NewWorkspace:
    """A workspace to open, and who opens it."""

    name: str
    email: str
    full_name: str = ""
    password: str | None = None
    slug: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """What was opened."""

    workspace: Workspace
    admin: User
    principal: Principal


def open_workspace(session: Session, new: NewWorkspace) -> Opened:
    """A workspace that can be worked in: admin, environments, the practice provider, and `openai` when the
    server's environment holds its key. Somebody who has an account already becomes its admin.

    Raises:
        Invalid: name, address or password cannot be used.
        Conflict: the workspace exists.
    """
    admin = accounts_repository.find_user_by_email(session, new.email)
    if admin is None:
        admin = accounts.create_user(session, email=new.email, full_name=new.full_name, password=new.password)
        admin.address_proven_at = clock.now()  # by whoever runs the server, whose word is enough
    workspace = workspaces.create_workspace(session, name=new.name, admin=admin, slug=new.slug)
    principal = workspaces.principal_of(workspace, admin, Role.ADMIN)
    create_default_environments(session, workspace.id)
    providers.create_practice_provider(session, workspace.id)
    key = os.environ.get(
        "OPENAI_API_KEY"
    )  # the name that every OpenAI tool reads, so not one of our settings
    if key:
        url = os.environ.get("OPENAI_BASE_URL") or providers.OPENAI_URL
        try:
            with session.begin_nested():
                providers.create_provider(
                    session, principal, ProviderChange(name="openai", base_url=url, api_key=key)
                )
        except Invalid as error:  # the server must start all the same
            log.warning("OPENAI_API_KEY is not used: OPENAI_BASE_URL cannot be", reason=error.message)
    return Opened(workspace, admin, principal)
