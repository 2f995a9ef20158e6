"""What the home page says: what needs a person, how production fares, what ran, where one was, and the first steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.evaluations import repository as evaluations
from app.evaluations.figures import last_score_repository
from app.evaluations.figures.findings import Finding, findings_of
from app.evaluations.figures.models_used import models_of
from app.evaluations.file_pages.dashboard import ScoreText
from app.evaluations.file_pages.file_list import last_score_text
from app.evaluations.models import Evaluation
from app.files import repository as files
from app.files.models import Environment, File, FileKind, Version
from app.files.sidebar import file_url
from app.home import home_repository
from app.home.activity import Deed, deed_of, newest_first
from app.home.health import Health, build_health
from app.home.needs import Need, list_needs
from app.home.panels import Content, Panel, build_panel
from app.logs.budget import standing
from app.providers import repository as providers
from app.providers.models import Provider
from app.providers.service import PRACTICE
from app.workspaces import repository as workspaces
from app.workspaces.audit_repository import list_recent
from app.workspaces.models import Workspace

_EVALUATIONS, _FILES, _ENTRIES, _MINE = 5, 8, 8, 4


@dataclass(frozen=True, slots=True)
class RecentFile:
    """A file as the lists show it."""

    file: File
    newest: Version | None
    environments: Sequence[tuple[Environment, int]]
    """What runs where: environment and version number."""
    score: ScoreText | None
    """The last one of the newest version that has one, by what its evaluation is about."""
    measured_by: str
    practice: bool
    """Whether the score is the practice model's, which is not an LLM."""


@dataclass(frozen=True, slots=True)
class Mine:
    """Where somebody left off."""

    files: Sequence[tuple[File, int]]
    """Those they committed to last, each with the number of their version."""
    going: Sequence[Finding]
    """Evaluations that run."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Which of the first steps are done."""

    has_provider: bool
    has_prompt: bool
    has_dataset: bool
    has_evaluation: bool
    others: Sequence[Workspace]
    """The other workspaces of the person, where this one has no evaluation yet."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The home page: panels, each of which may have failed."""

    steps: Steps
    needs: Panel[list[Need]]
    health: Panel[Health]
    findings: Panel[list[Finding]]
    files: Panel[tuple[list[RecentFile], int]]
    """The files that changed last, and how many there are."""
    mine: Panel[Mine]
    deeds: Panel[list[Deed]]

    @property
    def failed(self) -> bool:
        """Whether a panel could not be made."""
        panels = (self.needs, self.health, self.findings, self.files, self.mine, self.deeds)
        return any(panel.content is None for panel in panels)


def build_overview(session: Session, principal: Principal) -> Overview:
    """The home page of the principal's workspace. What fails in one of its panels leaves the others as they are."""

    def panel(name: str, build: Callable[[], Content]) -> Panel[Content]:
        return build_panel(session, name, build)

    found = evaluations.newest_evaluations(session, principal.workspace_id, _EVALUATIONS)
    connected = providers.list_providers(session, principal.workspace_id)
    recent, total = files.list_files(session, principal.workspace_id, sort_by="updated_at", limit=_FILES)
    findings = panel("findings", lambda: findings_of(session, found))
    health = panel("health", lambda: build_health(session, principal))
    shown = panel("files", lambda: (recent_files(session, recent), total))
    told = findings.content or []
    return Overview(
        steps=_steps(session, principal, connected, found, recent),
        needs=panel("needs", lambda: needs_of(session, principal, connected, told, health.content)),
        health=health,
        findings=findings,
        files=shown,
        mine=panel("mine", lambda: _mine(session, principal, told)),
        deeds=panel(
            "deeds", lambda: _deeds(session, principal, found, shown.content[0] if shown.content else [])
        ),
    )


def needs_of(
    session: Session,
    principal: Principal,
    connected: Sequence[Provider],
    findings: Sequence[Finding],
    health: Health | None,
) -> list[Need]:
    """What needs a person, with how the workspace stands with its budget."""
    budget = standing(session, principal.workspace_id)
    return list_needs(session, principal, budget, connected, findings, health)


def last_findings(session: Session, principal: Principal) -> list[Finding]:
    """What the newest evaluations found."""
    found = evaluations.newest_evaluations(session, principal.workspace_id, _EVALUATIONS)
    return findings_of(session, found)


def _mine(session: Session, principal: Principal, findings: Sequence[Finding]) -> Mine:
    own = home_repository.list_committed_by(session, principal.workspace_id, principal.user_id, _MINE)
    return Mine(own, [one for one in findings if one.state in ("running", "waiting", "stuck")])


def _steps(
    session: Session,
    principal: Principal,
    connected: Sequence[Provider],
    found: Sequence[Evaluation],
    recent: Sequence[File],
) -> Steps:
    real = [each for each in connected if each.kind != PRACTICE]
    return Steps(
        has_provider=bool(real),
        has_prompt=bool(found) or _has(session, principal, recent, FileKind.PROMPT),
        has_dataset=bool(found) or _has(session, principal, recent, FileKind.DATASET),
        has_evaluation=bool(found),
        others=[] if found else _other_workspaces(session, principal),
    )


def _other_workspaces(session: Session, principal: Principal) -> list[Workspace]:
    member_of = [each.workspace for each in workspaces.list_memberships(session, principal.user_id)]
    return [each for each in member_of if each.id != principal.workspace_id]


def _has(session: Session, principal: Principal, recent: Sequence[File], kind: FileKind) -> bool:
    """Whether the workspace has a file of a kind: the recent ones need not show it."""
    if any(file.kind == kind for file in recent):
        return True
    return files.list_files(session, principal.workspace_id, kinds=[kind], limit=1)[1] > 0


def _deeds(
    session: Session, principal: Principal, found: Sequence[Evaluation], shown: Sequence[RecentFile]
) -> list[Deed]:
    base = f"/w/{principal.workspace_slug}"
    deeds = [deed_of(entry) for entry in list_recent(session, principal.workspace_id, _ENTRIES)]
    deeds += [
        Deed(e.created_at, e.created_by_name or "Somebody", "evaluated", e.name, f"{base}/evaluations/{e.id}")
        for e in found
    ]
    deeds += [
        Deed(
            each.newest.created_at,
            each.newest.author_name or "Somebody",
            f"committed v{each.newest.number} of",
            each.file.name,
            file_url(principal.workspace_slug, each.file.kind, each.file.id),
        )
        for each in shown
        if each.newest
    ]
    return newest_first(deeds, _ENTRIES)


def recent_files(session: Session, found: Sequence[File]) -> list[RecentFile]:
    """Files with their newest version, what is live, and the last score of the newest version that has one."""
    file_ids = [file.id for file in found]
    newest = files.newest_versions(session, file_ids)
    live: dict[str, list[tuple[Environment, int]]] = {}
    for environment, deployment in files.deployed_environments(session, file_ids):
        live.setdefault(deployment.file_id, []).append((environment, deployment.version.number))
    scores = last_score_repository.list_last_scores(session, file_ids)
    models = models_of(session, [each[0].version for each in scores.values()])
    shown = []
    for file in found:
        last = scores.get(file.id, [None])[0]
        text, by = last_score_text(last) if last else (None, "")
        practice = last is not None and models[last.version.id].practice
        shown.append(RecentFile(file, newest.get(file.id), live.get(file.id, []), text, by, practice))
    return shown
