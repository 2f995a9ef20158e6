"""JSONL files as rows."""

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from app.core import json_values
from app.core.errors import Invalid
from app.datasets.columns import Columns
from app.datasets.decoding import RECORD_MIB, Lines, RecordTooLong, find_encoding
from app.datasets.rows import MAX_COLUMNS, MAX_ROWS, OWN_MEMBERS, LineError, Row, RowError, Source, too_many

_MOST_WARNINGS = 20


def read_jsonl(file: BinaryIO, mapping: Mapping[str, str] | None = None, max_rows: int = MAX_ROWS) -> Source:
    """Read a file with one JSON object a line: rows as we export them, or flat objects like the rows of a CSV file.

    Raises:
        Invalid: the mapping names a place that does not exist; or, after the last row, a member that no row has.
    """
    columns, encoding = Columns(mapping), find_encoding(file)
    source = Source("jsonl", iter(()), warnings=encoding.warnings)
    source.rows = _rows(Lines(file, encoding), columns, source, max_rows)
    return source


def _rows(lines: Lines, columns: Columns, source: Source, max_rows: int) -> Iterator[Row | LineError]:
    seen: set[str] = set()
    count = 0
    for line in _filled(lines):
        count += 1
        if isinstance(line, LineError):
            yield line
        elif count > max_rows:
            yield too_many(lines.number, max_rows)
            return
        else:
            yield _row_or_error(lines.number, line, columns, source, seen)
    if count == 0:
        yield LineError(1, "the file is empty: each line must be a JSON object")
    elif unknown := columns.unknown(seen):
        raise Invalid(f"No row has {', '.join(unknown)}, which the mapping names.")


def _filled(lines: Lines) -> Iterator[str | LineError]:
    """The lines that hold something; ends at one that is too long."""
    while True:
        lines.next_record()
        try:
            line = next(lines)
        except StopIteration:
            return
        except RecordTooLong:
            yield LineError(lines.number + 1, f"the line is larger than {RECORD_MIB} MiB")
            return
        if line.strip():
            yield line


def _row_or_error(
    number: int, line: str, columns: Columns, source: Source, seen: set[str]
) -> Row | LineError:
    try:
        value = _object(line)
        seen.update(name for name in value if columns.is_mapped(name))
        return _row(number, value, columns, source)
    except (RowError, json_values.NotStorable) as error:
        return LineError(number, str(error))


def _object(line: str) -> dict[str, Any]:
    if line.lstrip().startswith("["):
        raise RowError("the line is a JSON list: write one object a line, without brackets around them")
    value = json_values.loads(line)
    if not isinstance(value, dict):
        raise RowError("the line is no JSON object")
    if len(value) > MAX_COLUMNS:
        raise RowError(f"the object has {len(value):,} members, of {MAX_COLUMNS:,} at most")
    return value


def _row(number: int, value: dict[str, Any], columns: Columns, source: Source) -> Row:
    """A row as exported has inputs or messages of its own: there, an unknown member is not taken for an input."""
    row = Row(number)
    own = isinstance(value.get("inputs"), dict) or isinstance(value.get("messages"), list)
    for key, item in value.items():
        if columns.is_mapped(key) or not own or key in OWN_MEMBERS:
            row.put(columns.destination(key), item)
        elif key == "id":
            row.id = None if item is None else str(item)
        else:
            _warn(source, f"“{key}” was left out: a row with inputs has no such member.")
    return row.check()


def _warn(source: Source, warning: str) -> None:
    if warning not in source.warnings and len(source.warnings) < _MOST_WARNINGS:
        source.warnings.append(warning)
