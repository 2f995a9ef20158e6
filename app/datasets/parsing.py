"""Files as rows, one at a time: every row either comes out or says what is wrong with its line."""

import re
from collections.abc import Mapping
from typing import BinaryIO

from app.datasets.csv_rows import read_csv
from app.datasets.decoding import find_encoding, head_of
from app.datasets.jsonl_rows import read_jsonl
from app.datasets.rows import MAX_ROWS, Format, LineError, Source

_ENDINGS: dict[str, Format] = {
    "csv": "csv",
    "tsv": "csv",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "json": "jsonl",
}
_JSON_OBJECT = re.compile(r'\{\s*"(?:[^"\\]|\\.)*"\s*:')
_PACKED = {
    b"PK\x03\x04": "an Excel workbook or a ZIP file",
    b"PK\x05\x06": "an empty ZIP file",
    b"\x1f\x8b": "a gzip file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"7z\xbc\xaf": "a 7z file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
}
"""How files begin that are never unpacked here: so none of them can be a bomb."""


def read_rows(
    file: BinaryIO,
    filename: str | None = None,
    mapping: Mapping[str, str] | None = None,
    max_rows: int = MAX_ROWS,
) -> Source:
    """Read a file that can seek, as `read_csv` or `read_jsonl` do. Invalid when the mapping is wrong."""
    file.seek(0)
    head = file.read(8)
    file.seek(0)
    if packed := next((what for magic, what in _PACKED.items() if head.startswith(magic)), None):
        said = f"this is {packed}: unpack it, or save the sheet as CSV"
        return Source("csv", iter([LineError(1, said)]))
    found = find_format(file, filename)
    source = (read_jsonl if found == "jsonl" else read_csv)(file, mapping, max_rows)
    if _by_name(filename) not in (None, found):
        source.warnings.append(f"{filename} holds JSON objects: it was read as JSONL, not as CSV.")
    return source


def find_format(file: BinaryIO, filename: str | None = None) -> Format:
    """CSV or JSONL, by the ending of its name, else by its first character; rewinds it.

    What begins with a JSON object is none of CSV's headers, whatever its name says.
    """
    known = _by_name(filename)
    if known == "jsonl":
        return known
    head = head_of(file, find_encoding(file)).lstrip("\ufeff \t\r\n")
    if _JSON_OBJECT.match(head):
        return "jsonl"
    return known or ("jsonl" if head[:1] in ("{", "[") else "csv")


def _by_name(filename: str | None) -> Format | None:
    return _ENDINGS.get((filename or "").lower().rpartition(".")[2])
