"""Which versions of a prompt stand in one line, each made from the one before, and which of them an evaluation has run."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from app.core.property_order import is_same_content
from app.evaluations.figures.memory import kept
from app.evaluations.models import ENDED, Run
from app.files.models import Version
from app.prompts.components import Component, ComponentChange, changed_components, take


@dataclass(frozen=True, slots=True)
class Node:
    """A version, and its run on the rows that the line is about."""

    version: Version
    run: Run


@dataclass(frozen=True, slots=True)
class Line:
    """Versions from the first to the last of a line, oldest first, by what the evaluation has of them."""

    nodes: Sequence[Node]
    """Those whose run has ended."""
    waiting: Sequence[Node]
    """Those whose run goes on."""
    missing: Sequence[Version]
    """Those that were not run on these rows."""
    ends: Sequence[Version]
    """Every version that was run on them: a line can be asked for that ends with it."""

    @property
    def end(self) -> Version | None:
        """The last version that has run."""
        return self.nodes[-1].version if self.nodes else None


def rows_of_most(runs: Sequence[Run], file_id: str) -> list[Run]:
    """Of the runs of a file's versions, those on the dataset version that most of them ran on; of two, the newer one."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        if run.dataset_version_id and run.version and run.version.file_id == file_id:
            groups.setdefault(run.dataset_version_id, []).append(run)
    return max(
        groups.values(), key=lambda group: (len(group), max(run.created_at for run in group)), default=[]
    )


def find_line(versions: Sequence[Version], runs: Sequence[Run], last: Version | None = None) -> Line:
    """The line that ends with `last`; without it, the one in which most versions have run.

    `versions` are all of a file, `runs` one a version, on the same rows. Of two lines with as many, the newer one counts;
    versions that only mix two others (`is_mix`) end no line by themselves. What was made from the end of the line and has
    not been run belongs to it, too.
    """
    run_of = {run.version_id: run for run in runs if run.version_id}
    parents = parents_of(versions)
    ended = [version for version in versions if version.id in run_of and run_of[version.id].status in ENDED]
    end = last or _longest(ended, parents) or next((v for v in versions if v.id in run_of), None)
    line = _ancestry(end, parents) if end else []
    if last is None and end:
        later = (_ancestry(version, parents) for version in versions if version.id not in run_of)
        line = next((each for each in later if end in each), line)
    found = [Node(version, run_of[version.id]) for version in line if version.id in run_of]
    return Line(
        nodes=[node for node in found if node.run.status in ENDED],
        waiting=[node for node in found if node.run.status not in ENDED],
        missing=[version for version in line if version.id not in run_of],
        ends=sorted((version for version in versions if version.id in run_of), key=lambda v: v.number),
    )


def parents_of(versions: Sequence[Version]) -> dict[str, Version | None]:
    """The version that each was made from, by its id; where that is not known any more, the one numbered before it."""
    by_id = {version.id: version for version in versions}
    found: dict[str, Version | None] = {}
    before: Version | None = None
    for version in sorted(versions, key=lambda each: each.number):
        parent = by_id.get(version.parent_id or "")
        found[version.id] = parent if parent and parent.number < version.number else before
        before = version
    return found


def _ancestry(version: Version, parents: Mapping[str, Version | None]) -> list[Version]:
    """A version and those that it was made from, oldest first."""
    line = [version]
    while parent := parents[line[-1].id]:
        line.append(parent)
    return line[::-1]


def _longest(ended: Collection[Version], parents: Mapping[str, Version | None]) -> Version | None:
    ids = {version.id for version in ended}
    lengths = {version.id: sum(each.id in ids for each in _ancestry(version, parents)) for version in ended}
    most = [version for version in ended if lengths[version.id] == max(lengths.values())]
    own = [version for version in most if not any(is_mix(version, other, parents) for other in most)]
    return max(own or most, key=lambda version: version.number, default=None)


def is_mix(version: Version, other: Version, parents: Mapping[str, Version | None]) -> bool:
    """Whether a version has nothing of its own: it is the one that it was made from, with some components of an `other`
    that was there before it, as those that attribution makes."""
    parent = parents[version.id]
    if parent is None or not parent.number < other.number < version.number:
        return False
    return kept.once(
        ("mix of", version.id, parent.id, other.id),
        lambda: is_same_content(version.spec, take(parent.spec, other.spec, sent_between(parent, version))),
    )


def changes_between(older: Version, newer: Version) -> Sequence[ComponentChange]:
    """What differs between two versions. It is kept: what they say never changes."""
    return kept.once(("components", older.id, newer.id), lambda: changed_components(older.spec, newer.spec))


def sent_between(older: Version, newer: Version) -> list[Component]:
    """Of this, what a model sees."""
    return [change.component for change in changes_between(older, newer) if change.is_sent]
