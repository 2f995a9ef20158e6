"""Reading the folder of an export: what is broken or hostile is named, and costs nothing but itself."""

from pathlib import Path

import pytest

from app.core.errors import Invalid
from app.transfer.layout import is_name, part_number
from app.transfer.reading import MOST_LINE_MIB, Folder, Unreadable, parse
from app.transfer.report import MOST_NAMED, Report


def folder_of(path: Path, **files: bytes) -> Folder:
    for name, content in files.items():
        (path / f"{name.removeprefix('part')}.jsonl").write_bytes(content)
    return Folder(path, "files/pr_1/logs")


def read(folder: Folder) -> tuple[list[dict], Report]:
    report = Report()
    return [line.value for line in folder.lines("logs", report)], report


def test_parts_are_read_by_number_whatever_their_size(tmp_path: Path):
    many = b"".join(b'{"n": %d}\n' % n for n in range(1001))
    folder = folder_of(tmp_path, part2=b'{"n": 1001}\n', part1=many, part10=b'{"n": 1002}')
    (tmp_path / "notes.txt").write_text("no part of it")
    found, report = read(folder)
    assert [each["n"] for each in found] == list(range(1003))
    assert report.is_whole


def test_lines_that_cannot_be_read_are_named_with_file_and_line(tmp_path: Path):
    lines = [b'{"id": "a"}', b"", b'{"id": ', b"[1]", b'{"x": NaN}', b'{"id": "b"}', b"\xff\xfe", b"[" * 9000]
    found, report = read(folder_of(tmp_path, part1=b"\n".join(lines)))
    assert [each["id"] for each in found] == ["a", "b"]
    assert report.left_out == {("logs", "the line cannot be read"): 5}
    places = [each.split(":")[0].split(" (")[0] for each in report.named.first]
    assert places == [f"files/pr_1/logs/1.jsonl, line {n}" for n in (3, 4, 5, 7, 8)]


def test_a_line_that_is_too_long_is_left_out_without_being_read_whole(tmp_path: Path):
    long = b'{"id": "' + b"x" * (MOST_LINE_MIB << 20) + b'"}\n'
    found, report = read(folder_of(tmp_path, part1=long + b'{"id": "after"}\n'))
    assert found == [{"id": "after"}]
    assert list(report.left_out) == [("logs", f"the line is longer than {MOST_LINE_MIB} MiB")]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a": "x\\u0000y"}', "x\ufffdy"),
        (b'{"a": "x\\ud83dy"}', "x?y"),
        (b'{"a": "\\ud83d\\ude00"}', "\U0001f600"),
    ],
)
def test_what_postgres_cannot_hold_is_replaced(text: bytes, value: str):
    assert parse(text) == {"a": value}


def test_depth_is_no_way_to_end_the_import():
    with pytest.raises(Unreadable):
        parse(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)


def test_links_lead_nowhere(tmp_path: Path):
    secret = tmp_path / "secret.jsonl"
    secret.write_text('{"id": "secret"}\n')
    inside = tmp_path / "logs"
    inside.mkdir()
    (inside / "1.jsonl").symlink_to(secret)
    (inside / "file.json").symlink_to(secret)
    (inside / "elsewhere").symlink_to(tmp_path, target_is_directory=True)
    folder, report = Folder(inside, "logs"), Report()
    assert list(folder.lines("logs", report)) == []
    assert folder.folders("files", report) == []
    with pytest.raises(Unreadable):
        folder.read("file.json")


def test_names_are_names_of_ids_only(tmp_path: Path):
    for name in ("pr_1", "a b", "x.y", "-rf"):
        (tmp_path / name).mkdir()
    report = Report()
    assert [each.id for each in Folder(tmp_path, "files").folders("files", report)] == ["pr_1"]
    assert report.left_out == {("files", "its name is no id"): 3}
    assert not any(map(is_name, ("", "..", "../x", "a/b", "a\0", "a\n", ".done", "é", "x" * 201, None, 7)))
    assert [part_number(name) for name in ("1.jsonl", "1001.jsonl", "x.jsonl", "1.json", "-1.jsonl")] == [
        1, 1001, None, None, None,
    ]  # fmt: skip


def test_a_folder_that_is_no_export_is_said_to_be_none(tmp_path: Path):
    with pytest.raises(Invalid, match="no folder `files`"):
        Folder.open(tmp_path)


def test_a_report_stays_small_and_counts_all():
    report = Report()
    for number in range(MOST_NAMED + 50):
        report.leave_out("logs", "it is broken", f"line {number}")
    lines = report.lines()
    assert len(lines) < MOST_NAMED + 10
    assert f"  logs, {MOST_NAMED + 50}: it is broken" in lines
    assert "  … and 50 more" in lines
