"""What the page of a prompt says: its versions with their scores, what runs where, what it cost, its last calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core import formats
from app.evaluations import repository
from app.evaluations.figures import headline as words
from app.evaluations.figures.headline import Headline
from app.evaluations.figures.measured import Measured, measure
from app.evaluations.figures.models_used import ModelUsed, grouped
from app.evaluations.figures.numbers import Change, usage_of
from app.evaluations.file_pages.score_chart import ScoreChart, ScoredVersion, draw_scores
from app.evaluations.models import Evaluation
from app.evaluators.describing import EvaluatorInfo
from app.files import repository as files
from app.files.models import Deployment, Environment, File, Version
from app.logs import search_repository, spend_repository
from app.logs.models import Log
from app.logs.spend_repository import DaySpend
from app.statistics.intervals import Interval

SPEND_DAYS = 30
LATEST_LOGS = 10


@dataclass(frozen=True, slots=True)
class Place:
    """An environment and what of the file runs there."""

    environment: Environment
    deployment: Deployment | None

    @property
    def is_default(self) -> bool:
        """Whether callers who name no environment get this one."""
        return self.environment.tag == "default"


@dataclass(frozen=True, slots=True)
class ScoreText:
    """A score in words: value, interval, and over how many rows."""

    value: str
    span: str
    rows: str
    method: str = ""


@dataclass(frozen=True, slots=True)
class ChangeText:
    """A change in words. `tone` is better, worse or same."""

    value: str
    span: str
    tone: str
    word: str


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A version in the table."""

    version: Version
    places: Sequence[Place]
    score: ScoreText | None
    elsewhere: Evaluation | None
    """The evaluation that the score comes from, where it is not the one that the page is about."""
    running: bool
    """Whether the newest evaluation is running it now."""
    change: ChangeText | None
    """Against `before`, paired, where both ran in the evaluation that the page is about."""
    before: Version | None
    """The version that it was made from, else the one before it."""
    per_1000: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The page of a prompt."""

    file: File
    lines: Sequence[VersionLine]
    places: Sequence[Place]
    live: Version | None
    evaluation: Evaluation | None
    """The one to read: what is running, else the newest with a finished score, else the newest."""
    evaluations_count: int
    info: EvaluatorInfo | None
    evaluator: Version | None
    headline: Headline
    chart: ScoreChart | None
    spend: Sequence[DaySpend]
    logs: Sequence[Log]
    numbers: Mapping[str, int]
    """The number of each version by its id."""
    models: Sequence[tuple[ModelUsed, Sequence[int]]]
    """The models of the versions with a score, each with the numbers of those versions."""
    dataset: File | None
    """Whose rows the chart is about."""

    @property
    def newest(self) -> Version | None:
        """The version that was committed last."""
        return self.lines[0].version if self.lines else None

    @property
    def parent(self) -> Version | None:
        """The version that the newest one was made from."""
        parent = self.newest.parent_id if self.newest else None
        return next((line.version for line in self.lines if line.version.id == parent), None)


def build_dashboard(session: Session, file: File) -> Dashboard:
    """The page of `file`, in a fixed number of queries however many versions and logs there are."""
    versions = files.list_versions(session, file.id)
    places = list_places(session, file)
    found, count = repository.list_evaluations(session, file.workspace_id, file_id=file.id, limit=1)
    measured = measure(session, file)
    running = _running(session, found)
    default = next((place.deployment for place in places if place.is_default), None)
    live = default.version if default else None
    lines = _lines(session, versions, places, measured, running)
    return Dashboard(
        file=file,
        lines=lines,
        places=places,
        live=live,
        evaluation=measured.evaluation if measured and not running else next(iter(found), None),
        evaluations_count=count,
        info=measured.info if measured else None,
        evaluator=measured.evaluator if measured else None,
        headline=_headline(lines, live, measured),
        chart=_chart(session, file, versions, live, measured),
        spend=spend_repository.list_daily_spend(session, file.workspace_id, file.id, SPEND_DAYS),
        logs=search_repository.list_newest(session, file.workspace_id, file.id, LATEST_LOGS),
        numbers={version.id: version.number for version in versions},
        models=grouped(session, [line.version for line in reversed(lines) if line.score]),
        dataset=measured.dataset if measured else None,
    )


def list_places(session: Session, file: File) -> list[Place]:
    """Every environment of the workspace, the default first, with what of the file runs there."""
    live = {e.id: d for e, d in files.deployed_environments(session, [file.id])}
    return [Place(e, live.get(e.id)) for e in files.list_environments(session, file.workspace_id)]


def _running(session: Session, evaluations: Sequence[Evaluation]) -> set[str]:
    """The versions that evaluations are running now."""
    runs = repository.list_runs(session, [evaluation.id for evaluation in evaluations])
    return {run.version_id for run in runs if run.version_id and run.status in ("pending", "running")}


def _lines(
    session: Session,
    versions: Sequence[Version],
    places: Sequence[Place],
    measured: Measured | None,
    running: set[str],
) -> list[VersionLine]:
    usage = usage_of(session, [kept.run for kept in measured.kept.values()]) if measured else {}
    by_id = {version.id: version for version in versions}
    lines = []
    for place, version in enumerate(versions):
        before = by_id.get(version.parent_id or "") or next(iter(versions[place + 1 :]), None)
        score = change = None
        per_1000 = ""
        if measured:
            score = score_text(measured.interval(version.id), measured.info)
            moved = measured.change(before.id, version.id) if before else None
            change = change_text(moved, measured.info)
            kept = measured.kept.get(version.id)
            cost = usage[kept.run.id].cost_per_1000_usd if kept and kept.run.id in usage else None
            per_1000 = "" if cost is None else formats.money(cost)
        here = [p for p in places if p.deployment and p.deployment.version_id == version.id]
        elsewhere = measured.elsewhere(version.id) if measured else None
        lines.append(
            VersionLine(version, here, score, elsewhere, version.id in running, change, before, per_1000)
        )
    return lines


def score_text(interval: Interval | None, info: EvaluatorInfo) -> ScoreText | None:
    """A score in words; None where there is none."""
    if interval is None:
        return None
    return ScoreText(
        words.level(interval.estimate, info),
        words.span(interval, info),
        words.rows(interval),
        interval.method,
    )


def change_text(change: Change | None, info: EvaluatorInfo) -> ChangeText | None:
    """A paired change in words; None where there is none."""
    if change is None or change.delta is None:
        return None
    return ChangeText(
        value=words.change_text(change.delta.estimate, info),
        span=words.signed_span(change.delta, info),
        tone=change.verdict.tone or "same",
        word=change.verdict.word,
    )


def _headline(lines: Sequence[VersionLine], live: Version | None, measured: Measured | None) -> Headline:
    if not lines:
        return Headline("No version yet", "", "", "Write the first one in the editor and commit it.")
    newest = lines[0]
    if newest.running:
        detail = "Its scores come in now; the report says more as soon as it can."
        return Headline(f"v{newest.version.number} is being evaluated", "", "", detail)
    last = next((line for line in lines if line.score), None)
    if newest.score and measured:
        return _newest(newest, live, measured)
    detail = "Evaluate it on some rows to see what it scores, and whether the next change helps."
    if last and last.score and measured:
        detail = f"v{last.version.number} was: {measured.title} {last.score.value}, 95% CI {last.score.span}, {last.score.rows}."
    return Headline(f"v{newest.version.number} has not been evaluated", "", "", detail)


def _newest(line: VersionLine, live: Version | None, measured: Measured) -> Headline:
    """What the newest version does against the live one, else against its parent; else its score alone."""
    newest = line.version
    for other in (live, line.before):
        change = measured.change(other.id, newest.id) if other and other.id != newest.id else None
        if other and change and change.delta:
            return _against(newest, other, change, measured, is_live=other is live)
    assert line.score is not None  # noqa: S101 - the caller looked
    detail = f"{measured.title}, 95% CI {line.score.span}, {line.score.rows}."
    where = ", which is live" if live and live.id == newest.id else ""
    return Headline(f"v{newest.number} scores", line.score.value, where, detail)


def _against(
    newest: Version, other: Version, change: Change, measured: Measured, *, is_live: bool
) -> Headline:
    assert change.delta is not None  # noqa: S101 - the caller looked
    info, name = measured.info, change.verdict.name
    detail = f"{measured.title}, 95% CI {words.signed_span(change.delta, info)} on the same {words.rows(change.delta)}."
    if name in ("better", "worse"):
        amount = words.size(abs(change.delta.estimate), info)
        side = "above" if change.delta.estimate > 0 else "below"
        return Headline(
            f"v{newest.number} scores",
            amount,
            f" {side} v{other.number}, which {'is live' if is_live else 'it was made from'}",
            detail,
            change.verdict.tone,
        )
    detail += f" v{other.number} is live." if is_live else f" v{newest.number} was made from v{other.number}."
    return Headline(f"{change.verdict.word} from v{other.number} to v{newest.number}", "", "", detail)


def _chart(
    session: Session,
    file: File,
    versions: Sequence[Version],
    live: Version | None,
    measured: Measured | None,
) -> ScoreChart | None:
    if measured is None:
        return None
    went: dict[str, Deployment] = {}
    for deployment in files.list_deployments(session, file.id):
        known = went.get(deployment.version_id)
        if known is None or (deployment.environment.tag == "default" != known.environment.tag):
            went[deployment.version_id] = deployment
    scored = []
    for version in reversed(versions):
        interval = measured.interval(version.id)
        if interval is not None and measured.is_comparable(version.id):
            scored.append(_scored(version, interval, went.get(version.id), live))
    return draw_scores(scored, measured.info)


def _scored(
    version: Version, interval: Interval, deployment: Deployment | None, live: Version | None
) -> ScoredVersion:
    to_default = deployment is not None and deployment.environment.tag == "default"
    where = ""
    if deployment:
        day = f"{deployment.at.day} {deployment.at:%b}"
        where = f"live {day}" if to_default else deployment.environment.name
    return ScoredVersion(
        number=version.number,
        value=interval.estimate,
        lo=interval.lo,
        hi=interval.hi,
        live=live is not None and live.id == version.id,
        deployed=where,
        to_default=to_default,
    )
