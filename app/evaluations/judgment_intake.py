"""What callers of the API say in a judgment, by which evaluator it is, and writing it."""

from typing import Any, ClassVar

from pydantic import Field
from sqlalchemy.orm import Session

from app.core.access import Action, Principal, refusal
from app.core.bodies import Body
from app.core.errors import Forbidden, Invalid, NotFound
from app.evaluations.given_judgments import Given, give_judgment
from app.evaluations.references import find_version
from app.evaluations.schemas import VersionReference
from app.evaluators.api import checked_spec
from app.files import service as files
from app.files.models import FileKind, Version
from app.logs.presentation import BESIDE_JUDGMENTS
from app.logs.recording import PAYLOADS
from app.logs.records import JudgmentRecord
from app.logs.schemas import Message, Moment, Name, OwnId, Seconds, Status


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
    log_id: OwnId | None = Field(
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

    @property
    def only_marks(self) -> bool:
        """Whether there is no judgment in it: it says only whether the judge is done."""
        return "judgment" not in self.model_fields_set and not self.error


def take_judgment(
    session: Session,
    principal: Principal,
    said: JudgmentGiven,
    version_id: str | None = None,
    environment: str | None = None,
) -> JudgmentRecord:
    """Keep a judgment as `give_judgment` does, by the version that it names, or that its spec is or becomes.

    Raises:
        Invalid: it names no evaluator, says nothing, or what that evaluator may not say.
        NotFound: no such evaluator, version, environment or log.
        Forbidden: it has a spec, and the principal may not write versions.
        Conflict: the server judges by this evaluator itself, or an id or a path is taken by something else.
    """
    if said.only_marks and said.marked_completed is None:
        raise Invalid("Give a judgment, or the error.", fields={"judgment": "Give a judgment, or `error`."})
    if said.error and said.judgment is not None:
        text = "Give a judgment or an error, not both."
        raise Invalid(text, fields={"error": text})
    version = _version_of(session, principal, said, version_id, environment)
    given = Given(
        said.judgment,
        said.error,
        said.rationale,
        None if said.save is False else said.stdout,
        said.metadata,
        said.user,
        said.beside,
        said.marked_completed,
        said.only_marks,
        said.log_id,
        said.created_at,
    )
    return give_judgment(session, principal, version, said.parent_id, given)


_DEFAULTS: dict[str, dict[str, Any]] = {
    "Rating": {
        "evaluator_type": "human",
        "arguments_type": "target_free",
        "return_type": "select",
        "options": [{"name": "good", "valence": "positive"}, {"name": "bad", "valence": "negative"}],
    },
    "Correction": {"evaluator_type": "human", "arguments_type": "target_free", "return_type": "text"},
}
"""Evaluators that clients take for granted, by path. Each is made when somebody judges by it for the first time."""


def _version_of(
    session: Session,
    principal: Principal,
    said: JudgmentGiven,
    version_id: str | None,
    environment: str | None,
) -> Version:
    if said.spec is not None and version_id is None:
        if not principal.may(Action.EDIT):
            raise Forbidden(refusal(Action.EDIT))
        spec = checked_spec(session, principal, said.spec)
        committed = files.commit(
            session, principal, files.Commit(FileKind.EVALUATOR, spec, file_id=said.id, path=said.path)
        )
        committed.version.file = committed.file
        return committed.version
    reference = VersionReference(version_id=version_id, id=said.id, path=said.path, environment=environment)
    try:
        version = find_version(session, principal, reference, FileKind.EVALUATOR)
    except NotFound:
        default = _DEFAULTS.get(said.path or "")
        if default is None or said.id or version_id or not principal.may(Action.EDIT):
            raise
        return _version_of(session, principal, said.model_copy(update={"spec": default}), None, None)
    if said.spec is not None and checked_spec(session, principal, said.spec) != version.spec:
        text = f"This is not the spec of {version.id}. Leave out `spec` or `version_id`."
        raise Invalid(text, fields={"spec": text})
    return version
