"""Jinja templates of users. The sandboxed environment of Jinja stops what reaches for the interpreter; endless loops and
texts of gigabytes are stopped by the child's limits."""

from collections.abc import Callable, Mapping
from traceback import walk_tb
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.sandbox.frames import MOST_TEXT
from app.sandbox.programs import Failure


class _Nothing(StrictUndefined):
    """A member that may be asked whether it is there, and not shown."""

    __slots__ = ()

    def __bool__(self) -> bool:  # type: ignore[override]
        return False


_environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
del _environment.globals[
    "lipsum"
]  # a name that an input may have; what it takes its words from is not loaded
_environment.tests["none"] = lambda value: value is None or isinstance(value, _Nothing)


def run(request: Mapping[str, Any]) -> list[str]:
    """Each of `templates` filled in with `inputs`; with `names`, the names instead that they take from outside. Of the
    input `nothing_in` the member `output` is not there to be shown.

    Raises:
        Failure: a template cannot be read, lacks a name, or failed; with its line.
    """
    if request.get("names"):
        found: set[str] = set()
        for template in request["templates"]:
            found |= meta.find_undeclared_variables(_read(_environment.parse, template))
        return sorted(found)
    inputs = dict(request["inputs"])
    if name := request.get("nothing_in"):
        inputs[name] = {**inputs[name], "output": _Nothing(name=f"{name}.output")}
    return [_rendered(template, inputs) for template in request["templates"]]


def _read(read: Callable[[str], Any], template: str) -> Any:
    try:
        return read(template)
    except TemplateSyntaxError as error:
        raise Failure(error.message or "The template cannot be read", error.lineno) from None
    except (RecursionError, SyntaxError):  # of the Python that it is made into
        raise Failure("The template is nested too deeply") from None


def _rendered(template: str, inputs: Mapping[str, Any]) -> str:
    compiled = _read(_environment.from_string, template)
    parts, length = [], 0
    try:
        for part in compiled.generate(inputs):
            parts.append(part)
            length += len(part)
            if length > MOST_TEXT:
                raise Failure(f"The template came to more than {MOST_TEXT:,} characters")
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise Failure(str(error), _line(error)) from None
    except RecursionError:
        raise Failure("The template is nested too deeply") from None
    return "".join(parts)


def _line(error: BaseException) -> int | None:
    """Of the template: Jinja's own traceback has it."""
    lines = [line for frame, line in walk_tb(error.__traceback__) if frame.f_code.co_filename == "<template>"]
    return lines[-1] if lines else None
