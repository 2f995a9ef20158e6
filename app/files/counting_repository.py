"""The counters of logs that pages show."""

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.orm import Session


def _locked(table: str) -> str:
    """Rows of a table with what is added to them, locked by their ids, in the order that Python sorts them."""
    given = f"unnest(cast(:{table}_ids as text[]), cast(:{table}_counts as int[])) as given (id, n)"
    return f"select each.id, given.n from {given} join {table} each on each.id = given.id"  # noqa: S608 - our own words


_IN_ORDER = 'order by each.id collate "C" for no key update of each'
_COUNT = text(f"""
    with files as ({_locked("file")} {_IN_ORDER}),
    counted as (
        update file set logs_count = logs_count + files.n, last_used_at = now() from files where file.id = files.id
        returning file.id, file.kind),
    versions as ({_locked("version")} where (select count(*) from counted) >= 0 {_IN_ORDER}),
    counted_too as (
        update version set logs_count = logs_count + versions.n from versions where version.id = versions.id)
    select id from counted where kind = 'flow'
""")  # noqa: S608 - of our own words
"""The versions wait for the number of files that were counted, so that these are locked first."""


def count_logs(session: Session, added: Mapping[tuple[str, str], int]) -> set[str]:
    """Keep the counters that pages show: so many more logs of each `(file, version)`. The ids of those of the files that are
    flows, which whoever writes a log would have to ask for otherwise.

    Files first, each kind by its id, as everybody else who holds both: two writers never wait for each other.
    """
    of_files, of_versions = Counter[str](), Counter[str]()
    for (file_id, version_id), count in added.items():
        of_files[file_id] += count
        of_versions[version_id] += count
    flows = session.scalars(
        _COUNT,
        {
            "file_ids": list(of_files),
            "file_counts": list(of_files.values()),
            "version_ids": list(of_versions),
            "version_counts": list(of_versions.values()),
        },
    )
    return set(flows)
