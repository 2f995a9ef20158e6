"""What there is to choose from for rows that a prompt is to write, and what somebody chose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import DomainError, Invalid
from app.core.typed import whole
from app.datasets import draft_repository, drafts
from app.datasets.draft_repository import Filter
from app.datasets.rows import Destination, Split
from app.files import repository as files
from app.files import service as files_service
from app.files.models import Environment, File, FileKind, Version
from app.generations import row_asking, row_generations
from app.generations.row_generations import Estimate, Wanted
from app.prompts.presentation import full_spec

SPLITS: tuple[Split, ...] = ("train", "validation", "test", "sealed")
_MOST_PROMPTS = 500
_MOST_VERSIONS = 20
_LOOKED_AT = 50
"""Rows whose members are offered as columns."""
_MOST_COLUMNS = 20
_INPUT = "in."


@dataclass(frozen=True, slots=True)
class Choices:
    """What was typed and ticked. Numbers stay texts: a form shows again what was typed."""

    prompt: str = ""
    version: str = ""
    """A version's id."""
    rows: str = "20"
    rows_a_call: str = "10"
    examples: str = "5"
    columns: tuple[str, ...] = ()
    more: str = ""
    """Further columns, with commas between them."""
    split: str = "train"
    may_test: bool = False
    max_cost: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    is_sent: bool = False
    """Whether a form was sent: what is not ticked is not wanted."""


def read_choices(pairs: Sequence[tuple[str, str]]) -> Choices:
    """The choices in a form or an address."""
    one = {name: value.strip() for name, value in pairs}
    return Choices(
        prompt=one.get("prompt", ""),
        version=one.get("version", ""),
        rows=one.get("rows", "20").replace(",", ""),
        rows_a_call=one.get("rows_a_call", "10"),
        examples=one.get("examples", "5"),
        columns=tuple(value for name, value in pairs if name == "column"),
        more=one.get("more", ""),
        split=one.get("split", "train"),
        may_test=one.get("may_test") == "1",
        max_cost=one.get("max_cost", "").removeprefix("$"),
        inputs={name.removeprefix(_INPUT): value for name, value in pairs if name.startswith(_INPUT)},
        is_sent=one.get("sent") == "1",
    )


@dataclass(frozen=True, slots=True)
class Offer:
    """The form: what can be chosen, with what was chosen."""

    file: File
    choices: Choices
    prompts: Sequence[File]
    prompt: File | None
    versions: Sequence[tuple[Version, Sequence[Environment]]]
    """With the environments where they run."""
    version: Version | None
    columns: Sequence[tuple[str, bool]]
    """The members of rows that are there, each with whether it is chosen."""
    variables: Sequence[str]
    """What has to be typed for the template."""
    price: Estimate | None
    no_price: str
    """Why nobody can say what it takes."""


def make_offer(session: Session, principal: Principal, file: File, choices: Choices) -> Offer:
    """What can be chosen; what was left open is the likeliest."""
    prompts, _ = files.list_files(
        session, principal.workspace_id, kinds=[FileKind.PROMPT], sort_by="updated_at", limit=_MOST_PROMPTS
    )
    prompt = next((one for one in prompts if one.id == choices.prompt), prompts[0] if prompts else None)
    versions = _versions(session, prompt) if prompt else []
    chosen = next((one for one, _ in versions if one.id == choices.version), None)
    version = chosen or (versions[0][0] if versions else None)
    columns = _columns(session, principal, file, choices)
    price, why = _price(session, file, version, choices, columns)
    return Offer(
        file,
        choices,
        prompts,
        prompt,
        versions,
        version,
        columns,
        row_asking.variables_to_type(full_spec(session, version)) if version else [],
        price,
        why,
    )


def _versions(session: Session, prompt: File) -> list[tuple[Version, list[Environment]]]:
    places: dict[str, list[Environment]] = {}
    for environment, deployment in files.deployed_environments(session, [prompt.id]):
        places.setdefault(deployment.version_id, []).append(environment)
    found = files.list_versions(session, prompt.id)
    shown = [one for place, one in enumerate(found) if place < _MOST_VERSIONS or one.id in places]
    for one in shown:
        one.file = prompt
    return [(one, places.get(one.id, [])) for one in shown]


def _columns(session: Session, principal: Principal, file: File, choices: Choices) -> list[tuple[str, bool]]:
    draft = drafts.read(session, principal, file)
    rows = draft_repository.list_rows(session, draft, Filter(), limit=_LOOKED_AT)
    names = dict.fromkeys(
        f"{kind}.{name}"
        for kind in ("inputs", "target")
        for row in rows
        for name in row.content.get(kind) or {}
    )
    return [(name, name in choices.columns or not choices.is_sent) for name in list(names)[:_MOST_COLUMNS]]


def _price(
    session: Session,
    file: File,
    version: Version | None,
    choices: Choices,
    columns: Sequence[tuple[str, bool]],
) -> tuple[Estimate | None, str]:
    if version is None:
        return None, ""
    chosen = [name for name, is_chosen in columns if is_chosen]
    try:
        return row_generations.estimate(session, file, wanted_of(session, version, choices, chosen)), ""
    except DomainError as error:
        return None, error.message


def wanted_by(session: Session, principal: Principal, choices: Choices) -> Wanted:
    """As `wanted_of`, of the version that was chosen.

    Raises:
        NotFound: there is no such prompt or version.
        Invalid: as there.
    """
    prompt = files_service.get_file(session, principal, choices.prompt, FileKind.PROMPT)
    version = files_service.get_version(session, prompt, choices.version)
    version.file = prompt
    return wanted_of(session, version, choices, choices.columns)


def wanted_of(session: Session, version: Version, choices: Choices, columns: Sequence[str]) -> Wanted:
    """What somebody wants who chose this.

    Raises:
        Invalid: something that was typed is no number, or no column is chosen.
    """
    numbers = {name: whole(getattr(choices, name)) for name in row_generations.LIMITS}
    problems = {
        name: text for name, value in numbers.items() if (text := row_generations.out_of_range(name, value))
    }
    cost = _dollars(choices.max_cost)
    if choices.max_cost and cost is None:
        problems["max_cost"] = "Dollars above 0, such as 2.50, or nothing."
    places: Sequence[Destination] = ()
    try:
        places = row_asking.columns_of([*columns, *_listed(choices.more)])
    except Invalid as error:
        problems["columns"] = error.message
    if choices.split not in (*SPLITS, ""):
        problems["split"] = "Choose a split."
    if problems:
        raise Invalid(" ".join(dict.fromkeys(problems.values())), fields=problems)
    return Wanted(
        version=version,
        rows=numbers["rows"] or 0,
        columns=places,
        rows_a_call=numbers["rows_a_call"] or 0,
        examples=numbers["examples"] or 0,
        inputs=_typed(session, version, choices),
        split=next((one for one in SPLITS if one == choices.split), None),
        may_test=choices.may_test,
        max_cost_usd=cost,
    )


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _typed(session: Session, version: Version, choices: Choices) -> dict[str, Any]:
    names = row_asking.variables_to_type(full_spec(session, version))
    return {name: choices.inputs[name] for name in names if name in choices.inputs}


def _dollars(text: str) -> Decimal | None:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 < amount < 10**7 else None
