"""Class match, with confusion and macro-F1."""

# ruff: noqa: ARG002 - a kind need not look at all that it is given

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

from pydantic import model_validator

from app.evaluators.kinds.comparing import TargetKind, TargetOptions, composed, parted, stands_alone, text_of
from app.evaluators.kinds.contract import CorpusMetric, Execution, Traits, Verdict, storable
from app.evaluators.kinds.json_output import ABSENT, NoJson, reach, read_json
from app.statistics.classification import Classification, averages_statistics, classify

_AROUND = " \t\r\n\"'`“”‘’*.:;,。：；，「」『』"
_LABEL_CHARS = 200
_FEW_LABELS = 1_000
"""Looked for in some milliseconds."""
_MOST_TOLD = 20


class ClassMatchOptions(TargetOptions):
    labels: tuple[str, ...] = ()
    """The labels there are. Empty: whatever the targets say; an output that is none of them is simply wrong."""
    find: Literal["whole", "inside"] = "whole"
    """The label is the whole output, or stands somewhere inside of it (then list the labels above)."""
    path: str | None = None
    """If the output is JSON: the field that holds the label, such as `intent`."""
    ignore_case: bool = True
    """Treat capital and small letters as the same."""

    @model_validator(mode="after")
    def _labels_to_find(self) -> "ClassMatchOptions":
        if self.find == "inside" and not self.labels:
            msg = "to find a label inside the output, list the labels"
            raise ValueError(msg)
        return self


class ClassMatch(TargetKind[ClassMatchOptions]):
    """Is the label that the output chose the target's?

    Besides the share of rows that match it shows F1, precision and recall: macro, which counts rare labels as much as
    frequent ones, weighted by rows, and micro; and which labels are confused. A precision that is undefined, because
    the label was never chosen, is not counted as 0, and a label that is no row's target is no class to average over: taking one for it
    costs the row, and its recall. Quotes, full stops and blanks around a label do not count.
    """

    name = "class_match"
    title = "Class match"
    purpose = "Comparison with a target"
    keywords = "classification accuracy confusion intent"
    returns = Traits("boolean", needs_target=True)
    Options = ClassMatchOptions

    def takes_long(self, options: ClassMatchOptions, execution: Execution) -> bool:
        return len(options.labels) > _FEW_LABELS

    def compare(self, options: ClassMatchOptions, output: str, accepted: list[Any]) -> Verdict:
        targets = [text_of(one).strip() for one in accepted]
        chosen, why = _chosen(options, output)
        match = next((one for one in targets if chosen is not None and _same(one, chosen, options)), None)
        target = _spelled(match or targets[0], options)
        predicted = target if match else chosen and _spelled(chosen, options)
        return Verdict(match is not None, rationale=why, detail={"target": target, "predicted": predicted})

    def summarise(
        self, options: ClassMatchOptions, verdicts: Sequence[Verdict]
    ) -> Mapping[str, CorpusMetric] | None:
        """F1, precision and recall as macro, micro and weighted averages; None for no rows.

        What is undefined is left out. Macro-F1 has the confusion and the score of each label in its detail.
        """
        details = [verdict.detail or {} for verdict in verdicts]
        targets = [str(detail["target"]) for detail in details]
        predictions = [detail["predicted"] for detail in details]
        scores = classify(targets, predictions)
        if scores is None:
            return None
        metrics = {}
        for name, statistic in averages_statistics(targets, predictions).items():
            average, _, score = name.partition("_")
            value = getattr(getattr(scores, average), score)
            if value is not None:
                title = f"{average.capitalize()}-F1" if score == "f1" else f"{average.capitalize()} {score}"
                table = _table(scores) if name == "macro_f1" else None
                metrics[name] = CorpusMetric(title, value, "higher", None, statistic, table)
        return metrics


def _table(scores: Classification) -> dict[str, Any]:
    """The score of each label, and which were taken for which."""
    return {
        "classes": [asdict(one) for one in scores.classes],
        "confusion": [[*pair, count] for pair, count in scores.confusion.items()],
    }


def _chosen(options: ClassMatchOptions, output: str) -> tuple[str | None, str | None]:
    """The label that an output chose as the list spells it, or None and why not."""
    if options.path:
        try:
            value = reach(read_json(output, in_fence=True), options.path)
        except NoJson as error:
            return None, str(error)
        if value is ABSENT or value is None:
            return None, f"no field {options.path}"
        output = text_of(value)
    if options.find == "inside":
        return _inside(options, output)
    label = storable(output.strip(_AROUND), _LABEL_CHARS)
    if not options.labels:
        return label, None
    known = next((one for one in options.labels if _same(one, label, options)), None)
    return known, None if known else storable(f"“{label}” is none of the labels", 300)


def _inside(options: ClassMatchOptions, output: str) -> tuple[str | None, str | None]:
    """The one label that occurs; a label that is part of a longer one found does not count beside it, nor the end of “non-toxic”."""
    read = _read(output, options)
    known = {label: _read(label, options) for label in options.labels if label}
    found = {label: text for label, text in known.items() if stands_alone(text, read, but_joined=True)}
    if not found:
        return None, "no label in the output"
    longest = max(found, key=lambda label: len(found[label]))
    beside = [label for label, text in found.items() if text not in found[longest] or text == found[longest]]
    if len(beside) == 1:
        return longest, None
    told = [one for one in beside[:_MOST_TOLD] if not _is_part(found[one], found.values())]
    return None, f"several labels in the output: {', '.join(told[:5])}"


def _is_part(text: str, texts: Iterable[str]) -> bool:
    return any(text in other and text != other for other in texts)


def _read(text: str, options: ClassMatchOptions) -> str:
    text = composed(text)
    return parted(text.casefold() if options.ignore_case else text)


def _spelled(label: str, options: ClassMatchOptions) -> str:
    """One spelling for labels that count as the same: the list's, else small letters where case is ignored."""
    known = next((one for one in options.labels if _same(one, label, options)), None)
    if known is not None:
        return known
    label = storable(composed(label.strip(_AROUND)), _LABEL_CHARS)
    return label.casefold() if options.ignore_case else label


def _same(one: str, other: str, options: ClassMatchOptions) -> bool:
    one, other = composed(one.strip(_AROUND)), composed(other.strip(_AROUND))
    return one.casefold() == other.casefold() if options.ignore_case else one == other
