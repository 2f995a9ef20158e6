"""Running what a line of versions lacks: versions of it, and mixes of two of its versions, which are made first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core import formats
from app.core.access import Principal
from app.core.errors import Invalid
from app.evaluations import repository, run_limits, run_service
from app.evaluations.figures.report import compared_of
from app.evaluations.lineage.line import rows_of_most
from app.evaluations.lineage.mixes import Components, Mix, Pair, content_of, every_combination, single_changes
from app.evaluations.lineage.steps import numbered
from app.evaluations.models import Evaluation, Run
from app.evaluations.run_service import RunRequest
from app.evaluators.describing import describe
from app.files import repository as files
from app.files import service as file_service
from app.files.models import File, FileKind, Version
from app.prompts.components import TITLES
from app.prompts.service import check_content
from app.prompts.spec import PromptSpec, parse_as

_ELSEWHERE = "The outputs of these runs are made elsewhere: run the version there, and send its logs."
_NO_RUN = "No version has run here yet: start one first."
_NO_PROMPT = "Only versions of prompts can be run here."
_TOO_MANY = (
    "More than four things differ: all combinations would be too many. Choose two versions that are closer."
)


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms further versions are run: those of the newest run on the same rows."""

    like: Run | None
    calls: int
    """Calls of models for one version, its judges' included; outputs that are there make it less."""
    refusal: str | None
    """Why nothing can be run."""

    def cap_told(self, runs: int) -> str:
        """What so many further runs may cost: each has the whole cap of the run that they are like, so the sum is told."""
        cap = self.like.max_cost_usd if self.like else None
        if cap is None:
            return "No cap in dollars."
        if runs == 1:
            return f"It stops at {formats.money(cap)}."
        return f"Each stops at {formats.money(cap)}, together that is up to {formats.money(cap * runs)}."


def terms_of(session: Session, evaluation: Evaluation, file: File | None, runs: Sequence[Run]) -> Terms:
    """How other versions would be run on the rows of `runs`, and what each takes at most."""
    like = max((run for run in runs if run.orchestrated), key=lambda run: run.created_at, default=None)
    refusal = None
    if file is None or file.kind != FileKind.PROMPT:
        refusal = _NO_PROMPT
    elif like is None:
        refusal = _ELSEWHERE if runs else _NO_RUN
    judges = repository.list_judges(session, [evaluation.id])
    each = 1 + sum(describe(judge.spec).model_calls for judge in judges)
    return Terms(like, like.items_count * each if like else 0, refusal)


def run_version(session: Session, principal: Principal, evaluation: Evaluation, number: int) -> None:
    """Run a version on the rows that the line is about; nothing where it has run, or runs.

    Raises:
        NotFound: the prompt has no such version.
        Invalid: it cannot be run here.
    """
    _Starter(session, principal, evaluation).run([number])


def run_single_changes(
    session: Session, principal: Principal, evaluation: Evaluation, older: int, newer: int
) -> None:
    """Make and run the older version with each change of the newer alone, as far as they are not there.

    Raises:
        NotFound: the prompt has no such versions.
        Invalid: none of the changes can stand alone, or nothing can be run here.
    """
    starter = _Starter(session, principal, evaluation)
    pair = starter.pair(older, newer)
    mixes = single_changes(pair, starter.versions, starter.runs)
    if mixes and all(mix.refusal for mix in mixes):
        raise Invalid(str(mixes[0].refusal))
    starter.run_mixes(pair, mixes)


def run_combinations(
    session: Session, principal: Principal, evaluation: Evaluation, older: int, newer: int
) -> None:
    """Make and run all combinations of what differs between two versions, as far as they are not there.

    Raises:
        NotFound: the prompt has no such versions.
        Invalid: more than four components differ, one cannot stand alone, or nothing can be run here.
    """
    starter = _Starter(session, principal, evaluation)
    pair = starter.pair(older, newer)
    if pair.is_bundled and not pair.is_factorial:
        raise Invalid(_TOO_MANY)
    mixes = every_combination(pair, starter.versions, starter.runs)
    if refusal := next((mix.refusal for mix in mixes if mix.refusal), None):
        raise Invalid(refusal)
    starter.run_mixes(pair, mixes)


class _Starter:
    """Starts runs in an evaluation, one person at a time: nothing is started twice."""

    def __init__(self, session: Session, principal: Principal, evaluation: Evaluation) -> None:
        repository.lock_evaluation(session, evaluation.id)
        self.session, self.principal, self.evaluation = session, principal, evaluation
        self.file = file_service.get_file(session, principal, evaluation.file_id)
        self.versions = files.list_versions(session, self.file.id)
        self.runs = rows_of_most(compared_of(session, evaluation)[0], self.file.id)
        self.terms = terms_of(session, evaluation, self.file, self.runs)

    def pair(self, older: int, newer: int) -> Pair:
        return Pair.of(numbered(self.versions, older), numbered(self.versions, newer))

    def run(self, numbers: Collection[int]) -> None:
        there = {run.version_id for run in self.runs}
        for number in numbers:
            version = numbered(self.versions, number)
            if version.id not in there:
                self._start(version)

    def run_mixes(self, pair: Pair, mixes: Sequence[Mix]) -> None:
        for mix in mixes:
            if mix.is_missing:
                self._start(mix.version or self._make(pair, mix.components))

    def _make(self, pair: Pair, components: Components) -> Version:
        spec = parse_as(PromptSpec, content_of(pair, components))
        check_content(self.session, self.principal.workspace_id, spec)
        name = mix_name(pair, components)
        if files.find_version_by_name(self.session, self.file.id, name):
            name = ""
        change = file_service.Commit(
            FileKind.PROMPT,
            spec.content(),
            file_id=self.file.id,
            name=name or None,
            note=f"Made by “{self.evaluation.name}” to tell apart what changed from v{pair.older.number} to v{pair.newer.number}.",
            parent_id=pair.older.id,
            order_counts=True,
        )
        return file_service.commit(self.session, self.principal, change).version

    def _start(self, version: Version) -> None:
        like = self.terms.like
        if self.terms.refusal or like is None:
            raise Invalid(self.terms.refusal or _NO_RUN)
        most = run_limits.most_concurrency(self.session, self.evaluation.workspace_id)
        version.file = self.file
        request = RunRequest(
            version=version,
            dataset_version=like.dataset_version,
            repeats=like.repeats,
            concurrency=min(like.concurrency, most),
            split=like.split,
            max_cost_usd=like.max_cost_usd,
            max_calls=like.max_calls,
        )
        run_service.start_run(self.session, self.principal, self.evaluation, request)


def mix_name(pair: Pair, components: Components) -> str:
    """What a mix is called among the versions: `v1 with examples and model of v2`."""
    names = [TITLES[one].lower() for one in TITLES if one in components]
    listed = " and ".join([*([", ".join(names[:-1])] if names[:-1] else []), names[-1]])
    return f"v{pair.older.number} with {listed} of v{pair.newer.number}"
