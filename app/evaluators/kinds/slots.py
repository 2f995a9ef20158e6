"""Slots: precision, recall and F1 of what was extracted."""

# ruff: noqa: ARG002 - a kind need not look at all that it is given

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.evaluators.kinds.comparing import TargetKind, TargetOptions, listed
from app.evaluators.kinds.contract import CorpusMetric, Row, Traits, Verdict, storable
from app.evaluators.kinds.json_output import NoJson, read_json

Slot = tuple[str, str]
"""A path, such as `order.items[].name`, and the value there in one spelling."""

_SHOWN = 5


class SlotsOptions(TargetOptions):
    target_field: str | None = None
    """Which field of the target holds the object. Empty: its only field if that is an object, else the whole target."""
    ignore_case: bool = True
    """Treat capital and small letters as the same."""
    ignore_punctuation: bool = True
    """Do not compare full stops, commas and quotes at the ends of a value."""
    in_fence: bool = True
    """Accept JSON inside a Markdown fence (```json)."""


class Slots(TargetKind[SlotsOptions]):
    """How many of the target's fields did the output extract, and nothing else, from 0 to 1?

    Both are JSON objects; every value in them is a slot, known by its path. The score of a row is F1, the harmonic
    mean of the share of the output's slots that are right (precision) and of the target's that were found (recall);
    over all rows, slots are added up first (micro). The order of a list does not matter, numbers are compared by
    value, 2 is "2", and null and empty texts are no slots. Two objects without slots agree: 1. An output that is not
    a JSON object found nothing.
    """

    name = "slots"
    title = "Slot F1"
    purpose = "Extraction and tools"
    returns = Traits("number", needs_target=True)
    Options = SlotsOptions

    def accepted(self, options: SlotsOptions, row: Row) -> list[Any]:
        """The object that is named, or else the only field if it is an object, or else the whole target."""
        target = row.target or {}
        if options.target_field is not None:
            return listed(target.get(options.target_field))
        value = next(iter(target.values())) if len(target) == 1 else None
        if _object(value) is not None:
            return [value]
        nothing = not target or (len(target) == 1 and value in (None, []))
        return [] if nothing else [dict(target)]

    def compare(self, options: SlotsOptions, output: str, accepted: list[Any]) -> Verdict:
        wanted_object = _object(accepted[0]) if len(accepted) == 1 else None
        if wanted_object is None:
            many = f": it is a list of {len(accepted):,}" if len(accepted) > 1 else ""
            return Verdict(None, error=f"The target is no JSON object{many}")
        wanted = Counter(_slots(wanted_object, options))
        why = None
        try:
            value = read_json(output, options.in_fence)
        except NoJson as error:
            value, why = {}, str(error)
        if not isinstance(value, dict):
            value, why = {}, "JSON, but no object"
        found = Counter(_slots(value, options))
        right = (found & wanted).total()
        counts = {"right": right, "found": found.total(), "wanted": wanted.total()}
        both = counts["found"] + counts["wanted"]
        score = 2 * right / both if both else float(why is None)
        return Verdict(score, rationale=why or _difference(found, wanted), detail=counts)

    def summarise(
        self, options: SlotsOptions, verdicts: Sequence[Verdict]
    ) -> Mapping[str, CorpusMetric] | None:
        """Micro precision, recall and F1 over the slots of all rows; one whose denominator is 0 is left out."""
        from app.statistics.classification import micro_shares  # noqa: PLC0415 - numpy is slow to import

        details = [verdict.detail or {} for verdict in verdicts]
        columns = [[detail[name] for detail in details] for name in ("right", "found", "wanted")]
        return {
            one.name: CorpusMetric(f"{one.title} of slots", one.value, "higher", None, one.statistic)
            for one in micro_shares(*columns)
        } or None


def _object(value: object) -> dict[str, Any] | None:
    """The object that a target holds; as a text, too, because CSV knows nothing else."""
    if isinstance(value, str):
        try:
            value = read_json(value, in_fence=False)
        except NoJson:
            return None
    return value if isinstance(value, dict) else None


def _slots(whole: object, options: SlotsOptions) -> Iterator[Slot]:
    """Every value with its path; the items of a list share one path, so that their order does not matter.

    Not by recursion: an output may be nested deeper than Python may call.
    """
    left = [("", whole)]
    while left:
        path, value = left.pop()
        if isinstance(value, dict):
            left += [(f"{path}.{name}" if path else str(name), inner) for name, inner in value.items()]
        elif isinstance(value, list):
            left += [(f"{path}[]", inner) for inner in value]
        elif text := _spelled(value, options):
            yield path, text


def _spelled(value: object, options: SlotsOptions) -> str:
    """One spelling for values that are the same; nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = " ".join(str(value).split())
    if options.ignore_punctuation:
        text = text.strip(" .,;:!?\"'“”‘’")
    return text.casefold() if options.ignore_case else text


def _difference(found: Counter[Slot], wanted: Counter[Slot]) -> str | None:
    """What is missing and what is too much, some of it."""
    said = []
    for word, slots in (("missing", wanted - found), ("wrong", found - wanted)):
        if slots:
            listed = ", ".join(f"{path} “{text[:80]}”" for path, text in list(slots)[:_SHOWN])
            said.append(f"{word}: {listed}{' …' if len(slots) > _SHOWN else ''}")
    return storable("; ".join(said), 1_000) if said else None
