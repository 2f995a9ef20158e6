"""The shape of an evaluator kind: what it is given, what it answers, and what it says of itself.

A kind is a file here: a model of its options with a docstring under each field (the form), and a subclass of Kind whose
docstring is the help. It is pure and never calls a model: it says which calls it needs, and is given their answers.
"""

# ruff: noqa: ARG002 - a kind need not look at all that it is given

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, Literal, TypeVar

from pydantic import ConfigDict, ValidationError

from app.core.bodies import Body
from app.core.errors import Invalid
from app.statistics.bootstrap import Statistic

ReturnType = Literal["boolean", "number", "select", "multi_select", "text"]
Wanted = Literal["higher", "lower"]
JudgedBy = Literal["server", "people", "program"]
"""Who gives the verdicts: our workers, people, or a program elsewhere that sends them."""
Value = bool | float | str | list[str] | None

Purpose = Literal[
    "Comparison with a target", "Text overlap", "Extraction and tools", "Format", "Retrieval", "Safety", "Judges",
    "Several together", "Your own code", "People", "Operations",
]  # fmt: skip
"""What a kind is for, in the order in which people are shown them."""

_TEXT_CHARS = 10_000
_MOST_SAID, _MOST_FIELDS = 500, 20
"""Characters of what is said of a wrong setting, which may quote it, and how many are said."""
LARGEST = 1e15
"""No score is larger: sums and squares of scores must be finite."""


@dataclass(frozen=True, slots=True)
class Execution:
    """What a version did with one row."""

    output: str | None
    error: str | None
    latency_ms: float | None
    cost_usd: float | None
    prompt_tokens: int | None
    output_tokens: int | None
    inputs: Mapping[str, Any]
    messages: Sequence[Mapping[str, Any]]
    output_message: Mapping[str, Any] | None
    finish_reason: str | None = None
    """Why the model stopped, in the provider's word: `stop`, `length`, `tool_calls`, `content_filter` …"""
    about: Mapping[str, Any] = field(default_factory=dict)
    """What else is known of its log, by the API's names, for users' own programs: JSON, moments in ISO 8601."""
    children: Sequence[Mapping[str, Any]] = ()
    """The first of the logs nested under its log, as trees of the API's logs."""
    file: Mapping[str, Any] | None = None
    """The file that made it at its version, as the API shows it, but without people."""


@dataclass(frozen=True, slots=True)
class Row:
    """The datapoint that the version was given."""

    inputs: Mapping[str, Any]
    messages: Sequence[Mapping[str, Any]]
    target: Mapping[str, Any] | None
    context: Sequence[str] | None
    metadata: Mapping[str, Any] | None
    id: str | None = None
    """None: it is a row of no dataset."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an evaluator says of one execution.

    `value` is None where there is none: with `error` it failed, without one it does not apply and `rationale` says
    why ("no target"). `detail` is JSON that a summary over all rows needs.
    """

    value: Value
    rationale: str | None = None
    error: str | None = None
    detail: Mapping[str, Any] | None = None
    prints: str | None = None
    """What a program of the user's printed meanwhile."""
    engine: str | None = None
    """Name and version of what ran a program of the user's: another one may judge otherwise."""
    late: bool | None = False  # whether a program's time was over; None: it was not run


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model, and the provider to find it at; None is the workspace's own choice."""

    model: str
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class ModelCall:
    """A call that a kind needs an answer to; of an evaluator that is made of several, the `part` asks."""

    messages: list[dict[str, Any]]
    response_format: dict[str, Any] | None
    model: str
    provider: str | None
    parameters: dict[str, Any] = field(default_factory=dict)
    part: str | None = None
    whole: frozenset[str] = frozenset()
    """Replies in small letters that are whole even where the model stopped at its largest number of tokens."""

    @property
    def asks(self) -> ModelRef:
        """The model that is called."""
        return ModelRef(self.model, self.provider)


@dataclass(frozen=True, slots=True)
class EmbeddingCall:
    """Texts whose vectors a kind needs, or its `part` that asks; the answer is a JSON list of them, in the order of the texts."""

    texts: list[str]
    model: str
    provider: str | None
    part: str | None = None

    @property
    def asks(self) -> ModelRef:
        """The model that is called."""
        return ModelRef(self.model, self.provider)


@dataclass(frozen=True, slots=True)
class WebhookCall:
    """A question to a service of the user's; the answer is the body of its reply."""

    url: str
    event: str
    """What the service is asked for, by name."""
    data: Mapping[str, Any]
    timeout_s: float
    """How long one try may take."""
    part: str | None = None  # as of a `ModelCall`


Call = ModelCall | EmbeddingCall | WebhookCall


@dataclass(frozen=True, slots=True)
class Traits:
    """What an evaluator answers with, under its options."""

    return_type: ReturnType
    wanted: Wanted = "higher"
    unit: str | None = None
    """Of a number: `points` on a scale of its own, whose ends are its `scale` where it has two, `s`, `usd`, or None for a share from 0 to 1."""
    needs_target: bool = False
    asks: tuple[ModelRef, ...] = ()
    """The models that are asked, each once; `calls` names no other."""
    calls: int = 1
    """How many calls of each of them a row takes, at most."""
    good: tuple[str, ...] = ()
    """Of choices, those that count as 1; all others are 0 then. None are named: see `bad`."""
    bad: tuple[str, ...] = ()
    """Of choices, those that count as 0 where none is called good; all others are 1 then."""
    files: tuple[str, ...] = ()
    """Hashes of the files that it holds (`evaluators.databases`), to be given to it before it judges."""
    program_s: float = 0.0
    """How long people's programs in it may take for a row, one after the other."""
    scale: tuple[float, float] | None = None
    neutral: bool = False
    """Whether neither a higher nor a lower number is better: it is only told which one it is."""

    @property
    def is_share(self) -> bool:
        """Whether scores lie between 0 and 1 and are read as percentages."""
        if self.return_type == "select":
            return bool(self.good or self.bad)
        return self.return_type == "boolean" or (self.return_type == "number" and self.unit is None)

    def score_of(self, choice: str) -> float | None:
        """What a choice counts as; None where no choice is called good or bad."""
        if self.good:
            return float(choice in self.good)
        return float(choice not in self.bad) if self.bad else None


@dataclass(frozen=True, slots=True)
class CorpusMetric:
    """A score of all rows together, which is no mean of theirs.

    `statistic` gives it for a resample of the verdicts, in the order they were given: for the bootstrap, and for
    the paired one where two versions' verdicts are of the same rows. `detail` is JSON for a table beside it.
    """

    title: str
    value: float
    wanted: Wanted
    unit: str | None
    statistic: Statistic
    detail: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Beginning:
    """Settings that a new evaluator of a kind can begin with."""

    name: str
    title: str
    settings: Mapping[str, Any]


class KindOptions(Body):
    """What can be set about a kind. Docstrings under the fields are the form's help.

    An option that may be None has the default None: in a spec, null and absent are the same. One that came later is left
    out at its default (`exclude_if`), which never changes: so versions stay the same.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


OptionsT = TypeVar("OptionsT", bound=KindOptions)


class Kind(ABC, Generic[OptionsT]):
    """One way of judging. Subclasses are stateless but for files; there is one instance of each, in the registry."""

    name: ClassVar[str]
    """In specs and addresses; never changes."""
    title: ClassVar[str]
    """What people read."""
    purpose: ClassVar[Purpose]
    """Under which heading people find it."""
    keywords: ClassVar[str] = ""
    """Words that people look for it by and that neither its title nor its help has."""
    returns: ClassVar[Traits]
    """What it answers with, unless `traits` says otherwise."""
    Options: type[OptionsT]
    beginnings: ClassVar[Sequence[Beginning]] = ()
    """What its editor offers to begin with."""
    evaluator_type: ClassVar[str] = "builtin"
    """In specs: a type of its own where clients of the API know one."""
    judged_by: ClassVar[JudgedBy] = "server"
    """Who gives the verdicts. Where it is not the server, `judge` is never called."""
    waits: ClassVar[bool] = False
    """Whether `judge` takes more than a moment, whatever it is given."""
    sees_traces: ClassVar[bool] = False
    """Whether it is shown what is nested under the log."""
    asks_slowly: ClassVar[bool] = False
    """Whether `calls` does so, too."""

    @property
    def help(self) -> str:
        """What the kind's docstring says."""
        return inspect.getdoc(type(self)) or ""

    def traits(self, options: OptionsT) -> Traits:
        """What it answers with under these options."""
        return self.returns

    def write_spec(self, options: OptionsT) -> dict[str, Any]:
        """What is stored of these options, all of them written out."""
        traits = self.traits(options)
        return {
            "evaluator_type": self.evaluator_type,
            "kind": self.name,
            "settings": options.model_dump(mode="json", exclude_none=True),
            "arguments_type": "target_required" if traits.needs_target else "target_free",
            "return_type": traits.return_type,
        }

    def read_spec(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """The options that a spec comes to, not yet checked.

        Raises:
            Invalid: a member is not of the shape that it must have.
        """
        return dict(spec.get("settings") or {})

    def refuse(self, options: OptionsT) -> None:
        """Look at options that are about to be saved, where their model cannot tell by itself.

        Raises:
            Invalid: they would never judge anything.
        """

    def given(self, files: Mapping[str, bytes]) -> "Kind[OptionsT]":
        """The kind with the content of the files that its traits name, by hash."""
        return self

    def load(self, options: OptionsT) -> None:
        """Load what judging needs and takes long to load; called before the first row, beside the event loop."""

    def takes_long(self, options: OptionsT, execution: Execution) -> bool:
        """Whether `judge` takes more than a moment here, so that it must not be called where others wait for it."""
        return self.waits

    def calls(
        self, options: OptionsT, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Sequence[Call]:
        """The calls to make next, given the answers to those before; none, as for most, when `judge` needs no more.

        They are made at the same time, and `answers` grows by theirs in this order: None for a call that failed. Where
        all of them fail there is no verdict, and the kind is not asked again.
        """
        return ()

    @abstractmethod
    def judge(
        self, options: OptionsT, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Verdict:
        """The verdict on one execution. Never raises: what cannot be judged is a verdict with an error."""

    def summarise(self, options: OptionsT, verdicts: Sequence[Verdict]) -> Mapping[str, CorpusMetric] | None:
        """Scores over all rows, of verdicts that have a value; None for kinds whose score is a mean."""
        return None

    def prepare(self, options: Mapping[str, Any]) -> "BoundEvaluator":
        """The kind with its options checked once, to judge thousands of rows.

        Raises:
            Invalid: names each option that is wrong.
        """
        try:
            checked = self.Options.model_validate(options)
        except ValidationError as error:
            fields = {
                ".".join(map(str, item["loc"])): storable(
                    item["msg"].removeprefix("Value error, "), _MOST_SAID
                )
                for item in error.errors()[:_MOST_FIELDS]
            }
            listed = "; ".join(f"{name}: {text}" if name else text for name, text in fields.items())
            raise Invalid(f"{self.title}: {listed}", fields=fields) from None
        return BoundEvaluator(self, checked, self.traits(checked))


@dataclass(frozen=True, slots=True)
class BoundEvaluator:
    """A kind with its options."""

    kind: Kind[Any]
    options: KindOptions
    traits: Traits

    @property
    def asks(self) -> tuple[ModelRef, ...]:
        """The models that are asked, each once."""
        return self.traits.asks

    def given(self, files: Mapping[str, bytes]) -> "BoundEvaluator":
        """The same with the content of the files that its traits name, by hash."""
        return replace(self, kind=self.kind.given(files))

    def calls(self, execution: Execution, row: Row, answers: Sequence[str | None] = ()) -> Sequence[Call]:
        """The model calls to make next, given the answers to those before."""
        return self.kind.calls(self.options, execution, row, answers)

    def takes_long(self, execution: Execution) -> bool:
        """Whether `judge` takes more than a moment here."""
        return self.kind.takes_long(self.options, execution)

    def load(self) -> None:
        """Load what judging needs, which may take seconds."""
        self.kind.load(self.options)

    def judge(self, execution: Execution, row: Row, answers: Sequence[str | None] = ()) -> Verdict:
        """The verdict; a number that is none (NaN, infinite) becomes an error."""
        verdict = self.kind.judge(self.options, execution, row, answers)
        if isinstance(verdict.value, float) and not abs(verdict.value) <= LARGEST:
            what = "too large" if math.isfinite(verdict.value) else "not a finite number"
            return Verdict(None, error=f"The score is {what}: {verdict.value}")
        return verdict

    def summarise(self, verdicts: Sequence[Verdict]) -> Mapping[str, CorpusMetric] | None:
        """Scores over all rows, of verdicts that have a value."""
        return self.kind.summarise(self.options, verdicts)


def no_output(execution: Execution) -> Verdict | None:
    """The verdict on an execution without an output, None when it has one."""
    if execution.error is not None:
        return Verdict(None, error=f"no output: {storable(execution.error)}")
    has_text = execution.output is not None
    return None if has_text else Verdict(None, error="no output: the model answered without a text")


def storable(text: str, limit: int = _TEXT_CHARS) -> str:
    """Text from outside as it can be stored in a verdict: cut, without NUL characters and lone surrogates."""
    cut = text if len(text) <= limit else f"{text[:limit]}…"
    return cut.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
