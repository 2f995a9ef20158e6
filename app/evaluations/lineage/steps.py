"""What each step along the versions of a prompt did to the scores, what changed in it, and what each change is worth."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.evaluations import repository
from app.evaluations.figures.memory import kept, states_of
from app.evaluations.figures.report import compared_of
from app.evaluations.figures.scores import load_scores
from app.evaluations.lineage.line import Line, Node, changes_between, find_line, rows_of_most
from app.evaluations.lineage.mixes import Mix, Pair, every_combination, single_changes
from app.evaluations.models import Evaluation, Run
from app.evaluators.describing import EvaluatorInfo, describe
from app.files import repository as files
from app.files.models import File, FileKind, Version
from app.prompts.components import ComponentChange
from app.statistics.comparisons import holm
from app.statistics.factorial import Effects, factorial_effects
from app.statistics.lineage import Path, Step, lineage_path
from app.statistics.verdict import NO_CLEAR_CHANGE, Verdict, verdict

LEVEL = 0.05
"""The chance that any of several changes without an effect is called clear, by Holm."""


@dataclass(frozen=True, slots=True)
class LineageRequest:
    """What to show: by which evaluator, the line to which version, and between which two everything is combined."""

    evaluator_id: str | None = None
    to: int | None = None
    older: int | None = None
    newer: int | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A step in numbers, with its word."""

    step: Step
    verdict: Verdict

    @property
    def is_clear(self) -> bool:
        """Whether its interval excludes 0, and its p is under 0.05 after Holm."""
        return self.verdict.name in ("better", "worse")

    @property
    def is_noise(self) -> bool:
        """Whether there are rows enough to say that it does not."""
        return self.verdict.name in ("no_clear_change", "no_relevant_difference")


@dataclass(frozen=True, slots=True)
class Single:
    """One change of a bundle alone: the older version with it, against the older version."""

    mix: Mix
    judged: Judged | None
    """None until its run has ended. Its p is Holm's over the single changes of the bundle."""


@dataclass(frozen=True, slots=True)
class LineageStep:
    """From one version that was run to the next."""

    before: Node
    after: Node
    skipped: Sequence[Version]
    """Versions between the two that were not run: their changes are part of this step."""
    changes: Sequence[ComponentChange]
    pair: Pair
    judged: Judged
    singles: Sequence[Single]
    """Each change alone, where the step is a bundle of a prompt; else none."""


@dataclass(frozen=True, slots=True)
class Factorial:
    """All combinations of what changed between two versions."""

    pair: Pair
    mixes: Sequence[Mix]
    effects: Effects | None
    """None until every combination has run."""

    @property
    def missing(self) -> list[Mix]:
        """The combinations that have to be run first."""
        return [mix for mix in self.mixes if mix.is_missing]

    @property
    def refusal(self) -> str | None:
        """Why it cannot be run."""
        return next((mix.refusal for mix in self.mixes if mix.refusal), None)


@dataclass(frozen=True, slots=True)
class Lineage:
    """A line of versions on the same rows, by one evaluator."""

    evaluation: Evaluation
    file: File | None
    evaluators: Sequence[Version]
    evaluator: Version | None
    info: EvaluatorInfo | None
    line: Line
    runs: Sequence[Run]
    """Those on the rows of the line, of versions outside of it, too."""
    unscored: Sequence[Node]
    """Versions whose run ended without a score by this evaluator: they are in no step."""
    path: Path | None
    steps: Sequence[LineageStep]
    total: Judged | None
    factorial: Factorial | None
    versions: Sequence[Version]
    """Every version of the file, newest first."""

    @property
    def scored(self) -> list[Node]:
        """The versions that the steps are between."""
        return [node for node in self.line.nodes if node not in self.unscored]

    @property
    def running(self) -> bool:
        """Whether runs on these rows go on."""
        return any(run.status in ("pending", "running") for run in self.runs)


def build_lineage(session: Session, evaluation: Evaluation, asked: LineageRequest) -> Lineage:
    """The line of an evaluation's versions as it stands. Steps are between runs that have ended.

    Raises:
        NotFound: the evaluation has not this evaluator, or the file no such version.
    """
    file = files.find_file(session, evaluation.workspace_id, evaluation.file_id)
    evaluators = repository.list_evaluators(session, evaluation.id)
    evaluator = _chosen(evaluators, asked.evaluator_id or evaluation.primary_evaluator_id)
    if evaluator is None and asked.evaluator_id:
        raise NotFound(f"The evaluation has no evaluator {asked.evaluator_id}.")
    versions = files.list_versions(session, evaluation.file_id)
    runs = rows_of_most(compared_of(session, evaluation)[0], evaluation.file_id)
    line = find_line(versions, runs, numbered(versions, asked.to) if asked.to else None)
    maker = _Maker(
        session,
        evaluation,
        evaluator,
        versions,
        runs,
        is_prompt=file is not None and file.kind == FileKind.PROMPT,
    )
    path, unscored = maker.path(line.nodes)
    scored = [node for node in line.nodes if node not in unscored]
    steps = maker.steps(scored, path, line)
    pair = _pair(versions, asked, steps)
    return Lineage(
        evaluation=evaluation,
        file=file,
        evaluators=evaluators,
        evaluator=evaluator,
        info=maker.info,
        line=line,
        runs=runs,
        unscored=unscored,
        path=path,
        steps=steps,
        total=maker.judged(path.total) if path else None,
        factorial=maker.factorial(pair) if pair else None,
        versions=versions,
    )


def numbered(versions: Sequence[Version], number: int) -> Version:
    """The version that people call v`number`.

    Raises:
        NotFound: there is none.
    """
    found = next((version for version in versions if version.number == number), None)
    if found is None:
        raise NotFound(f"There is no v{number}.")
    return found


def _chosen(evaluators: Sequence[Version], evaluator_id: str | None) -> Version | None:
    if evaluator_id is None:
        return next(iter(evaluators), None)
    return next((version for version in evaluators if version.id == evaluator_id), None)


def _pair(versions: Sequence[Version], asked: LineageRequest, steps: Sequence[LineageStep]) -> Pair | None:
    """The two versions to combine: those asked for, else a bundle all of whose combinations can be run, the last one."""
    if asked.older and asked.newer:
        return Pair.of(numbered(versions, asked.older), numbered(versions, asked.newer))
    if not steps:
        return None
    whole = Pair.of(steps[0].before.version, steps[-1].after.version)
    bundles = [step.pair for step in reversed(steps) if step.singles]
    return next((pair for pair in [*bundles, whole] if pair.is_factorial), None)


class _Maker:
    """Works numbers out, and keeps those of ended runs: what is kept needs no scores to be read again."""

    def __init__(
        self,
        session: Session,
        evaluation: Evaluation,
        evaluator: Version | None,
        versions: Sequence[Version],
        runs: Sequence[Run],
        *,
        is_prompt: bool,
    ) -> None:
        self.session, self.evaluator, self.versions, self.runs = session, evaluator, versions, runs
        self.is_prompt = is_prompt
        self.info = describe(evaluator.spec) if evaluator else None
        is_primary = evaluator is not None and evaluator.id == evaluation.primary_evaluator_id
        self.smallest = evaluation.smallest_difference if is_primary else None

    def path(self, nodes: Sequence[Node]) -> tuple[Path | None, list[Node]]:
        """The steps between nodes that have scores, and the nodes that have none."""
        if self.evaluator is None or not nodes:
            return None, []
        path, empty = self._kept_path([node.run for node in nodes])
        return path, [node for node in nodes if node.run.id in empty]

    def _kept_path(self, runs: Sequence[Run]) -> tuple[Path | None, frozenset[str]]:
        return kept.once(self._key("path", runs), lambda: self._make_path(runs))

    def _key(self, what: str, runs: Sequence[Run]) -> tuple[object, ...] | None:
        states = states_of(runs)
        return states and (what, self.evaluator and self.evaluator.id, *states)

    def _make_path(self, runs: Sequence[Run]) -> tuple[Path | None, frozenset[str]]:
        columns, clusters = self._columns(runs)
        empty = frozenset(
            run.id
            for run, column in zip(runs, columns, strict=True)
            if all(score is None for score in column)
        )
        scored = [column for run, column in zip(runs, columns, strict=True) if run.id not in empty]
        if len(scored) < 2 or self.info is None:
            return None, empty
        return lineage_path(scored, clusters, share=self.info.is_share), empty

    def _columns(self, runs: Sequence[Run]) -> tuple[list[list[float | None]], list[str] | None]:
        """The scores of runs, aligned: the same row at the same place; and the clusters of the rows."""
        assert self.evaluator is not None  # noqa: S101 - who calls has looked
        table = load_scores(self.session, runs, [self.evaluator.id])
        by_row = [table.column(run.id, self.evaluator.id).by_row() for run in runs]
        rows = list(dict.fromkeys(row for column in by_row for row in column))
        return [[column.get(row) for row in rows] for column in by_row], table.clusters_of(rows)

    def judged(self, step: Step) -> Judged:
        """A step with its word: better or worse only where its adjusted p bears it, too. Else it is borderline."""
        assert self.info is not None  # noqa: S101 - there are no steps without an evaluator
        word = verdict(
            step.delta,
            n=step.delta.n,
            wanted=self.info.wanted,
            smallest_difference=self.smallest,
            share=self.info.is_share,
            delta90=step.delta90,
            p=step.adjusted_p,
            neutral=self.info.is_neutral,
        )
        if word.name in ("better", "worse") and step.adjusted_p >= LEVEL:
            word = replace(NO_CLEAR_CHANGE, borderline=True)
        return Judged(step, word)

    def steps(self, nodes: Sequence[Node], path: Path | None, line: Line) -> list[LineageStep]:
        """The steps of a path with what changed in each."""
        if path is None:
            return []
        return [
            self._step(before, after, step, line)
            for before, after, step in zip(nodes, nodes[1:], path.steps, strict=False)
        ]

    def _step(self, before: Node, after: Node, step: Step, line: Line) -> LineageStep:
        pair = Pair.of(before.version, after.version)
        between = range(before.version.number + 1, after.version.number)
        return LineageStep(
            before=before,
            after=after,
            skipped=[version for version in line.missing if version.number in between],
            changes=changes_between(before.version, after.version),
            pair=pair,
            judged=self.judged(step),
            singles=self._singles(pair, before) if pair.is_bundled and self.is_prompt else [],
        )

    def _singles(self, pair: Pair, before: Node) -> list[Single]:
        mixes = single_changes(pair, self.versions, self.runs)
        paths = {
            mix.components: self._kept_path([before.run, mix.run])[0]
            for mix in mixes
            if mix.run and mix.is_ready
        }
        steps = {key: path.steps[0] for key, path in paths.items() if path}
        adjusted = dict(zip(steps, holm([step.test.p for step in steps.values()]), strict=True))
        return [
            Single(mix, self._single(steps.get(mix.components), adjusted.get(mix.components)))
            for mix in mixes
        ]

    def _single(self, step: Step | None, adjusted: float | None) -> Judged | None:
        if step is None or adjusted is None:
            return None
        return self.judged(Step(step.delta, step.delta90, step.test, float(adjusted), step.changes))

    def factorial(self, pair: Pair) -> Factorial:
        """All combinations between two versions; none where too little or too much differs."""
        if not (pair.is_factorial and self.is_prompt):
            return Factorial(pair, [], None)
        mixes = every_combination(pair, self.versions, self.runs)
        return Factorial(pair, mixes, self._effects(pair, mixes))

    def _effects(self, pair: Pair, mixes: Sequence[Mix]) -> Effects | None:
        runs = [mix.run for mix in mixes if mix.run and mix.is_ready]
        if self.evaluator is None or len(runs) < len(mixes):
            return None

        def make() -> Effects | None:
            columns, clusters = self._columns(runs)
            cells = {
                frozenset[str](mix.components): column for mix, column in zip(mixes, columns, strict=True)
            }
            return factorial_effects(pair.components, cells, clusters)

        return kept.once(self._key(f"effects of {', '.join(pair.components)}", runs), make)
