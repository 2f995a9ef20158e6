"""Two SQL queries on a SQLite database that is held in memory: do they find the same rows?

The queries may only read. SQLite itself refuses everything else (`query_only`, an authorizer), counts steps, and the
child cannot open a file whatever a query asks for.
"""

import math
import sqlite3
from collections import Counter
from collections.abc import Mapping
from typing import Any

from app.sandbox.programs import Failure

MOST_ROWS = 10_000
MOST_STEPS = 50_000_000
"""Instructions of SQLite's virtual machine for one query; some seconds."""
_STEPS_A_LOOK = 100_000
_MOST_BYTES = 10 * 1024 * 1024
"""Of one value: functions can make long ones."""
_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_NOT_CALLED = {"load_extension", "fts3_tokenizer", "edit", "readfile", "writefile"}
_DIGITS = 10
"""Significant digits in which numbers are compared: sums in another order differ in the last ones."""
Row = tuple[Any, ...]


def run(request: Mapping[str, Any]) -> list[str]:
    """`same` or `different`, and what there is to say of it. `attachment` is the database file.

    Rows are compared as a multiset, or in their order if `ordered`; names of columns do not count, their order does.

    Raises:
        Failure: the database cannot be read, or the query that is known to be right fails.
    """
    database = _opened(request["attachment"])
    try:
        wanted = _rows(database, request["wanted"])
    except _Fails as failure:
        raise Failure(f"The target's query fails: {failure}") from None
    try:
        found = _rows(database, request["found"])
    except _Fails as failure:
        return ["different", f"the query fails: {failure}"]
    if request.get("ordered"):
        same = found == wanted
    else:
        same = Counter(map(_key, found)) == Counter(map(_key, wanted))
    if same:
        return ["same", f"both find {_count(found)}"]
    return ["different", _difference(found, wanted)]


class _Fails(Exception):
    pass


def _opened(content: bytes) -> sqlite3.Connection:
    database = sqlite3.connect(":memory:")
    try:
        database.deserialize(content)
        database.execute("pragma temp_store = memory")
        database.execute("pragma query_only = on")
        database.execute("select count(*) from sqlite_schema").fetchone()
    except (sqlite3.Error, OverflowError) as error:
        raise Failure(f"The evaluator's database cannot be read: {error}") from None
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_BYTES)
    database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    database.set_authorizer(_authorize)
    return database


def _authorize(action: int, _table: str | None, function: str | None, *_: str | None) -> int:
    if action == sqlite3.SQLITE_FUNCTION and (function or "").lower() in _NOT_CALLED:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY


def _rows(database: sqlite3.Connection, query: str) -> list[Row]:
    looks = 0

    def too_long() -> bool:
        nonlocal looks
        looks += 1
        return looks * _STEPS_A_LOOK > MOST_STEPS

    database.set_progress_handler(too_long, _STEPS_A_LOOK)
    try:
        cursor = database.execute(query)
        if cursor.description is None:
            raise _Fails("it is no query that finds rows")
        rows = cursor.fetchmany(MOST_ROWS + 1)
    except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError) as error:
        if looks * _STEPS_A_LOOK > MOST_STEPS:
            raise _Fails(f"it was stopped after {MOST_STEPS:,} steps") from None
        reason = "it may only read" if "not authorized" in str(error) else str(error)
        raise _Fails(reason) from None
    except MemoryError:
        raise _Fails("it takes more memory than there is") from None
    if len(rows) > MOST_ROWS:
        raise _Fails(f"it finds more than {MOST_ROWS:,} rows")
    return [tuple(map(_comparable, row)) for row in rows]


def _comparable(value: Any) -> Any:
    """No digit before the point is lost: a sum of whole numbers is equal to the same as a float."""
    if not isinstance(value, float) or not math.isfinite(value):
        return value
    return float(round(value)) if abs(value) >= 10**_DIGITS else float(f"{value:.{_DIGITS}g}")


def _key(row: Row) -> Row:
    """1 and 1.0 are the same value, 1 and '1' are not."""
    return tuple((isinstance(value, str), value) for value in row)


def _difference(found: list[Row], wanted: list[Row]) -> str:
    if not found or not wanted or len(found[0]) != len(wanted[0]):
        columns = [len(rows[0]) if rows else 0 for rows in (found, wanted)]
        if found and wanted:
            return f"it finds {columns[0]} columns, the target's query {columns[1]}"
    said = f"it finds {_count(found)}, the target's query {_count(wanted)}"
    extra = Counter(found) - Counter(wanted)
    missing = Counter(wanted) - Counter(found)
    if not extra and not missing:
        return "it finds the same rows in another order"
    for name, rows in (("missing", missing), ("not wanted", extra)):
        if rows:
            said += f"; {name}: {_shown(next(iter(rows)))}"
    return said


def _count(rows: list[Row]) -> str:
    return "1 row" if len(rows) == 1 else f"{len(rows):,} rows"


def _shown(row: Row) -> str:
    text = ", ".join("NULL" if value is None else str(value) for value in row)
    return f"({text[:160]}{'…' if len(text) > 160 else ''})"
