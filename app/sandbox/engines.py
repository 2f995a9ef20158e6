"""Which engine runs people's Python here."""

from app.sandbox import monty
from app.sandbox.selftest import Engine, State, state
from app.sandbox.supervisor import sandbox


def engine_for_code() -> tuple[Engine | None, State]:
    """The sandbox; where the kernel can hold none, Monty, if it is installed. None where nothing runs programs, and why.

    Where a program got out, or could not be held in time, nothing else runs what the sandbox does not: it would hold less.
    """
    found = state()
    if found.engine:
        return sandbox(), found
    if not found.unsupported:
        return None, found
    instead = monty.state()
    if instead.engine:
        return monty.monty(), instead
    return None, State(None, f"{found.explanation}; {instead.explanation}", unsupported=True)
