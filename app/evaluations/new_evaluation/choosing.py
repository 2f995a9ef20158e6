"""What is chosen for a new evaluation, what there is to choose from, and what is proposed to begin with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sqlalchemy.orm import Session

from app.core.access import Principal
from app.core.typed import whole
from app.datasets.summary import summarise
from app.evaluations import repository, run_limits, service
from app.evaluations.figures.report import compared_of
from app.evaluations.models import Evaluation, Run
from app.evaluators.describing import EvaluatorInfo, describe
from app.files import repository as files
from app.files.models import Environment, File, FileKind, Version

MOST_FILES = 500
MOST_VERSIONS = 12
"""Versions that are offered, newest first, beside those that are chosen."""


class Sent(Protocol):
    """A form or a query string, in which a name may have several values."""

    def get(self, key: str, /) -> Any:
        """The last value of that name; None where there is none."""
        ...

    def getlist(self, key: str, /) -> list[Any]:
        """Every value of that name."""
        ...


@dataclass(frozen=True, slots=True)
class Choices:
    """What somebody chose. Numbers stay texts until they are used: a form shows again what was typed."""

    prompt: str = ""
    versions: tuple[int, ...] = ()
    baseline: int | None = None
    dataset: str = ""
    dataset_version: int | None = None
    split: str = ""
    evaluators: tuple[str, ...] = ()
    """Version ids."""
    primary: str = ""
    repeats: str = "1"
    concurrency: str = ""
    """Empty is what is usual in the workspace."""
    smallest: str = ""
    """In points where the primary score is a share, else in its own unit."""
    max_cost: str = ""
    max_calls: str = ""
    name: str = ""
    fresh: bool = False
    stops_when_clear: bool = False
    evaluation: str = ""
    again: bool = False
    keep: bool = False
    """Whether to run again only what has no output yet: the same versions on more rows."""
    whole: bool = False
    """Whether a whole form was sent: what is not ticked is not wanted, rather than not yet chosen."""
    of: str = ""
    """The prompt whose versions the form showed."""


def read_choices(sent: Sent) -> Choices:
    """The choices in a form or an address; `versions=13,14` and repeated values are the same."""

    def text(name: str) -> str:
        return str(sent.get(name) or "").strip()

    def many(name: str) -> tuple[str, ...]:
        values = [part.strip() for value in sent.getlist(name) for part in str(value).split(",")]
        return tuple(dict.fromkeys(value for value in values if value))

    return Choices(
        prompt=text("prompt"),
        versions=tuple(number for value in many("versions") if (number := whole(value)) is not None),
        baseline=whole(text("baseline")),
        dataset=text("dataset"),
        dataset_version=whole(text("dataset_version")),
        split=text("split"),
        evaluators=many("evaluators"),
        primary=text("primary"),
        repeats=text("repeats") or "1",
        concurrency=text("concurrency"),
        smallest=text("smallest"),
        max_cost=text("max_cost").removeprefix("$"),
        max_calls=text("max_calls").replace(",", ""),
        name=text("name"),
        fresh=bool(text("fresh")),
        stops_when_clear=bool(text("stops_when_clear")),
        evaluation=text("evaluation"),
        again=bool(text("again")),
        keep=bool(text("keep")),
        whole=bool(text("whole")),
        of=text("of"),
    )


@dataclass(frozen=True, slots=True)
class OfferedVersion:
    """A version of the prompt that can be run."""

    version: Version
    places: Sequence[Environment]
    run: Run | None
    """Its last run in the evaluation that is added to."""


@dataclass(frozen=True, slots=True)
class OfferedEvaluator:
    """An evaluator that can judge; `fixed` ones belong to the evaluation that is added to."""

    version: Version
    info: EvaluatorInfo
    fixed: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """What there is to choose from, with the choices made whole."""

    choices: Choices
    evaluation: Evaluation | None
    prompts: Sequence[File]
    prompt: File | None
    versions: Sequence[OfferedVersion]
    datasets: Sequence[File]
    dataset: File | None
    dataset_versions: Sequence[Version]
    dataset_version: Version | None
    splits: dict[str, int]
    clusters: int
    rows: int
    """How many rows are chosen."""
    evaluators: Sequence[OfferedEvaluator]

    @property
    def chosen(self) -> list[OfferedVersion]:
        """The versions to run, oldest first."""
        found = [one for one in self.versions if one.version.number in self.choices.versions]
        return sorted(found, key=lambda one: one.version.number)

    @property
    def judges(self) -> list[OfferedEvaluator]:
        """The evaluators that will judge, the primary one first."""
        found = [one for one in self.evaluators if one.version.id in self.choices.evaluators]
        return sorted(found, key=lambda one: one.version.id != self.choices.primary)


def make_offer(session: Session, principal: Principal, choices: Choices) -> Offer:
    """What can be chosen; what was left open is filled with what fits best.

    Raises:
        NotFound: there is no such evaluation.
    """
    evaluation = (
        service.get_evaluation(session, principal, choices.evaluation) if choices.evaluation else None
    )
    prompts = _files(session, principal, FileKind.PROMPT)
    wanted = evaluation.file_id if evaluation else choices.prompt
    prompt = next((file for file in prompts if file.id == wanted), prompts[0] if prompts else None)
    runs, baseline = compared_of(session, evaluation) if evaluation else ([], None)
    last = repository.find_last_evaluation(session, prompt.id) if prompt else None
    versions = _versions(session, prompt, runs, choices)
    control = baseline.version.number if baseline and baseline.version else None
    choices = _with_versions(choices, versions, runs, prompt, control)
    sets = _files(session, principal, FileKind.DATASET)
    dataset, dataset_versions, dataset_version = _dataset(session, choices, sets, runs, last)
    summary = summarise(session, dataset_version) if dataset_version else None
    splits = {name: count for name, count in summary.splits.items() if name} if summary else {}
    judges = _evaluators(session, principal, evaluation)
    choices = _with_evaluators(session, choices, judges, evaluation, last)
    split = choices.split if choices.split in splits else ""
    rows = splits.get(split, dataset_version.rows_count or 0 if dataset_version else 0)
    return Offer(
        choices=replace(
            choices,
            prompt=prompt.id if prompt else "",
            dataset=dataset.id if dataset else "",
            dataset_version=dataset_version.number if dataset_version else None,
            split=split,
            concurrency=choices.concurrency
            or str(run_limits.usual_concurrency(session, principal.workspace_id)),
        ),
        evaluation=evaluation,
        prompts=prompts,
        prompt=prompt,
        versions=versions,
        datasets=sets,
        dataset=dataset,
        dataset_versions=dataset_versions,
        dataset_version=dataset_version,
        splits=splits,
        clusters=summary.clusters if summary else 0,
        rows=rows,
        evaluators=judges,
    )


def _files(session: Session, principal: Principal, kind: FileKind) -> list[File]:
    found, _ = files.list_files(
        session, principal.workspace_id, kinds=[kind], sort_by="updated_at", limit=MOST_FILES
    )
    return list(found)


def _versions(
    session: Session, prompt: File | None, runs: Sequence[Run], choices: Choices
) -> list[OfferedVersion]:
    if prompt is None:
        return []
    places: dict[str, list[Environment]] = {}
    for environment, deployment in files.deployed_environments(session, [prompt.id]):
        places.setdefault(deployment.version_id, []).append(environment)
    ran = {run.version_id: run for run in runs}
    found = []
    listed = files.list_versions(session, prompt.id)
    parent = listed[0].parent_id if listed else None
    for place, version in enumerate(listed):
        known = version.id in ran or version.id in places or version.id == parent
        asked = version.number in choices.versions or known
        if place < MOST_VERSIONS or asked:
            version.file = prompt
            found.append(OfferedVersion(version, places.get(version.id, []), ran.get(version.id)))
    return found


def _with_versions(
    choices: Choices,
    versions: Sequence[OfferedVersion],
    runs: Sequence[Run],
    prompt: File | None,
    control: int | None,
) -> Choices:
    """The choices with versions: those asked for, else the newest against its parent, or what was not run yet.

    The baseline that nobody chose is the parent of the newest chosen version, else the live one, else the oldest.
    """
    numbers = {one.version.number for one in versions}
    other_prompt = bool(choices.of) and prompt is not None and choices.of != prompt.id
    chosen = () if other_prompt else tuple(number for number in choices.versions if number in numbers)
    if not chosen and (other_prompt or not choices.whole):
        chosen = _proposed(choices, versions, runs)
    baseline = None if other_prompt else choices.baseline
    if baseline is None or (
        baseline not in chosen and not any(one.run for one in versions if one.version.number == baseline)
    ):
        newest = next((one.version for one in versions if one.version.number in chosen), None)
        likely = (number for number in (_parent(versions, newest), _live(versions)) if number in chosen)
        baseline = control or next(likely, min(chosen, default=None))
    return replace(choices, versions=chosen, baseline=baseline)


def _proposed(choices: Choices, versions: Sequence[OfferedVersion], runs: Sequence[Run]) -> tuple[int, ...]:
    if runs and choices.again:
        return tuple(run.version.number for run in runs if run.version)
    if runs:
        return tuple(one.version.number for one in versions[:1] if one.run is None)
    newest = versions[0].version if versions else None
    likely = [_parent(versions, newest), _live(versions), *(one.version.number for one in versions[1:2])]
    numbers = [newest.number if newest else None, *likely]
    return tuple(dict.fromkeys(number for number in numbers if number is not None))[:2]


def _parent(versions: Sequence[OfferedVersion], version: Version | None) -> int | None:
    """The number of the version that another was made from: whether a change helped shows against that one."""
    parent = version.parent_id if version else None
    return next((one.version.number for one in versions if one.version.id == parent), None)


def _live(versions: Sequence[OfferedVersion]) -> int | None:
    return next(
        (one.version.number for one in versions if any(place.tag == "default" for place in one.places)), None
    )


def _dataset(
    session: Session, choices: Choices, sets: Sequence[File], runs: Sequence[Run], last: Evaluation | None
) -> tuple[File | None, list[Version], Version | None]:
    earlier = _rows_of(runs) or (_rows_of(repository.list_runs(session, [last.id])) if last else [])
    wanted = choices.dataset or (earlier[0].file_id if earlier else "")
    dataset = next((file for file in sets if file.id == wanted), sets[0] if sets else None)
    if dataset is None:
        return None, [], None
    versions = files.list_versions(session, dataset.id)
    number = choices.dataset_version if choices.dataset == dataset.id else None
    ran = _rows_of(runs)
    if number is None and ran and ran[0].file_id == dataset.id:
        number = ran[0].number
    chosen = next(
        (version for version in versions if version.number == number), versions[0] if versions else None
    )
    if chosen:
        chosen.file = dataset
    return dataset, versions, chosen


def _rows_of(runs: Sequence[Run]) -> list[Version]:
    """The dataset versions of those of the runs that have one."""
    return [run.dataset_version for run in runs if run.dataset_version]


def _evaluators(
    session: Session, principal: Principal, evaluation: Evaluation | None
) -> list[OfferedEvaluator]:
    fixed = repository.list_evaluators(session, evaluation.id) if evaluation else []
    found = _files(session, principal, FileKind.EVALUATOR)
    newest = files.newest_versions(session, [file.id for file in found])
    listed = [OfferedEvaluator(version, describe(version.spec), fixed=True) for version in fixed]
    taken = {version.file_id for version in fixed}
    for file in sorted(found, key=lambda file: file.path):
        version = newest.get(file.id)
        if version and file.id not in taken:
            version.file = file
            listed.append(OfferedEvaluator(version, describe(version.spec), fixed=False))
    return listed


def _with_evaluators(
    session: Session,
    choices: Choices,
    judges: Sequence[OfferedEvaluator],
    evaluation: Evaluation | None,
    last: Evaluation | None,
) -> Choices:
    """The choices with evaluators: those asked for, else those of the prompt's last evaluation."""
    offered = {one.version.id: one for one in judges}
    chosen = [key for key in choices.evaluators if key in offered]
    primary = choices.primary
    if not chosen and not choices.whole and last and not evaluation:
        files_of_last = {version.file_id for version in repository.list_evaluators(session, last.id)}
        chosen = [key for key, one in offered.items() if one.version.file_id in files_of_last]
        before = repository.find_version_file(session, last.primary_evaluator_id)
        primary = next((key for key in chosen if offered[key].version.file_id == before), primary)
    fixed = [key for key, one in offered.items() if one.fixed]
    chosen = [*fixed, *(key for key in chosen if key not in fixed)]
    if primary not in chosen and evaluation and evaluation.primary_evaluator_id:
        primary = evaluation.primary_evaluator_id
    if primary not in chosen:
        primary = chosen[0] if chosen else ""
    return replace(choices, evaluators=tuple(chosen), primary=primary)
