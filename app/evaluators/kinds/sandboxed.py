"""What kinds share that run programs in the sandbox."""

from app.sandbox import monty
from app.sandbox.selftest import Engine, state
from app.sandbox.supervisor import sandbox


def not_here(what: str) -> str:
    """Why no `what` (code, query …) runs on this machine; empty where it does."""
    found = state()
    if found.engine:
        return ""
    return f"There is no safe sandbox on this host, so that no {what} runs: {found.explanation}"


def engine_for_code() -> tuple[Engine | None, str]:
    """What runs people's Python here: the sandbox, else Monty where it is installed; or why nothing does."""
    found = state()
    if found.engine:
        return sandbox(), ""
    instead = monty.state()
    if instead.engine:
        return monty.monty(), ""
    said = f"There is no safe sandbox on this host, so that no code runs: {found.explanation}; {instead.explanation}"
    return None, said
