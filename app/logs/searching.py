"""Pages of a file's logs as the API lists them, read a part at a time, and what may not be read at once."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from sqlalchemy.orm import Session

from app.core.errors import Invalid
from app.core.parts import Part, Reading, Shown, Writing, in_parts
from app.logs import repository, search_repository, size_repository
from app.logs.nesting import CUT, NESTED, Node, with_nested
from app.logs.showing import show_judgments, show_logs


def whole_log(reading: Reading, workspace_id: str, log_id: str) -> Iterator[Part]:
    """One log, with those nested under it."""
    return logs_in_parts(reading, workspace_id, [log_id], Writing(nested=NESTED), children=True)


def logs_in_parts(
    reading: Reading, workspace_id: str, log_ids: Sequence[str], writing: Writing, *, children: bool
) -> Iterator[Part]:
    """The logs in their order; with `children`, those nested under each as well. One that is deleted meanwhile is left out."""
    nodes = with_nested(reading, workspace_id, log_ids) if children else map(Node, log_ids)

    def measure(session: Session, part: Sequence[Node], packed: bool) -> list[int]:
        sizes = size_repository.sizes_of_logs(session, {node.id for node in part}, packed=packed)
        return [sizes.get(node.id, 0) for node in part]

    def show(session: Session, part: Sequence[Node]) -> Iterable[Shown]:
        found = repository.find_logs(session, workspace_id, [node.id for node in part])
        shown = dict(zip(found, show_logs(session, workspace_id, list(found.values())), strict=True))
        for node in part:
            record = shown.get(node.id)
            yield Shown(record | {CUT: True} if record and node.is_cut else record, node.depth)

    return in_parts(reading, nodes, measure, show, writing)


def judgments_in_parts(
    reading: Reading, workspace_id: str, judgment_ids: Sequence[str], writing: Writing, *, parents: bool
) -> Iterator[Part]:
    """The judgments in their order; with `parents`, each with the log that it is about."""

    def measure(session: Session, part: Sequence[str], packed: bool) -> list[int]:
        sizes = size_repository.sizes_of_judgments(session, part, packed=packed, parents=parents)
        return [sizes.get(each, 0) for each in part]

    def show(session: Session, part: Sequence[str]) -> Iterable[Shown]:
        said = search_repository.find_judgments(session, workspace_id, part)
        return map(Shown, show_judgments(session, workspace_id, said, parents=parents))

    return in_parts(reading, judgment_ids, measure, show, writing)


def refuse_too_large(session: Session, log_ids: Collection[str]) -> None:
    """Do not read logs with their judgments that are more than a process should hold. One log can always be read: it came in
    one body, and is the least that can be asked for.

    Raises:
        Invalid: they are more than one log, and together too large.
    """
    if len(log_ids) > 1 and (
        size_repository.logs_exceed(session, log_ids) or size_repository.judged_exceed(session, log_ids)
    ):
        most = size_repository.MOST_BYTES // 1024**2
        raise Invalid(f"This page holds more than {most} MiB. Ask for fewer by a smaller `size`.")
