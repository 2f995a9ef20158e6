"""Who may deploy to a protected environment: admins, and the developers that are named for it."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.accounts.models import User
from app.core.access import ALLOWED, Action, Principal, Role
from app.core.errors import Invalid
from app.files import environment_repository as repository
from app.files.models import Environment
from app.workspaces import audit
from app.workspaces.repository import find_member


def why_not(session: Session, principal: Principal, environment: Environment) -> str:
    """Why the principal may not deploy there; empty when they may."""
    if not environment.protected or principal.role is Role.ADMIN:
        return ""
    if principal.may(Action.DEPLOY) and repository.is_approver(session, environment.id, principal.user_id):
        return ""
    named = [user.full_name for _, user in repository.list_approvers(session, [environment.id])]
    return f"{environment.name} is protected: {' or '.join(['an admin', *named])} deploys there."


def approvers_of(session: Session, environments: Sequence[Environment]) -> dict[str, list[User]]:
    """The named approvers by the id of the environment."""
    found: dict[str, list[User]] = {each.id: [] for each in environments}
    for environment_id, user in repository.list_approvers(session, list(found)):
        found[environment_id].append(user)
    return found


def name_approvers(
    session: Session, principal: Principal, environment: Environment, user_ids: Sequence[str]
) -> None:
    """Name these people, and nobody else, beside the admins.

    Raises:
        Invalid: one of them is no member of the workspace, or has a role that never deploys.
    """
    chosen = list(dict.fromkeys(user_ids))
    names = []
    for user_id in chosen:
        member = find_member(session, environment.workspace_id, user_id)
        if member is None or Role(member.role) not in ALLOWED[Action.DEPLOY]:
            text = "Approvers are developers or admins of this workspace. Change the person's role first."
            raise Invalid(text, fields={"approvers": text})
        names.append(member.user.full_name)
    before = [user.id for user in approvers_of(session, [environment])[environment.id]]
    if sorted(before) == sorted(chosen):
        return
    repository.replace_approvers(session, environment, chosen)
    audit.record(
        session, principal, "environment.approvers_changed", "environment", environment.id,
        name=environment.name, approvers=", ".join(names),
    )  # fmt: skip
