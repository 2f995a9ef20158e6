"""The v5 routes of evaluators."""

from typing import Any, ClassVar

from fastapi import APIRouter, UploadFile
from pydantic import Field
from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.database import SessionDep
from app.core.errors import Invalid
from app.core.permissions import Editor, Reader
from app.evaluators import databases
from app.evaluators.binding import BUILTIN, TYPES, make_spec, read_spec, stored_spec
from app.evaluators.composing import with_parts
from app.evaluators.forms import form_fields
from app.evaluators.including import with_included
from app.evaluators.kinds import all_kinds
from app.files import service as files
from app.files.includes import Includes
from app.files.models import FileKind
from app.files.presentation import present_one
from app.files.schemas import FileProperties
from app.files.versioned_api import versioned_routes

router = APIRouter(prefix="/v5/evaluators", tags=["Evaluators"])
common = versioned_routes(FileKind.EVALUATOR)


class EvaluatorUpsert(FileProperties):
    """An evaluator to write. `spec` is `{"evaluator_type": "builtin", "kind": …, "settings": {…}}` (answers say `external` instead,
    for clients of v5 know no other type that fits; send either), or of the type `llm` (with `prompt`), `python` (with `code`), `human` (with `instructions`) or `external`, and then says itself what it
    returns, and may have `attributes`: `{"evaluator_type": "human", "return_type": "select", "options": [{"name": "good", "valence": "positive"}, …]}`."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "path": "support/right intent",
        "spec": {"evaluator_type": "builtin", "kind": "exact", "settings": {}},
    }

    spec: dict[str, Any] = Field(description="Which kind of evaluator, and its settings.")


@router.post("")
def upsert_evaluator(body: EvaluatorUpsert, session: SessionDep, principal: Editor) -> dict[str, Any]:
    """Write an evaluator: the same settings answer with the version that is there."""
    spec = with_included(
        Includes(session, principal.workspace_id), checked_spec(session, principal, body.spec)
    )
    databases.refuse_missing(session, principal.workspace_id, spec)
    return present_one(session, files.upsert(session, principal, FileKind.EVALUATOR, spec, body))


def checked_spec(session: Session, principal: Principal, spec: dict[str, Any]) -> dict[str, Any]:
    """A spec that somebody sent, as it is stored.

    Raises:
        Invalid: it is of a type that does not run here, or a setting is wrong.
        NotFound: there is no such kind.
    """
    spec = stored_spec(spec)
    type_ = spec.get("evaluator_type") or BUILTIN
    if type_ not in TYPES:
        text = f"There is no evaluator type “{type_}”: there are {', '.join(TYPES)}."
        raise Invalid(text, fields={"spec.evaluator_type": text})
    if type_ != BUILTIN:
        return make_spec(*read_spec(spec))
    name = spec.get("kind")
    if not isinstance(name, str):
        raise Invalid(
            "Name the kind of evaluator.",
            fields={"spec.kind": "For example exact; GET /v5/evaluator-kinds lists them."},
        )
    settings = spec.get("settings") or {}
    if not isinstance(settings, dict):
        raise Invalid("`settings` is an object.", fields={"spec.settings": "Give an object."})
    return make_spec(name, with_parts(session, principal, name, settings))


databases_router = APIRouter(prefix="/v5/evaluator-databases", tags=["Evaluators"])


_FILE = {"multipart/form-data": {"example": {"file": "shop.sqlite"}}}


@databases_router.post(
    "",
    operation_id="upload_evaluator_database",
    openapi_extra={"requestBody": {"content": _FILE}},
)
def upload_evaluator_database(file: UploadFile, session: SessionDep, principal: Editor) -> dict[str, Any]:
    """Keep an SQLite file of at most 20 MiB, for `settings.database` of evaluators that compare queries (`sql_match`)."""
    kept = databases.take(session, principal, file.filename or "", file.file)
    return {"database": kept.hash, "name": kept.name, "bytes": kept.size_bytes, "tables": kept.tables}


kinds_router = APIRouter(prefix="/v5/evaluator-kinds", tags=["Evaluators"])


@kinds_router.get("")
def list_evaluator_kinds(_: Reader) -> list[dict[str, Any]]:
    """The kinds of evaluators there are, with the settings of each, and settings to begin with."""
    return [
        {
            "kind": kind.name,
            "title": kind.title,
            "purpose": kind.purpose,
            "help": kind.help,
            "templates": [
                {"name": one.name, "title": one.title, "settings": dict(one.settings)}
                for one in kind.beginnings
            ],
            "settings": [
                {
                    "name": field.name,
                    "label": field.label,
                    "help": field.help,
                    "type": field.widget,
                    "choices": list(field.choices),
                }
                for field in form_fields(kind.Options)
            ],
        }
        for kind in all_kinds()
    ]
