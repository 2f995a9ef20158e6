"""The library as the v5 API shows it."""

from typing import Any

from app.library.catalogue import Start


def present_start(start: Start) -> dict[str, Any]:
    """A starting prompt with what the practice model, which is no LLM, reaches by each evaluator."""
    return {
        "name": start.name,
        "title": start.title,
        "about": start.about,
        "rows_count": len(start.rows),
        "prompt": start.content,
        "evaluators": [
            {
                "name": each.name,
                "kind": each.kind,
                "settings": each.settings,
                "practice_score": each.practice_score,
                "practice_interval": each.practice_interval,
            }
            for each in start.evaluators
        ],
    }
