"""What the reaper does for rows that prompts write: workers are told again where calls wait."""

from app.core.reminding import Reminder
from app.generations import row_repository
from app.generations.row_generations import JOB


def reminder() -> Reminder:
    """Of calls that wait to be made."""
    return Reminder(row_repository.waits, JOB)
