"""The form in which a person answers: a field for each evaluator, its choices, their keys, and reading it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from app.core.errors import DomainError, Invalid
from app.core.json_values import unstorable
from app.evaluators.binding import bind
from app.evaluators.kinds.answering import AnswerOptions
from app.files.models import Version

CANNOT_TELL = "none"
"""What a form says where somebody cannot tell: it is kept as an answer that says nothing."""
NONE_OF_THEM = "neither"
"""What a form says where of several choices none applies: nothing ticked may be nothing read."""
_RESERVED = frozenset("zsjkgt")
"""Keys that do something on the page, or on every page."""
_LETTERS = "abcdefhilmnopqruvwxy"
_MOST_STEPS = 11
"""Of a scale that is shown as keys; a longer one is typed."""
LONGEST_TEXT = 20_000
Shape = Literal["choices", "several", "number", "line", "text"]


class Sent(Protocol):
    """A form, in which a name may have several values."""

    def getlist(self, key: str, /) -> Sequence[object]:
        """Every value of that name."""
        ...


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer that can be chosen."""

    value: str
    label: str
    key: str
    """The key that chooses it; empty where there is none left."""


@dataclass(frozen=True, slots=True)
class Field:
    """What one evaluator asks."""

    name: str
    version: Version
    instructions: str
    shape: Shape
    choices: Sequence[Choice]
    options: AnswerOptions
    is_pair: bool = False
    """Whether it is asked which of two outputs is the better one: answers are `a`, `b` and `tie`, by the place."""

    @property
    def title(self) -> str:
        """What is asked, in the evaluator's name."""
        return str(self.version.file.name)

    @property
    def offered(self) -> Sequence[Choice]:
        """The choices that say something of the output."""
        return [one for one in self.choices if one not in self.besides]

    @property
    def besides(self) -> Sequence[Choice]:
        """What may be said in place of a choice."""
        return [one for one in self.choices if one.value in (NONE_OF_THEM, CANNOT_TELL)]

    @property
    def wide(self) -> bool:
        """Whether the choices are too long to stand beside each other."""
        shown = [one.label for one in self.offered]
        return self.shape == "several" or len(shown) > 5 or any(len(label) > 14 for label in shown)

    @property
    def compared(self) -> bool:
        """Whether what two people say can be the same: texts never are."""
        return self.shape not in ("text", "line")


def fields_of(evaluators: Sequence[Version], *, pair: bool = False) -> list[Field]:
    """The form of a queue with these human evaluators, in their order; every key is used once. Of a `pair` it is asked which
    is better."""
    keys = _Keys()
    make = _pair_field if pair else _field
    return [make(f"answer-{number}", version, keys) for number, version in enumerate(evaluators)]


_OF_PAIRS = (
    ("a", "A is better", "1a"),
    ("b", "B is better", "2b"),
    ("tie", "A tie", "0t"),
    (CANNOT_TELL, "Cannot tell", "x"),
)


def _pair_field(name: str, version: Version, keys: "_Keys") -> "Field":
    options = _options(version)
    choices = [Choice(value, label, keys.take(*wanted)) for value, label, wanted in _OF_PAIRS]
    return Field(
        name, version, str(getattr(options, "instructions", "")), "choices", choices, options, is_pair=True
    )


class _Keys:
    """Hands out each key once."""

    def __init__(self) -> None:
        self._taken = set(_RESERVED)

    def take(self, *wanted: str) -> str:
        """The first of the keys that is free, else the next free letter, else none."""
        candidates: list[str] = [*wanted, *_LETTERS]
        for key in candidates:
            if len(key) == 1 and key not in self._taken:
                self._taken.add(key)
                return key
        return ""


def _field(name: str, version: Version, keys: _Keys) -> Field:
    options = _options(version)
    shape, labels = _shape(options)
    choices = [Choice(value, label, keys.take(*_wanted(value, label))) for value, label in labels]
    if shape == "several":
        choices.append(Choice(NONE_OF_THEM, "None of them", keys.take(*_wanted("", "none of them"))))
    if shape in ("choices", "several"):
        choices.append(Choice(CANNOT_TELL, "Cannot tell", keys.take("x")))
    return Field(name, version, str(getattr(options, "instructions", "")), shape, choices, options)


def _options(version: Version) -> AnswerOptions:
    try:
        options = bind(version.spec).options
    except DomainError as error:
        raise Invalid(f"{version.file.path} cannot be read any more: {error.message}") from error
    assert isinstance(options, AnswerOptions)  # noqa: S101 - human evaluators have them
    return options


def _wanted(value: str, label: str) -> Iterator[str]:
    """The keys that somebody would guess: the digit, or a letter of the label."""
    if len(value) == 1 and value.isdigit():
        yield value
    yield from (letter for letter in label.lower() if letter in _LETTERS)


def _shape(options: AnswerOptions) -> tuple[Shape, list[tuple[str, str]]]:
    if options.answers == "boolean":
        return "choices", [("true", "Yes"), ("false", "No")]
    if options.answers == "number":
        steps = _steps(options)
        return ("choices", [(_plain(step), _plain(step)) for step in steps]) if steps else ("number", [])
    if options.answers in ("select", "multi_select") and options.choices:
        shape: Shape = "choices" if options.answers == "select" else "several"
        return shape, [(f"c{number}", label) for number, label in enumerate(options.choices)]
    return ("text" if options.answers == "text" else "line"), []


def _steps(options: AnswerOptions) -> list[float]:
    """The numbers of a scale, where it is short."""
    if options.lowest is None or options.highest is None or not options.step:
        return []
    steps = (options.highest - options.lowest) / options.step + 1e-9
    if not 0 <= steps < _MOST_STEPS:  # nor is it infinite: limits may be as large as numbers are
        return []
    return [options.lowest + options.step * n for n in range(int(steps) + 1)]


def _plain(number: float) -> str:
    return f"{number:.10g}"


Value = bool | float | str | list[str] | None


def read_answers(fields: Sequence[Field], sent: Sent) -> dict[str, Value]:
    """The answer of each field, by its name; None where the person cannot tell.

    Raises:
        Invalid: names each field that has none, or one that its evaluator does not take.
    """
    found: dict[str, Value] = {}
    problems: dict[str, str] = {}
    for field in fields:
        try:
            found[field.name] = _read(field, [str(value) for value in sent.getlist(field.name)])
        except ValueError as error:
            problems[field.name] = str(error)
    if problems:
        raise Invalid("Nothing was kept yet: answer what is marked.", fields=problems)
    return found


def _read(field: Field, said: Sequence[str]) -> Value:
    said = [one.strip() for one in said if one.strip()]
    if not said:
        raise ValueError("Answer this, or say that you cannot tell." if field.choices else "Answer this.")
    if field.shape == "several":
        return _several(field, list(dict.fromkeys(said)))
    if said[0] == CANNOT_TELL and field.shape == "choices":
        return None
    if field.is_pair:
        if said[0] not in [one.value for one in field.offered]:
            raise ValueError("Choose one of the answers.")
        return said[0]
    value = _value(field, said)
    if problem := field.options.refusal("The answer is", value):
        raise ValueError(f"{problem}.")
    return value


def _several(field: Field, said: list[str]) -> list[str] | None:
    instead = [one.label for one in field.besides if one.value in said]
    if instead and len(said) > 1:
        raise ValueError(f"“{instead[0]}” goes with nothing else.")
    if said == [CANNOT_TELL]:
        return None
    return [] if said == [NONE_OF_THEM] else [_label(field, one) for one in said]


def _value(field: Field, said: Sequence[str]) -> Value:
    answers, text = field.options.answers, said[0]
    if answers == "boolean":
        if text not in ("true", "false"):
            raise ValueError("Choose one of the answers.")
        return text == "true"
    if answers == "number":
        try:
            return float(text.replace(",", "."))
        except ValueError:
            raise ValueError("Give a number.") from None
    if field.choices:
        return _label(field, text)
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"Keep it under {LONGEST_TEXT:,} characters.")
    if unstorable(text):
        raise ValueError("It has characters that cannot be kept.")
    return text.splitlines() if answers == "multi_select" else text


def _label(field: Field, value: str) -> str:
    for choice in field.offered:
        if choice.value == value:
            return choice.label
    raise ValueError("Choose among the answers.")


def form_of(field: Field, value: Value) -> list[str]:
    """What the field's form holds for an answer: what `read_answers` would read as it."""
    if value is None:
        return [CANNOT_TELL] if field.choices else []
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, float | int):
        return [_plain(value)]
    by_label = {choice.label: choice.value for choice in field.offered}
    labels = value if isinstance(value, list) else [value]
    if field.shape == "several" and not labels:
        return [NONE_OF_THEM]
    if field.choices:
        return labels if field.is_pair else [by_label[label] for label in labels if label in by_label]
    return ["\n".join(labels)]


def in_words(value: Value) -> str:
    """An answer as people read it."""
    if value is None:
        return "Cannot tell"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return ", ".join(value) if value else "None of them"
    return _plain(value) if isinstance(value, float | int) else value


def typed_of(draft: object) -> dict[str, list[str]]:
    """What stood in a form when its answer was taken back."""
    if not isinstance(draft, Mapping):
        return {}
    return {str(name): [str(one) for one in said] for name, said in draft.items() if isinstance(said, list)}
