"""The SQL of metrics: how much work there is, and where. Nothing here counts rows of logs or of ended runs."""

from sqlalchemy import text
from sqlalchemy.orm import Session

_STATE = text("""
    select
        (select count(*) from shard where state = 'queued') as shards_queued,
        (select count(*) from shard where state = 'running') as shards_running,
        (select count(*) from shard where state = 'running' and lease_until < now()) as leases_expired,
        (select coalesce(extract(epoch from now() - min(queued_at)), 0) from shard where state = 'queued') as oldest_queued,
        (select count(*) from run where status = 'pending') as runs_pending,
        (select count(*) from run where status = 'running') as runs_running,
        (select coalesce(sum(items_count - done_count), 0) from run where status in ('pending', 'running')) as items_pending,
        (select coalesce(sum(done_count - failed_count), 0) from run where status in ('pending', 'running')) as items_done,
        (select coalesce(sum(failed_count), 0) from run where status in ('pending', 'running')) as items_failed,
        (select greatest(reltuples, 0) from pg_class where oid = 'log'::regclass) as logs,
        (select pg_database_size(current_database())) as database_bytes,
        (select count(*) from pg_stat_activity where datname = current_database()) as connections
""")


def state(session: Session) -> dict[str, float]:
    """The numbers of the work that is not done yet, and of the database itself; of logs, Postgres' own estimate."""
    return {name: float(value) for name, value in session.execute(_STATE).one()._mapping.items()}  # noqa: SLF001 - public by its documentation
