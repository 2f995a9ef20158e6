"""What the reaper does for monitoring: workers are told again where logs wait."""

from app.core.reminding import Reminder
from app.monitoring import repository
from app.monitoring.arrivals import JOB


def reminder() -> Reminder:
    """Of logs that wait to be judged."""
    return Reminder(repository.waits, JOB)
