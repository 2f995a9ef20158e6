"""A workspace in which people comment on a version, a row and a log."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.comments.models import About, Subject
from app.core.access import Principal, Role
from app.datasets import repository as datasets
from app.files.models import Version
from tests import factories


@dataclass(frozen=True)
class Staged:
    """What there is."""

    team: factories.Team
    grace: Principal
    """A member."""
    rita: Principal
    """A reviewer."""
    vera: Principal
    """A viewer."""
    prompt: Version
    rows: Version
    things: dict[Subject, str]

    def about(self, subject: Subject) -> About:
        return About(subject, self.things[subject])


def stage(session: Session) -> Staged:
    """A team with a prompt, a dataset and a log."""
    team = factories.team(session)
    people = {
        role: factories.member(session, team.workspace, role, name)
        for role, name in (
            (Role.MEMBER, "Grace Hopper"),
            (Role.REVIEWER, "Rita Levi"),
            (Role.VIEWER, "Vera Rubin"),
            (Role.GUEST, "Guest Guestson"),
        )
    }
    prompt = factories.prompt(session, team.admin, "support/answer")
    rows = factories.dataset(session, team.admin, 2, "support/cases")
    return Staged(
        team,
        people[Role.MEMBER],
        people[Role.REVIEWER],
        people[Role.VIEWER],
        prompt,
        rows,
        {
            Subject.VERSION: prompt.id,
            Subject.ROW: datasets.list_rows(session, rows)[0][1].id,
            Subject.LOG: factories.logged(session, team.admin, prompt, output="Because."),
        },
    )
