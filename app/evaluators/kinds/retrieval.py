"""Retrieval: how good the passages are that were found, and their order."""

# ruff: noqa: ARG002 - a kind need not look at all that it is given

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, field_validator

from app.evaluators.kinds.comparing import (
    TargetOptions,
    TargetUnclear,
    composed,
    listed,
    text_of,
    usual_field,
)
from app.evaluators.kinds.contract import Execution, Kind, Row, Traits, Verdict, no_output, storable
from app.evaluators.kinds.json_output import ABSENT, NoJson, reach, read_json, without_fence
from app.evaluators.kinds.places import checked_place

Measure = Literal["recall", "precision", "hit", "mrr", "ndcg", "map"]

_PLACES = (
    "log.output",
    "log.inputs",
    "log.metadata",
    "testcase.inputs",
    "testcase.context",
    "testcase.metadata",
    "testcase.target",
)
_ID_NAMES = ("id", "doc_id", "passage_id", "title")

NO_RELEVANT = Verdict(None, rationale="no relevant passage")


class RetrievalOptions(TargetOptions):
    measure: Measure = "recall"
    """What is measured: the share of the relevant passages found (recall), the share of the found that are relevant (precision), whether any is (hit), 1 by the place of the first (mrr), or the order of all of them (ndcg, map)."""
    k: int | None = Field(None, ge=1, le=10_000, json_schema_extra={"initial": 10})
    """How many of the found passages count, from the top. Empty: all."""
    retrieved: str = "log.output"
    """Where the found passages are, best first: `log.output` for JSON that the version answers with, `log.output.passages` for a field of it, `log.metadata.retrieved` for what your program notes beside it, or a place of the row, such as `testcase.inputs.passages`, `testcase.context` or `testcase.metadata.retrieved`."""
    relevant: str | None = None
    """Where the ids of the relevant passages are, such as `testcase.metadata.gold_ids`. Empty: the target."""
    id_field: str | None = None
    """If passages are objects: the field that tells them apart. Empty: `id`, `doc_id`, `passage_id` or `title`."""

    @field_validator("retrieved", "relevant")
    @classmethod
    def _a_place(cls, value: str | None) -> str | None:
        return checked_place(value, _PLACES)


class Retrieval(Kind[RetrievalOptions]):
    """Were the relevant passages found, and near the top?

    Compares ids. Recall, precision, hit, reciprocal rank, nDCG and average precision as trec_eval counts them, each
    up to place k: precision divides by k even where fewer were found, and average precision by the number of
    relevant passages. The target lists the relevant ids; for nDCG it may be an object that gives each id its grade.
    An id that comes twice counts once, where it comes first. A row without a relevant passage has no score.
    """

    name = "retrieval"
    title = "Retrieval"
    purpose = "Retrieval"
    keywords = "RAG search nDCG MRR MAP hit rate"
    returns = Traits("number", needs_target=True)
    Options = RetrievalOptions

    def traits(self, options: RetrievalOptions) -> Traits:
        return Traits(
            "boolean" if options.measure == "hit" else "number", needs_target=options.relevant is None
        )

    def judge(
        self, options: RetrievalOptions, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Verdict:
        from_output = any(
            (place or "").startswith("log.output") for place in (options.retrieved, options.relevant)
        )
        missing = no_output(execution) if from_output else None
        if missing is not None:
            return missing
        try:
            grades = _grades(options, execution, row)
            if grades is None:
                return Verdict(None, rationale="no target")
            if not grades:
                return NO_RELEVANT
            found, why = _found(options, execution, row)
        except (TargetUnclear, _NoIds) as problem:
            return Verdict(None, error=storable(str(problem), 300))
        ranked = list(dict.fromkeys(found))[: options.k]
        gains = [grades.get(one, 0.0) for one in ranked]
        score = _score(options.measure, gains, sorted(grades.values(), reverse=True), options.k)
        said = why or f"{sum(gain > 0 for gain in gains)} of {len(grades)} relevant among {len(ranked)}"
        return Verdict(score > 0 if options.measure == "hit" else score, rationale=said)


class _NoIds(Exception):
    """What stands at a place is no list of passages."""


def _value(place: str, execution: Execution, row: Row) -> Any:
    """What stands at a place. NoJson for an output that should be JSON and is none."""
    if place == "log.output" or place.startswith(("log.output.", "log.output[")):
        output = execution.output or ""
        value, path = read_json(output, in_fence=True), place.removeprefix("log.output")
        if not path and isinstance(value, int | float):
            value = without_fence(output)  # as it is spelled
    else:
        row_members = {
            "inputs": row.inputs,
            "context": row.context,
            "metadata": row.metadata,
            "target": row.target,
        }
        log_members = {"inputs": execution.inputs, "metadata": execution.about.get("metadata")}
        value, path = {"testcase": row_members, "log": log_members}, place
    return reach(value, path)


def _found(options: RetrievalOptions, execution: Execution, row: Row) -> tuple[list[str], str | None]:
    """The ids that were found, and why there are none where an output cannot be read: then nothing was found."""
    try:
        value = _value(options.retrieved, execution, row)
    except NoJson as problem:
        return [], storable(str(problem), 300)
    if value is ABSENT or value is None:
        if not options.retrieved.startswith("log.output"):
            whose = "log" if options.retrieved.startswith("log.") else "row"
            raise _NoIds(f"The {whose} has nothing at {options.retrieved}")
        return [], f"nothing at {options.retrieved}"
    return _ids(options, value), None


def _ids(options: RetrievalOptions, value: Any) -> list[str]:
    """The ids of a list of passages, in its order."""
    value = _of_a_table(value)
    return [_id(options, one) for one in (value if isinstance(value, list | tuple) else [value])]


def _of_a_table(value: Any) -> Any:
    """What a text holds as JSON, because CSV knows nothing but texts. A text that could be a number is the id itself: 3.10 is not 3.1."""
    if not isinstance(value, str):
        return value
    try:
        read = read_json(value, in_fence=False)
    except NoJson:
        return value
    return read if isinstance(read, str | list | dict) else value


def _spelled(value: Any) -> str:
    """One spelling for ids that are the same: whole numbers that a table made into 7.0 are 7."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return composed(text_of(value)).strip()


def _id(options: RetrievalOptions, passage: Any) -> str:
    if not isinstance(passage, Mapping):
        return _spelled(passage)
    names = (options.id_field,) if options.id_field else _ID_NAMES
    value = next((passage[name] for name in names if passage.get(name) is not None), None)
    if value is None:
        raise _NoIds(f"A passage has no {' or '.join(names)}: name the field that tells passages apart")
    return _spelled(value)


def _grades(options: RetrievalOptions, execution: Execution, row: Row) -> dict[str, float] | None:
    """The relevant ids, each with its grade; None where the row says nothing, empty where it says that there is none."""
    if options.relevant is not None:
        try:
            value = _value(options.relevant, execution, row)
        except NoJson as problem:
            raise _NoIds(f"The relevant passages cannot be read: {problem}") from None
    elif not row.target:
        return None
    else:
        value = row.target.get(options.target_field or usual_field(row.target), ABSENT)
    if value is ABSENT or value is None:
        return None
    value = _of_a_table(value)
    if isinstance(value, Mapping) and all(_is_grade(grade) for grade in value.values()):
        return {_spelled(str(name)): float(grade) for name, grade in value.items() if grade > 0}
    passages = value if isinstance(value, str) else listed(value)
    return dict.fromkeys((one for one in _ids(options, passages) if one), 1.0)


def _is_grade(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _score(measure: Measure, gains: list[float], ideal: list[float], k: int | None) -> float:
    """A measure of ranked gains: `ideal` are the grades of all relevant passages, the highest first."""
    right = [place for place, gain in enumerate(gains, start=1) if gain > 0]
    match measure:
        case "recall" | "hit":
            return len(right) / len(ideal)
        case "precision":
            places = k or len(gains)
            return len(right) / places if places else 0.0
        case "mrr":
            return 1 / right[0] if right else 0.0
        case "map":
            return sum(number / place for number, place in enumerate(right, start=1)) / len(ideal)
        case "ndcg":
            return _dcg(gains) / _dcg(ideal[:k])


def _dcg(gains: list[float]) -> float:
    """With linear gains, as trec_eval has it (Järvelin & Kekäläinen 2002)."""
    return sum(gain / math.log2(place + 1) for place, gain in enumerate(gains, start=1))
