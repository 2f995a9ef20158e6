"""Abstention."""

# ruff: noqa: ARG002 - a kind need not look at all that it is given

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydantic import Field, model_validator

from app.evaluators.kinds.comparing import NO_TARGET, TargetOptions, TargetUnclear, accepted_values, text_of
from app.evaluators.kinds.contract import (
    CorpusMetric,
    Execution,
    Kind,
    Row,
    Traits,
    Verdict,
    no_output,
    storable,
)
from app.evaluators.kinds.json_output import ABSENT, NoJson, reach, read_json
from app.evaluators.kinds.patterns import compiled, takes_long, too_long_for
from app.statistics.classification import micro_shares

DEFAULT_PHRASES = (
    "I don't know",
    "I do not know",
    "I'm not sure",
    "I am not sure",
    "cannot answer",
    "can't answer",
    "unable to answer",
    "cannot be answered",
    "cannot be determined",
    "no answer",
    "not enough information",
    "does not mention",
    "doesn't mention",
    "not mentioned",
    "does not say",
    "unanswerable",
)


class AbstentionOptions(TargetOptions):
    phrases: tuple[str, ...] = DEFAULT_PHRASES
    """An output that holds one of these texts abstains, and so does an empty one. Capital letters do not matter."""
    pattern: str | None = Field(None, max_length=5_000)
    """A regular expression in the syntax of RE2: an output that it is found in abstains, too."""
    path: str | None = None
    """If the output is JSON: the field that holds the answer. It abstains where that is missing, null or empty."""
    markers: tuple[str, ...] = ()
    """The targets that say that there is no answer, such as `unanswerable`. Empty: a row whose target is missing or empty has none."""

    @model_validator(mode="after")
    def _compiles(self) -> "AbstentionOptions":
        if self.pattern:
            _pattern(self)
        return self


class Abstention(Kind[AbstentionOptions]):
    """Does the output abstain where there is no answer, and answer where there is one?

    A row passes when both agree; whether the answer is right is for another evaluator. Over all rows: precision, how
    many abstentions were called for; recall, how many of the rows without an answer were abstained from; and F1.
    """

    name = "abstention"
    title = "Abstention"
    purpose = "Comparison with a target"
    keywords = "refusal hallucination unanswerable"
    returns = Traits("boolean")
    Options = AbstentionOptions

    def traits(self, options: AbstentionOptions) -> Traits:
        return Traits("boolean", needs_target=bool(options.markers))

    def judge(
        self, options: AbstentionOptions, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Verdict:
        missing = no_output(execution)
        if missing is not None:
            return missing
        try:
            targets = [text_of(one).strip() for one in accepted_values(row.target, options.target_field)]
        except TargetUnclear as unclear:
            return Verdict(None, error=storable(str(unclear)))
        if options.markers and not targets:
            return NO_TARGET
        markers = {marker.casefold() for marker in options.markers} or {""}
        should = all(target.casefold() in markers for target in targets)
        output = execution.output or ""
        if options.pattern and (
            problem := too_long_for(_pattern(options), output.encode("utf-8", "replace"))
        ):
            return Verdict(None, error=problem)
        did, why = _abstains(options, output)
        said = f"{'abstains' if did else 'answers'}{why}, {'no' if should else 'an'} answer is wanted"
        return Verdict(did == should, rationale=storable(said, 300), detail={"should": should, "did": did})

    def takes_long(self, options: AbstentionOptions, execution: Execution) -> bool:
        return bool(options.pattern) and takes_long(_pattern(options), execution.output or "")

    def summarise(
        self, options: AbstentionOptions, verdicts: Sequence[Verdict]
    ) -> Mapping[str, CorpusMetric] | None:
        """Precision, recall and F1 of abstaining; one whose denominator is 0 is left out."""
        details = [verdict.detail or {} for verdict in verdicts]
        did, should = ([int(detail[name]) for detail in details] for name in ("did", "should"))
        both = [one & other for one, other in zip(did, should, strict=True)]
        return {
            one.name: CorpusMetric(f"{one.title} of abstaining", one.value, "higher", None, one.statistic)
            for one in micro_shares(both, did, should)
        } or None


def _pattern(options: AbstentionOptions) -> Any:
    return compiled(options.pattern or "", ignore_case=True)


def _abstains(options: AbstentionOptions, output: str) -> tuple[bool, str]:
    """Whether an output abstains, and by what."""
    if options.path:
        try:
            value = reach(read_json(output, in_fence=True), options.path)
        except NoJson:
            value = output  # what is no JSON may still say that it does not know
        if value is ABSENT or value in (None, "", [], {}):
            return True, f" (no {options.path})"
        output = text_of(value)
    if not output.strip():
        return True, " (empty)"
    text = _plain(output)
    phrase = next((one for one, plain in _phrases(options.phrases) if plain in text), None)
    if phrase is not None:
        return True, f" (“{phrase}”)"
    if options.pattern and _pattern(options).search(output.encode("utf-8", "replace")):
        return True, " (by the pattern)"
    return False, ""


@lru_cache
def _phrases(phrases: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(phrase, _plain(phrase)) for phrase in phrases if phrase.strip()]


def _plain(text: str) -> str:
    """Without capital letters, and with one kind of apostrophe."""
    return text.replace("’", "'").casefold()
