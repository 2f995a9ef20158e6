"""Which versions stand in one line, and which line is shown."""

from datetime import timedelta
from typing import Any

from app.core import clock, ids
from app.evaluations.lineage.line import Line, find_line, rows_of_most
from app.evaluations.models import Run
from app.files.models import Version


def _version(number: int, parent: Version | None = None, **spec: Any) -> Version:
    return Version(
        id=ids.new_id("prv"), number=number, file_id="pr_1", parent_id=parent.id if parent else None,
        spec={"model": "m"} | spec,
    )  # fmt: skip


def _line(count: int) -> list[Version]:
    """Each made from the one before."""
    versions: list[Version] = []
    for number in range(1, count + 1):
        versions.append(_version(number, versions[-1] if versions else None, seed=number))
    return versions


def _run(version: Version, status: str = "completed", data: str = "dsv_1", minutes: int = 0) -> Run:
    made = clock.now() + timedelta(minutes=minutes)
    return Run(
        id=ids.new_id("run"), version_id=version.id, version=version, status=status,
        dataset_version_id=data, created_at=made,
    )  # fmt: skip


def _find(versions: list[Version], runs: list[Run] | None = None, last: Version | None = None) -> Line:
    return find_line(versions[::-1], runs or [_run(version) for version in versions], last)


def _numbers(line: Line) -> tuple[list[int], list[int], list[int]]:
    return (
        [node.version.number for node in line.nodes],
        [node.version.number for node in line.waiting],
        [version.number for version in line.missing],
    )


def test_the_line_follows_what_each_version_was_made_from() -> None:
    first = _version(1)
    second, third = _version(2, first), _version(3, first, seed=1)
    versions = [first, second, third, _version(4, third, seed=2)]

    line = _find(versions)

    assert _numbers(line) == ([1, 3, 4], [], [])
    assert [version.number for version in line.ends] == [1, 2, 3, 4]
    assert _numbers(_find(versions, last=second)) == ([1, 2], [], [])


def test_what_has_not_run_is_named_and_what_was_made_later_too() -> None:
    versions = _line(5)
    runs = [_run(versions[0]), _run(versions[2]), _run(versions[3], "running")]
    assert _numbers(_find(versions, runs)) == ([1, 3], [4], [2, 5])


def test_a_lost_parent_is_the_version_before() -> None:
    assert _numbers(_find([_version(1, seed=1), _version(3, seed=3)]))[0] == [1, 3]


def test_a_mix_of_two_versions_ends_no_line_unless_it_is_asked_for() -> None:
    old = _version(1, seed=1)
    new, mix = _version(2, old, seed=2, response_format={"type": "text"}), _version(3, old, seed=2)
    assert _numbers(_find([old, new, mix]))[0] == [1, 2]
    assert _numbers(_find([old, new, mix], last=mix))[0] == [1, 3]
    branch = _version(4, old, seed=9)
    assert _numbers(_find([old, new, mix, branch]))[0] == [1, 4], "it has something of its own"


def test_the_rows_are_those_on_which_most_versions_ran() -> None:
    versions = _line(3)
    foreign = _version(9)
    foreign.file_id = "pr_2"
    many = [_run(versions[0], data="a"), _run(versions[1], data="a")]
    newer = [_run(versions[2], data="b", minutes=5), _run(foreign, data="b"), _run(foreign, data="b")]
    assert rows_of_most([*newer, *many], "pr_1") == many
    assert rows_of_most([*newer[:1], many[0]], "pr_1") == newer[:1], "of two, the newer"
    assert rows_of_most([], "pr_1") == []
