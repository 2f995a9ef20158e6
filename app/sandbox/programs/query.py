"""SQL on a SQLite database that is held in memory: does a query find the rows that are wanted?

The queries may only read. SQLite itself refuses everything else (`query_only`, an authorizer), counts steps, and the
child cannot open a file whatever a query asks for.
"""

import math
import re
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

    `wanted` is the query that is known to be right, or its rows. They are compared as a multiset, and in their order
    if `ordered` or if that query sorts them; names of columns do not count, their order does.

    Raises:
        Failure: the database cannot be read, or the query that is known to be right fails.
    """
    database = _opened(request["attachment"])
    wanted_is = request["wanted"]
    if isinstance(wanted_is, str):
        said, ordered = "the target's query", request.get("ordered") or _sorts(wanted_is)
        try:
            wanted = _rows(database, wanted_is)
        except _Fails as failure:
            raise Failure(f"The target's query fails: {failure}") from None
    else:
        said, ordered = "the target", request.get("ordered")
        wanted = _given(wanted_is)
    try:
        found = _rows(database, request["found"])
    except _Fails as failure:
        return ["different", f"the query fails: {failure}"]
    if _are_same(found, wanted, ordered=bool(ordered)):
        return ["same", f"both find {_count(found)}"]
    return ["different", _difference(_rounded(found), _rounded(wanted), said)]


def tables(request: Mapping[str, Any]) -> list[str]:
    """The names of the tables and views of a database, which is the `attachment`.

    Raises:
        Failure: it cannot be read.
    """
    database = _opened(request["attachment"])
    try:
        return [str(name) for (name,) in _rows(database, _TABLES)]
    except _Fails as failure:
        raise Failure(f"{_UNREADABLE}: {failure}") from None


_TABLES = "select substr(name, 1, 200) from sqlite_schema where type in ('table', 'view') and name not like 'sqlite\\_%' escape '\\' order by name limit 1000"
_UNREADABLE = "The database cannot be read"
_IN_A_LOG = b"\2\2"
"""At byte 18 of a file that is written by way of a log beside it (WAL): it is refused in memory, where there is none."""


class _Fails(Exception):
    pass


def _opened(content: bytes) -> sqlite3.Connection:
    if content[18:20] == _IN_A_LOG:
        content = content[:18] + b"\1\1" + content[20:]
    database = sqlite3.connect(":memory:")
    try:
        database.deserialize(content)
        database.execute("pragma temp_store = memory")
        database.execute("pragma query_only = on")
        database.execute("select count(*) from sqlite_schema").fetchone()
    except (sqlite3.Error, OverflowError) as error:
        raise Failure(f"{_UNREADABLE}: {error}") from None
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
    return rows


def _given(rows: Any) -> list[Row]:
    """The rows that a target holds, as JSON has them."""
    if len(rows) > MOST_ROWS:
        raise Failure(f"The target has more than {MOST_ROWS:,} rows")
    if not all(isinstance(row, list) for row in rows) or any(
        isinstance(value, list | dict) for row in rows for value in row
    ):
        raise Failure("The target's rows are no lists of values")
    return [tuple(int(value) if isinstance(value, bool) else value for value in row) for row in rows]


# What is never closed goes to the end: looking for the end again from each bracket would take time by the square.
_NO_WORDS = re.compile(
    r"""'(?:[^']|'')*(?:'|\Z)|"(?:[^"]|"")*(?:"|\Z)|`[^`]*(?:`|\Z)|\[[^\]]*(?:\]|\Z)|--[^\n]*|/\*.*?(?:\*/|\Z)""",
    re.DOTALL,
)
_INNER = re.compile(r"\([^()]*\)")
_ORDER = re.compile(r"\border\s+by\b", re.IGNORECASE)


def _sorts(query: str) -> bool:
    """Whether a query has an ORDER BY of its own: not in a text or a comment, and not inside brackets."""
    text = _NO_WORDS.sub(" ", query)
    while (outer := _INNER.sub(" ", text)) != text:
        text = outer
    return _ORDER.search(text) is not None


def _are_same(found: list[Row], wanted: list[Row], *, ordered: bool) -> bool:
    """Whether the rows are equal to so many digits. Two numbers that lie on either side of where one is rounded are, too."""
    if len(found) != len(wanted):
        return False
    if not ordered:
        ours, theirs = (Counter(map(_key, _rounded(rows))) for rows in (found, wanted))
        if ours == theirs:
            return True
        found, wanted = sorted(found, key=_place), sorted(wanted, key=_place)
    return all(
        len(one) == len(other) and all(map(_are_close, one, other))
        for one, other in zip(found, wanted, strict=True)
    )


def _are_close(one: Any, other: Any) -> bool:
    if isinstance(one, float | int) and isinstance(other, float | int) and float in (type(one), type(other)):
        # Below 1: no digit before the point is lost.
        near = abs(one - other) < 0.5 and math.isclose(one, other, rel_tol=10**-_DIGITS)
        return near or _comparable(one) == _comparable(other)
    return type(one) is type(other) and bool(one == other)


def _rounded(rows: list[Row]) -> list[Row]:
    return [tuple(map(_comparable, row)) for row in rows]


def _comparable(value: Any) -> Any:
    """No digit before the point is lost: a sum of whole numbers is equal to the same as a float."""
    if not isinstance(value, float) or not math.isfinite(value):
        return value
    return float(round(value)) if abs(value) >= 10**_DIGITS else float(f"{value:.{_DIGITS}g}")


def _key(row: Row) -> Row:
    """1 and 1.0 are the same value, 1 and '1' are not."""
    return tuple((isinstance(value, str), value) for value in row)


def _place(row: Row) -> Row:
    """Where a row stands in an order of all rows."""
    kinds = (type(None), float | int, str)
    return tuple(
        (
            next((n for n, kind in enumerate(kinds) if isinstance(value, kind)), 3),
            "" if value is None else value,
        )
        for value in row
    )


def _difference(found: list[Row], wanted: list[Row], target: str) -> str:
    if not found or not wanted or len(found[0]) != len(wanted[0]):
        columns = [len(rows[0]) if rows else 0 for rows in (found, wanted)]
        if found and wanted:
            return f"it finds {columns[0]} columns, {target} {columns[1]}"
    said = f"it finds {_count(found)}, {target} {_count(wanted)}"
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
    text = ", ".join(map(_literal, row))
    return f"({text[:160]}{'…' if len(text) > 160 else ''})"


def _literal(value: Any) -> str:
    """As SQL writes it, so that a text of digits is told from a number."""
    if isinstance(value, str):
        return "'" + value[:160].replace("'", "''") + "'"
    return "NULL" if value is None else str(value)
