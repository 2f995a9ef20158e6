"""The v5 route that searches a workspace."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from app.core.database import SessionDep
from app.core.permissions import Reader
from app.core.settings import get_settings
from app.home.search_words import LONGEST
from app.home.searching import Hit, search

router = APIRouter(prefix="/v5", tags=["Files"])


@router.get("/search")
def search_workspace(
    session: SessionDep,
    principal: Reader,
    q: Annotated[
        str,
        Query(
            max_length=LONGEST,
            description="Words, in any order, each the beginning of one in a path, a name or a title. Without any: "
            "what changed last.",
        ),
    ] = "",
    size: Annotated[int, Query(ge=1, le=100, description="At most so many files.")] = 20,
) -> list[dict[str, Any]]:
    """Files, their actions, evaluations, pages and actions by words, best first; only what the key's role may do."""
    found = search(session, principal, q, most=size)
    return [_present(group.title, hit) for group in found.groups for hit in group.hits if hit.url]


def _present(group: str, hit: Hit) -> dict[str, Any]:
    return {
        "type": hit.type,
        "group": group,
        "id": hit.id,
        "title": hit.title,
        "path": hit.path,
        "url": f"{get_settings().public_url}{hit.url}",
    }
