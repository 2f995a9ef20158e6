"""The v5 route that takes judgments from people and programs elsewhere."""

from typing import Annotated, Any, ClassVar

from fastapi import APIRouter
from pydantic import Field

from app.core.access import Action, refusal
from app.core.bodies import Body
from app.core.database import SessionDep
from app.core.errors import Forbidden, Invalid
from app.core.permissions import Reviewer
from app.evaluations.given_judgments import Given, give_judgment
from app.evaluations.references import find_version
from app.evaluations.schemas import VersionReference
from app.evaluators.api import checked_spec
from app.files import service as files
from app.files.models import FileKind
from app.logs import repository as logs
from app.logs.presentation import BESIDE_JUDGMENTS
from app.logs.recording import PAYLOADS
from app.logs.schemas import Message, Moment, Name, Seconds, Status

router = APIRouter(prefix="/v5/evaluators", tags=["Evaluators"])


class JudgmentGiven(Body):
    """A judgment of a log, by the evaluator with this `id` or `path`, or by the version in `version_id`."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "parent_id": "log_2Zr8vXqW4nTbY7kLmC1dA",
        "path": "support/rating",
        "judgment": "good",
        "user": "customer-17",
    }

    NULL_SAYS: ClassVar[frozenset[str]] = frozenset({"judgment"})

    parent_id: str = Field(description="The log that is judged.")
    id: str | None = None
    path: str | None = None
    spec: dict[str, Any] | None = Field(
        None, description="The evaluator's spec: one that is not there yet at the path becomes a version."
    )
    judgment: Any = Field(
        None,
        description="True or false, a number, a choice, a list of them, a text; null: it does not apply.",
    )
    error: str | None = Field(None, description="Why there is no judgment.")
    rationale: str | None = None
    stdout: str | None = Field(None, description="What the program printed.")
    user: str | None = Field(
        None, max_length=1000, description="Of your application, where one of its users judged."
    )
    metadata: dict[str, Any] = Field(default_factory=dict)
    marked_completed: bool | None = Field(
        None, description="Whether the judge is done with the log. Alone, it leaves the judgment as it is."
    )
    output_message: Message | None = Field(None, description="What a model said that judged.")
    start_time: Moment | None = None
    end_time: Moment | None = None
    created_at: Moment | None = Field(None, description="When it was judged; now, if it is left out.")
    provider_latency: Seconds | None = Field(None, description="In seconds.")
    inputs: dict[str, Any] | None = Field(None, description="What the judge was given.")
    output: str | None = Field(None, description="What the judge said in its own words.")
    provider_request: dict[str, Any] | None = None
    provider_response: dict[str, Any] | None = None
    source: str | None = Field(None, max_length=500)
    environment: Name | None = Field(None, description="Where the judge runs.")
    log_status: Status | None = None
    source_datapoint_id: Name | None = Field(None, description="The row of a dataset that was judged.")
    trace_parent_id: Name | None = None
    log_id: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None,
        description="An id of your own for the judgment. One that is taken by something else is refused: 409.",
    )
    save: bool | None = Field(
        None, description="False: inputs, outputs, requests and what was printed are not kept."
    )

    @property
    def beside(self) -> dict[str, Any]:
        """What is kept with the judgment, of what was said."""
        names = set(BESIDE_JUDGMENTS) - {"metadata"} - (set(PAYLOADS) if self.save is False else set())
        said = self.model_dump(mode="json", include=names)
        return {name: value for name, value in said.items() if value is not None}


@router.post("/log")
def log_judgment(
    body: JudgmentGiven,
    session: SessionDep,
    principal: Reviewer,
    version_id: str | None = None,
    environment: str | None = None,
) -> dict[str, Any]:
    """Judge a log, as a person or as a program of yours. Sent again it takes the place of what was said before."""
    only_marks = "judgment" not in body.model_fields_set and not body.error
    if only_marks and body.marked_completed is None:
        raise Invalid("Give a judgment, or the error.", fields={"judgment": "Give a judgment, or `error`."})
    if body.error and body.judgment is not None:
        text = "Give a judgment or an error, not both."
        raise Invalid(text, fields={"error": text})
    if body.spec is not None and version_id is None:
        if not principal.may(Action.EDIT):
            raise Forbidden(refusal(Action.EDIT))
        change = files.Commit(
            kind=FileKind.EVALUATOR,
            spec=checked_spec(session, principal, body.spec),
            file_id=body.id,
            path=body.path,
        )
        committed = files.commit(session, principal, change)
        version = committed.version
        version.file = committed.file
    else:
        reference = VersionReference(
            version_id=version_id, id=body.id, path=body.path, environment=environment
        )
        version = find_version(session, principal, reference, FileKind.EVALUATOR)
        if body.spec is not None and checked_spec(session, principal, body.spec) != version.spec:
            text = f"This is not the spec of {version.id}. Leave out `spec` or `version_id`."
            raise Invalid(text, fields={"spec": text})
    given = Given(
        body.judgment,
        body.error,
        body.rationale,
        None if body.save is False else body.stdout,
        body.metadata,
        body.user,
        body.beside,
        body.marked_completed,
        only_marks,
        body.log_id,
        body.created_at,
    )
    record = give_judgment(session, principal, version, body.parent_id, given)
    judged = logs.find_log(session, principal.workspace_id, record.log_id)
    return {
        "id": record.id,
        "parent_id": record.log_id,
        "version_id": version.id,
        "session_id": judged.session_id if judged else None,
    }
