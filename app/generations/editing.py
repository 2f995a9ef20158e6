"""What the editor works on: a prompt's base version, a row of a dataset, the providers; and committing a draft."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import Invalid, NotFound
from app.core.template import MissingInputs, text_of
from app.datasets import repository as datasets
from app.datasets.models import Datapoint
from app.files import repository as files_repository
from app.files import service as files
from app.files.includes import Includes
from app.files.models import Environment, File, FileKind, Version
from app.files.paths import parent_of, plain_path
from app.generations.draft import Draft, Look, draft_of, spec_of
from app.generations.pin_repository import Pin, list_outdated, list_pins
from app.generations.prepared import Origin
from app.generations.service import prepare_spec
from app.generations.streaming import RunRequest
from app.logs import budget
from app.logs import repository as logs
from app.logs.records import LogRecord
from app.prompts.service import check_content
from app.prompts.spec import PromptSpec
from app.providers import repository as providers
from app.providers.models import Provider

NEW = "new"
"""In place of a file's id: a prompt that is not saved yet."""
EDITOR = "editor"
_TRIED = 5
_MOST_DATASETS = 500
"""Datasets that are offered; any other is found by its id in the address."""
STARTER: dict[str, Any] = {
    "template": [
        {"role": "system", "content": "Answer in one sentence."},
        {"role": "user", "content": "{{question}}"},
    ]
}
"""What a prompt says that nobody has typed anything into."""


@dataclass(frozen=True, slots=True)
class ChosenRow:
    """A row of a dataset that fills the inputs."""

    file: File
    version: Version
    number: int
    """From 1."""
    datapoint: Datapoint


@dataclass(frozen=True, slots=True)
class Workbench:
    """Everything around the draft."""

    file: File | None
    base: Version | None
    newest: Version | None
    parent: Version | None
    """The version that the newest one was made from."""
    live: Sequence[tuple[Environment, int]]
    """Where which version number of the file runs."""
    providers: Sequence[Provider]
    datasets: Sequence[File]
    row: ChosenRow | None
    look: Look
    """Puts in what drafts include."""
    pins: Sequence[Pin] = ()
    """The rows that are pinned beside the prompt."""
    outdated: Sequence[str] = ()
    """Those of them that the newest versions of their datasets do not have any more."""

    @property
    def is_pinned(self) -> bool:
        """Whether the row that is chosen is pinned."""
        return self.row is not None and any(pin.datapoint_id == self.row.datapoint.id for pin, _ in self.pins)

    @property
    def next_number(self) -> int:
        """The number that the draft will get."""
        return self.file.last_number + 1 if self.file else 1


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the address or the form asks for."""

    base: int | None = None
    dataset: str | None = None
    """A dataset's id; empty for inputs that are typed; None lets us choose."""
    row: int = 1


def open_workbench(
    session: Session, principal: Principal, file_id: str, chosen: Chosen, draft: Draft | None = None
) -> Workbench:
    """What the editor needs around a draft, which knows from then on what it includes; without one, around the base.

    Raises:
        NotFound: no such prompt, version or dataset.
    """
    file = None if file_id == NEW else files.get_file(session, principal, file_id, FileKind.PROMPT)
    newest = files_repository.newest_version(session, file.id) if file else None
    base = newest
    if file and chosen.base is not None:
        base = files.get_version_number(session, file, chosen.base)
    includes = Includes(session, principal.workspace_id)
    look = partial(includes.look, within=file.id if file else None)
    draft = draft or draft_of(base.spec if base else {})
    draft.look = look
    found, _ = files_repository.list_files(
        session,
        principal.workspace_id,
        kinds=[FileKind.DATASET],
        sort_by="path",
        descending=False,
        limit=_MOST_DATASETS,
    )
    if chosen.dataset and not any(each.id == chosen.dataset for each in found):
        found.append(files.get_file(session, principal, chosen.dataset, FileKind.DATASET))
    live = files_repository.deployed_environments(session, [file.id]) if file else []
    pins = list_pins(session, file.id) if file else []
    return Workbench(
        file=file,
        base=base,
        newest=newest,
        parent=files_repository.find_version(session, newest.file_id, newest.parent_id)
        if newest and newest.parent_id
        else None,
        live=[(environment, deployment.version.number) for environment, deployment in live],
        providers=providers.list_providers(session, principal.workspace_id),
        datasets=found,
        row=_row(session, found, file, draft.variables, chosen),
        look=look,
        pins=pins,
        outdated=list_outdated(session, file.id) if file and pins else (),
    )


def _row(
    session: Session, found: Sequence[File], file: File | None, names: Sequence[str], chosen: Chosen
) -> ChosenRow | None:
    """The row asked for; when no dataset is, the first row of one that has every input.

    The dataset that the prompt was last run on comes first, then those beside the prompt.
    """
    if chosen.dataset:
        dataset = next(each for each in found if each.id == chosen.dataset)
        return _row_of(session, dataset, chosen.row)
    if not names or chosen.dataset is not None:
        return None
    folder = parent_of(file.path) if file else ""
    last = logs.find_last_datapoint(session, file.id) if file else None
    used = datasets.list_holding_files(session, last) if last else []
    likely = sorted(found, key=lambda each: (each.id not in used, parent_of(each.path) != folder))
    for dataset in likely[:_TRIED]:
        row = _row_of(session, dataset, chosen.row)
        if row and len(inputs_of(row.datapoint.inputs, names)) == len(names):
            return row
    return None


def _row_of(session: Session, dataset: File, number: int) -> ChosenRow | None:
    version = files_repository.newest_version(session, dataset.id)
    if version is None or not version.rows_count:
        return None
    number = min(max(1, number), version.rows_count)
    rows = datasets.list_rows(session, version, offset=number - 1, limit=1)
    return ChosenRow(dataset, version, number, rows[0][1]) if rows else None


def find_row(session: Session, principal: Principal, chosen: Chosen) -> ChosenRow | None:
    """The row that is asked for; None where no dataset is, or it is gone."""
    if not chosen.dataset:
        return None
    found = files_repository.find_file(session, principal.workspace_id, chosen.dataset, FileKind.DATASET)
    return _row_of(session, found, chosen.row) if found else None


def filled(draft: Draft, bench: Workbench) -> Draft:
    """The draft with the row's texts in those inputs that nobody typed into."""
    draft.look = bench.look
    found = inputs_of(bench.row.datapoint.inputs, draft.variables) if bench.row else {}
    draft.inputs = {
        name: draft.inputs[name] if name in draft.inputs else found.get(name, "") for name in draft.variables
    }
    return draft


def inputs_of(inputs: Mapping[str, Any], names: Sequence[str]) -> dict[str, str]:
    """The texts that a row has for the inputs `names`; those that it lacks are left out."""
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = text_of(inputs, name)
        except MissingInputs:
            continue
    return found


def inputs_of_log(
    session: Session, principal: Principal, log_id: str, names: Sequence[str]
) -> dict[str, str]:
    """The texts that a log has for the inputs `names`.

    Raises:
        NotFound: no such log.
    """
    log = logs.find_logs(session, principal.workspace_id, [log_id]).get(log_id)
    if log is None:
        raise NotFound("There is no log with this id: it may have been deleted, by age or by somebody.")
    return inputs_of(log.inputs or {}, names)


def new_draft(session: Session, workspace_id: str, path: str = "") -> Draft:
    """A first draft: two messages, on the workspace's first model."""
    provider, model = first_model(session, workspace_id)
    draft = draft_of(STARTER, path)
    draft.values |= {"provider": provider or "", "model": model}
    return draft


def first_model(session: Session, workspace_id: str) -> tuple[str | None, str]:
    """The provider and the model that new prompts begin with: the only real provider's first, else the practice model."""
    found = providers.list_providers(session, workspace_id)
    real = [provider for provider in found if provider.kind != "practice"]
    chosen = real[0] if len(real) == 1 and real[0].models else None
    chosen = chosen or next((p for p in found if p.kind == "practice"), None)
    if chosen is None:
        return None, "practice-1"
    return chosen.name, "practice-1" if chosen.kind == "practice" else chosen.models[0]


def draft_of_base(bench: Workbench, draft: Draft) -> Draft | None:
    """The base version with the draft's inputs, so that both can run on the same; None where there is no base.

    What it names and the draft does not is filled from the row.
    """
    if bench.base is None:
        return None
    return on_inputs_of(bench, draft, draft_of(bench.base.spec))


def on_inputs_of(bench: Workbench, draft: Draft, other: Draft) -> Draft:
    """Another draft with the inputs of this one; what only the other names is filled from the row."""
    other.look = bench.look
    found = inputs_of(bench.row.datapoint.inputs, other.variables) if bench.row else {}
    other.inputs = {name: draft.inputs.get(name, found.get(name, "")) for name in other.variables}
    return other


def prepare_run(session: Session, principal: Principal, bench: Workbench, draft: Draft) -> RunRequest:
    """The draft made ready to run on the inputs as typed. Its log names the version that committing it would make.

    Raises:
        Invalid: the draft is not a valid version yet, it calls a tool that cannot be called, or the workspace has a
            budget and the model no price.
        NotFound: its provider is not among the workspace's.
        OverBudget: the workspace has spent its budget of this month.
    """
    budget.refuse_if_spent(session, principal.workspace_id)
    spec = spec_of(draft)
    prompt = prepare_spec(session, principal.workspace_id, spec, bench.file.id if bench.file else None)
    if prompt.target.price is None:
        budget.refuse_unpriced(session, principal.workspace_id, [prompt.target.model])
    file_id = bench.file.id if bench.file else ""
    version_id = files.id_to_be(session, bench.file, _change(bench.file, spec))
    given: dict[str, Any] = {name: draft.inputs.get(name, "") for name in draft.variables}
    row = _row_run(bench, draft)
    return RunRequest(
        prompt,
        Origin(principal.workspace_id, file_id, version_id, EDITOR),
        given,
        (row.messages or ()) if row else (),
        row.id if row else None,
        answers=prompt.answers(given),
        log={"created_by": principal.user_id},
        keeps_request=True,
    )


def conversation_of(bench: Workbench, draft: Draft) -> Sequence[Mapping[str, Any]]:
    """What follows the template when the draft runs: the conversation of the row, where its inputs stand as they came from it."""
    row = _row_run(bench, draft)
    return (row.messages or ()) if row else ()


def _row_run(bench: Workbench, draft: Draft) -> Datapoint | None:
    """The row that the draft would run on; None where its inputs were typed over."""
    given = {name: draft.inputs.get(name, "") for name in draft.variables}
    row = bench.row.datapoint if bench.row else None
    return row if row is not None and given == inputs_of(row.inputs, draft.variables) else None


def run_on(request: RunRequest, row: Datapoint, names: Sequence[str]) -> RunRequest:
    """The same run on another row; what it lacks of the inputs is empty."""
    found = inputs_of(row.inputs, names)
    given: dict[str, Any] = {name: found.get(name, "") for name in names}
    answers = request.prompt.answers(given)
    return replace(request, inputs=given, messages=row.messages or (), datapoint_id=row.id, answers=answers)


def practice_note(log: LogRecord) -> dict[str, Any] | None:
    """What the practice model says it read from the prompt; None for other models."""
    seen = (log.provider_response or {}).get("x_practice")
    return seen if isinstance(seen, dict) else None


def commit_draft(
    session: Session,
    principal: Principal,
    file: File | None,
    spec: PromptSpec,
    *,
    path: str,
    note: str,
    base: Version | None,
) -> files.Committed:
    """Commit a draft with its reason.

    Raises:
        Invalid: there is no reason, or the path cannot be used.
        Conflict: something lies at the path already.
    """
    problems = {}
    if not note.strip():
        problems["note"] = "Say in a line why this version is better."
    if file is None and not path.strip():
        problems["path"] = "Give the prompt a path, such as support/intent classifier."
    if problems:
        raise Invalid(" ".join(problems.values()), fields=problems)
    check_content(session, principal.workspace_id, spec, file.id if file else None)
    if file is None and files_repository.find_file_by_path(session, principal.workspace_id, plain_path(path)):
        taken = f"`{path.strip()}` is taken. Choose another name."
        raise Invalid(taken, fields={"path": taken})
    return files.commit(
        session,
        principal,
        replace(_change(file, spec), path=path, note=note.strip(), parent_id=base.id if base else None),
    )


def _change(file: File | None, spec: PromptSpec) -> files.Commit:
    file_id = file.id if file else None
    return files.Commit(FileKind.PROMPT, spec.content(), file_id=file_id, order_counts=True)
