"""Who may do what: roles, actions, and the table that joins them."""

from dataclasses import dataclass
from enum import StrEnum

from app.core.errors import Forbidden


class Role(StrEnum):
    """What a person or a key is in one workspace, from most to least."""

    ADMIN = "admin"
    DEVELOPER = "developer"
    MEMBER = "member"
    REVIEWER = "reviewer"
    VIEWER = "viewer"
    GUEST = "guest"


class Action(StrEnum):
    """What a route does, as far as permission is concerned."""

    PUBLIC = "public"
    """Anybody, without signing in."""
    SELF = "self"
    """Anybody who is signed in, about themselves."""
    OWN_QUEUE = "own_queue"
    """Whoever came in by the link of a guest reviewer, in the one queue that it is of."""
    READ = "read"
    LOG = "log"
    RUN = "run"
    EDIT = "edit"
    JUDGE = "judge"
    DEPLOY = "deploy"
    DELETE = "delete"
    """Members delete their own only: the service looks, and tests ask every such route."""
    OWN_KEYS = "own_keys"
    MANAGE = "manage"
    ADMINISTER = "administer"


_WRITERS = frozenset({Role.ADMIN, Role.DEVELOPER, Role.MEMBER})
ALLOWED: dict[Action, frozenset[Role]] = {
    Action.SELF: frozenset(Role),
    Action.OWN_QUEUE: frozenset({Role.GUEST}),
    Action.READ: frozenset(Role) - {Role.GUEST},
    Action.LOG: _WRITERS,
    Action.RUN: _WRITERS,
    Action.EDIT: _WRITERS,
    Action.JUDGE: _WRITERS | {Role.REVIEWER},
    Action.DEPLOY: frozenset({Role.ADMIN, Role.DEVELOPER}),
    Action.DELETE: _WRITERS,
    Action.OWN_KEYS: frozenset({Role.ADMIN, Role.DEVELOPER}),
    Action.MANAGE: frozenset({Role.ADMIN}),
    Action.ADMINISTER: frozenset({Role.ADMIN}),
}
"""Which roles may do what (architecture, section 7). Deploying to a protected environment is narrowed further
where it happens, as is a member's right to delete."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling, and as what, in which workspace."""

    user_id: str
    name: str
    email: str
    workspace_id: str
    workspace_slug: str
    workspace_name: str
    role: Role
    key_id: str | None = None
    """Set when the call came with an API key."""

    def may(self, action: Action) -> bool:
        """Whether this principal's role allows `action`."""
        return action is Action.PUBLIC or self.role in ALLOWED[action]

    def refuse_others_work(self, maker_id: str | None, verb: str = "delete") -> None:
        """Keep a member from deleting what somebody else made, or from whatever else the `verb` says.

        Raises:
            Forbidden: the principal is a member, and not the maker.
        """
        if self.role is Role.MEMBER and maker_id != self.user_id:
            raise Forbidden(f"Members {verb} only what they made. Ask a developer or an admin.")


def refusal(action: Action) -> str:
    """Why a role is refused, naming the roles that may."""
    roles = [role.value for role in Role if role in ALLOWED[action]]
    return f"This needs the role {' or '.join(roles)}. Ask an admin of the workspace."
