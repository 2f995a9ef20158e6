"""What the kinds have in common that judge an answer by the passages it was given: where these are, and what is asked.

The measures are those of RAGAS (Es et al. 2024, “RAGAs: Automated Evaluation of Retrieval Augmented Generation”), with
prompts of our own. Where a measure divides by nothing, there is no score: that is not 0.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import Field, field_validator

from app.evaluators.kinds.comparing import accepted_values, text_of
from app.evaluators.kinds.contract import (
    Execution,
    Kind,
    KindOptions,
    ModelCall,
    ModelRef,
    Row,
    Traits,
    Verdict,
    no_output,
    storable,
)
from app.evaluators.kinds.json_output import ABSENT, list_in
from app.evaluators.kinds.judge_texts import NO_INSTRUCTIONS, fenced, read_list, reply_in, whole_object
from app.evaluators.kinds.places import checked_place, question_at, shown_text, value_at
from app.evaluators.kinds.verdict_members import folded

_PLACES = (
    "testcase.context",
    "testcase.inputs",
    "testcase.metadata",
    "testcase.target",
    "log.inputs",
    "log.metadata",
)
_MOST_PASSAGES = 100
_NAMED = 5
"""How many statements a rationale names."""
NO_PASSAGES = Verdict(None, rationale="no passages")
FOUND_NONE = "no passage was found"
MALFORMED = "The judge's reply is not in the form that was asked for"


class PassageOptions(KindOptions):
    model: str = Field(min_length=1)
    """The model that judges. Better not one of the family that it judges."""
    provider: str | None = None
    """Where the model is. Empty: the workspace's only provider; with several, that of the model's maker, or the one called `openai`."""
    passages: str = "testcase.context"
    """Where the passages are: `testcase.context`, or a place of the row such as `testcase.inputs.passages`, or of its log such as `log.metadata.retrieved`. A list of texts or of objects with a `text`, as JSON too, or one text; the first 100 count."""
    question: str | None = None
    """Where the question is, such as `testcase.inputs.question`. Empty: all inputs but the passages."""
    temperature: float | None = Field(None, ge=0, le=2, json_schema_extra={"initial": 0})
    """0 makes verdicts repeatable. Empty: the provider's own default; some models refuse any other."""

    @field_validator("passages", "question")
    @classmethod
    def _a_place(cls, value: str | None) -> str | None:
        return checked_place(value, _PLACES)


class ReferenceOptions(PassageOptions):
    target_field: str | None = None
    """Which field of the target is the right answer. Empty: its only field, or else `output`, `value` or `answer`."""


OptionsT = TypeVar("OptionsT", bound=PassageOptions)


class PassageKind(Kind[OptionsT]):
    """A share, from 0 to 1, that a model finds by reading passages."""

    purpose = "Judges"

    def traits(self, options: OptionsT) -> Traits:
        return Traits(
            "number",
            needs_target=self.returns.needs_target,
            asks=(ModelRef(options.model, options.provider),),
            calls=self.returns.calls,
        )

    @abstractmethod
    def missing(self, options: OptionsT, execution: Execution, row: Row) -> Verdict | None:
        """The verdict where there is nothing to ask."""

    @abstractmethod
    def asked(
        self, options: OptionsT, execution: Execution, row: Row, answers: Sequence[str | None]
    ) -> ModelCall | None:
        """The next call, given the answers to those before; None where no more are needed."""

    @abstractmethod
    def scored(
        self, options: OptionsT, execution: Execution, row: Row, answers: Sequence[str | None]
    ) -> Verdict:
        """The verdict, given all answers."""

    def calls(
        self, options: OptionsT, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Sequence[ModelCall]:
        """One call at a time."""
        if self.missing(options, execution, row):
            return ()
        call = self.asked(options, execution, row, answers)
        return [call] if call else ()

    def judge(
        self, options: OptionsT, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Verdict:
        return self.missing(options, execution, row) or self.scored(options, execution, row, answers)


def found_none(options: PassageOptions, row: Row, execution: Execution) -> bool:
    """Whether passages were looked for and none was found: an empty list stands at their place, and not nothing."""
    found = list_in(value_at(options.passages, row, execution))
    return isinstance(found, list | tuple) and not found


def nothing_to_read(options: PassageOptions, execution: Execution, row: Row) -> Verdict | None:
    """The verdict where there is no output, or no passage."""
    return no_output(execution) or (None if passages_of(options, row, execution) else NO_PASSAGES)


def passages_of(options: PassageOptions, row: Row, execution: Execution) -> list[str]:
    """The texts of the passages, in their order; none where there are none."""
    return texts_at(options.passages, row, execution)


def texts_at(place: str, row: Row, execution: Execution) -> list[str]:
    """The texts of the passages that stand at a place."""
    found = list_in(value_at(place, row, execution))
    if found is ABSENT or found is None or found == "":
        return []
    listed = found if isinstance(found, list | tuple) else [found]
    return [text for one in listed[:_MOST_PASSAGES] if (text := shown_text(one)).strip()]


def reference_of(options: ReferenceOptions, row: Row) -> str | None:
    """The target as a text; None where there is none.

    Raises:
        TargetUnclear: it has several fields, and none is named.
    """
    accepted = [text_of(one) for one in accepted_values(row.target, options.target_field)]
    return next((text for text in accepted if text.strip()), None)


def question_of(options: PassageOptions, row: Row, execution: Execution) -> str:
    """The question, or all inputs but the passages as JSON."""
    return question_at(options.question, row, execution, but=options.passages)


def call(
    options: PassageOptions,
    task: str,
    material: Mapping[str, str | Sequence[str]],
    name: str,
    properties: Mapping[str, Any],
) -> ModelCall:
    """Ask for a list `name` of objects with these properties. `material` is what to judge, each part between tags."""
    parts = []
    for tag, value in material.items():
        if isinstance(value, str):
            parts.append(fenced(tag, value))
        else:
            parts += [fenced(f"{tag} {number}", text) for number, text in enumerate(value, 1)]
    item = whole_object(properties) if properties else {"type": "string"}
    return ModelCall(
        messages=[
            {"role": "system", "content": f"{task}\n{NO_INSTRUCTIONS}"},
            {"role": "user", "content": "\n\n".join(parts)},
        ],
        response_format=reply_in({name: {"type": "array", "items": item}}, name),
        model=options.model,
        provider=options.provider,
        parameters={} if options.temperature is None else {"temperature": options.temperature},
    )


def read_verdicts(
    reply: str | None, name: str, verdict: str, count: int | None = None
) -> list[Mapping[str, Any]] | None:
    """The objects of the list `name`, each with a boolean under `verdict`; None where the reply is another.

    With `count` there must be as many: a judge that leaves one out has judged another question.
    """
    found = read_list(reply, name)
    if found is None or (count is not None and len(found) != count):
        return None
    return found if all(_is_judged(one, verdict) for one in found) else None


def _is_judged(one: object, verdict: str) -> bool:
    """Whether an object has a boolean under that name, and under no other that ends like it."""
    if not isinstance(one, Mapping) or not isinstance(one.get(verdict), bool):
        return False
    return sum(folded(name).endswith(verdict) for name in one) == 1


def named(texts: Sequence[str], title: str) -> str | None:
    """A rationale that names what did not hold; None where all did."""
    if not texts:
        return None
    more = f" and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    return storable(f"{title}: {'; '.join(texts[:_NAMED])}{more}", 4_000)
