"""What kinds share that run programs in the sandbox."""

from app.sandbox import engines
from app.sandbox.selftest import Engine, state


def not_here(what: str) -> str:
    """Why no `what` (code, query …) runs on this machine; empty where it does."""
    found = state()
    if found.engine:
        return ""
    return f"There is no safe sandbox on this host, so that no {what} runs: {found.explanation}"


def engine_for_code() -> tuple[Engine | None, str]:
    """What runs people's Python here: an engine, or why nothing does."""
    engine, found = engines.engine_for_code()
    said = f"There is no safe sandbox on this host, so that no code runs: {found.explanation}"
    return engine, "" if engine else said
