"""The v5 route of logs over time."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query

from app.core.database import SessionDep
from app.core.errors import Invalid
from app.core.permissions import Reader
from app.logs.histogram import Histogram, build_histogram
from app.logs.listing import Filters

router = APIRouter(prefix="/v5", tags=["Logs"])
Json = dict[str, Any]
_PLAIN = r"^[^\x00]*$"


def _asked(
    file: Annotated[
        str, Query(max_length=500, pattern=_PLAIN, description="Logs of this file, by its id.")
    ] = "",
    version: Annotated[
        str, Query(max_length=10, pattern=_PLAIN, description="The number of one of the file's versions.")
    ] = "",
    environment: Annotated[
        str, Query(max_length=500, pattern=_PLAIN, description="The name of the environment that a log says.")
    ] = "",
    source: Annotated[
        str, Query(max_length=500, pattern=_PLAIN, description="The source that a log says.")
    ] = "",
    user: Annotated[str, Query(max_length=500, pattern=_PLAIN, description="The end user of a log.")] = "",
    session: Annotated[str, Query(max_length=500, pattern=_PLAIN, description="The session of a log.")] = "",
    q: Annotated[
        str, Query(max_length=500, pattern=_PLAIN, description="Words in inputs, messages, output or error.")
    ] = "",
    metadata: Annotated[
        str, Query(max_length=500, pattern=_PLAIN, description="Words in the metadata.")
    ] = "",
    since: Annotated[
        str, Query(max_length=40, pattern=_PLAIN, description="A day, or a moment: 2027-01-31T14:15, in UTC.")
    ] = "",
    until: Annotated[
        str,
        Query(
            max_length=40,
            pattern=_PLAIN,
            description="A day, which is meant whole, or the first moment that is not.",
        ),
    ] = "",
    state: Annotated[
        Literal["", "error", "failed"],
        Query(description="`error` ended with one, `failed` failed a check."),
    ] = "",
    slower: Annotated[
        str, Query(max_length=40, pattern=_PLAIN, description="Took longer than these seconds.")
    ] = "",
    dearer: Annotated[
        str, Query(max_length=40, pattern=_PLAIN, description="Cost more than these US dollars.")
    ] = "",
) -> Filters:
    return Filters(file, version, environment, source, user, session, q, metadata, since, until, state, slower, dearer)  # fmt: skip


@router.get("/log-histogram")
def count_logs_over_time(
    session: SessionDep, principal: Reader, filters: Annotated[Filters, Depends(_asked)]
) -> Json:
    """How many logs came when, by the filters of the page of logs: without `since`, in the last day in which there are any. A part
    has a quarter of an hour for a day, an hour for four, and so on.

    With filters, the newest 10,000 are looked at, or 4,000 where texts have to be read; without, 50,000: `counted_since` says
    from when on all are counted, and `failed_counted_since` the same of checks.
    """
    found = build_histogram(session, principal.workspace_id, filters)
    if found.problems:
        raise Invalid(" ".join(found.problems.values()), fields=dict(found.problems))
    return _present(found)


def _present(found: Histogram) -> Json:
    return {
        "since": found.span.since,
        "until": found.span.until,
        "seconds": found.span.width_s,
        "logs": found.logs,
        "failed": found.failed,
        "counted_since": found.counted_since,
        "failed_counted_since": found.failed_since,
        "records": [
            {"since": part.since, "until": part.until, "logs": part.logs, "failed": part.failed}
            for part in found.parts
        ],
        "deployments": [
            {
                "at": one.at,
                "file_id": one.file_id,
                "path": one.path,
                "version": one.number,
                "environment": one.environment,
            }
            for one in found.deployed
        ],
    }
