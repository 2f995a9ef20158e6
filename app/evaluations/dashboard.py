"""What the page of a prompt says: its versions with their scores, what runs where, what it cost, its last calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core import formats
from app.evaluations import headline as words
from app.evaluations import repository, score_repository
from app.evaluations.headline import Headline
from app.evaluations.models import Evaluation, Run
from app.evaluations.numbers import Change, compare
from app.evaluations.report import compared_runs
from app.evaluations.score_chart import ScoreChart, ScoredVersion, draw_scores
from app.evaluations.scores import ScoreTable, load_scores, run_interval
from app.evaluators.describing import EvaluatorInfo, describe
from app.files import repository as files
from app.files.models import Deployment, Environment, File, Version
from app.logs import repository as logs
from app.logs import spend_repository
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
    change: ChangeText | None
    """Against the version before it in the same evaluation, paired."""
    per_1000: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The page of a prompt."""

    file: File
    lines: Sequence[VersionLine]
    places: Sequence[Place]
    live: Version | None
    evaluation: Evaluation | None
    evaluations_count: int
    info: EvaluatorInfo | None
    evaluator: Version | None
    headline: Headline
    chart: ScoreChart | None
    spend: Sequence[DaySpend]
    logs: Sequence[Log]
    numbers: Mapping[str, int]
    """The number of each version by its id."""

    @property
    def newest(self) -> Version | None:
        """The version that was committed last."""
        return self.lines[0].version if self.lines else None

    @property
    def parent(self) -> Version | None:
        """The version that the newest one was made from."""
        parent = self.newest.parent_id if self.newest else None
        return next((line.version for line in self.lines if line.version.id == parent), None)


@dataclass(frozen=True, slots=True)
class Measured:
    """What the newest evaluation of the file measured."""

    evaluation: Evaluation
    evaluator: Version
    info: EvaluatorInfo
    runs: Mapping[str, Run]
    """The newest run of each version, by version id."""
    table: ScoreTable

    @property
    def title(self) -> str:
        """What people call the evaluator."""
        return self.evaluator.file.name

    def interval(self, version_id: str) -> Interval | None:
        """The score of a version; None where it was not run."""
        run = self.runs.get(version_id)
        return run_interval(self.table, run.id, self.evaluator) if run else None

    def change(self, before: str, after: str) -> Change | None:
        """The paired change between two versions, where both answered the same rows."""
        old, new = self.runs.get(before), self.runs.get(after)
        if old is None or new is None or old.dataset_version_id != new.dataset_version_id:
            return None
        return compare(self.table, old, new, self.evaluator, self.evaluation.smallest_difference)


def build_dashboard(session: Session, file: File) -> Dashboard:
    """The page of `file`, in a fixed number of queries however many versions and logs there are."""
    versions = files.list_versions(session, file.id)
    places = list_places(session, file)
    found, count = repository.list_evaluations(session, file.workspace_id, file_id=file.id, limit=1)
    measured = measure(session, found[0]) if found else None
    default = next((place.deployment for place in places if place.is_default), None)
    live = default.version if default else None
    lines = _lines(session, versions, places, measured)
    return Dashboard(
        file=file,
        lines=lines,
        places=places,
        live=live,
        evaluation=found[0] if found else None,
        evaluations_count=count,
        info=measured.info if measured else None,
        evaluator=measured.evaluator if measured else None,
        headline=_headline(versions, live, measured),
        chart=_chart(session, file, versions, live, measured),
        spend=spend_repository.list_daily_spend(session, file.workspace_id, file.id, SPEND_DAYS),
        logs=logs.list_logs(session, file.workspace_id, file.id, limit=LATEST_LOGS),
        numbers={version.id: version.number for version in versions},
    )


def list_places(session: Session, file: File) -> list[Place]:
    """Every environment of the workspace, the default first, with what of the file runs there."""
    live = {e.id: d for e, d in files.deployed_environments(session, [file.id])}
    return [Place(e, live.get(e.id)) for e in files.list_environments(session, file.workspace_id)]


def measure(session: Session, evaluation: Evaluation) -> Measured | None:
    """What an evaluation measured by its primary evaluator; None when it has none, or no run."""
    runs, _ = compared_runs(repository.list_runs(session, [evaluation.id]))
    evaluators = repository.list_evaluators(session, evaluation.id)
    evaluator = next((v for v in evaluators if v.id == evaluation.primary_evaluator_id), None)
    if evaluator is None or not runs:
        return None
    table = load_scores(session, runs, [evaluator.id])
    by_version = {run.version_id: run for run in sorted(runs, key=lambda run: run.created_at)}
    return Measured(evaluation, evaluator, describe(evaluator.spec), by_version, table)


def _lines(
    session: Session, versions: Sequence[Version], places: Sequence[Place], measured: Measured | None
) -> list[VersionLine]:
    usage = (
        score_repository.load_usage(session, [run.id for run in measured.runs.values()]) if measured else {}
    )
    lines = []
    for place, version in enumerate(versions):
        before = versions[place + 1] if place + 1 < len(versions) else None
        score = change = None
        per_1000 = ""
        if measured:
            score = score_text(measured.interval(version.id), measured.info)
            moved = measured.change(before.id, version.id) if before else None
            change = change_text(moved, measured.info)
            run = measured.runs.get(version.id)
            costs = usage[run.id].costs_usd if run and run.id in usage else []
            per_1000 = formats.money(sum(costs) / len(costs) * 1000) if costs else ""
        here = [p for p in places if p.deployment and p.deployment.version_id == version.id]
        lines.append(VersionLine(version, here, score, change, per_1000))
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
    name = change.verdict.name
    return ChangeText(
        value=words.change_text(change.delta.estimate, info),
        span=words.signed_span(change.delta, info),
        tone=name if name in ("better", "worse") else "same",
        word=change.verdict.word,
    )


def _headline(versions: Sequence[Version], live: Version | None, measured: Measured | None) -> Headline:
    if not versions:
        return Headline("No version yet", "", "", "Write the first one in the editor and commit it.")
    if measured is None:
        detail = "Evaluate it on some rows to see what it scores, and whether the next change helps."
        return Headline(f"v{versions[0].number} has not been evaluated", "", "", detail)
    newest = next((v for v in versions if v.id in measured.runs), versions[0])
    change = measured.change(live.id, newest.id) if live and live.id != newest.id else None
    if live is None or change is None or change.delta is None:
        interval = measured.interval(newest.id)
        if interval is None:
            return Headline(f"v{newest.number} has no score yet", "", "", "Its evaluation has no result.")
        detail = f"{measured.title}, 95% CI {words.span(interval, measured.info)}, {words.rows(interval)}."
        where = ", which is live" if live and live.id == newest.id else ""
        return Headline(
            f"v{newest.number} scores", words.level(interval.estimate, measured.info), where, detail
        )
    return _against_live(newest, live, change, measured)


def _against_live(newest: Version, live: Version, change: Change, measured: Measured) -> Headline:
    assert change.delta is not None  # noqa: S101 - the caller looked
    info, name = measured.info, change.verdict.name
    detail = f"{measured.title}, 95% CI {words.signed_span(change.delta, info)} on the same {words.rows(change.delta)}."
    if name in ("better", "worse"):
        amount = words.size(abs(change.delta.estimate), info)
        side = "above" if change.delta.estimate > 0 else "below"
        return Headline(
            f"v{newest.number} scores", amount, f" {side} v{live.number}, which is live", detail, name
        )
    return Headline(
        f"{change.verdict.word} from v{live.number}, which is live, to v{newest.number}", "", "", detail
    )


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
        if interval is not None:
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
