"""The SQL of environments beyond one file: who may deploy there, and what runs there."""

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, aliased, contains_eager

from app.accounts.models import User
from app.files.models import Deployment, Environment, EnvironmentApprover, File, Version


def list_approvers(session: Session, environment_ids: Sequence[str]) -> list[tuple[str, User]]:
    """The named approvers of these environments by name: id of the environment, person."""
    query = select(EnvironmentApprover.environment_id, User).join(
        User, User.id == EnvironmentApprover.user_id
    )
    query = query.where(EnvironmentApprover.environment_id.in_(environment_ids)).order_by(User.full_name)
    return [(environment_id, user) for environment_id, user in session.execute(query)]


def is_approver(session: Session, environment_id: str, user_id: str) -> bool:
    """Whether this person is named for this environment."""
    return session.get(EnvironmentApprover, (environment_id, user_id)) is not None


def replace_approvers(session: Session, environment: Environment, user_ids: Sequence[str]) -> None:
    """Name these people, and nobody else."""
    session.execute(delete(EnvironmentApprover).where(EnvironmentApprover.environment_id == environment.id))
    for user_id in user_ids:
        session.add(
            EnvironmentApprover(
                environment_id=environment.id, workspace_id=environment.workspace_id, user_id=user_id
            )
        )
    session.flush()


def list_running(session: Session, workspace_id: str) -> list[tuple[str, File, Version]]:
    """What runs now in each environment, the newest deployment first: id of the environment, file, version."""
    query = (
        select(Deployment.environment_id, File, Version)
        .join(File, File.id == Deployment.file_id)
        .join(Version, Version.id == Deployment.version_id)
        .where(
            Deployment.workspace_id == workspace_id, Deployment.ended_at.is_(None), File.deleted_at.is_(None)
        )
        .order_by(Deployment.at.desc(), Deployment.id.desc())
    )
    return [(environment_id, file, version) for environment_id, file, version in session.execute(query)]


def count_running(session: Session, environment_id: str) -> int:
    """How many files have a version in the environment now."""
    query = select(func.count()).select_from(Deployment).join(File, File.id == Deployment.file_id)
    query = query.where(
        Deployment.environment_id == environment_id,
        Deployment.ended_at.is_(None),
        File.deleted_at.is_(None),
    )
    return session.scalar(query) or 0


def latest_deployments(
    session: Session, workspace_id: str, limit: int
) -> list[tuple[Deployment, File, int | None]]:
    """The newest deployments of a workspace: with the file, and the number of the version that ran there before."""
    earlier, old = aliased(Deployment), aliased(Version)
    before = (
        select(old.number)
        .join(earlier, earlier.version_id == old.id)
        .where(
            earlier.file_id == Deployment.file_id,
            earlier.environment_id == Deployment.environment_id,
            earlier.at < Deployment.at,
        )
        .order_by(earlier.at.desc())
        .limit(1)
        .correlate(Deployment)
        .scalar_subquery()
    )
    query = (
        select(Deployment, File, before)
        .join(File, File.id == Deployment.file_id)
        .join(Deployment.version)
        .join(Deployment.environment)
        .options(contains_eager(Deployment.version), contains_eager(Deployment.environment))
        .where(Deployment.workspace_id == workspace_id, File.deleted_at.is_(None))
        .order_by(Deployment.at.desc(), Deployment.id.desc())
        .limit(limit)
    )
    return [(deployment, file, number) for deployment, file, number in session.execute(query)]


def forget_deployments(session: Session, version_id: str) -> None:
    """Take the ended deployments of a version out of its file's history."""
    ended = Deployment.version_id == version_id, Deployment.ended_at.is_not(None)
    session.execute(delete(Deployment).where(*ended))


def take_turn(session: Session, workspace_id: str) -> None:
    """Wait until no other transaction deploys in the workspace, and let none until this one has ended."""
    key = func.hashtextextended(f"deployment {workspace_id}", 0)
    session.execute(select(func.pg_advisory_xact_lock(key)))
