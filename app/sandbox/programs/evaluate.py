"""Users' own Python: the last function of a program is called with a log and, if it takes two, the test case.

The conventions are those that existing evaluators were written for.
"""

import ast
import builtins
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from types import CodeType
from typing import Any

from app.sandbox.frames import FILE, Plain, plain
from app.sandbox.programs import Failure

MOST_CODE = 64 * 1024
"""Characters of a program."""
MOST_RETURNED = 64 * 1024
"""Characters of what it returns."""
_NONE = "The program defines no function: write `def evaluate(log, testcase):` …"
_NONE_OUTSIDE = (
    "The program defines its functions within other statements: write the `def` at the beginning of a line"
)
_prepared: dict[str, Callable[..., Any]] = {}
"""In a batch a program's module is run once."""


def check(request: Mapping[str, Any]) -> str:
    """The name of the function that would be called. Parses only: nothing of the program is run."""
    return _parsed(request["code"])[1]


def signature(code: str) -> tuple[str, int, int]:
    """The name of the function that would be called, and how few and how many arguments it takes by position.

    Raises:
        Failure: the program cannot be read, or defines none.
    """
    name = _parsed(code)[1]
    for statement in reversed(ast.parse(code).body):
        if _defines(statement) != name:
            continue
        is_lambda = isinstance(statement, ast.Assign | ast.AnnAssign)
        taken: ast.arguments = statement.value.args if is_lambda else statement.args  # type: ignore[attr-defined]
        count = len(taken.posonlyargs) + len(taken.args)
        return name, count - len(taken.defaults), 2 if taken.vararg else count
    raise Failure("The program defines no function")


def run(request: Mapping[str, Any]) -> Plain:
    """What the program's function says of `arguments`, a log and a test case (or null).

    Raises:
        Failure: it raised, with the line of the program where it did.
    """
    code = request["code"]
    compiled, name = _parsed(code)
    try:
        function = _prepared.get(code)
        if function is None:
            function = _prepared[code] = _function(compiled, name)
        value = function(*_arguments(function, request["arguments"]))
    except (Failure, MemoryError):
        raise
    except BaseException as error:  # noqa: BLE001 - SystemExit too: it is the program that ends, not the child
        raise Failure(_said(error), line_of(error)) from None
    if inspect.iscoroutine(value):
        value.close()
        raise Failure(f"{name} is an async function: write `def`, not `async def`")
    try:
        return plain(value, MOST_RETURNED)
    except TypeError as error:
        raise Failure(f"{name}: {error}") from None


def _parsed(code: str) -> tuple[CodeType, str]:
    """The program compiled, and the name of its last function."""
    if len(code) > MOST_CODE:
        raise Failure(f"The program has {len(code):,} characters; {MOST_CODE:,} are the most")
    try:
        tree = ast.parse(code, FILE)
        compiled = compile(tree, FILE, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise Failure(f"{type(error).__name__}: {error.msg}", error.lineno) from None
    except (RecursionError, MemoryError):
        raise Failure("The program is nested too deeply to be read") from None
    except ValueError as error:
        raise Failure(f"The program cannot be read: {error}") from None
    names = [name for statement in tree.body if (name := _defines(statement))]
    if not names:
        raise Failure(_NONE_OUTSIDE if any(map(_defines, _within(tree))) else _NONE)
    return compiled, names[-1]


def _within(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements within `if`, `try`, `with` and loops of the module."""
    left: list[ast.AST] = list(tree.body)
    while left:
        one = left.pop()
        if isinstance(one, ast.stmt):
            yield one
        if not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.expr):
            left += ast.iter_child_nodes(one)


def _defines(statement: ast.stmt) -> str | None:
    """The name of the function that a statement of the module defines, if it does."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return statement.name
    if isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(statement.value, ast.Lambda):
        target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
        return target.id if isinstance(target, ast.Name) else None
    return None


def _function(compiled: CodeType, name: str) -> Callable[..., Any]:
    namespace: dict[str, Any] = {"__name__": "evaluator", "__builtins__": builtins}
    exec(compiled, namespace)  # noqa: S102 - this is the place for it: a child that can do nothing else
    function = namespace.get(name)
    if not callable(function):
        raise Failure(f"{name} is no function any more when the program has run")
    return function  # type: ignore[no-any-return]


def _arguments(function: Callable[..., Any], given: list[Any]) -> list[Any]:
    """As many as the function takes: the log, or the log and the test case."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return given
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return given
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = sum(p.default is p.empty for p in positional)
    if not positional or needed > len(given):
        name = getattr(function, "__name__", "The function")
        raise Failure(f"{name} takes {needed} arguments: write it with one, (log), or two, (log, testcase)")
    return given[: len(positional)]


def _said(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        extra = " and ".join(name for name in ("numpy", "rapidfuzz") if name in sys.modules)
        return (
            f"There is no module {error.name!r} here: evaluators have Python's standard library"
            f"{f', {extra}' if extra else ''}"
        )
    if isinstance(error, SystemExit):
        return "The program ended itself: return a value instead"
    try:
        text = str.__str__(str(error))
    except BaseException:  # noqa: BLE001 - the error is of the program's own making
        text = "(its text could not be read)"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def line_of(error: BaseException) -> int | None:
    """Where in the program it was raised: the last line of the program that led there. Takes next to no memory."""
    line, at = None, error.__traceback__
    while at is not None:
        if at.tb_frame.f_code.co_filename == FILE:
            line = at.tb_lineno
        at = at.tb_next
    return line
