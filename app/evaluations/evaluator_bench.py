"""What the evaluator page works on: the form of a kind, its versions, and a row to try it on."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import Invalid, NotFound
from app.core.json_values import NotStorable, loads
from app.datasets import repository as datasets
from app.datasets.models import Datapoint
from app.evaluations import comparison_repository, repository
from app.evaluations.evaluator_list import UsedIn, used_in
from app.evaluations.evaluator_test import (
    SOURCE,
    Trial,
    Tried,
    prepare_trial,
    row_of,
    row_of_datapoint,
)
from app.evaluations.people_examples import examples_of_people
from app.evaluations.wording import target_text
from app.evaluators import databases
from app.evaluators.binding import Execution, Row, make_spec, read_spec
from app.evaluators.composing import with_parts
from app.evaluators.forms import PART_FIELDS, FormField, form_fields, read_form, read_parts
from app.evaluators.kinds import kind as kind_of
from app.evaluators.kinds.contract import Kind
from app.evaluators.kinds.injection import words_to_a_judge
from app.evaluators.kinds.llm_judge import LlmJudge
from app.evaluators.models import EvaluatorDatabase
from app.evaluators.repository import find_database
from app.files import repository as files_repository
from app.files import service as files
from app.files.models import File, FileKind, Version
from app.generations.prepared import Origin
from app.providers import repository as providers

_LEAST_PARTS, _EMPTY_PARTS = 4, 2
PREFIX = "s."
"""Before the names of a kind's settings in the form, so that none of them meets a field of the page."""


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field of the form with what it holds."""

    field: FormField
    value: str
    on: bool
    problem: str
    parts: Sequence[Mapping[str, Any]] = ()
    """Of a field that holds several evaluators: what each row shows, and some empty ones."""


@dataclass(frozen=True, slots=True)
class TriedRow:
    """What the evaluator is tried on."""

    dataset: File | None = None
    number: int = 1
    total: int = 0
    datapoint: Datapoint | None = None
    output: str = ""
    target: str = ""
    said_by: str = ""
    """Whose output it is, where it was taken from a run."""


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


@dataclass(frozen=True, slots=True)
class Sent:
    """What a browser sent of the page's form."""

    kind: str = ""
    path: str = ""
    note: str = ""
    dataset: str = ""
    row: str = ""
    output: str = ""
    target: str = ""
    taken: str = ""
    """The output that the server filled in: another row brings another one, unless somebody has changed it."""
    settings: Mapping[str, str] | None = None
    """None where no form was sent."""
    fill: str = ""
    """`people` puts their verdicts into the examples of a judge."""
    example: str = ""
    """Of a new evaluator: the program or the rubric to begin with."""
    upload: tuple[str, BinaryIO] | None = None
    """A database that was sent along: name and content."""


def read_sent(values: Mapping[str, Any], *, form: bool) -> Sent:
    """The fields of the page in a form or an address."""

    def text(name: str) -> str:
        return str(values.get(name) or "").replace("\r\n", "\n")

    settings = {
        key.removeprefix(PREFIX): str(value) for key, value in values.items() if key.startswith(PREFIX)
    }
    return Sent(
        kind=text("kind"),
        path=text("path").strip(),
        note=text("note").strip(),
        dataset=text("dataset"),
        row=text("row"),
        output=text("output"),
        target=text("target"),
        taken=text("taken"),
        settings=settings if form else None,
        fill=text("fill"),
        example=text("example"),
    )


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
        row=_row(session, principal, sets, sent),
        path=sent.path,
        note=sent.note,
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


def _row(session: Session, principal: Principal, sets: Sequence[File], sent: Sent) -> TriedRow:
    dataset = next((file for file in sets if file.id == sent.dataset), None)
    version = files_repository.newest_version(session, dataset.id) if dataset else None
    if dataset is None or version is None:
        return TriedRow(output=sent.output, target=sent.target)
    total = version.rows_count or 0
    number = min(max(1, int(sent.row) if sent.row.isdecimal() and len(sent.row) < 9 else 1), max(1, total))
    rows = datasets.list_rows(session, version, offset=number - 1, limit=1)
    datapoint = rows[0][1] if rows else None
    output, said_by = sent.output, ""
    if datapoint and (not output or output == sent.taken):
        output, said_by = _last_output(session, principal, dataset, datapoint)
    target = target_text(datapoint.target) if datapoint else ""
    return TriedRow(dataset, number, total, datapoint, output, target, said_by)


def _last_output(
    session: Session, principal: Principal, dataset: File, datapoint: Datapoint
) -> tuple[str, str]:
    """What the last run on the dataset said on the row, and which version that was."""
    run = repository.find_last_run_on(session, principal.workspace_id, dataset.id)
    if run is None:
        return "", ""
    cells = comparison_repository.load_cells(session, [run.id], [datapoint.id])
    found = cells.get((run.id, datapoint.id), [])
    return (found[0].output or "", f"{run.version.file.name} v{run.version.number}") if found else ("", "")


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
    return make_spec(bench.kind.name, with_parts(session, principal, bench.kind.name, settings))


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
        Invalid: a setting is wrong.
        NotFound: the judge's provider is not among the workspace's.
    """
    evaluator = databases.bind_with_files(
        session, principal.workspace_id, checked_settings(session, principal, bench, sent)
    )
    datapoint = bench.row.datapoint
    if datapoint:
        row: Row = row_of_datapoint(datapoint)
    else:
        row = row_of({"target": _pasted_target(sent.target)} if sent.target else {})
    execution = Execution(bench.row.output, None, None, None, None, None, row.inputs, row.messages, None)
    version = bench.base.id if bench.base else ""
    origin = Origin(principal.workspace_id, bench.file.id if bench.file else "", version, SOURCE)
    trial = prepare_trial(session, evaluator, origin, execution, row)
    session.commit()  # gives the connection back: a model may take its time
    return trial


def _pasted_target(text: str) -> dict[str, Any]:
    """A JSON object is the target itself; anything else is the text that was wanted."""
    if text.lstrip().startswith("{"):
        with suppress(NotStorable):
            return dict(loads(text))
    return {"output": text}


def list_evaluator_paths(session: Session, principal: Principal) -> list[str]:
    """The evaluators that a composite can be made of."""
    found, _ = files_repository.list_files(
        session, principal.workspace_id, kinds=[FileKind.EVALUATOR], sort_by="path", limit=1000
    )
    return [one.path for one in found]


def list_provider_names(session: Session, principal: Principal) -> list[str]:
    """The providers that a judge can name."""
    return [one.name for one in providers.list_providers(session, principal.workspace_id)]
