"""Examples for a judge, out of what people said of outputs that it judged, too."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import Invalid
from app.evaluations.evaluator_editor.trying import row_of_datapoint
from app.evaluations.grid.people_repository import list_verdicts
from app.evaluations.verdicts.judging import execution_of_log
from app.evaluators.binding import BUILTIN, Row, bind
from app.evaluators.including import with_included
from app.evaluators.kinds import kind
from app.evaluators.kinds.llm_judge import LlmJudge, LlmJudgeOptions, material
from app.files.includes import Includes
from app.logs.presentation import judgment_value

MOST_TAKEN = 8
"""Few examples teach as much as many, and each is sent with every call."""
_LONGEST = 8_000
"""Characters of one judged text: a longer one would cost more than it teaches."""


def examples_of_people(
    session: Session, workspace_id: str, evaluator_ids: Sequence[str], settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Up to eight verdicts of people as settings of the judge, newest first, as even between the verdicts as there are.

    Those are left out that would not fit: of another type, on a row that lacks what the rubric shows, or too long. One a row, and one of equal texts.
    """
    try:
        spec = {"evaluator_type": BUILTIN, "kind": LlmJudge.name, "settings": {**settings, "examples": []}}
        bound = bind(with_included(Includes(session, workspace_id), spec))
    except Invalid:
        return []
    options = bound.options
    assert isinstance(options, LlmJudgeOptions)  # noqa: S101 - the kind's own
    found: list[dict[str, Any]] = []
    seen: set[object] = set()
    for judgment, log, datapoint in list_verdicts(session, workspace_id, evaluator_ids):
        row = (
            row_of_datapoint(datapoint)
            if datapoint
            else Row(log.inputs or {}, log.messages or [], None, None, None)
        )
        shown = material(options, execution_of_log(log), row)
        if shown is None or any(len(text) > _LONGEST for text in shown.values()):
            continue
        same = {log.datapoint_id or log.id, tuple(shown.values())}
        if seen & same:
            continue
        one = {
            "material": dict(shown),
            "verdict": judgment_value(judgment),
            "reason": judgment.rationale or "",
        }
        if _fits(options, one):
            seen |= same
            found.append(one)
    return _even(found)


def _fits(options: LlmJudgeOptions, example: Mapping[str, Any]) -> bool:
    try:
        kind(LlmJudge.name).prepare({**options.model_dump(), "examples": [example]})
    except Invalid:
        return False
    return True


def _even(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest of each verdict in turn."""
    seen: Counter[str] = Counter()
    ranked = []
    for place, one in enumerate(found):
        verdict = str(one["verdict"])
        ranked.append((seen[verdict], place))
        seen[verdict] += 1
    return [found[place] for _, place in sorted(ranked)[:MOST_TAKEN]]
