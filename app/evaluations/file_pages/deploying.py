"""What stands in the dialog before a deployment: where to, what changes there, and whether it is allowed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import NotFound
from app.evaluations.file_pages.dashboard import Place, list_places
from app.files import approvers, repository
from app.files.models import File, Version
from app.prompts.changes import SpecChanges

Compare = Callable[[Mapping[str, Any], Mapping[str, Any]], SpecChanges]


@dataclass(frozen=True, slots=True)
class DeployDialog:
    """Everything that the dialog shows of a file."""

    file: File
    versions: Sequence[Version]
    places: Sequence[Place]
    place: Place
    """The one that is chosen."""
    version: Version
    """What would run there."""
    current: Version | None
    """What runs there now."""
    changes: SpecChanges | None
    refused: str | None
    """Why the principal may not deploy to this environment, where it is protected."""

    @property
    def back(self) -> bool:
        """Whether an older version takes the place of a newer one."""
        return self.current is not None and self.version.number < self.current.number


def build_dialog(
    session: Session,
    principal: Principal,
    file: File,
    compare: Compare,
    *,
    version: int | None,
    environment: str | None,
) -> DeployDialog:
    """The dialog for a version and an environment; without them, for what is most likely meant.

    Raises:
        NotFound: the file has no version yet.
    """
    versions = repository.list_versions(session, file.id)
    if not versions:
        raise NotFound(f"{file.path} has no version to deploy.")
    places = list_places(session, file)
    place = next((each for each in places if each.environment.id == environment), None) or places[0]
    target = _target(versions, place, version)
    current = place.deployment.version if place.deployment else None
    differs = current is not None and current.id != target.id
    return DeployDialog(
        file=file,
        versions=versions,
        places=places,
        place=place,
        version=target,
        current=current,
        changes=compare(current.spec, target.spec) if current and differs else None,
        refused=approvers.why_not(session, principal, place.environment),
    )


def _target(versions: Sequence[Version], place: Place, number: int | None) -> Version:
    """The version to deploy: the one asked for, else the newest, or where that runs already the one before it."""
    chosen = next((each for each in versions if each.number == number), None)
    if chosen:
        return chosen
    others = [v for v in versions if place.deployment is None or v.id != place.deployment.version_id]
    return others[0] if others else versions[0]


def version_before(version: Version | None, versions: Sequence[Version]) -> Version | None:
    """The version that another was made from, or that came before it."""
    if version is None:
        return None
    parent = next((each for each in versions if each.id == version.parent_id), None)
    return parent or next((each for each in versions if each.number < version.number), None)
