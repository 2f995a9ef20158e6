"""Importing evaluations: their evaluators, their runs, and which output is of which row."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import IO, Any

import orjson
from sqlalchemy.orm import Session

from app.core import clock
from app.core.database import unit_of_work
from app.evaluations import stopping_rules
from app.evaluations.figures import scoring
from app.evaluations.models import ENDED, EVALUATED, Evaluation, EvaluationEvaluator, Run, SharedRun
from app.evaluations.schemas import DEFAULT_CONCURRENCY
from app.evaluations.service import LONGEST_NAME
from app.files import repository as files
from app.files.models import FileKind
from app.transfer import evaluation_repository, repository
from app.transfer.evaluation_repository import Output
from app.transfer.layout import is_name
from app.transfer.logs import LogWriter
from app.transfer.reading import Folder, Unreadable
from app.transfer.report import Report
from app.transfer.said import Said

EVALUATIONS, RUNS, OUTPUTS = "evaluations", "runs", "outputs of runs"


@dataclass(frozen=True, slots=True)
class SaidRun:
    """What the export says of a run."""

    id: str
    said: Said
    version_id: str | None
    dataset_version_id: str | None
    where: str

    @property
    def was_stopped(self) -> bool:
        """Whether somebody ended it before every row was run, as far as the export says."""
        return (self.said.count("done_count") or 0) < (self.said.count("items_count") or 0)

    @property
    def version_ids(self) -> list[str]:
        """The versions that it names."""
        return [each for each in (self.version_id, self.dataset_version_id) if each]


def read_evaluations(workspace_id: str, folder: Folder, kind: str, writer: LogWriter, report: Report) -> None:
    """Import the evaluations of a file: each is there with all its runs and their rows, or not yet.

    Its logs are imported first, and are kept where a run itself cannot be. A run that is there as part of another
    evaluation becomes part of this one, too.
    """
    for place in folder.folder("evaluations").folders(EVALUATIONS, report):
        try:
            said = Said(place.read("evaluation.json"))
        except Unreadable as error:
            report.leave_out(EVALUATIONS, "its evaluation.json cannot be read", f"{place.name} ({error})")
            continue
        runs = _read_runs(place, report)
        with tempfile.TemporaryFile() as spool:
            _read_outputs(place, writer, spool, report)
            problem = said.problem or (
                None if said.values.get("id") == place.id else "its id is not its name"
            )
            if problem is None and kind not in (
                *EVALUATED,
                FileKind.EVALUATOR,
            ):  # which holds the place of a file
                problem = f"evaluations of a {kind} are not kept: prompts and flows are evaluated here"
            if problem:
                report.leave_out(EVALUATIONS, problem, place.name)
                continue
            new = _write(workspace_id, folder.id, said, runs, spool, report)
        for run_id in new:
            with unit_of_work() as session:
                scoring.score_run(session, run_id)
        _compare(place, workspace_id, runs, report)


def _read_runs(place: Folder, report: Report) -> list[SaidRun]:
    folder = place.folder("runs")
    runs = []
    for name in folder.names(RUNS, report):
        where = f"{folder.name}/{name}"
        try:
            said = Said(folder.read(name))
        except Unreadable as error:
            report.leave_out(RUNS, "it cannot be read", f"{where} ({error})")
            continue
        version, dataset = (
            Said(said.object(part) or {}).text("version_id") for part in ("version", "dataset")
        )
        if problem := said.problem or (None if said.values.get("id") == name else "its id is not its name"):
            report.leave_out(RUNS, problem, where)
        else:
            runs.append(SaidRun(name, said, version, dataset, where))
    return sorted(runs, key=lambda run: (run.said.time("created_at", "added_at") or "", run.id))


def _read_outputs(place: Folder, writer: LogWriter, spool: IO[bytes], report: Report) -> None:
    """Import the logs of runs, and write down on disk whose outputs they are."""
    for line in place.folder("logs").lines(OUTPUTS, report):
        said = Said(line.value)
        log = said.object("log")
        if log is None:
            report.leave_out(OUTPUTS, "the line has no log", line.where)
            continue
        log_id = writer.add(
            log, line.where, size=line.size, file_id=None, judgments=said.objects("evaluator_logs")
        )
        run_id, datapoint = said.text("run_id"), Said(said.object("datapoint") or {}).text("id")
        datapoint = datapoint or Said(log).text("source_datapoint_id")
        if log_id is None:
            continue  # told of already
        if run_id is None:
            report.leave_out(OUTPUTS, "it is of no run: the log is kept", line.where)
            continue
        spool.write(orjson.dumps([run_id, datapoint, said.count("repeat"), log_id]) + b"\n")
    writer.flush()


def _write(
    workspace_id: str, file_id: str, said: Said, runs: list[SaidRun], spool: IO[bytes], report: Report
) -> list[str]:
    """Write an evaluation, and those of its runs that are not there; the ids of the new ones."""
    with unit_of_work() as session:
        repository.one_at_a_time(session, workspace_id)
        evaluation = evaluation_repository.find_evaluation_ever(session, str(said.values["id"]))
        if evaluation is None:
            evaluation = _new_evaluation(session, workspace_id, file_id, said, report)
        else:
            report.there[EVALUATIONS] += 1
        _add_evaluators(session, evaluation, said, report)
        shared = _share_runs(session, evaluation, runs, report)
        new = _new_runs(session, evaluation, runs, report)
        if new:
            spool.seek(0)
            evaluation_repository.stage_outputs(session, _outputs(spool))
        stopped = {run.id for run in runs if run.was_stopped}
        for run in new:
            waits = run.status == "cancelled" or run.id in stopped
            lost = evaluation_repository.create_items(session, run, _rows_of(session, run), waits=waits)
            evaluation_repository.count_items(session, run)
            for _ in range(lost):
                report.leave_out(OUTPUTS, "its log is not here", run.id)
        report.written[RUNS] += len(new) + len(shared)
        return [run.id for run in new] + shared


def _rows_of(session: Session, run: Run) -> tuple[str, int] | None:
    """The dataset version that a run has, as its file and number."""
    if run.dataset_version_id is None:
        return None
    dataset = files.find_versions(session, run.workspace_id, [run.dataset_version_id])[0]
    return dataset.file_id, dataset.number


def _outputs(spool: IO[bytes]) -> Iterator[Output]:
    for line in spool:
        yield Output(*orjson.loads(line))


def _new_evaluation(
    session: Session, workspace_id: str, file_id: str, said: Said, report: Report
) -> Evaluation:
    evaluation_id = str(said.values["id"])
    wanted = (said.text("name") or f"Evaluation {evaluation_id}")[:LONGEST_NAME]
    name, taken = wanted, evaluation_repository.names_taken(session, file_id)
    if name in taken:
        name = f"{wanted[:150]} ({evaluation_id[:40]})"
        report.notes.add(f"{evaluation_id}: its name “{wanted}” is taken: it is called “{name}”")
    maker_id, maker = said.person("created_by")
    created = said.moment("created_at") or clock.now()
    evaluation = Evaluation(
        id=evaluation_id,
        workspace_id=workspace_id,
        file_id=file_id,
        name=name,
        smallest_difference=said.number("smallest_difference"),
        stops_when_clear=said.flag("stops_when_clear"),
        created_by=maker_id,
        created_by_name=maker,
        created_at=created,
        updated_at=said.moment("updated_at") or created,
    )
    session.add(evaluation)
    session.flush()
    report.written[EVALUATIONS] += 1
    return evaluation


def _add_evaluators(session: Session, evaluation: Evaluation, said: Said, report: Report) -> None:
    links = [Said(each) for each in said.objects("evaluators")]
    named = {
        version_id: link
        for link in links
        if (version_id := Said(link.object("version") or {}).text("version_id") or link.text("version_id"))
    }
    kinds = evaluation_repository.kinds_of(session, evaluation.workspace_id, named.keys())
    there = evaluation_repository.evaluators_there(session, evaluation.id)
    position = len(there)
    for version_id, link in named.items():
        if kinds.get(version_id) != FileKind.EVALUATOR:
            report.leave_out(
                "evaluators of evaluations", "the evaluator is not here", f"{evaluation.id}, {version_id}"
            )
        elif version_id not in there:
            session.add(
                EvaluationEvaluator(
                    evaluation_id=evaluation.id,
                    evaluator_version_id=version_id,
                    position=position,
                    orchestrated=link.values.get("orchestrated") is not False,
                    added_at=link.moment("added_at") or evaluation.created_at,
                )
            )
            there.add(version_id)
            position += 1
    session.flush()
    if evaluation.primary_evaluator_id is None:
        chosen = said.text("primary_evaluator")
        first = chosen if chosen in there else next((each for each in named if each in there), None)
        evaluation_repository.set_primary(session, evaluation.id, first)


def _share_runs(session: Session, evaluation: Evaluation, runs: list[SaidRun], report: Report) -> list[str]:
    """Make runs that are part of another evaluation part of this one, too; the ids of those that were not."""
    part_of = evaluation_repository.evaluations_of(session, evaluation.workspace_id, [run.id for run in runs])
    shared = []
    for run in runs:
        if evaluation.id in part_of.get(run.id, ()):
            report.there[RUNS] += 1
        elif run.id in part_of:
            added = run.said.moment("added_at") or evaluation.created_at
            link = SharedRun(evaluation_id=evaluation.id, run_id=run.id, added_at=added)
            link.control = run.said.flag("control")
            session.add(link)
            shared.append(run.id)
    session.flush()
    return shared


def _new_runs(session: Session, evaluation: Evaluation, runs: list[SaidRun], report: Report) -> list[Run]:
    there = evaluation_repository.evaluations_of(session, evaluation.workspace_id, [run.id for run in runs])
    session.refresh(evaluation, ["primary_evaluator_id"])
    versions = {version_id for run in runs for version_id in run.version_ids}
    kinds = evaluation_repository.kinds_of(session, evaluation.workspace_id, versions)
    made = []
    for run in runs:
        if run.id in there:
            continue
        if run.version_id and kinds.get(run.version_id) not in EVALUATED:
            report.leave_out(RUNS, "its version is not here, or is no prompt or flow", run.where)
        elif run.dataset_version_id and kinds.get(run.dataset_version_id) != FileKind.DATASET:
            report.leave_out(RUNS, "the version of its dataset is not here", run.where)
        else:
            made.append(_run(evaluation, run, report))
    session.add_all(made)
    session.flush()
    stopping_rules.share_level(session, evaluation)
    return made


def _run(evaluation: Evaluation, run: SaidRun, report: Report) -> Run:
    said = run.said
    status = said.text("status")
    if status not in ENDED:
        report.notes.add(f"{run.where}: it was {status or 'in no known state'}, and is cancelled here")
        status = "cancelled"
    maker_id, maker = said.person("created_by")
    created = said.moment("created_at", "added_at") or evaluation.created_at
    finished = said.moment("finished_at") or created
    cost, spent = said.usd("max_cost_usd"), said.usd("spent_usd")
    counts: dict[str, Any] = {name: said.count(name) or 0 for name in ("retried_count", "calls_count")}
    return Run(
        id=run.id,
        workspace_id=evaluation.workspace_id,
        evaluation_id=evaluation.id,
        version_id=run.version_id,
        dataset_version_id=run.dataset_version_id,
        control=said.flag("control"),
        orchestrated=bool(run.version_id and run.dataset_version_id)
        and said.values.get("orchestrated") is not False,
        status=status,
        split=said.text("split"),
        repeats=min(max(said.count("repeats") or 1, 1), 50),
        concurrency=said.count("concurrency") or DEFAULT_CONCURRENCY,
        fresh=said.flag("fresh"),
        max_cost_usd=Decimal(cost) if cost else None,
        max_calls=said.count("max_calls"),
        stops_by=evaluation.primary_evaluator_id if said.flag("stops_when_clear") else None,
        clear_after=said.count("clear_after"),
        left_count=_left(said, status),
        left_at=finished if _left(said, status) else None,
        spent_usd=Decimal(spent or "0"),
        created_by=maker_id,
        created_by_name=maker,
        created_at=created,
        started_at=said.moment("started_at") if "started_at" in said.values else created,
        finished_at=finished,
        cancel_requested_at=finished if status == "cancelled" else None,
        progressed_at=finished,
        **counts,
    )


def _left(said: Said, status: str) -> int:
    """How many items a run left because it was clear: those of its items without a result, where it says so."""
    if status != "completed" or not said.count("clear_after") or not said.text("not_run"):
        return 0
    return max(0, (said.count("items_count") or 0) - (said.count("done_count") or 0))


def _compare(place: Folder, workspace_id: str, runs: list[SaidRun], report: Report) -> None:
    """Tell of runs that have fewer outputs than their statistics counted."""
    try:
        stats = Said(place.read("stats.json"))
    except Unreadable:
        report.gaps.add(f"{place.name}: it has no statistics to compare with")
        return
    counted = {
        run_id: each.count("num_logs") or 0
        for each in map(Said, stats.objects("run_stats"))
        if (run_id := each.text("run_id")) and is_name(run_id)
    }
    with unit_of_work() as session:
        found = evaluation_repository.count_outputs(session, workspace_id, counted.keys())
    failed = {run.id: run.said.count("failed_count") or 0 for run in runs}  # which may have no log
    for run_id, count in counted.items():
        if run_id in found and found[run_id] + failed.get(run_id, 0) < count:
            report.gaps.add(f"{place.name}/runs/{run_id}: {found[run_id]:,} of {count:,} outputs")
