"""The v5 routes that write what people said in a queue into a dataset, as targets of its rows."""

from typing import Annotated, Any, ClassVar, Literal

from fastapi import APIRouter, Query
from fastapi import Body as WholeBody
from pydantic import Field

from app.core.bodies import Body
from app.core.database import SessionDep
from app.core.permissions import Editor
from app.review import sending
from app.review.queue_view import names_of
from app.review.target_writing import LONGEST_NOTE, write_targets
from app.review.targets import LeftOut, Proposal, Wanted
from app.review.targets_view import CORRECTIONS, by_names, find_options, proposed_of, wanted_of

router = APIRouter(prefix="/v5/review-queues/{queue_id}/targets", tags=["Review"])
Json = dict[str, Any]
_Id = Annotated[str, Field(min_length=1, max_length=200)]
_OF = "`corrections`, the outputs that people would have given, or the version of an evaluator whose answers are written."


class TargetsWritten(Body):
    """Which targets are written into which dataset."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "dataset_id": "ds_2Zr8vXqW4nTbY7kLmC1dA",
        "member": "answer",
        "into": "version",
    }

    dataset_id: _Id | None = Field(
        None, description="The dataset that has most of the queue's rows, if it is left out."
    )
    of: _Id = Field(CORRECTIONS, description=_OF)
    member: str = Field(
        "", max_length=500, description="Of the target: the one that most rows have, if it is left out."
    )
    datapoint_ids: list[_Id] | None = Field(
        None,
        max_length=2_000,
        description="These rows, each of which has to be proposed; all that are, if it is left out.",
    )
    into: Literal["draft", "version"] = Field(
        "draft", description="Your draft of the dataset, or a version on top of the newest one."
    )
    note: str = Field("", max_length=LONGEST_NOTE, description="Of the version; else it names the queue.")


@router.get("")
def list_review_targets(
    queue_id: str,
    session: SessionDep,
    principal: Editor,
    dataset_id: Annotated[
        str | None, Query(description="The dataset that has most of the queue's rows, if it is left out.")
    ] = None,
    of: Annotated[str, Query(description=_OF)] = CORRECTIONS,
    member: Annotated[
        str,
        Query(max_length=500, description="Of the target: the one that most rows have, if it is left out."),
    ] = "",
) -> Json:
    """What people said beside the targets that rows of a dataset have, and what comes to no target, and why. Nothing is written."""
    queue = sending.get_queue(session, principal, queue_id)
    options = find_options(session, principal, queue, dataset_id=dataset_id, of=of, member=member)
    wanted = wanted_of(options)
    proposed = proposed_of(session, principal, queue, wanted)
    names, _ = names_of(session, principal.workspace_id)
    return _about(wanted) | {
        "targets": [_proposal(one, names) for one in proposed.proposals],
        "left_out": [_left(one) for one in proposed.left_out],
        "silent_count": proposed.silent,
    }


@router.post("")
def write_review_targets(
    queue_id: str,
    body: Annotated[TargetsWritten, WholeBody(default_factory=TargetsWritten)],
    session: SessionDep,
    principal: Editor,
) -> Json:
    """Write what is proposed into rows of a dataset: into your draft of it, or as a version. All that was asked for, or nothing."""
    queue = sending.get_queue(session, principal, queue_id)
    options = find_options(
        session, principal, queue, dataset_id=body.dataset_id, of=body.of, member=body.member
    )
    wanted = wanted_of(options)
    chosen = dict.fromkeys(body.datapoint_ids, "") if body.datapoint_ids is not None else None
    written = write_targets(
        session, principal, queue, wanted, chosen, as_version=body.into == "version", note=body.note
    )
    made = written.version
    return _about(wanted) | {
        "written_count": written.rows,
        "merged_count": made.duplicates if made else 0,
        "version_id": made.version.id if made else None,
        "left_out": [_left(one) for one in written.left_out],
    }


def _about(wanted: Wanted) -> Json:
    return {
        "dataset_id": wanted.file.id,
        "of": wanted.field.version.id if wanted.field else CORRECTIONS,
        "member": wanted.member,
    }


def _proposal(one: Proposal, names: dict[str, str]) -> Json:
    return {
        "datapoint_id": one.row.row_id,
        "positions": list(one.positions),
        "people": by_names(one.authors, names),
        "old": one.old,
        "new": one.new,
    }


def _left(one: LeftOut) -> Json:
    return {"position": one.position, "reason": one.reason}
