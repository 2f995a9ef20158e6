"""What the chosen rows can tell, before anything runs: calls, and the smallest difference that they find."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core import charts, formats
from app.core.charts import Axis
from app.core.typed import whole
from app.evaluations import repository
from app.evaluations.figures import headline as words
from app.evaluations.figures.scores import load_scores
from app.evaluations.new_evaluation.choosing import Offer, OfferedEvaluator
from app.files.models import File
from app.statistics.arrays import np
from app.statistics.power import DISCORDANCE, design_effect, rows_needed, smallest_detectable_difference

_ASSUMED_WITHIN = 0.1
"""How alike rows of one cluster are taken to be (intraclass correlation) where no run has shown it."""
_LEAST_DISCORDANCE = 0.05
_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 340, 40, 330, 12, 150


@dataclass(frozen=True, slots=True)
class Basis:
    """What the calculation rests on."""

    discordance: float = DISCORDANCE
    sd: float | None = None
    """Of the rows' differences, for scores that are not all or nothing."""
    effect: float = 1.0
    """By how much clusters multiply the rows needed."""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Curve:
    """The smallest difference by the number of rows, drawn; with today's choice on it."""

    path: str
    x: float
    y: float
    x_ticks: Sequence[tuple[float, str]]
    y_ticks: Sequence[tuple[float, str]]
    label: str
    width: int = _WIDTH
    left: int = _LEFT
    right: int = _RIGHT
    bottom: int = _BOTTOM


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What the choice can tell, in words."""

    outputs: int
    judgments: int
    """Calls of judges that are models."""
    found: str
    """The smallest difference found 4 times in 5; empty where nobody can say."""
    advice: str
    basis: str
    curve: Curve | None

    @property
    def calls(self) -> int:
        """Calls of models in all, at most: equal outputs are used again."""
        return self.outputs + self.judgments


def measure(session: Session, offer: Offer) -> Sensitivity:
    """What the choice costs in calls and can find."""
    repeats = whole(offer.choices.repeats) or 1
    outputs = len(offer.chosen) * offer.rows * repeats
    judgments = outputs * sum(one.info.model_calls for one in offer.judges)
    primary = offer.judges[0] if offer.judges else None
    if primary is None or not offer.rows or offer.dataset is None or offer.prompt is None:
        return Sensitivity(outputs, judgments, "", "Choose rows and an evaluator to see it.", "", None)
    basis = _basis(session, offer.prompt, offer.dataset, offer, primary)
    if not primary.info.is_share and basis.sd is None:
        said = f"How much {primary.version.file.name} varies from row to row shows after the first two runs."
        return Sensitivity(outputs, judgments, "", said, "", None)
    smallest = _smallest(offer.rows, basis)
    if smallest is None:
        said = (
            f"{offer.rows} row{'' if offer.rows == 1 else 's'} can show no difference at all: use 30 or more."
        )
        return Sensitivity(outputs, judgments, "", said, basis.source, None)
    return Sensitivity(
        outputs=outputs,
        judgments=judgments,
        found=words.size(smallest, primary.info),
        advice=_advice(offer, primary, smallest, basis),
        basis=basis.source,
        curve=_curve(offer.rows, smallest, primary, basis),
    )


def _smallest(rows: int, basis: Basis) -> float | None:
    return smallest_detectable_difference(rows, basis.discordance, sd=basis.sd, design_effect=basis.effect)


def _advice(offer: Offer, primary: OfferedEvaluator, smallest: float, basis: Basis) -> str:
    """The rows that the smallest difference that matters needs, or half of what these rows find."""
    wanted = difference_of(offer.choices.smallest, primary) or smallest / 2
    needed = rows_needed(wanted, basis.discordance, sd=basis.sd, design_effect=basis.effect)
    text = words.size(wanted, primary.info)
    if needed <= offer.rows:
        return f"For {text}, about {formats.number(needed)} rows would do."
    return f"To find {text}, use about {formats.number(needed)} rows."


def difference_of(text: str, primary: OfferedEvaluator) -> float | None:
    """A difference that somebody typed, in the score's own unit; points of a share are hundredths, 100 at most.
    None for anything else."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    if not 0 < value < float("inf") or (primary.info.is_share and value > 100):
        return None
    return value / 100 if primary.info.is_share else value


def _basis(session: Session, prompt: File, dataset: File, offer: Offer, primary: OfferedEvaluator) -> Basis:
    """How often rows differ between versions and how alike clusters are, as the prompt's last runs on the dataset show."""
    runs = repository.list_scored_runs(session, prompt.id, primary.version.id, dataset.id, 2)
    per_cluster = offer.rows / offer.clusters if offer.clusters else 1.0
    assumed = 1 + max(0.0, per_cluster - 1) * _ASSUMED_WITHIN
    clustered = f" Rows come in {offer.clusters} clusters" if offer.clusters else ""
    if len(runs) < 2:
        said = f"Assumes that {DISCORDANCE:.0%} of rows change between versions: no two runs of this prompt on these rows show it yet."
        if clustered:
            said += f"{clustered}, taken to be alike by {_ASSUMED_WITHIN:g}."
        return Basis(effect=assumed, source=said)
    table = load_scores(session, runs, [primary.version.id])
    pairs = table.pairs(runs[1].id, runs[0].id, primary.version.id)
    changes = np.asarray(pairs.candidate) - np.asarray(pairs.baseline)
    if len(changes) < 2:
        return Basis(
            effect=assumed, source=f"Assumes that {DISCORDANCE:.0%} of rows change between versions."
        )
    differing = float(np.mean(changes != 0))
    effect = max(1.0, design_effect(changes, pairs.clusters)) if pairs.clusters else 1.0
    binary = primary.info.return_type == "boolean"
    names = f"{runs[1].name} and {runs[0].name}"
    said = f"{differing:.1%} of rows differed between {names}, the prompt's last two runs on these rows."
    if binary and np.var(changes) < _LEAST_DISCORDANCE:
        said += (
            f" {_LEAST_DISCORDANCE:.0%} is assumed: two versions that hardly differ say little of the next."
        )
    if clustered:
        said += f"{clustered}, which multiplies the rows needed by {effect:.1f}."
    return Basis(
        # Around a small difference, what counts is the spread that is left without the net change of these two.
        discordance=min(1.0, max(_LEAST_DISCORDANCE, float(np.var(changes)))),
        sd=None if binary else max(float(np.std(changes, ddof=1)), 1e-6),
        effect=effect,
        source=said,
    )


def _curve(rows: int, smallest: float, primary: OfferedEvaluator, basis: Basis) -> Curve:
    most = max(100.0, rows * 2.2)
    x_axis = Axis(0, most, charts.round_step(most / 5), _LEFT, _RIGHT)
    top = smallest * 3
    y_axis = charts.axis_around([0, top], _BOTTOM, _TOP, steps=4)
    points = []
    for step in range(2, 81):
        at = round(most * step / 80)
        value = _smallest(at, basis)
        if value is not None and value <= y_axis.high:
            points.append((x_axis.at(at), y_axis.at(value)))
    info = primary.info
    ticks = [tick for tick in x_axis.ticks if 0 < tick <= most]
    return Curve(
        path=charts.polyline(points),
        x=x_axis.at(rows),
        y=y_axis.at(smallest),
        x_ticks=[(x_axis.at(tick), formats.number(tick)) for tick in ticks],
        y_ticks=[
            (y_axis.at(tick), f"{tick * 100:g}" if info.is_share else words.level(tick, info))
            for tick in y_axis.ticks
        ],
        label=f"{formats.number(rows)} rows: {words.size(smallest, info)}",
    )
