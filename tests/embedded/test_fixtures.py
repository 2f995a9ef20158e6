"""The fixtures that the other tests stand on."""

import urllib.request

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.core.database import unit_of_work

COUNT = text("select count(*) from workspace")
ADD = text("insert into workspace (id, slug, name) values ('ws_1', 'acme', 'Acme')")


@pytest.mark.parametrize("time", [1, 2])
def test_a_session_forgets_even_what_was_committed(session: Session, time: int):
    assert session.scalar(COUNT) == 0
    session.execute(ADD)
    session.commit()
    assert session.scalar(COUNT) == 1


@pytest.mark.parametrize("time", [1, 2])
def test_a_database_is_empty_again_for_the_next_test(database: Engine, time: int):
    with unit_of_work() as session:
        session.execute(ADD)
    with unit_of_work() as session:
        assert session.scalar(COUNT) == 1


def test_the_network_is_out_of_reach():
    with pytest.raises(Exception, match=r"allowed|resolution|Name or service|Errno"):
        urllib.request.urlopen("http://192.0.2.1/", timeout=2)


@pytest.mark.browser
def test_a_browser_opens_the_running_application(page):
    page.goto("/signin")
    assert "Whetstone" in page.title()
