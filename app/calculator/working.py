"""From a name and the arguments that somebody sent to the answer, within bounds of size and time."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from pydantic import ValidationError

from app.calculator.catalogue import by_name
from app.calculator.contract import Arguments, Entry
from app.core.errors import Invalid, NotFound
from app.statistics import deadline
from app.statistics.arrays import np
from app.statistics.figures import Figure

LONGEST_S = 20.0
_MOST_COMPLAINTS = 20
_NO_NUMBER = "no number: it cannot be worked out from these values"
_NO_WIDTH = "the interval has no width: nothing varies in these rows, which says nothing of others"
_WORDS = {
    "missing": "Give it: it has no default.",
    "bool_type": "Give true or false.",
    "float_type": "Give a number.",
    "int_type": "Give a whole number.",
    "int_from_float": "Give a whole number.",
    "finite_number": "Give a finite number.",
}


def answer(name: str, sent: Mapping[str, Any], longest_s: float = LONGEST_S) -> dict[str, Any]:
    """What a statistic says of arguments: one result, or several by their names.

    Raises:
        NotFound: there is no such statistic.
        Invalid: an argument is wrong, or it would take too long; it says what to do.
    """
    entry = by_name().get(name)
    if entry is None:
        raise NotFound(f"There is no statistic “{name[:100]}”: GET /v5/statistics lists them.")
    arguments = _checked(entry, sent)
    unknown = sorted(set(sent) - set(entry.arguments.model_fields))
    warnings = tuple(f"`{one[:50]}` is no argument of {entry.name}: it was ignored" for one in unknown[:5])
    result = _worked_out(entry, arguments, longest_s)
    if isinstance(result, Figure):
        return _shown(result, warnings)
    return {key: _shown(figure, warnings) for key, figure in result.items()}


def _checked(entry: Entry[Any], sent: Mapping[str, Any]) -> Arguments:
    try:
        checked: Arguments = entry.arguments.model_validate(dict(sent))
    except ValidationError as error:
        fields: dict[str, str] = {}
        for item in error.errors(include_input=False, include_url=False)[:_MOST_COMPLAINTS]:
            where = ".".join(map(str, item["loc"]))
            fields.setdefault(where, _sentence(item["type"], item["msg"], str(item["loc"][0])))
        raise Invalid(f"{entry.name}: the arguments are wrong.", fields=fields) from None
    return checked


def _sentence(kind: str, message: str, name: str) -> str:
    if kind == "value_error":
        return f"`{name}` {message.removeprefix('Value error, ')}."
    if kind == "missing":
        return f"`{name}` is missing. {_WORDS[kind]}"
    return f"`{name}`: {_WORDS.get(kind, message)}".removesuffix(".") + "."


def _worked_out(entry: Entry[Any], arguments: Arguments, longest_s: float) -> Any:
    try:
        with deadline.within(longest_s), np.errstate(all="ignore"):
            return entry.work(arguments)
    except MemoryError:
        text = "It takes more memory than there is: send fewer values."
    except deadline.TookTooLong:
        text = f"It takes over {longest_s:g} s: send fewer values, or ask for fewer resamples."
    except (OverflowError, ZeroDivisionError, FloatingPointError, np.linalg.LinAlgError):
        text = "It cannot be worked out with numbers as large, as small or as equal as these: rescale them."
    except ValueError as error:
        text = str(error)
        text = f"{text[:1].upper()}{text[1:]}".removesuffix(".") + "."
    raise Invalid(text)


def _shown(figure: Figure, more: tuple[str, ...]) -> dict[str, Any]:
    """The members that apply. What is no number is left out, and said."""
    numbers = {name: getattr(figure, name) for name in ("estimate", "lo", "hi", "p")}
    known = {name: float(value) for name, value in numbers.items() if value is not None and isfinite(value)}
    warnings = [*figure.warnings, *more]
    if any(value is not None and name not in known for name, value in numbers.items()):
        warnings.append(_NO_NUMBER)
    if not figure.warnings and "estimate" in known and "lo" in known and known["lo"] == known.get("hi"):
        warnings.append(_NO_WIDTH)
    shown: dict[str, Any] = {**known, "n": int(figure.n), "method": figure.method}
    if figure.clusters is not None:
        shown["clusters"] = figure.clusters
    return shown | {"warnings": warnings}
