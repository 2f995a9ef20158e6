"""What kinds share that run programs in the sandbox."""

from app.sandbox.selftest import state


def not_here(what: str) -> str:
    """Why no `what` (code, query …) runs on this machine; empty where it does."""
    found = state()
    if found.engine:
        return ""
    return f"There is no safe sandbox on this host, so that no {what} runs: {found.explanation}"
