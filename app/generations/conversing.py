"""Going on with a conversation in which the model calls tools: what it asked for, what the tools gave, and the next request.

Nothing is kept between the rounds but their logs: the log of a round holds all that came after the template, and its metadata
say which log it goes on from, and in which round.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError
from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.errors import DomainError, Invalid, NotFound
from app.files import repository as files
from app.files.models import Version
from app.files.tool_shape import usual_type
from app.generations.draft import Draft
from app.generations.editing import EDITOR, Workbench, prepare_run
from app.generations.schemas import ToolCall
from app.generations.streaming import RunRequest
from app.generations.tool_calling import ReadyToolCall, prepare_tool_call
from app.logs import repository as logs
from app.logs.models import Log
from app.logs.records import LogRecord
from app.prompts.linked_tools import find_linked
from app.tools import repository as tools
from app.tools.http_calls import HttpRequest

Json = dict[str, Any]
CONTINUES, ROUND = "continues", "round"
"""In the metadata of a log: the log before it, and which request of the conversation it is, from 1."""
_SENT_BACK = ("content", "tool_calls", "thinking")
"""Members of an answer that go back to the model with the results."""
_RUN_HERE = ("snippet", "get_api_call")
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """A call as the editor shows it."""

    place: int
    """In its answer, from 0."""
    name: str
    arguments: str
    """Indented, where they are JSON."""
    result: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """An answer that called tools, and what they gave."""

    said: str
    calls: Sequence[Asked]


@dataclass(frozen=True, slots=True)
class Talk:
    """The conversation up to a log, as its card shows it."""

    rounds: Sequence[Round]
    """Those that are answered."""
    open: Sequence[Asked]
    """The calls that wait for their results."""
    log_id: str
    """The log that made them."""


@dataclass(frozen=True, slots=True)
class Going:
    """What a form asks to go on with."""

    side: str
    log_id: str
    name: str
    """What the side was called when it answered."""


def talk_of(log: LogRecord | Log) -> Talk:
    """What came before a log's answer, and what that asks for. Where it failed, the calls of the one before it are open still."""
    details = (log.metadata if isinstance(log, LogRecord) else log.details) or {}
    rounds = _rounds(log.messages or (), _number(details.get(ROUND)) - 1)
    if log.error and rounds:
        return Talk(rounds[:-1], rounds[-1].calls, str(details.get(CONTINUES) or ""))
    return Talk(rounds, _asked(calls_of(log.output_message)), log.id)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 1


def _rounds(messages: Sequence[Any], count: int) -> list[Round]:
    """The last `count` answers that called tools."""
    found: list[tuple[Json, dict[Any, Any]]] = []
    for each in messages:
        if each.get("role") == "assistant" and each.get("tool_calls"):
            found.append((each, {}))
        elif each.get("role") == "tool" and found:
            found[-1][1][str(each.get("tool_call_id"))] = each.get("content")  # a row may say anything there
    return [
        Round(_text(answer.get("content")), _asked(answer["tool_calls"], given))
        for answer, given in (found[-count:] if count > 0 else [])
    ]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _asked(calls: Sequence[Json], given: Mapping[Any, Any] | None = None) -> list[Asked]:
    return [
        Asked(
            place,
            _text(each["function"].get("name")),
            _pretty(_text(each["function"].get("arguments"))),
            _text((given or {}).get(each.get("id"))),
        )
        for place, each in enumerate(calls)
    ]


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return text


def _object(value: object) -> Mapping[str, Any]:
    """Who logs for themselves may say anything, also that it came from the editor."""
    return value if isinstance(value, Mapping) else {}


def calls_of(message: object) -> list[Json]:
    """The calls in an answer, each with an id of its own: results name it, and some providers give none."""
    calls = _object(message).get("tool_calls")
    found = [
        each
        for each in (calls if isinstance(calls, list) else ())
        if isinstance(each, dict) and isinstance(each.get("function"), dict)
    ]
    ids = [each.get("id") for each in found]
    clear = all(isinstance(each, str) and each for each in ids) and len(set(ids)) == len(ids)
    return [
        {
            "id": each["id"] if clear else f"call_{place}",
            "type": "function",
            "function": {
                "name": _text(each["function"].get("name")),
                "arguments": _text(each["function"].get("arguments")) or "{}",
            },
        }
        for place, each in enumerate(found)
    ]


def _find_log(session: Session, principal: Principal, bench: Workbench, log_id: str) -> Log:
    log = logs.find_log(session, principal.workspace_id, log_id)
    if log is None or log.source != EDITOR or (log.file_id or "") != (bench.file.id if bench.file else ""):
        raise NotFound("The answer that this goes on from is not there any more: run the prompt again.")
    return log


def prepare_next(
    session: Session,
    principal: Principal,
    bench: Workbench,
    draft: Draft,
    log_id: str,
    results: Mapping[int, str],
) -> RunRequest:
    """The next request of a conversation, on the inputs that it began with: all before it, the calls, and their `results` by place.

    Raises:
        NotFound: the log is not there any more, or of something else.
        Invalid: it calls no tool, or a result is missing; or as `prepare_run`.
        OverBudget: the workspace has spent its budget of this month.
    """
    log = _find_log(session, principal, bench, log_id)
    calls = calls_of(log.output_message)
    if not calls:
        raise Invalid(
            "This answer calls no tool, or it has been cleared since: there is nothing to go on with."
        )
    missing = [
        each["function"]["name"] for place, each in enumerate(calls) if not results.get(place, "").strip()
    ]
    if missing:
        raise Invalid(f"Write what {' and '.join(missing)} gave; null where that is nothing.")
    given = {
        name: _text(value) if isinstance(value, str) else json.dumps(value)
        for name, value in _object(log.inputs).items()
    }
    request = prepare_run(session, principal, bench, replace(draft, inputs={**draft.inputs, **given}))
    said = {name: value for name, value in _object(log.output_message).items() if name in _SENT_BACK}
    messages = [
        *(log.messages or ()),
        {"role": "assistant", "content": None, **said, "tool_calls": calls},
        *(
            {"role": "tool", "tool_call_id": each["id"], "content": results[place]}
            for place, each in enumerate(calls)
        ),
    ]
    number = _number(_object(log.details).get(ROUND)) + 1
    about = {**request.log, "metadata": {CONTINUES: log.id, ROUND: number}}
    return replace(request, messages=messages, datapoint_id=log.datapoint_id, log=about)


@dataclass(frozen=True, slots=True)
class Found:
    """A call whose result is asked for, and the tool that can give it."""

    asked: Asked
    ready: ReadyToolCall | None
    hint: str

    @property
    def asks_service(self) -> bool:
        """Whether the call leaves this server: what comes of it there is for a person to decide."""
        return self.ready is not None and isinstance(self.ready.prepared, HttpRequest)


def prepare_result(
    session: Session, principal: Principal, bench: Workbench, draft: Draft, log_id: str, place: int
) -> Found:
    """One call of an answer, ready to be made where a tool of the workspace can be run here; else why it has to be typed.

    Raises:
        NotFound: the log or the call is not there.
    """
    log = _find_log(session, principal, bench, log_id)
    calls = calls_of(log.output_message)
    if not 0 <= place < len(calls):
        raise NotFound("This call is not there any more: run the prompt again.")
    asked = _asked(calls)[place]
    found = _tool(session, principal.workspace_id, draft, asked.name)
    if isinstance(found, str):
        return Found(asked, None, found)
    try:
        said = {"id": found.file_id, "inputs": json.loads(asked.arguments), "source": EDITOR}
        call = ToolCall.model_validate(said | {"metadata": {"called_by": log.id}})
        ready = prepare_tool_call(session, principal, call, version_id=found.id)
    except DomainError as error:
        return Found(asked, None, f"{error.message} Type what it gives.")
    except (ValueError, ValidationError):
        return Found(asked, None, "Its arguments are no JSON object. Type what the model is to be told.")
    return Found(asked, ready, "")


def _tool(session: Session, workspace_id: str, draft: Draft, name: str) -> Version | str:
    """The tool that a model means by a name: one that the prompt links, else the only one of the workspace called so."""
    links = draft.rest.get("linked_tools")
    linked = find_linked(session, workspace_id, links if isinstance(links, list) else [])
    ids = [each.version_id for each in linked.values() if each.function and each.function.name == name]
    if not ids:
        named = tools.find_named(session, workspace_id, [name])
        if len(named) > 1:
            paths = ", ".join(file.path for file in named[:_MOST_NAMED])
            return f"Several tools are called {name} ({paths}). Link the one that is meant, or type what it gives."
        shown = files.shown_versions(session, [file.id for file in named]) if named else {}
        ids = [version.id for version in shown.values()]
    found = files.find_versions(session, workspace_id, ids)
    if not found:
        return f"No tool of the workspace is called {name}. Type what it gives."
    kind = found[0].spec.get("tool_type") or usual_type(found[0].spec)
    if kind not in _RUN_HERE:
        return f"A tool of the type {kind or 'none'} is not run here. Type what it gives."
    return found[0]
