"""Valid things to test with: each factory makes one through the application's own services."""

import io
import itertools
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy.orm import Session

from app.accounts import service as accounts
from app.comments import service as comments
from app.comments.models import About, Comment, Subject
from app.core import clock, ids
from app.core.access import Principal, Role
from app.core.security import hash_password
from app.datasets import draft_repository as dataset_draft_repository
from app.datasets import drafts as dataset_drafts
from app.datasets import models as dataset_models
from app.datasets import service as datasets
from app.datasets.draft_repository import Filter
from app.datasets.drafts import RowEdit
from app.datasets.rows import Destination
from app.datasets.schemas import DatapointContent
from app.evaluations import run_service, shard_repository
from app.evaluations import service as evaluations
from app.evaluations.engine.item import Outcome
from app.evaluations.engine.writing import write_outcomes
from app.evaluations.figures import scoring
from app.evaluations.figures.report import compared_of
from app.evaluations.models import Evaluation, Run
from app.evaluations.repository import list_runs
from app.evaluations.run_service import RunRequest
from app.evaluations.shard_repository import Settled
from app.evaluations.verdicts.judging import set_verdict
from app.evaluations.verdicts.plan import load_plan
from app.evaluators import databases
from app.evaluators.binding import Execution, Row, make_spec
from app.files import service as files
from app.files.models import FileKind, Version
from app.flows.spec import FlowSpec
from app.generations import draft_repository, drafts, row_generations
from app.generations.draft import draft_of
from app.generations.draft_content import stored
from app.generations.models import RowGeneration
from app.home.onboarding import NewWorkspace, open_workspace
from app.logs.records import JudgmentRecord, LogRecord
from app.logs.schemas import AgentLog, FlowLog, PromptLog, ToolLog
from app.logs.service import Entry, record_logs
from app.prompts.agents import AgentSpec
from app.prompts.spec import parse_as, parse_spec
from app.review import answering, guests, repository, sending
from app.review.choosing import FromEvaluation
from app.review.from_logs import FromLogs
from app.review.models import ReviewGuest, ReviewQueue
from app.tools.spec import ToolSpec
from app.workspaces import service as workspaces
from app.workspaces.models import Workspace

_numbers = itertools.count(1)
PASSWORD = "a long enough password"
MODEL = {"model": "practice-1", "provider": "practice"}


@lru_cache
def _password_hash() -> str:
    """The hash of everybody's password, made once: it is slow on purpose."""
    return hash_password(PASSWORD)


@dataclass(frozen=True)
class Team:
    """A workspace with its admin."""

    workspace: Workspace
    admin: Principal


def team(session: Session, name: str | None = None) -> Team:
    """A workspace as `init` makes it: environments, the practice provider, one admin with a password."""
    name = name or f"Team {secrets.token_hex(4)}"
    email = f"admin-{secrets.token_hex(4)}@example.com"
    opened = open_workspace(session, NewWorkspace(name, email, "Ada Admin"))
    opened.admin.password_hash = _password_hash()
    return Team(opened.workspace, opened.principal)


def member(session: Session, workspace: Workspace, role: Role, name: str | None = None) -> Principal:
    """Somebody with this role in the workspace."""
    email = f"{role.value}-{secrets.token_hex(4)}@example.com"
    user = accounts.create_user(session, email=email, full_name=name or role.value.title())
    user.password_hash = _password_hash()
    by = workspaces.principal_of(workspace, user, Role.ADMIN)
    workspaces.add_member(session, by, user, role)
    return workspaces.principal_of(workspace, user, role)


def key(session: Session, principal: Principal, role: Role | None = None) -> str:
    """The secret of a new API key of this principal."""
    return workspaces.create_key(session, principal, name="tests", role=role or principal.role)[1]


def prompt(session: Session, principal: Principal, path: str | None = None, **spec: Any) -> Version:
    """A version of a prompt that asks the practice model `{{question}}`, unless `spec` says otherwise."""
    template = [{"role": "system", "content": "Answer shortly."}, {"role": "user", "content": "{{question}}"}]
    content = parse_spec(MODEL | {"template": template} | spec).content()
    change = files.Commit(FileKind.PROMPT, content, path=path or f"tests/prompt {next(_numbers)}")
    return _with_file(files.commit(session, principal, change))


def draft(session: Session, principal: Principal, version: Version, said: str = "Say it.") -> str:
    """A draft of the principal's on this version, that said something else before; the id of that state."""
    desk = drafts.desk_of(principal, version.file, version, version)
    form = draft_of(version.spec)
    for text in ("Say something.", said):
        form.messages = [{"role": "user", "content": text}]
        drafts.replace_with(session, desk, stored(form), drafts.Mark("tab_of_the_world"))
    return draft_repository.list_states(session, desk.place)[0].id


def panes(session: Session, principal: Principal, version: Version, **pane: str) -> None:
    """A pane that the principal runs beside the prompt."""
    place = drafts.desk_of(principal, version.file, version, version).place
    draft_repository.put_panes(session, place, beside=True, panes=[{"version": "1", **pane}])


def agent(session: Session, principal: Principal, path: str | None = None, **spec: Any) -> Version:
    """A version of an agent that has the weather as a tool, unless `spec` says otherwise."""
    tools = [{"type": "inline", "json_schema": {"name": "weather"}, "on_agent_call": "stop"}]
    content = parse_as(AgentSpec, MODEL | {"template": "{{question}}", "tools": tools} | spec).content()
    change = files.Commit(FileKind.AGENT, content, path=path or f"tests/agent {next(_numbers)}")
    return _with_file(files.commit(session, principal, change))


def dataset(
    session: Session, principal: Principal, rows: Sequence[dict[str, Any]] | int = 3, path: str | None = None
) -> Version:
    """A version of a dataset with these rows, or with so many made-up ones."""
    if isinstance(rows, int):
        rows = [
            {"inputs": {"question": f"question {n}"}, "target": {"answer": f"answer {n}"}}
            for n in range(rows)
        ]
    change = datasets.DatasetChange(
        [DatapointContent.model_validate(row) for row in rows], path=path or f"tests/dataset {next(_numbers)}"
    )
    written = datasets.write(session, principal, change)
    written.version.file = written.file
    return written.version


def dataset_draft(
    session: Session, principal: Principal, version: Version, *, discarded: bool = False
) -> dataset_models.DatasetDraft:
    """A draft of the principal's that edits the first row, and adds one."""
    draft = dataset_drafts.opened(session, principal, version.file)
    row = dataset_draft_repository.list_rows(session, draft, Filter(), limit=1)[0]
    dataset_drafts.edit(session, draft, [RowEdit(row.row_id, {Destination("metadata", "by"): "hand"})])
    dataset_drafts.add(session, draft, [DatapointContent(inputs={"question": f"added {next(_numbers)}"})])
    if discarded:
        dataset_drafts.discard(session, principal, version.file)
    return draft


def row_generation(
    session: Session, principal: Principal, writer: Version, version: Version
) -> RowGeneration:
    """Two rows that a prompt is to write into the principal's draft, in two calls."""
    wanted = row_generations.Wanted(
        writer,
        rows=2,
        columns=[Destination("inputs", "question"), Destination("target", "answer")],
        rows_a_call=1,
        examples=1,
        inputs={"question": "Which?"},
    )
    return row_generations.start(session, principal, version.file, wanted)


def evaluator(
    session: Session, principal: Principal, kind: str = "exact", path: str | None = None, **settings: Any
) -> Version:
    """A version of an evaluator of this kind."""
    change = files.Commit(
        FileKind.EVALUATOR, make_spec(kind, settings), path=path or f"tests/{kind} {next(_numbers)}"
    )
    return _with_file(files.commit(session, principal, change))


def tool(session: Session, principal: Principal, path: str | None = None, **spec: Any) -> Version:
    """A version of a tool that tells the weather, unless `spec` says otherwise."""
    function = {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
    content = ToolSpec.model_validate({"function": function} | spec).content()
    change = files.Commit(FileKind.TOOL, content, path=path or f"tests/tool {next(_numbers)}")
    return _with_file(files.commit(session, principal, change))


def flow(session: Session, principal: Principal, path: str | None = None, **attributes: Any) -> Version:
    """A version of a flow with these attributes."""
    content = FlowSpec(attributes=attributes).content()
    change = files.Commit(FileKind.FLOW, content, path=path or f"tests/flow {next(_numbers)}")
    return _with_file(files.commit(session, principal, change))


def logged(session: Session, principal: Principal, version: Version, **said: Any) -> str:
    """The id of a log that a program elsewhere sent of an execution of this version."""
    model: type[PromptLog | AgentLog | ToolLog | FlowLog] = {
        FileKind.PROMPT: PromptLog, FileKind.AGENT: AgentLog, FileKind.TOOL: ToolLog, FileKind.FLOW: FlowLog,
    }[FileKind(version.file.kind)]  # fmt: skip
    body = model.model_validate({"id": version.file_id} | said)
    return record_logs(session, principal, [Entry(body, version.id)])[0].id


def _with_file(committed: files.Committed) -> Version:
    committed.version.file = committed.file
    return committed.version


def evaluation(
    session: Session, principal: Principal, version: Version, *evaluators: Version, **properties: Any
) -> Evaluation:
    """An evaluation of the version's file."""
    name = properties.pop("name", f"Evaluation {next(_numbers)}")
    return evaluations.create_evaluation(
        session, principal, file=version.file, name=name, evaluators=evaluators, **properties
    )


def started_run(
    session: Session, principal: Principal, of: Evaluation, version: Version, rows: Version, **options: Any
) -> Run:
    """A run that the workers would now begin with."""
    return run_service.start_run(session, principal, of, RunRequest(version, rows, **options))


def finish_run(session: Session, run: Run, outputs: Sequence[str | None]) -> Run:
    """Settle a run's items as a worker would whose model answered `outputs`, in order; None is a failed call."""
    plan = load_plan(session, run.id)
    assert plan is not None
    owner = ids.new_id("own")
    remaining = iter(outputs)
    while claimed := shard_repository.claim_next(session, owner, run.id):
        items = shard_repository.pending_items(session, claimed.shard_id)
        write_outcomes(session, plan, owner, [outcome(plan, item, next(remaining)) for item in items])
    session.refresh(run)
    scoring.score_run(session, run.id)
    session.refresh(run)
    return run


def outcome(plan: Any, item: Any, output: str | None) -> Outcome:
    origin = plan.origin
    error = None if output is not None else "practice answered 500: out of order"
    now = clock.now().isoformat()  # what is shown of the last days has it
    log = LogRecord(
        ids.new_id("log"), origin.workspace_id, origin.file_id, origin.version_id, "evaluation", now, now,
        run_id=plan.run_id, datapoint_id=item.datapoint_id, repeat=item.repeat, inputs=item.inputs,
        output=output, error=error, provider="practice", model="practice-1", prompt_tokens=10, output_tokens=5,
        prompt_cost="0.0001", output_cost="0.0002", latency_ms=120.0,
    )  # fmt: skip
    execution = Execution(output, error, 120.0, 0.0003, 10, 5, item.inputs, [], None)
    row = Row(item.inputs, item.messages or [], item.target, item.context, item.metadata)
    outcome = Outcome(item, Settled(item.position, log.id, error), [log])
    for judge in plan.judges:
        record = JudgmentRecord(ids.new_id("jdg"), origin.workspace_id, log.id, judge.version_id)
        set_verdict(record, judge.evaluator.judge(execution, row, ()))
        outcome.judgments.append(record)
    return outcome


def comment(session: Session, principal: Principal, subject: Subject, thing_id: str, body: str) -> Comment:
    """What the principal says about a thing."""
    return comments.create_comment(session, principal, About(subject, thing_id), body)


def review(
    session: Session,
    principal: Principal,
    of: Evaluation,
    evaluators: Version | Sequence[Version],
    people: Sequence[Principal],
    **asked: Any,
) -> ReviewQueue:
    """A queue of the first compared run's outputs, each of which all of the people are asked about."""
    chosen = {"runs": compared_of(session, of)[0][:1]} | {
        name: asked.pop(name)
        for name in ("runs", "rows", "judge_id", "most_rows", "is_pair")
        if name in asked
    }
    known = {
        run.id: run for run in list_runs(session, [of.id])
    }  # with their versions, after which pairs are named
    chosen["runs"] = [known.get(run.id, run) for run in chosen["runs"]]
    return _sent(session, principal, FromEvaluation(of, **chosen), evaluators, people, asked)


def review_of_logs(
    session: Session,
    principal: Principal,
    log_ids: Sequence[str],
    evaluators: Version | Sequence[Version],
    people: Sequence[Principal],
    **asked: Any,
) -> ReviewQueue:
    """A queue of these logs, each of which all of the people are asked about."""
    return _sent(
        session,
        principal,
        FromLogs(principal.workspace_id, log_ids, rows="chosen"),
        evaluators,
        people,
        asked,
    )


def _sent(
    session: Session,
    principal: Principal,
    source: FromEvaluation | FromLogs,
    evaluators: Version | Sequence[Version],
    people: Sequence[Principal],
    asked: dict[str, Any],
) -> ReviewQueue:
    every = [evaluators] if isinstance(evaluators, Version) else list(evaluators)
    ids_ = [one.user_id for one in people]
    wanted = {"per_item": len(people)} | asked
    return sending.send(session, principal, sending.Sending(source, every, ids_, **wanted))


def guest(
    session: Session, principal: Principal, queue: ReviewQueue, name: str = "Gil Guest"
) -> tuple[ReviewGuest, str, str]:
    """A guest reviewer of all of the queue's items, the token of their link, and that of a session of theirs."""
    ((made, url),) = guests.ask_guests(session, principal, queue, guests.Asked())
    token = url.rpartition("/")[2]
    found = guests.invited_by(session, token)
    assert found is not None
    return made, token, guests.come_in(session, found, name)


def reviewed(
    session: Session, person: Principal, queue: ReviewQueue, place: int, said: Any, **more: str
) -> str:
    """The log of the item at this place of the person's order, of which they say so by the queue's every evaluator."""
    evaluators = repository.list_evaluators(session, [queue.id])[queue.id]
    answered = answering.Answered({one.id: said for one in evaluators}, **more)
    return answering.answer(session, person, queue, place, answered)


def database(
    session: Session, principal: Principal, script: str = "create table t (a); insert into t values (7)"
) -> str:
    """The hash of an SQLite file that the workspace has, made by this script."""
    return databases.take(session, principal, "made.sqlite", io.BytesIO(sqlite_file(script))).hash


def sqlite_file(script: str) -> bytes:
    """An SQLite file, made by this script."""
    with sqlite3.connect(":memory:") as made:
        made.executescript(script)
        return made.serialize()
