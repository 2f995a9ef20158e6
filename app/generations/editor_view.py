"""The editor as a page: the draft as it was typed, what has just run, and what is said of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response

from app.core import templating
from app.core.access import Action, Principal
from app.core.errors import DomainError, Invalid
from app.files import repository as files_repository
from app.generations.conversing import talk_of
from app.generations.draft import FOLDED, SAMPLES, SHOWN_EXAMPLES, Draft, extra_of, folded
from app.generations.editing import NEW, Workbench, conversation_of, filled
from app.generations.examples import Repeated, find_repeated
from app.generations.keeping import Keeping
from app.generations.message_parts import IMAGE, TEXT, Part, parts_of
from app.generations.row_targets import Saved
from app.generations.weighing import weigh
from app.logs.records import LogRecord
from app.providers.client import asked_characters
from app.providers.limits import estimated_tokens

_MOST_VERSIONS = 200
"""That a pane offers."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What has just run."""

    side: str
    """By which the form names it (`panes.sides_of`)."""
    name: str
    log: LogRecord
    is_practice: bool


def card_of(log: LogRecord, *, name: str, side: str, is_practice: bool, may_edit: bool) -> dict[str, Any]:
    """What an answer's card shows: to whom may edit, also what can be made of it."""
    cost = None
    if log.prompt_cost is not None and log.output_cost is not None:
        cost = float(log.prompt_cost) + float(log.output_cost)
    raw = (log.provider_response or {}).get("body") if log.error else None
    seen = (log.provider_response or {}).get("x_practice") or {}
    return {
        "log": log,
        "name": name,
        "side": side,
        "talk": talk_of(log),
        "cost": cost,
        "raw": raw,
        "seen": seen,
        "is_practice": is_practice,
        "of_row": may_edit and log.datapoint_id is not None,
    }


def address_of(principal: Principal, bench: Workbench) -> str:
    """Where the editor shows this version and this row."""
    file_id = bench.file.id if bench.file else NEW
    query = [f"base={bench.base.number}"] if bench.base else []
    if bench.row:
        query += [f"dataset={bench.row.file.id}", f"row={bench.row.number}"]
    return f"/w/{principal.workspace_slug}/prompts/{file_id}/edit?{'&'.join(query)}"


def show_editor(
    request: Request,
    bench: Workbench,
    draft: Draft,
    *,
    keeping: Keeping | None = None,
    answers: Sequence[Answered] = (),
    error: DomainError | None = None,
    smoke: Mapping[str, Any] | None = None,
    smoke_told: str = "",
    saved: Saved | None = None,
) -> Response:
    """The editor with the draft as it was typed, and the answers of what has just run; or what the pinned rows came to, by datapoint. With an error, status and fields say what to put right."""
    headers = {}
    if (
        error and "hx-request" in request.headers
    ):  # the dialog was asked for: the answer belongs into the form
        headers = {"hx-retarget": "#editor", "hx-reselect": "#editor", "hx-reswap": "outerHTML"}
    base = bench.base.spec.get("template") if bench.base else None
    may_edit = request.state.principal.may(Action.EDIT)
    provider = next((p for p in bench.providers if p.name == draft.values.get("provider")), None)
    is_practice = provider is not None and provider.kind == "practice"
    filled(draft, bench)
    return templating.render(
        request,
        "generations/editor.html",
        status=error.status if error else 409 if keeping and keeping.lost else 200,
        headers=headers,
        bench=bench,
        draft=draft,
        keeping=keeping,
        pane_versions=_pane_versions(request, bench, draft),
        repeated={one.first: one.row for one in _repeated(request, bench, draft)},
        base_texts=base_texts(draft, base),
        cards=[
            card_of(one.log, name=one.name, side=one.side, is_practice=one.is_practice, may_edit=may_edit)
            for one in answers
        ],
        is_practice=is_practice,
        smoke=smoke or {},
        smoke_told=smoke_told,
        saved_target=saved,
        error=error,
        problems=error.fields if isinstance(error, Invalid) else {},
        extra_of=extra_of,
        parts_of=parts_of,
        image_part=lambda url: Part(IMAGE, url),
        has_parts=any(map(parts_of, draft.messages)),
        tokens_of=tokens_of,
        weights=weigh(draft, bench.providers, conversation_of(bench, draft)),
        folded=folded,
        FOLDED=FOLDED,
        SAMPLES=SAMPLES,
        shown_examples=SHOWN_EXAMPLES,
        file_id=bench.file.id if bench.file else NEW,
    )


def tokens_of(message: Mapping[str, Any]) -> int:
    """About how many tokens a message's content has."""
    return estimated_tokens(asked_characters({"messages": [message]}))


def _pane_versions(request: Request, bench: Workbench, draft: Draft) -> Sequence[int]:
    """The versions that a pane may be of, newest first. They are looked up where there is a pane."""
    if bench.file is None or not draft.panes:
        return ()
    return files_repository.list_version_numbers(request.state.session, bench.file.id, _MOST_VERSIONS)


def _repeated(request: Request, bench: Workbench, draft: Draft) -> Sequence[Repeated]:
    """The examples that are rows of the dataset which the inputs come from, too."""
    return find_repeated(request.state.session, draft, bench.row.version if bench.row else None)


def base_texts(draft: Draft, template: Any) -> dict[int, str]:
    """What each message of the draft read in the base version, by place: the one of its role and rank there."""
    if template is None:
        return {}
    messages = [{"role": "user", "content": template}] if isinstance(template, str) else template
    texts: dict[tuple[str, str], list[str]] = {}
    for message in messages:
        content = message.get("content")
        said = "\n".join(part.text for part in parts_of(message) if part.kind == TEXT)
        texts.setdefault(_rank(message), []).append(content if isinstance(content, str) else said)
    seen: dict[tuple[str, str], int] = {}
    found = {}
    for place, message in enumerate(draft.messages):
        key = _rank(message)
        rank = seen[key] = seen.get(key, -1) + 1
        found[place] = texts[key][rank] if rank < len(texts.get(key, [])) else ""
    return found


def _rank(message: dict[str, Any]) -> tuple[str, str]:
    return str(message.get("role")), str(message.get("name") or "")
