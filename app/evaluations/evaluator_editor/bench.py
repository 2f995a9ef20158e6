"""What the evaluator page works on: the form of a kind, its versions, and a row to try it on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import Invalid, NotFound
from app.evaluations.evaluator_editor.form import Sent
from app.evaluations.evaluator_editor.listing import UsedIn, used_in
from app.evaluations.evaluator_editor.part_versions import PartVersion, versions_of_parts
from app.evaluations.evaluator_editor.people_examples import examples_of_people
from app.evaluations.evaluator_editor.tried_row import TriedRow, execution_on, find_row, read_row
from app.evaluations.evaluator_editor.trying import SOURCE, Trial, Tried, prepare_trial
from app.evaluations.file_pages.dashboard import Place, list_places
from app.evaluators import databases
from app.evaluators.binding import make_spec, read_spec
from app.evaluators.composing import with_parts
from app.evaluators.forms import PART_FIELDS, FormField, form_fields, read_form, read_parts
from app.evaluators.including import with_included
from app.evaluators.kinds import kind as kind_of
from app.evaluators.kinds.composite import Composite
from app.evaluators.kinds.contract import Kind
from app.evaluators.kinds.injection import words_to_a_judge
from app.evaluators.kinds.llm_judge import LlmJudge
from app.evaluators.kinds.prompt_judge import NO_CHOICES, PromptJudge
from app.evaluators.models import EvaluatorDatabase
from app.evaluators.repository import find_database
from app.files import repository as files_repository
from app.files import service as files
from app.files.includes import Includes
from app.files.models import File, FileKind, Version
from app.generations.prepared import Origin
from app.providers import repository as providers

_LEAST_PARTS, _EMPTY_PARTS = 4, 2


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field of the form with what it holds."""

    field: FormField
    value: str
    on: bool
    problem: str
    parts: Sequence[Mapping[str, Any]] = ()
    """Of a field that holds several evaluators: what each row shows, and some empty ones."""


@dataclass(slots=True)
class Bench:
    """The evaluator page."""

    file: File | None
    versions: Sequence[Version]
    base: Version | None
    kind: Kind[Any] | None
    """None for one that this server does not know: its spec is shown as it is."""
    fields: Sequence[ShownField]
    datasets: Sequence[File]
    row: TriedRow
    path: str = ""
    note: str = ""
    database: EvaluatorDatabase | None = None
    """The one that the form names."""
    places: Sequence[Place] = ()
    """Which version runs in which environment."""
    held: Mapping[str, PartVersion] = field(default_factory=dict)
    """Of a composite: which versions of its parts the one that is shown holds, by path."""
    used: UsedIn | None = None
    """Where it is used; None of one that is not saved yet."""
    problems: Mapping[str, str] = field(default_factory=dict)
    tried: Tried | None = None
    filled: bool = False
    """Whether people's verdicts were asked for."""

    @property
    def has_parts(self) -> bool:
        """Whether it is made of several evaluators."""
        return any(one.field.widget == "parts" for one in self.fields)

    @property
    def sample(self) -> Any:
        """A judgment that the evaluator could be sent, if others judge by it."""
        kept = {one.field.name: one.value for one in self.fields}
        choices = [line.strip() for line in kept.get("choices", "").splitlines() if line.strip()][:1]
        samples: dict[str, Any] = {
            "number": 1,
            "select": "".join(choices) or "good",
            "multi_select": choices or ["good"],
            "text": "What should have been said",
        }
        return samples.get(kept.get("answers", ""), True)

    @property
    def suspect(self) -> str | None:
        """Words to a judge in what a model was asked to judge."""
        return words_to_a_judge(self.row.output) if self.tried and self.tried.logs else None


def build_bench(
    session: Session,
    principal: Principal,
    file_id: str | None,
    sent: Sent,
    *,
    number: int | None = None,
    problems: Mapping[str, str] | None = None,
) -> Bench:
    """The page of an evaluator, or of a new one of the kind that was sent.

    Raises:
        NotFound: no such evaluator, version or kind.
    """
    file = files.get_file(session, principal, file_id, FileKind.EVALUATOR) if file_id else None
    versions = files_repository.list_versions(session, file.id) if file else []
    base = next((one for one in versions if number in (None, one.number)), None)
    if number and base is None:
        raise NotFound(f"The evaluator has no version {number}.")
    name, current = read_spec(base.spec) if base else (sent.kind, None)
    kind = _known(name, saved=base is not None)
    if kind and base is None:
        current = _beginning(kind, sent.example)
    elif current is not None and sent.fill == "people" and name == LlmJudge.name:
        ids = [version.id for version in versions]
        current["examples"] = examples_of_people(session, principal.workspace_id, ids, current)
    parts = read_spec(base.spec)[1].get("parts") if base and name == Composite.name else None
    sets, _ = files_repository.list_files(
        session, principal.workspace_id, kinds=[FileKind.DATASET], sort_by="updated_at", limit=200
    )
    fields = _fields(kind, current, sent, problems or {}) if kind else []
    named = next((one.value for one in fields if one.field.widget == "database"), "")
    return Bench(
        file=file,
        versions=versions,
        base=base,
        kind=kind,
        fields=fields,
        datasets=sets,
        row=find_row(session, principal, sets, sent),
        path=sent.path,
        note=sent.note,
        places=list_places(session, file) if file else (),
        held=versions_of_parts(session, principal.workspace_id, parts or ()),
        used=used_in(session, principal, file.id) if file else None,
        database=find_database(session, principal.workspace_id, named) if named else None,
        problems=problems or {},
        filled=sent.fill == "people",
    )


def _known(name: str, *, saved: bool) -> Kind[Any] | None:
    if not name:
        return None
    try:
        return kind_of(name)
    except NotFound:
        if not saved:
            raise
        return None


def _beginning(kind: Kind[Any], name: str) -> dict[str, Any] | None:
    """The settings of a new evaluator that begins with an example; None without one."""
    chosen = next((one for one in kind.beginnings if one.name == name), None)
    return (
        {one.name: one.initial for one in form_fields(kind.Options)} | dict(chosen.settings)
        if chosen
        else None
    )


def _fields(
    kind: Kind[Any], current: Mapping[str, Any] | None, sent: Sent, problems: Mapping[str, str]
) -> list[ShownField]:
    """The form as it was sent, else as the version has it, else as a new one begins."""
    shown = []
    for one in form_fields(kind.Options):
        if sent.settings is not None:
            value: Any = sent.settings.get(one.name, "")
            on = one.name in sent.settings
        else:
            value = current.get(one.name) if current is not None else one.initial
            on = bool(value)
        problem = problems.get(one.name, "")
        if one.widget == "parts":
            sent_parts = read_parts(sent.settings, one.name) if sent.settings is not None else value or ()
            shown.append(ShownField(one, "", on, problem, _rows_of_parts(sent_parts)))
            continue
        text = value if isinstance(value, str) else one.shown(value)
        shown.append(ShownField(one, text, on, problem))
    return shown


def _rows_of_parts(parts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the form shows of parts, and room for more."""
    rows = [
        {name: part[name] for name in PART_FIELDS if part.get(name) not in (None, "", ())} for part in parts
    ]
    for row in rows:
        if isinstance(row.get("passes"), list | tuple):
            row["passes"] = ", ".join(row["passes"])
    return [*rows, *({} for _ in range(max(_EMPTY_PARTS, _LEAST_PARTS - len(rows))))]


def take_database(session: Session, principal: Principal, sent: Sent) -> Sent:
    """Keep the database that was sent along; the form as if it had named it.

    Raises:
        Invalid, TooLarge, Unavailable: it cannot be kept.
    """
    if sent.upload is None:
        raise Invalid("Choose a file first.", fields={"database": "Choose a file first."})
    kept = databases.take(session, principal, *sent.upload)
    return replace(sent, settings={**(sent.settings or {}), "database": kept.hash})


def checked_settings(session: Session, principal: Principal, bench: Bench, sent: Sent) -> dict[str, Any]:
    """The spec that the form describes.

    Raises:
        Invalid: names each setting that is wrong.
    """
    if bench.kind is None:
        raise Invalid("Choose a kind of evaluator.", fields={"kind": "Choose a kind."})
    settings = read_form(bench.kind.Options, dict(sent.settings or {}))
    spec = make_spec(bench.kind.name, with_parts(session, principal, bench.kind.name, settings))
    if (
        spec["evaluator_type"] == PromptJudge.evaluator_type
        and "select" in spec["return_type"]
        and not spec["options"]
    ):
        raise Invalid(NO_CHOICES, fields={"choices": NO_CHOICES})
    return with_included(Includes(session, principal.workspace_id), spec)


def save(session: Session, principal: Principal, bench: Bench, sent: Sent) -> files.Committed:
    """Commit the form as a new version; the same settings are the version that is there.

    Raises:
        Invalid: a setting or the path is wrong, or a change comes without a reason.
        Conflict: the path holds another kind of file.
    """
    spec = checked_settings(session, principal, bench, sent)
    if bench.file is None and not sent.path:
        raise Invalid(
            "Say where it shall stand.", fields={"path": "Give it a path, such as Support/Right intent."}
        )
    if bench.file and not sent.note:
        raise Invalid("Say why you change it.", fields={"note": "One line: what changed, and why."})
    databases.refuse_missing(session, principal.workspace_id, spec)
    change = files.Commit(
        FileKind.EVALUATOR,
        spec,
        file_id=bench.file.id if bench.file else None,
        path=None if bench.file else sent.path,
        note=sent.note or None,
        parent_id=bench.base.id if bench.base else None,
    )
    return files.commit(session, principal, change)


def prepare_test(session: Session, principal: Principal, bench: Bench, sent: Sent) -> Trial:
    """Make ready to try what stands in the form on the row that is chosen, or on what was pasted.

    Raises:
        Invalid: a setting or the row is wrong.
        NotFound: the judge's provider is not among the workspace's.
    """
    evaluator = databases.bind_with_files(
        session, principal.workspace_id, checked_settings(session, principal, bench, sent)
    )
    row = read_row(bench.row)
    version = bench.base.id if bench.base else ""
    origin = Origin(principal.workspace_id, bench.file.id if bench.file else "", version, SOURCE)
    trial = prepare_trial(session, evaluator, origin, execution_on(bench.row, row), row, bench.row.log)
    session.commit()  # gives the connection back: a model may take its time
    return trial


def list_evaluator_paths(session: Session, principal: Principal) -> list[str]:
    """The evaluators that a composite can be made of."""
    found, _ = files_repository.list_files(
        session, principal.workspace_id, kinds=[FileKind.EVALUATOR], sort_by="path", limit=1000
    )
    return [one.path for one in found]


def list_provider_names(session: Session, principal: Principal) -> list[str]:
    """The providers that a judge can name."""
    return [one.name for one in providers.list_providers(session, principal.workspace_id)]
