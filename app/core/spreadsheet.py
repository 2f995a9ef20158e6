"""CSV that spreadsheet programs may open: what they would take for a formula is text."""

import csv
import io
from collections.abc import Iterable, Sequence

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "|", "＝", "＋", "－", "＠")


def safe_cell(value: object) -> str:
    """`value` as a cell; a text stands behind an apostrophe where a program would run it. Numbers are numbers, negative ones, too."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) and not isinstance(value, int | float) else text


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """The rows as CSV, every cell safe."""
    written = io.StringIO()
    csv.writer(written).writerows([[safe_cell(cell) for cell in row] for row in rows])
    return written.getvalue()
