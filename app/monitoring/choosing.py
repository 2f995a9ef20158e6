"""What a page's forms say about monitoring, as the change that it is; and the evaluators that can be chosen."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import DomainError, Invalid, NotFound
from app.evaluators.binding import bind
from app.evaluators.describing import describe
from app.files import deployments
from app.files import repository as files
from app.files.models import File, FileKind, Version
from app.files.paths import plain_path
from app.monitoring import repository
from app.monitoring.models import Monitor
from app.monitoring.schemas import MonitorActivation, MonitoringChange, MonitorReference

MOST_OFFERED = 200
"""Evaluators that are listed to choose from; others are chosen by typing their path."""
NEWEST = "newest"


class Act(StrEnum):
    """What a button of a monitor does."""

    PAUSE = "pause"
    RESUME = "resume"
    SHARE = "share"
    UPDATE = "update"
    """Let the evaluator's newest version judge, in place of the one that does."""
    REMOVE = "remove"


class MonitorForm(BaseModel):
    """An evaluator to judge a file's logs from now on."""

    evaluator: str = ""
    """Its path."""
    follow: str = NEWEST
    """The id of the environment whose version judges, or that the newest one does and stays."""
    share: str = "100"
    """Percent of the logs, as it was typed."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An evaluator of the workspace, at its newest version."""

    path: str
    file_id: str
    number: int
    title: str
    """Of its kind."""
    calls: int
    """Calls of models that a log takes, at most."""
    refusal: str
    """Why it cannot judge logs as they come; empty where it can."""


def list_choices(session: Session, principal: Principal) -> list[Choice]:
    """The first evaluators of the workspace by their paths, in a fixed number of statements."""
    found, _ = files.list_files(
        session,
        principal.workspace_id,
        kinds=[FileKind.EVALUATOR],
        versioned=True,
        sort_by="path",
        descending=False,
        limit=MOST_OFFERED,
    )
    newest = files.newest_versions(session, [file.id for file in found])
    return [_choice(file, newest[file.id]) for file in found if file.id in newest]


def _choice(file: File, version: Version) -> Choice:
    info = describe(version.spec)
    return Choice(file.path, file.id, version.number, info.title, info.model_calls, why_not(version.spec))


def why_not(spec: Mapping[str, Any]) -> str:
    """Why an evaluator says nothing of a log by itself; empty where it does."""
    try:
        bound = bind(spec)
    except DomainError:
        return "this server does not know how it judges"
    if bound.kind.judged_by == "people":
        return "people judge with it, in reviews"
    if bound.kind.judged_by == "program":
        return "a program of yours judges with it, and sends what it says"
    return "it compares with a target, and logs have none" if bound.traits.needs_target else ""


def activation_of(session: Session, principal: Principal, form: MonitorForm) -> MonitoringChange:
    """The change that the form asks for.

    Raises:
        Invalid: names the field that is wrong, and how to put it right.
    """
    share = share_of(form.share)
    path = plain_path(form.evaluator)
    if not path:
        raise _wrong("evaluator", "Choose an evaluator.")
    file = files.find_file_by_path(session, principal.workspace_id, path)
    if file is None or file.kind != FileKind.EVALUATOR:
        raise _wrong(
            "evaluator", f"There is no evaluator at {path}. Choose one of the list, or type its path."
        )
    newest = files.newest_version(session, file.id)
    if newest is None:
        raise _wrong("evaluator", f"{path} has no version yet. Write one first.")
    wanted = MonitorActivation(evaluator_version_id=newest.id, sampling=share)
    judging = newest
    if form.follow != NEWEST:
        try:
            place = deployments.get_environment(session, principal, form.follow)
        except NotFound:
            raise _wrong("follow", "This environment is there no more. Choose another version.") from None
        wanted = MonitorActivation(evaluator_id=file.id, environment_id=place.id, sampling=share)
        running = files.find_deployment(session, file.id, place.id)
        judging = running.version if running else newest
    if refusal := why_not(judging.spec):
        raise _wrong("evaluator", f"{path} cannot judge logs as they come: {refusal}.")
    return MonitoringChange(activate=[wanted])


def share_of(typed: str) -> float:
    """The share of logs, 0 to 1, that was typed in percent.

    Raises:
        Invalid: it is none.
    """
    try:
        percent = float(typed.replace("%", "").replace(",", ".").strip())
    except ValueError:
        percent = math.nan
    if not 0 < percent <= 100:  # so is what is no number
        raise _wrong("share", "Give the share of logs in percent: more than 0, and 100 at most.")
    return percent / 100


def act_of(session: Session, monitor: Monitor, act: Act, share: str) -> MonitoringChange:
    """The change that a button of a monitor asks for.

    Raises:
        Invalid: the share is none.
        NotFound: the evaluator to update has no version any more.
    """
    of = _reference(monitor)
    if act is Act.PAUSE:
        return MonitoringChange(deactivate=[of])
    if act is Act.REMOVE:
        return MonitoringChange(remove=[of])
    if act is Act.UPDATE:
        newest = _newest(session, monitor)
        wanted = MonitorActivation(evaluator_version_id=newest.id, sampling=monitor.sampling)
        return MonitoringChange(
            activate=[wanted], remove=[of] if newest.id != of.evaluator_version_id else []
        )
    sampling = share_of(share) if act is Act.SHARE else monitor.sampling
    return MonitoringChange(activate=[MonitorActivation(**of.model_dump(), sampling=sampling)])


def get_monitor(session: Session, file: File, monitor_id: str) -> Monitor:
    """A monitor of a file.

    Raises:
        NotFound: the file has none with this id.
    """
    found = repository.find_monitor_of(session, file.id, monitor_id)
    if found is None:
        raise NotFound("This evaluator was removed meanwhile: it is on the list no more.")
    return found


def _newest(session: Session, monitor: Monitor) -> Version:
    found = files.find_versions(session, monitor.workspace_id, {monitor.evaluator_version_id or ""})
    newest = files.newest_version(session, found[0].file_id) if found else None
    if newest is None:
        raise NotFound("The evaluator has no newer version.")
    return newest


def _reference(monitor: Monitor) -> MonitorReference:
    return MonitorReference(
        evaluator_version_id=monitor.evaluator_version_id,
        evaluator_id=monitor.evaluator_id,
        environment_id=monitor.environment_id,
    )


def _wrong(field: str, said: str) -> Invalid:
    return Invalid(said, fields={field: said})
