"""Which model of which provider versions ask, so that no score is read as another model's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.evaluations.models import Run
from app.files.models import Version
from app.providers import repository as providers
from app.providers.service import PRACTICE, named_or_meant


@dataclass(frozen=True, slots=True)
class ModelUsed:
    """A model that a version asks."""

    model: str
    provider: str
    """Its name, as the version or the workspace has it; empty where nobody can say."""
    practice: bool
    """Whether it is the practice model, which is not an LLM."""


_UNKNOWN = ModelUsed("", "", practice=False)


def models_of(session: Session, versions: Iterable[Version]) -> dict[str, ModelUsed]:
    """The model of each prompt version, by version id, in one statement a workspace."""
    by_workspace: dict[str, list[Version]] = {}
    for version in versions:
        by_workspace.setdefault(version.workspace_id, []).append(version)
    found: dict[str, ModelUsed] = {}
    for workspace_id, own in by_workspace.items():
        known = providers.list_providers(session, workspace_id)
        for version in own:
            if "model" not in version.spec:  # a flow: what it asks, its caller knows
                found[version.id] = _UNKNOWN
                continue
            name = version.spec.get("provider")
            provider = named_or_meant(known, name, str(version.spec.get("model") or ""))
            found[version.id] = ModelUsed(
                model=str(version.spec.get("model") or ""),
                provider=provider.name if provider else str(name or ""),
                practice=provider is not None and provider.kind == PRACTICE,
            )
    return found


def models_of_runs(session: Session, runs: Iterable[Run]) -> dict[str, ModelUsed]:
    """The model of each run's version, by run id; of a run of no one version, nobody can say."""
    every = list(runs)
    found = models_of(session, [run.version for run in every if run.version])
    return {run.id: found.get(run.version_id or "", _UNKNOWN) for run in every}


def grouped(session: Session, versions: Sequence[Version]) -> list[tuple[ModelUsed, list[int]]]:
    """The models that versions ask, each with the numbers of those versions, in their order."""
    found: dict[ModelUsed, list[int]] = {}
    used = models_of(session, versions)
    for version in versions:
        numbers = found.setdefault(used[version.id], [])
        if version.number not in numbers:
            numbers.append(version.number)
    return list(found.items())
