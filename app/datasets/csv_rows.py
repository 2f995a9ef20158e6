"""CSV files as rows."""

import csv
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from app.core.errors import Invalid
from app.core.json_values import FIELD_MIB
from app.datasets.columns import Columns
from app.datasets.decoding import RECORD_MIB, Lines, RecordTooLong, find_encoding, head_of
from app.datasets.rows import (
    MAX_COLUMNS,
    MAX_ROWS,
    Destination,
    LineError,
    Row,
    RowError,
    Source,
    too_many,
)

_DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab"}

Record = tuple[int, list[str]]
"""The line that a record starts on, and its cells."""


def read_csv(file: BinaryIO, mapping: Mapping[str, str] | None = None, max_rows: int = MAX_ROWS) -> Source:
    """Read a CSV file with a header, from a binary file that can seek; memory does not grow with it.

    Comma, semicolon or tab, whichever the header has most of. `mapping` says where columns go (`inputs.x`,
    `target.x`, `messages`, `context`, `cluster`, `split`, `metadata.x`, `ignore`); the others go by their names.

    Raises:
        Invalid: the mapping names a place or a column that does not exist.
    """
    columns, encoding = Columns(mapping), find_encoding(file)
    delimiter = _find_delimiter(head_of(file, encoding))
    csv.field_size_limit(FIELD_MIB << 20)  # one for the whole process; nothing else in it reads CSV
    lines = Lines(file, encoding)
    records = _records(lines, delimiter)
    source = Source("csv", iter(()), delimiter=delimiter, warnings=encoding.warnings)
    first = next(records, LineError(1, "the file is empty: its first line must name the columns"))
    header = first if isinstance(first, LineError) else _header(*first)
    if isinstance(header, LineError):
        source.rows = iter([header])
        return source
    if unknown := columns.unknown(header):
        names = ", ".join(name for name in header if name)
        raise Invalid(f"The file has no column {', '.join(unknown)}: it has {names}")
    source.columns = {name: columns.destination(name) for name in header if name}
    source.rows = _rows(records, header, source, max_rows)
    return source


def _records(lines: Lines, delimiter: str) -> Iterator[Record | LineError]:
    """Every record but blank ones. Ends where what follows can no longer be told apart."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.next_record()
        start = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except RecordTooLong:
            yield LineError(start, f"the row is larger than {RECORD_MIB} MiB: is a quote never closed?")
            return
        except csv.Error as error:
            message, lost = _explained(str(error))
            yield LineError(start, message)
            if lost:
                return
            continue
        if lines.has_nul:
            yield LineError(start, "a cell holds a NUL character, which cannot be stored: remove it")
        elif any(cells):
            yield start, cells


def _explained(error: str) -> tuple[str, bool]:
    """What the csv module means, and whether the rest of the file is lost."""
    if "unexpected end of data" in error:
        return 'a quote (") is opened in this row and never closed', True
    if "field larger" in error:
        return f"a cell is larger than {FIELD_MIB} MiB: is a quote never closed?", True
    if "expected after" in error:
        return 'a quoted cell goes on after its closing quote: write a quote inside a cell twice ("")', False
    return f"not readable as CSV: {error}", False


def _header(line: int, cells: list[str]) -> list[str] | LineError:
    """The names of the columns, "" for those without one."""
    names = [cell.strip() for cell in cells]
    if len(names) > MAX_COLUMNS:
        return LineError(line, f"the header has {len(names):,} columns, of {MAX_COLUMNS:,} at most")
    twice = {name for name in names if name and names.count(name) > 1}
    if twice:
        return LineError(line, f"two columns are called {', '.join(sorted(twice))}: rename one")
    return names


def _rows(
    records: Iterator[Record | LineError],
    header: list[str],
    source: Source,
    max_rows: int,
) -> Iterator[Row | LineError]:
    places = [source.columns.get(name) for name in header]
    separator = _DELIMITERS[source.delimiter or ","]
    for count, record in enumerate(records):
        if isinstance(record, LineError):
            yield record
            continue
        line, cells = record
        if count >= max_rows:
            yield too_many(line, max_rows)
            return
        try:
            yield _row(line, cells, places, separator)
        except RowError as error:
            yield LineError(line, str(error))


def _row(line: int, cells: list[str], places: list[Destination | None], separator: str) -> Row:
    if len(cells) < len(places) or any(cells[len(places) :]):
        raise RowError(
            f"{len(cells)} cells where the header has {len(places)}: put quotes around a cell that holds "
            f"{separator} or a line break"
        )
    row = Row(line)
    for place, cell in zip(places, cells, strict=False):  # cells past the header are empty
        if place is not None:
            row.put(place, cell)
        elif cell:
            raise RowError("a cell stands in a column without a name: name it in the header, or empty it")
    return row.check()


def _find_delimiter(head: str) -> str:
    """The delimiter that the first record has most of, outside of quotes; the comma when it has none."""
    counts = dict.fromkeys(_DELIMITERS, 0)
    quoted = False
    for character in head.lstrip("\r\n"):
        if character == '"':
            quoted = not quoted
        elif not quoted and character in "\r\n":
            break
        elif not quoted and character in counts:
            counts[character] += 1
    return max(counts, key=lambda delimiter: counts[delimiter])
