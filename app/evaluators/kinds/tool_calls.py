"""Tool calls."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.evaluators.kinds.comparing import NO_TARGET, TargetOptions, TargetUnclear, usual_field
from app.evaluators.kinds.contract import Execution, Kind, Row, Traits, Verdict, no_output, storable
from app.evaluators.kinds.json_output import NoJson, read_json

_LENIENT = re.compile(r"[ ,./\-_*^]")
_MOST_CALLS = 100


class ToolCallsOptions(TargetOptions):
    order: Literal["any", "same"] = "any"
    """Calls may come in any order, or must come in the target's."""
    more: bool = False
    """Further calls, beyond those that are wanted, do no harm."""
    lenient_texts: bool = True
    """In texts, capital letters, blanks and the signs , . / - _ * ^ do not count, as in the Berkeley leaderboard."""
    read: Literal["message", "output"] = "message"
    """Where the calls stand: in the message, as providers give them, or as JSON in the text of the output."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it was made; `arguments` is None where they are no JSON object."""

    name: str
    arguments: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Expected:
    """A call that is wanted: for each argument the values of which any will do.

    Unless it is `exact`, an empty text among them says that the argument may be left out, and objects in them list
    what will do for each of their members, too.
    """

    name: str
    arguments: dict[str, list[Any]]
    exact: bool


class ToolCalls(Kind[ToolCallsOptions]):
    """Did the model call the tools that it should, with the right arguments?

    The target is a list of calls. As in the Berkeley Function-Calling Leaderboard, `{"tool": {"argument": [values]}}`
    lists the values of which any will do, and an empty text among them lets the argument be left out; or each is a
    call as providers write it, with `name` and `arguments`, whose values alone will do. An empty list says that
    no tool may be called. Numbers are compared by value, and an argument that the target does not name is wrong.
    """

    name = "tool_calls"
    title = "Tool calls"
    purpose = "Extraction and tools"
    keywords = "function calling agent"
    returns = Traits("boolean", needs_target=True)
    Options = ToolCallsOptions

    def judge(
        self,
        options: ToolCallsOptions,
        execution: Execution,
        row: Row,
        answers: Sequence[str | None] = (),  # noqa: ARG002 - no model is asked
    ) -> Verdict:
        missing = _nothing_said(options, execution)
        if missing is not None:
            return missing
        try:
            wanted = _wanted(options, row)
            made = _made(options, execution)
        except TargetUnclear as unclear:
            return Verdict(None, error=storable(str(unclear)))
        except _Unreadable as problem:
            said = storable(str(problem), 500)
            return Verdict(False, rationale=said) if problem.of_output else Verdict(None, error=said)
        if wanted is None:
            return NO_TARGET
        return _compared(options, made, wanted)


class _Unreadable(Exception):
    """Calls that cannot be read: an output's are wrong, a target's are an error."""

    def __init__(self, text: str, *, of_output: bool = False) -> None:
        super().__init__(text)
        self.of_output = of_output


def _nothing_said(options: ToolCallsOptions, execution: Execution) -> Verdict | None:
    """An answer that only calls tools has no text, and is an answer."""
    if options.read == "message" and execution.error is None and _of_message(execution):
        return None
    return no_output(execution)


def _of_message(execution: Execution) -> list[Any]:
    calls = (execution.output_message or {}).get("tool_calls")
    return calls if isinstance(calls, list) else []


def _made(options: ToolCallsOptions, execution: Execution) -> list[Call]:
    """The calls that were made."""
    if options.read == "message":
        return [_call(one) for one in _of_message(execution)]
    try:
        value = read_json(execution.output or "", in_fence=True)
    except NoJson as error:
        raise _Unreadable(str(error), of_output=True) from None
    calls = value if isinstance(value, list) else [value]
    return [_call(one) for one in calls]


def _call(value: object) -> Call:
    """A call as OpenAI writes it, with or without the object `function` around it."""
    inner = value.get("function", value) if isinstance(value, dict) else None
    if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
        return Call("", None)
    return Call(inner["name"], _arguments(inner.get("arguments")))


def _arguments(value: object) -> dict[str, Any] | None:
    if value is None or value == "":
        return {}
    if isinstance(value, str):
        try:
            value = read_json(value, in_fence=False)
        except NoJson:
            return None
    return value if isinstance(value, dict) else None


def _wanted(options: ToolCallsOptions, row: Row) -> list[Expected] | None:
    """The calls that are wanted, none for an empty list; None where the row says nothing."""
    if not row.target:
        return None
    value = row.target.get(options.target_field or usual_field(row.target))
    if isinstance(value, str):  # CSV knows nothing else
        try:
            value = read_json(value, in_fence=False)
        except NoJson as error:
            raise _Unreadable(f"The target is no list of calls: {error}") from None
    if value is None:
        return None
    return [_expected(one) for one in (value if isinstance(value, list) else [value])]


def _expected(value: object) -> Expected:
    call = _call(value)
    if call.name and call.arguments is not None:
        return Expected(call.name, {name: [one] for name, one in call.arguments.items()}, exact=True)
    if isinstance(value, dict) and len(value) == 1:
        ((name, arguments),) = value.items()
        if isinstance(arguments, dict):
            listed = {key: one if isinstance(one, list) else [one] for key, one in arguments.items()}
            return Expected(name, listed, exact=False)
    raise _Unreadable(f"The target holds what is no call: {value}")


def _compared(options: ToolCallsOptions, made: list[Call], wanted: list[Expected]) -> Verdict:
    if max(len(made), len(wanted)) > _MOST_CALLS:
        return Verdict(
            None, error=f"too many calls to compare: {max(len(made), len(wanted))}, at most {_MOST_CALLS} are"
        )
    if not wanted and not made:
        return Verdict(True, rationale="no call was wanted, and none was made")
    if not made:
        return Verdict(False, rationale=_named("no call was made, wanted", wanted))
    if not wanted and not options.more:
        return Verdict(False, rationale=_named("no call was wanted, made", made))
    if len(made) < len(wanted) or (len(made) > len(wanted) and not options.more):
        return Verdict(False, rationale=f"{len(made)} calls were made, {len(wanted)} wanted")
    problems = [[_problem(options, call, one) for one in wanted] for call in made]
    match = _in_order(problems) if options.order == "same" else _in_any_order(problems, len(wanted))
    return Verdict(match, rationale=None if match else storable(_nearest(problems), 500))


def _named(said: str, calls: Sequence[Call | Expected]) -> str:
    return storable(f"{said}: {', '.join(one.name or 'what is no call' for one in calls)}", 500)


def _in_order(problems: list[list[str | None]]) -> bool:
    """Whether the wanted calls are met one after the other, by calls in the same order."""
    met = 0
    for row in problems:
        if met < len(row) and row[met] is None:
            met += 1
    return not problems or met == len(problems[0])


def _in_any_order(problems: list[list[str | None]], wanted: int) -> bool:
    """Whether each wanted call has a call of its own: by augmenting paths, for one call may meet several."""
    taken: dict[int, int] = {}

    def give(one: int, seen: set[int]) -> bool:
        for call, row in enumerate(problems):
            if row[one] is None and call not in seen:
                seen.add(call)
                if call not in taken or give(taken[call], seen):
                    taken[call] = one
                    return True
        return False

    return all(give(one, set()) for one in range(wanted))


def _nearest(problems: list[list[str | None]]) -> str:
    """What keeps a call from being a wanted one: of the calls that none is, the best said."""
    said = [sorted(filter(None, row), key=lambda text: text.startswith("the tool")) for row in problems]
    lone = [texts[0] for row, texts in zip(problems, said, strict=True) if texts and None not in row]
    return "; ".join(dict.fromkeys(lone[:3])) or "the calls are not the wanted ones, one for one and in order"


def _problem(options: ToolCallsOptions, call: Call, expected: Expected) -> str | None:
    """Why a call is not the expected one; None where it is."""
    if call.name != expected.name:
        return f"the tool {call.name or 'of a call that cannot be read'} is not {expected.name}"
    if call.arguments is None:
        return f"{call.name}: the arguments are no JSON object"
    for name, value in call.arguments.items():
        if name not in expected.arguments:
            return f"{call.name}: there is an argument {name}"
        if not any(_same(options, value, one, exact=expected.exact) for one in expected.arguments[name]):
            return f"{call.name}: {name} is {value!r}"
    left = [
        name
        for name, accepted in expected.arguments.items()
        if name not in call.arguments and (expected.exact or "" not in accepted)
    ]
    return f"{call.name}: no {', '.join(left)}" if left else None


def _same(options: ToolCallsOptions, found: object, wanted: object, *, exact: bool) -> bool:
    """Equality of JSON values. Unless `exact`, members of an object that is wanted list what will do, as arguments do."""
    if isinstance(found, str) and isinstance(wanted, str):
        return _text(options, found) == _text(options, wanted)
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    if isinstance(found, list) and isinstance(wanted, list):
        pairs = zip(found, wanted, strict=False)
        return len(found) == len(wanted) and all(_same(options, *pair, exact=exact) for pair in pairs)
    if isinstance(found, dict) and isinstance(wanted, dict):
        return _same_object(options, found, wanted, exact=exact)
    return found == wanted


def _same_object(
    options: ToolCallsOptions, found: dict[str, Any], wanted: dict[str, Any], *, exact: bool
) -> bool:
    for name, value in found.items():
        if name not in wanted:
            return False
        listed = wanted[name] if isinstance(wanted[name], list) and not exact else []
        if not any(_same(options, value, one, exact=exact) for one in (wanted[name], *listed)):
            return False
    left = [one for name, one in wanted.items() if name not in found]
    return all(isinstance(one, list) and "" in one and not exact for one in left)


def _text(options: ToolCallsOptions, text: str) -> str:
    return _LENIENT.sub("", text).lower().replace("'", '"') if options.lenient_texts else text
