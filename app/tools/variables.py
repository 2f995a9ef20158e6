"""Environment variables of tools: secrets that versions name and never hold.

Each is bound to where the version that answers sends it when it is set. Who may write versions cannot have it sent
elsewhere: nobody gets a secret to an address that its owner did not choose.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from sqlalchemy.orm import Session

from app.core import security
from app.core.access import Principal
from app.core.errors import Invalid, NotFound, Unavailable
from app.files import repository as files
from app.files.models import File
from app.tools import repository
from app.tools.http_calls import Secret, origin_in
from app.tools.schemas import VariableGiven
from app.workspaces import audit

MOST = 100
"""Variables of one tool."""


def list_names(session: Session, file: File) -> list[str]:
    """The names of a tool's variables, in their order. Values are never shown."""
    return [variable.name for variable in repository.list_variables(session, file.id)]


def set_variables(session: Session, principal: Principal, file: File, given: Sequence[VariableGiven]) -> None:
    """Write variables, each in place of the one that has its name. They may be sent to where the version goes that is
    deployed to the default environment, or else is the newest.

    Raises:
        Invalid: the tool would have too many.
    """
    names = {one.name for one in given}
    if len(names | set(list_names(session, file))) > MOST:
        raise Invalid(f"A tool has at most {MOST} variables.")
    shown = files.shown_versions(session, [file.id]).get(file.id)
    origin = origin_in(shown.spec) if shown else None
    for one in given:
        repository.put_variable(
            session,
            workspace_id=file.workspace_id,
            file_id=file.id,
            name=one.name,
            sealed_value=security.encrypt(
                one.value.get_secret_value(), bound_to=_bound_to(file.id, one.name, origin)
            ),
            origin=origin,
        )
    if names:
        audit.record(
            session, principal, "tool.variables_set", "tool", file.id,
            path=file.path, names=sorted(names), origin=origin,
        )  # fmt: skip


def remove_variable(session: Session, principal: Principal, file: File, name: str) -> None:
    """Take a variable away.

    Raises:
        NotFound: the tool has none of this name.
    """
    if not repository.delete_variable(session, file.id, name):
        raise NotFound(f"{file.path} has no variable {name}.")
    audit.record(session, principal, "tool.variable_removed", "tool", file.id, path=file.path, names=[name])


def secrets_of(session: Session, file_id: str) -> Mapping[str, Secret]:
    """The variables of a tool, ready to be sent.

    Raises:
        Unavailable: one cannot be read with this server's secret.
    """
    return {
        each.name: Secret(
            security.decrypt(each.sealed_value, bound_to=_bound_to(file_id, each.name, each.origin)),
            each.origin,
        )
        for each in repository.list_variables(session, file_id)
    }


def count_variables(session: Session) -> tuple[int, int]:
    """How many variables are stored in all workspaces, and how many of them this server's secret opens."""
    stored, opened = repository.list_every(session), 0
    for each in stored:
        with suppress(Unavailable):
            security.decrypt(each.sealed_value, bound_to=_bound_to(each.file_id, each.name, each.origin))
            opened += 1
    return len(stored), opened


def _bound_to(file_id: str, name: str, origin: str | None) -> str:
    """With the origin: who can write to the database cannot send a secret elsewhere either."""
    return f"{file_id} {name} {origin or ''}"
