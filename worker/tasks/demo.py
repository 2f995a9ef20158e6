"""Tasks of the demo."""

from app.core.database import unit_of_work
from app.demo.seed import fill
from worker.celery_app import app


@app.task(name="demo.seed")  # type: ignore[untyped-decorator]
def seed(admin_id: str) -> None:
    """Fill the demo, for somebody who asked for it while setting the server up."""
    with unit_of_work() as session:
        fill(session, admin_id)
