"""Environment variables of tools: secrets that versions name and never hold.

Each is bound to where the version that answers sends it when it is set. Who may write versions cannot have it sent
elsewhere: nobody gets a secret to an address that its owner did not choose.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from sqlalchemy.orm import Session

from app.core import security
from app.core.access import Principal
from app.core.errors import Conflict, Invalid, NotFound, Unavailable
from app.files import repository as files
from app.files.models import File
from app.tools import repository
from app.tools.http_calls import Secret, origin_in
from app.tools.schemas import VariableGiven
from app.workspaces import audit

MOST = 100
"""Variables of one tool."""


def list_origins(session: Session, file: File) -> dict[str, str | None]:
    """The names of a tool's variables, in their order, and where each may be sent. Values are never shown."""
    return {variable.name: variable.origin for variable in repository.list_variables(session, file.id)}


def set_variables(session: Session, principal: Principal, file: File, given: Sequence[VariableGiven]) -> None:
    """Write variables, each in place of the one that has its name. They may be sent to where the version goes that is
    deployed to the default environment, or else is the newest.

    Raises:
        Invalid: the tool would have too many, or that is not the origin that was named.
        Conflict: one was for another origin, and this one was not named.
        NotFound: the tool was deleted meanwhile.
    """
    files.lock_file(session, file)
    session.refresh(file, ["deleted_at"])
    if file.deleted_at:
        raise NotFound(f"{file.path} was deleted.")
    names, there = {one.name for one in given}, list_origins(session, file)
    if len(names | there.keys()) > MOST:
        raise Invalid(f"A tool has at most {MOST} variables.")
    shown = files.shown_versions(session, [file.id]).get(file.id)
    origin = origin_in(shown.spec) if shown else None
    for one in given:
        if one.origin is not None and one.origin.rstrip("/").lower() not in _ways_to_write(origin):
            text = f"The version that answers now asks {origin or 'no service'}, not {one.origin}: nothing was set."
            raise Invalid(text, fields={"origin": text})
        if one.origin is None and one.name in there and there[one.name] != origin:
            raise Conflict(
                f"{one.name} was set for {there[one.name] or 'no service'}, and the version that answers now asks "
                f"{origin or 'no service'}. Say so by `origin` if it is to be sent there."
            )
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


def _ways_to_write(origin: str | None) -> set[str]:
    """The port may be left out where it is the scheme's own."""
    if origin is None:
        return set()
    scheme, _, _ = origin.partition(":")
    return {origin, origin.removesuffix({"http": ":80", "https": ":443"}[scheme])}


def secrets_of(session: Session, file_id: str, names: Collection[str]) -> Mapping[str, Secret]:
    """The variables of a tool that are named, ready to be sent.

    Raises:
        Unavailable: one cannot be read with this server's secret.
    """
    return {
        each.name: Secret(
            security.decrypt(each.sealed_value, bound_to=_bound_to(file_id, each.name, each.origin)),
            each.origin,
        )
        for each in repository.list_variables(session, file_id)
        if each.name in names
    }


def count_variables(session: Session) -> tuple[int, int]:
    """How many variables are stored in all workspaces, and how many of them this server's secret opens."""
    repository.lock_all(session)
    stored, opened = repository.list_every(session), 0
    for each in stored:
        with suppress(Unavailable):
            security.decrypt(each.sealed_value, bound_to=_bound_to(each.file_id, each.name, each.origin))
            opened += 1
    return len(stored), opened


def reseal_variables(session: Session, rotation: security.Rotation) -> tuple[int, int]:
    """Seal the variables of all workspaces by another secret; how many there are, and how many of them now open with it.
    Nobody reads or writes one until the end of the transaction."""
    repository.lock_all(session)
    stored, opened = repository.list_every(session), 0
    for each in stored:
        sealed = rotation.resealed(
            each.sealed_value, bound_to=_bound_to(each.file_id, each.name, each.origin)
        )
        if sealed is not None:
            each.sealed_value = sealed
            opened += 1
    return len(stored), opened


def _bound_to(file_id: str, name: str, origin: str | None) -> str:
    """With the origin: who can write to the database cannot send a secret elsewhere either."""
    return f"{file_id} {name} {origin or ''}"
