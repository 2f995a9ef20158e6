"""How each of our own processes is started: the arguments after `python`, the same here and in docker-compose.yml."""

from collections.abc import Sequence


def web(*, bind: Sequence[str]) -> tuple[str, ...]:
    """The pages and the API. `bind` is `--host H --port P`, or `--fd N` for a socket that listens already."""
    return ("-m", "app.cli", "web", *bind)


def practice(*, host: str, port: int) -> tuple[str, ...]:
    """The practice provider."""
    return ("-m", "app.practice", "--host", host, "--port", str(port))


def reaper() -> tuple[str, ...]:
    """The process that finds lost work and sends it again."""
    return ("-m", "app.cli", "reaper")


def worker(*, slots: int) -> tuple[str, ...]:
    """A Celery worker with `slots` pool processes. Leases, not gossip, say who is alive."""
    return (
        "-m", "celery", "--app", "worker.celery_app", "worker", "--pool", "prefork", "--concurrency", str(slots),
        "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "warning",
    )  # fmt: skip


def migrate() -> tuple[str, ...]:
    """Bring the database to this version's tables, and end."""
    return ("-m", "app.cli", "migrate")
