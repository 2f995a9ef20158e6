"""Slots: precision, recall and F1 of what was extracted."""

# ruff: noqa: ARG002 - a kind need not look at all that it is given

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.evaluators.kinds.comparing import TargetKind, TargetOptions, composed, listed
from app.evaluators.kinds.contract import CorpusMetric, Row, Traits, Verdict, storable
from app.evaluators.kinds.json_output import ABSENT, NoJson, read_json
from app.statistics.classification import micro_shares

Slot = tuple[str, str]
"""A path, such as `order.items[0].name` or `order.tags[]`, and the value there in one spelling."""

_SHOWN = 5
_MOST_COMPARED = 300_000
"""Slots that are looked at to pair the objects of two lists: some tenth of a second."""


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
    over all rows, slots are added up first (micro). The order of a list does not matter: objects in it are paired
    with those of the target that they share most with (in their order where both lists are very long). Numbers are
    compared by value, 2 is "2", and null and empty texts are no slots. Two objects without slots agree: 1. An output that is not
    a JSON object found nothing.
    """

    name = "slots"
    title = "Slot F1"
    purpose = "Extraction and tools"
    keywords = "extraction entities NER"
    returns = Traits("number", needs_target=True)
    Options = SlotsOptions

    def load(self, options: SlotsOptions) -> None:
        """Load what pairs the objects of lists."""
        import scipy.optimize  # noqa: F401, PLC0415

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
        why = None
        try:
            value = read_json(output, options.in_fence)
        except NoJson as error:
            value, why = {}, str(error)
        if not isinstance(value, dict):
            value, why = {}, "JSON, but no object"
        found, wanted = _slots(value, wanted_object, options)
        right = (found & wanted).total()
        counts = {"right": right, "found": found.total(), "wanted": wanted.total()}
        both = counts["found"] + counts["wanted"]
        score = 2 * right / both if both else float(why is None)
        return Verdict(score, rationale=why or _difference(found, wanted), detail=counts)

    def summarise(
        self, options: SlotsOptions, verdicts: Sequence[Verdict]
    ) -> Mapping[str, CorpusMetric] | None:
        """Micro precision, recall and F1 over the slots of all rows; one whose denominator is 0 is left out."""
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


def _slots(output: object, target: object, options: SlotsOptions) -> tuple[Counter[Slot], Counter[Slot]]:
    """Every value of both with its path. Objects in lists have the same path where they are a pair; other items of a list
    share one, so that their order does not matter.

    Not by recursion: a target may be nested deeper than Python may call.
    """
    found, wanted = Counter[Slot](), Counter[Slot]()
    left = [("", output, target)]
    while left:
        path, one, other = left.pop()
        if type(one) is not type(other) and ABSENT not in (one, other):
            left += [(path, one, ABSENT), (path, ABSENT, other)]
        elif isinstance(one, dict) or isinstance(other, dict):
            left += _members(path, one, other)
        elif isinstance(one, list) or isinstance(other, list):
            left += _items(path, one, other, options)
        else:
            for slots, value in ((found, one), (wanted, other)):
                if value is not ABSENT and (text := _spelled(value, options)):
                    slots[path, text] += 1
    return found, wanted


def _members(path: str, one: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    """The members of two objects by name, with ABSENT for what only one of them has."""
    mine, others = (
        {composed(str(name)): value for name, value in each.items()} if each is not ABSENT else {}
        for each in (one, other)
    )
    for name in dict.fromkeys((*mine, *others)):
        yield f"{path}.{name}" if path else name, mine.get(name, ABSENT), others.get(name, ABSENT)


def _items(path: str, one: Any, other: Any, options: SlotsOptions) -> Iterator[tuple[str, Any, Any]]:
    """The items of two lists: objects in pairs, and all others each alone."""
    objects: dict[str, tuple[list[Any], list[Any]]] = {}
    for side, items in enumerate((one, other)):
        left = [(path, items)] if items is not ABSENT else []
        while left:
            place, inner = left.pop()
            if isinstance(inner, list):
                left += [(f"{place}[]", item) for item in reversed(inner)]
            elif isinstance(inner, dict):
                objects.setdefault(place, ([], []))[side].append(inner)
            else:
                yield (place, ABSENT, inner) if side else (place, inner, ABSENT)
    for place, (mine, others) in objects.items():
        for number, pair in enumerate(_pairs(mine, others, options)):
            yield f"{place.removesuffix('[]')}[{number}]", *pair


def _pairs(mine: list[Any], others: list[Any], options: SlotsOptions) -> Iterator[tuple[Any, Any]]:
    """For each of `others` the one of `mine` that it is paired with, then what is left of them; ABSENT for none.

    Together the pairs share as many slots as can be (the assignment problem). Where that would take long, those that
    are not equal are paired in their order.
    """
    partners: dict[int, int] = {}
    if len(mine) > 1 or len(others) > 1:
        have, want = ([frozenset(_flat(each, options)) for each in side] for side in (mine, others))
        equal: dict[frozenset[Slot], list[int]] = {}
        for number in reversed(range(len(have))):
            equal.setdefault(have[number], []).append(number)
        for number, slots in enumerate(want):
            if alike := equal.get(slots):
                partners[number] = alike.pop()
        rows = [number for number in range(len(want)) if number not in partners]
        columns = sorted(set(range(len(have))) - set(partners.values()))
        looked_at = sum(max(1, len(want[number])) for number in rows) * len(columns)
        if rows and columns and looked_at <= _MOST_COMPARED:
            partners |= _assigned(have, want, rows, columns)
    unpaired = iter(sorted(set(range(len(mine))) - set(partners.values())))
    for number, other in enumerate(others):
        partner = partners[number] if number in partners else next(unpaired, None)
        yield (ABSENT if partner is None else mine[partner]), other
    for number in unpaired:
        yield mine[number], ABSENT


def _flat(item: dict[str, Any], options: SlotsOptions) -> Iterator[Slot]:
    """The slots of an object by which it is told from others; lists in it in any order."""
    left: list[tuple[str, Any]] = [("", item)]
    while left:
        path, value = left.pop()
        if isinstance(value, dict):
            left += [(f"{path}.{name}", inner) for name, inner in value.items()]
        elif isinstance(value, list):
            left += [(f"{path}[]", inner) for inner in value]
        elif text := _spelled(value, options):
            yield composed(path), text


def _assigned(
    have: Sequence[frozenset[Slot]],
    want: Sequence[frozenset[Slot]],
    rows: Sequence[int],
    columns: Sequence[int],
) -> dict[int, int]:
    """The best partner among `columns` of `have` for each of `rows` of `want`, as far as there are so many."""
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - takes long to load

    shared = [[len(want[row] & have[column]) for column in columns] for row in rows]
    best = linear_sum_assignment(shared, maximize=True)
    return {rows[row]: columns[column] for row, column in zip(*best, strict=True)}


def _spelled(value: object, options: SlotsOptions) -> str:
    """One spelling for values that are the same; nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = " ".join(composed(str(value)).split())
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
