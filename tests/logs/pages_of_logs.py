"""What tests of the pages of logs have in common."""

import re

from app.core.database import unit_of_work
from tests import factories


def url(team: factories.Team, rest: str = "") -> str:
    return f"/w/{team.workspace.slug}/logs{rest}"


def beside(team: factories.Team, rest: str) -> str:
    return f"/w/{team.workspace.slug}{rest}"


def outputs(page: str) -> list[str]:
    """Of the rows of the list, in their order."""
    return re.findall(r'<td class="clip muted">([^<]*)</td>', page)


def sent_log(team: factories.Team, output: str, **said: object) -> str:
    """A log with this output; its id."""
    with unit_of_work() as session:
        version = factories.prompt(session, team.admin, "support/answer")
        return factories.logged(session, team.admin, version, output=output, **said)
