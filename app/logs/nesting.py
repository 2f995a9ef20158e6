"""Which logs a page shows nested under those that it lists, and in which order: told before any of their texts is read."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from app.core.parts import Reading
from app.logs import trace_repository, traces
from app.logs.trace_repository import Member

NESTED = "trace_children"
"""The member of a log that holds those nested under it."""
CUT = "trace_children_cut"
"""The member that a log has, and then it is true, where it is listed and not all that is nested under it is shown."""
MOST_IN_A_PAGE = 100_000
"""Nested logs of a page, together: a log's whole tree is told again with each log of the tree that is listed."""
_TRACES_AT_ONCE = 10


class Node(NamedTuple):
    """A log where a page shows it: after the log that it is nested under, before those that are nested under it."""

    id: str
    depth: int = 0
    is_cut: bool = False
    """Of a log that is listed: whether not all that is nested under it is shown."""


def with_nested(reading: Reading, workspace_id: str, log_ids: Sequence[str]) -> Iterator[Node]:
    """The logs, each with its tree: the oldest `traces.MOST_SHOWN` of its trace, and `MOST_IN_A_PAGE` of all trees together."""
    with reading.transaction() as session:
        of = trace_repository.find_trace_ids(session, workspace_id, log_ids)
    known: Mapping[str, Sequence[Member]] = {}
    left = MOST_IN_A_PAGE
    for at, log_id in enumerate(log_ids):
        trace_id = of.get(log_id)
        if trace_id is not None and trace_id not in known:
            coming = dict.fromkeys(of[each] for each in log_ids[at:] if each in of)
            now = list(coming)[:_TRACES_AT_ONCE]
            with reading.transaction() as session:
                known = trace_repository.find_members(session, workspace_id, now, traces.MOST_SHOWN + 1)
        tree = _tree(log_id, known[trace_id] if trace_id is not None else (), left)
        left -= len(tree) - 1
        yield from tree


def _tree(log_id: str, trace: Sequence[Member], most: int) -> list[Node]:
    shown = trace[: traces.MOST_SHOWN]
    is_parent = any(each.parent_id == log_id for each in shown)
    placed = traces.below(log_id, shown) if is_parent else []
    under: dict[str, list[str]] = {}
    for each in placed[:most]:
        under.setdefault(each.above, []).append(each.log.id)
    nodes, left = list[Node](), [Node(log_id, 0, len(trace) > len(shown) or len(placed) > most)]
    while left:
        node = left.pop()
        nodes.append(node)
        left += [Node(each, node.depth + 1) for each in reversed(under.get(node.id, []))]
    return nodes
