"""The counters of logs that pages show."""

from collections import Counter
from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.orm import Session

_IN_ORDER = 'order by each.id collate "C" for no key update of each'


def counting(files: str, versions: str) -> str:
    """The parts of a statement that count: of what two relations with `id` and `n` say, `counted` are the files.

    Rows are locked by their ids, in the order that Python sorts them. The versions wait for the number of files that were
    counted, so that these are locked first.
    """
    return f"""
    files as (select each.id, given.n from {files} join file each on each.id = given.id {_IN_ORDER}),
    counted as (
        update file set logs_count = logs_count + files.n, last_used_at = now() from files where file.id = files.id
        returning file.id, file.kind),
    versions as (select each.id, given.n from {versions} join version each on each.id = given.id
        where (select count(*) from counted) >= 0 {_IN_ORDER}),
    counted_too as (
        update version set logs_count = logs_count + versions.n from versions where version.id = versions.id)"""  # noqa: S608


def _given(table: str) -> str:
    return f"unnest(cast(:{table}_ids as text[]), cast(:{table}_counts as int[])) as given (id, n)"


_COUNT = text(
    f"with {counting(_given('file'), _given('version'))} select id from counted where kind = 'flow'"  # noqa: S608
)


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
