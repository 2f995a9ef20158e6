"""What tests of guest reviewers do: ask one, come in by the link, send a form."""

from fastapi.testclient import TestClient
from sqlalchemy import text

from app.core.csrf import GUEST_COOKIE
from app.core.database import unit_of_work
from app.core.security import signature
from app.review import guests
from app.review.guests import Asked
from app.review.models import ReviewQueue
from tests.review.staged import Staged


def link_of(staged: Staged, made: ReviewQueue, **asked) -> str:
    """The path of a new link."""
    with unit_of_work() as session:
        ((_, url),) = guests.ask_guests(session, staged.team.admin, made, Asked(**asked))
    return url.removeprefix("http://127.0.0.1:8000")


def come_in(client: TestClient, link: str, name: str = "Gil Okafor") -> str:
    """Where the guest is led."""
    client.get(link)
    answer = client.post(link, data={"_csrf": signature("csrf", ""), "name": name})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def send(client: TestClient, url: str, **form: object):
    return client.post(url, data={"_csrf": signature("csrf", client.cookies[GUEST_COOKIE])} | form)


def count(sql: str, **values: object) -> int:
    with unit_of_work() as session:
        return session.scalar(text(sql), values) or 0
