"""Files as rows, one at a time: every row either comes out or says what is wrong with its line."""

from collections.abc import Mapping
from typing import BinaryIO

from app.datasets.csv_rows import read_csv
from app.datasets.decoding import find_encoding, head_of
from app.datasets.jsonl_rows import read_jsonl
from app.datasets.rows import MAX_ROWS, Format, Source

_ENDINGS: dict[str, Format] = {
    "csv": "csv",
    "tsv": "csv",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "json": "jsonl",
}


def read_rows(
    file: BinaryIO,
    filename: str | None = None,
    mapping: Mapping[str, str] | None = None,
    max_rows: int = MAX_ROWS,
) -> Source:
    """Read a file that can seek, as `read_csv` or `read_jsonl` do. Invalid when the mapping is wrong."""
    read = read_jsonl if find_format(file, filename) == "jsonl" else read_csv
    return read(file, mapping, max_rows)


def find_format(file: BinaryIO, filename: str | None = None) -> Format:
    """CSV or JSONL, by the ending of its name, else by its first character; rewinds it."""
    known = _ENDINGS.get((filename or "").lower().rpartition(".")[2])
    if known:
        return known
    return "jsonl" if head_of(file, find_encoding(file)).lstrip()[:1] in ("{", "[") else "csv"
