"""Rows that a prompt writes into somebody's draft of a dataset: what it takes, starting, stopping, and how it goes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from app.core import clock, ids, jobs
from app.core.access import Principal, Role
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.datasets.alike import TESTS
from app.datasets.rows import Destination, Split
from app.files import repository as files_repository
from app.files.models import File, Version
from app.generations import row_asking, row_repository
from app.generations.models import RowGeneration, RowGenerationCall
from app.generations.prepared import PreparedPrompt
from app.generations.row_repository import Tally
from app.generations.service import prepare
from app.logs import budget
from app.logs import usual_repository as history
from app.prompts.presentation import full_spec
from app.providers.limits import estimated_tokens

JOB = "generations.write_rows"
MOST_ROWS = 1_000
MOST_ROWS_A_CALL = 50
MOST_EXAMPLES = 20
AT_ONCE = 4
"""Calls in flight of one generation."""
LIMITS = {"rows": (1, MOST_ROWS), "rows_a_call": (1, MOST_ROWS_A_CALL), "examples": (0, MOST_EXAMPLES)}
WORDS = {"rows": "Rows", "rows_a_call": "Rows a call", "examples": "Examples a call"}
_ROW_CHARS = 200
_LATENCY_MS = 4_000.0
"""Where no earlier call or row says how long one is."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be written, by which version of a prompt."""

    version: Version
    rows: int
    columns: Sequence[Destination]
    rows_a_call: int = 10
    examples: int = 5
    """Training rows that each call is shown."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    split: Split | None = "train"
    may_test: bool = False
    """Whether somebody said that the rows may go into a split that tests, or into none."""
    max_cost_usd: Decimal | None = None

    @property
    def calls(self) -> list[int]:
        """The rows that each call is asked for."""
        whole, rest = divmod(self.rows, self.rows_a_call)
        return [self.rows_a_call] * whole + ([rest] if rest else [])


@dataclass(frozen=True, slots=True)
class Estimate:
    """About what it takes."""

    calls: int
    input_tokens: int
    output_tokens: int
    usd: Decimal | None
    """None where the model's price is not known."""
    seconds: float
    model: str


def check(session: Session, file: File, wanted: Wanted) -> None:
    """Refuse what cannot be written.

    Raises:
        Invalid: with a sentence for each field that is wrong.
    """
    problems = {name: text for name in LIMITS if (text := out_of_range(name, getattr(wanted, name)))}
    if "examples" not in problems and wanted.examples and not _training_rows(session, file, wanted, 1):
        problems["examples"] = (
            "No row of the dataset that people wrote is in the training split, and examples come from no other: put rows"
            " there, or ask for 0 examples."
        )
    needed = row_asking.variables_to_type(full_spec(session, wanted.version))
    if missing := [name for name in needed if wanted.inputs.get(name) in (None, "")]:
        problems["inputs"] = f"The prompt needs {', '.join(missing)}: say what fills that in."
    if wanted.split in (None, *TESTS) and not wanted.may_test:
        problems["split"] = (
            f"{_place(wanted.split)}: a score on rows that a model wrote says how versions do on what a model makes up. Say"
            " that this is what you want, or put the rows into train."
        )
    if problems:
        raise Invalid(" ".join(problems.values()), fields=problems)


def out_of_range(name: str, value: int | None) -> str:
    """What is wrong with a number that somebody asks for; empty where nothing is."""
    least, most = LIMITS[name]
    if value is not None and least <= value <= most:
        return ""
    return f"{WORDS[name]}: a whole number from {least} to {most:,}."


def _place(split: str | None) -> str:
    if split is None:
        return "Rows of no split are tested on, too"
    return f"The split {split} is for rows that people wrote"


def _training_rows(session: Session, file: File, wanted: Wanted, most: int) -> list[row_asking.Json]:
    newest = files_repository.newest_version(session, file.id)
    return row_repository.list_training_rows(session, newest, wanted.version.id, most) if newest else []


def estimate(session: Session, file: File, wanted: Wanted) -> Estimate:
    """About what it takes: from the prompt's last calls where there are any, else from the texts themselves.

    Raises:
        Invalid, NotFound: the prompt cannot be called.
    """
    prompt = prepare(session, wanted.version)
    calls = wanted.calls
    newest = files_repository.newest_version(session, file.id)
    pairs = [(str(one.place), one.name or "") for one in wanted.columns]
    chars = (row_repository.mean_length(session, newest, pairs) if newest else None) or _ROW_CHARS
    tokens_in = _asked_tokens(session, file, wanted, prompt) * len(calls)
    tokens_out = estimated_tokens(round(chars)) * wanted.rows
    usual = history.usual_call(session, wanted.version.id)
    cost = prompt.target.price.of(tokens_in, tokens_out) if prompt.target.price else None
    at_once = min(AT_ONCE, prompt.target.endpoint.concurrency or AT_ONCE)
    seconds = math.ceil(len(calls) / at_once) * (usual.latency_ms or _LATENCY_MS) / 1000
    return Estimate(
        len(calls),
        tokens_in,
        tokens_out,
        cost.prompt + cost.output if cost else None,
        seconds,
        prompt.target.model,
    )


def _asked_tokens(session: Session, file: File, wanted: Wanted, prompt: PreparedPrompt) -> int:
    rows = _training_rows(session, file, wanted, wanted.examples)
    shown = row_asking.lines_of([row_asking.example_of(row, wanted.columns) for row in rows])
    spec, most = full_spec(session, wanted.version), wanted.calls[0] if wanted.calls else 1
    request = row_asking.request_of(spec, 1, len(wanted.calls), most, wanted.columns, shown)
    inputs = row_asking.inputs_of_call(spec, wanted.inputs, most, wanted.columns, shown)
    try:
        body = prompt.request(inputs, [request], prompt.tools.unanswered if prompt.tools else None)
    except Invalid:  # what is not typed yet
        return estimated_tokens(len(str(spec.get("template"))) + len(str(request)))
    return estimated_tokens(sum(len(str(message.get("content"))) for message in body["messages"]))


def start(session: Session, principal: Principal, file: File, wanted: Wanted) -> RowGeneration:
    """Begin to have rows written. They come into the principal's draft as the calls are answered.

    Raises:
        Invalid: as `check`; or there is a limit in dollars, and the model has no price.
        NotFound: the prompt's provider is not there.
        OverBudget: the workspace has spent its budget of this month.
        Conflict: the principal has rows written into this dataset already.
    """
    check(session, file, wanted)
    prompt = prepare(session, wanted.version)
    budget.refuse_if_spent(session, principal.workspace_id)
    if prompt.target.price is None:
        budget.refuse_unpriced(session, principal.workspace_id, [prompt.target.model])
        if wanted.max_cost_usd is not None:
            raise Invalid(budget.no_price([prompt.target.model], "a limit in dollars"))
    files_repository.lock_file(session, file)
    if row_repository.has_running(session, file.id, principal.user_id):
        raise Conflict(
            "Rows are being written into this draft already: wait until they are there, or stop it."
        )
    made = RowGeneration(
        id=ids.new_id("rg"),
        workspace_id=principal.workspace_id,
        user_id=principal.user_id,
        file_id=file.id,
        version_id=wanted.version.id,
        asked_by=f"{wanted.version.file.path} v{wanted.version.number}",
        rows_wanted=wanted.rows,
        columns=[str(one) for one in wanted.columns],
        inputs=dict(wanted.inputs),
        examples=wanted.examples,
        split=wanted.split,
        max_cost_usd=wanted.max_cost_usd,
    )
    session.add(made)
    session.flush()
    row_repository.add_calls(session, made.id, wanted.calls)
    session.refresh(made)
    jobs.enqueue(session, JOB)
    return made


def get(session: Session, file: File, generation_id: str, *, locked: bool = False) -> RowGeneration:
    """One of a dataset, whoever has started it.

    Raises:
        NotFound: there is none.
    """
    found = row_repository.find_generation(session, file.id, generation_id, locked=locked)
    if found is None:
        raise NotFound("No such rows were asked for in this dataset.")
    return found


def stop(session: Session, principal: Principal, generation: RowGeneration) -> None:
    """Make no call more. Those that are in flight bring their rows; one that has ended stays as it is.

    Raises:
        Forbidden: somebody else has started it, and the principal is a member.
    """
    if principal.role is Role.MEMBER and generation.user_id != principal.user_id:
        raise Forbidden("Members stop only what they started. Ask a developer or an admin.")
    if generation.status == "running":
        generation.status, generation.finished_at = "stopped", clock.now()
        session.flush()


def end(session: Session, generation: RowGeneration, reason: str | None = None) -> None:
    """It has come to its end; with a `reason`, before all calls were made."""
    if reason:
        row_repository.end_open_calls(session, generation.id, f"not asked: {reason[:1].lower()}{reason[1:]}")
    generation.status, generation.reason, generation.finished_at = "done", reason, clock.now()
    session.flush()


@dataclass(frozen=True, slots=True)
class Shown:
    """One with what came of it."""

    generation: RowGeneration
    tally: Tally
    calls: Sequence[RowGenerationCall] = ()


def show(session: Session, generation: RowGeneration) -> Shown:
    """How it goes."""
    tally = row_repository.count_calls(session, [generation.id]).get(generation.id, Tally())
    return Shown(generation, tally, row_repository.list_calls(session, generation.id))


def list_shown(
    session: Session, principal: Principal, file: File, *, page: int = 1, size: int = 20
) -> tuple[list[Shown], int]:
    """Those of the principal in a dataset, newest first, without their calls; and how many there are."""
    found, total = row_repository.list_generations(
        session, file.id, principal.user_id, offset=(page - 1) * size, limit=size
    )
    tallies = row_repository.count_calls(session, [one.id for one in found])
    return [Shown(one, tallies.get(one.id, Tally())) for one in found], total
