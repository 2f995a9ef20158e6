"""A workspace with one of everything, and somebody of every role: what the tests of all routes send their requests to."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts import passwords
from app.accounts import service as accounts
from app.comments.models import Comment, Subject
from app.core import clock, ids
from app.core.access import Action, Principal, Role
from app.datasets import repository as datasets
from app.evaluations import run_service
from app.evaluations.models import Evaluation, ReportLink, Run
from app.evaluations.reports import links as report_links
from app.files import deployments, directories
from app.files import service as files
from app.files.models import Directory, Environment, File, Version
from app.generations import pins
from app.generations.models import RowGeneration
from app.logs import views
from app.logs.models import LogView, QuarantinedSpan
from app.logs.records import LogRecord
from app.logs.repository import insert_logs
from app.monitoring.models import Monitor
from app.providers.models import Provider
from app.providers.service import ProviderChange, create_provider
from app.review.models import ReviewGuest, ReviewQueue
from app.tools.schemas import VariableGiven
from app.tools.variables import set_variables
from app.workspaces import invitations
from app.workspaces import service as workspaces
from app.workspaces.models import ApiKey, Invitation
from tests import factories

_REWRITTEN = [{"role": "user", "content": "Answer in one word: {{question}}"}]
TOOL_VARIABLE = "TOKEN"
"""Of the tool; its value is a canary."""


@dataclass
class World:
    """A workspace with one of everything, and somebody of every role."""

    team: factories.Team
    people: dict[Role, Principal]
    prompt: Version
    newer_prompt: Version
    unused_prompt: Version
    """Nothing names it; so are `newer_dataset` and `newer_evaluator`."""
    dataset: Version
    newer_dataset: Version
    training: Version
    """A dataset whose row is for training."""
    training_row_id: str
    evaluator: Version
    newer_evaluator: Version
    human: Version
    """An evaluator that people judge by."""
    tool: Version
    newer_tool: Version
    flow: Version
    newer_flow: Version
    tool_log_id: str
    agent_log_id: str
    flow_log_id: str
    """Not complete yet."""
    agent: Version
    newer_agent: Version
    evaluation: Evaluation
    quiet_evaluation: Evaluation
    """Nothing of it runs: its streams end at once."""
    compared_evaluation: Evaluation
    """Both versions of the prompt have run in it."""
    run: Run
    failed_run: Run
    cancelled_run: Run
    waiting_run: Run
    """Its outputs come from elsewhere, and none has come yet."""
    going_run: Run
    queue: ReviewQueue
    """Everybody who may judge is asked about its items, and has answered none."""
    half_queue: ReviewQueue
    """Only the admin is asked."""
    disputed_queue: ReviewQueue
    """Two who are asked differ on its items: nobody else is."""
    guest: ReviewGuest
    """Of `queue`: a guest reviewer, who was let in, with the token of the session, and of the link."""
    guest_session: str
    guest_token: str
    row_generation: RowGeneration
    """Of the maker's, into their draft of `training`: it goes on, and no call has been made."""
    draft_state_id: str
    """Of the maker's draft of `prompt`; everybody has one."""
    directory: Directory
    trashed: File
    """Of the maker's, and deleted with the folder that it lay in."""
    staging: Environment
    spare: Environment
    provider: Provider
    key: ApiKey
    monitors: Mapping[str, Monitor]
    """Those of the prompt, the tool, the flow and the agent, by kind; none of their logs waits."""
    log_view: LogView
    """The workspace's, of the maker."""
    log_id: str
    called_log_id: str
    """Of an answer in the editor of `prompt` that calls a tool."""
    loose_log_id: str
    """Of the run, and no row has it as its result."""
    span_id: str
    """Of one that could not be read."""
    datapoint_id: str
    comment: Comment
    """On the log, of somebody of the role where it may comment; everybody is mentioned."""
    link: str
    spare_member: Principal
    invitation: Invitation
    invitation_token: str
    reset_token: str
    report_link: ReportLink
    report_token: str

    @property
    def developer_id(self) -> str:
        return self.people[Role.DEVELOPER].user_id

    @property
    def slug(self) -> str:
        return self.team.workspace.slug


def build_world(session: Session, role: Role) -> World:
    """A world whose things were made by somebody of this role, so that a member may delete them; by the admin
    where the role makes nothing."""
    team = factories.team(session)
    people = {
        each: factories.member(session, team.workspace, each) for each in Role if each is not Role.ADMIN
    }
    people[Role.ADMIN] = team.admin
    maker = people[role] if role in (Role.DEVELOPER, Role.MEMBER) else team.admin
    prompt = factories.prompt(session, maker, "world/prompt")
    newer = factories.prompt(session, maker, "world/prompt", temperature=0.5, template=_REWRITTEN)
    unused = factories.prompt(session, maker, "world/prompt", temperature=0.25)
    rows = factories.dataset(session, maker, 2, "world/rows")
    more_rows = factories.dataset(session, maker, 3, "world/rows")
    training = factories.dataset(
        session,
        maker,
        [{"inputs": {"question": "trained on"}, "target": {"answer": "yes"}, "split": "train"}],
        "world/training",
    )
    judge = factories.evaluator(session, maker, "exact", "world/exact")
    newer_judge = factories.evaluator(session, maker, "exact", "world/exact", ignore_case=True)
    tool = factories.tool(session, maker, "world/tool")
    newer_tool = factories.tool(session, maker, "world/tool", source_code="def weather(city): ...")
    given = VariableGiven.model_validate({"name": TOOL_VARIABLE, "value": "canary-key-123456"})
    set_variables(session, team.admin, tool.file, [given])
    flow = factories.flow(session, maker, "world/flow", commit="4f2a1c")
    newer_flow = factories.flow(session, maker, "world/flow", commit="9b0e77")
    flow_log_id = factories.logged(session, maker, flow, inputs={"question": "?"})
    agent = factories.agent(session, maker, "world/agent")
    newer_agent = factories.agent(session, maker, "world/agent", max_iterations=3)
    evaluation = factories.evaluation(session, maker, prompt, judge)

    def started(version: Version) -> Run:
        return factories.started_run(session, maker, evaluation, version, rows, fresh=True)

    run = factories.finish_run(session, started(prompt), ["answer 0", "x"])
    failed = factories.finish_run(session, started(newer), ["answer 0", None])
    cancelled = started(newer)
    run_service.cancel_run(session, cancelled)
    waiting = factories.started_run(session, maker, evaluation, prompt, rows, fresh=True, orchestrated=False)
    going = started(newer)
    compared = factories.evaluation(session, maker, prompt, judge)
    for version, outputs in ((prompt, ["answer 0", "x"]), (newer, ["answer 0", "answer 1"])):
        made = factories.started_run(session, maker, compared, version, rows, fresh=True)
        factories.finish_run(session, made, outputs)
    key_maker = people[role] if role in (Role.ADMIN, Role.DEVELOPER) else team.admin
    staging = deployments.get_environment(session, team.admin, "staging")
    # By who made it: what others deployed a member takes away nowhere.
    for version in (prompt, rows, judge, tool, flow, agent):
        deployments.deploy(session, maker, version.file, version, staging)
    spare_member = factories.member(session, team.workspace, Role.VIEWER, "Spare Member")
    human = factories.evaluator(session, maker, "human", "world/human")
    judges = [people[each] for each in (Role.ADMIN, Role.DEVELOPER, Role.MEMBER, Role.REVIEWER)]
    disputed = factories.review(session, maker, evaluation, human, judges[2:], runs=[run])
    for judge_, said in zip(judges[2:], (True, False), strict=True):
        for place in (1, 2):
            factories.reviewed(
                session, judge_, disputed, place, said, correction="" if said else "a better answer"
            )
    log_id, datapoint_id = _of_items(session, run, "log_id"), _of_items(session, run, "datapoint_id")
    invitation, invitation_token = invitations.invite(
        session, team.admin, f"invited-{team.workspace.slug}@example.com", Role.MEMBER
    )
    report_link, report_url = report_links.make_link(session, maker, evaluation)
    queue = factories.review(session, maker, evaluation, human, judges, runs=[run])
    guest, guest_token, guest_session = factories.guest(session, maker, queue)
    for each in (*people.values(), maker):
        factories.dataset_draft(session, each, more_rows)
        factories.dataset_draft(session, each, training, discarded=True)
    pins.toggle(session, prompt.file, rows.file_id, datasets.list_rows(session, rows)[0][1].id)
    for subject, thing in ((Subject.VERSION, newer.id), (Subject.ROW, datapoint_id)):
        factories.comment(session, maker, subject, thing, "Look at https://example.com/a?b=1, please.")
    says = people[role] if people[role].may(Action.JUDGE) else team.admin
    named = " ".join(f"@[{each.user_id}]" for each in people.values() if each.may(Action.READ))
    comment = factories.comment(session, says, Subject.LOG, log_id, f"{named}: is this right?")
    return World(
        team=team,
        people=people,
        prompt=prompt,
        newer_prompt=newer,
        unused_prompt=unused,
        dataset=rows,
        newer_dataset=more_rows,
        training=training,
        training_row_id=datasets.list_rows(session, training)[0][1].id,
        evaluator=judge,
        newer_evaluator=newer_judge,
        human=human,
        queue=queue,
        guest=guest,
        guest_session=guest_session,
        guest_token=guest_token,
        half_queue=factories.review(session, maker, evaluation, human, judges[:1], runs=[run]),
        disputed_queue=disputed,
        tool=tool,
        newer_tool=newer_tool,
        flow=flow,
        newer_flow=newer_flow,
        span_id=_unread_span(session, maker),
        tool_log_id=factories.logged(session, maker, tool, output="sunny", trace_parent_id=flow_log_id),
        agent_log_id=factories.logged(session, maker, agent, output="sunny"),
        flow_log_id=flow_log_id,
        agent=agent,
        newer_agent=newer_agent,
        evaluation=evaluation,
        quiet_evaluation=factories.evaluation(session, maker, prompt, judge),
        compared_evaluation=compared,
        run=run,
        failed_run=failed,
        cancelled_run=cancelled,
        waiting_run=waiting,
        going_run=going,
        row_generation=factories.row_generation(session, maker, prompt, training),
        draft_state_id=[factories.draft(session, each, prompt) for each in (*people.values(), maker)][-1],
        directory=_emptied_directory(session, maker),
        trashed=_trashed(session, maker),
        staging=staging,
        spare=deployments.create_environment(session, team.admin, name="spare"),
        provider=create_provider(
            session,
            team.admin,
            ProviderChange(name="own", base_url="http://127.0.0.1:9/v1", api_key="canary-key-123456"),
        ),
        key=workspaces.create_key(session, key_maker, name="spare", role=key_maker.role)[0],
        monitors=_monitors(session, maker, prompt, tool, flow, agent),
        log_view=views.save(session, maker, "World errors", {"state": "error"}, shared=True),
        log_id=log_id,
        comment=comment,
        called_log_id=_called_log(session, run),
        loose_log_id=_loose_log(session, run),
        datapoint_id=datapoint_id,
        link=accounts.create_sign_in_link(session, team.admin.email),
        spare_member=spare_member,
        invitation=invitation,
        invitation_token=invitation_token,
        reset_token=passwords.create_reset_link(session, team.admin.email),
        report_link=report_link,
        report_token=report_url.rpartition("/")[2],
    )


def _monitors(session: Session, maker: Principal, *watched: Version) -> dict[str, Monitor]:
    judge = factories.evaluator(session, maker, "json_valid", "world/json")
    found = {
        each.file.kind: Monitor(
            id=ids.new_id("mon"), workspace_id=each.workspace_id, file_id=each.file_id,
            evaluator_version_id=judge.id, created_at=clock.now(),
        )
        for each in watched
    }  # fmt: skip
    session.add_all(found.values())
    session.flush()
    return found


def _emptied_directory(session: Session, maker: Principal) -> Directory:
    gone = factories.prompt(session, maker, "empty/gone").file
    files.delete_file(session, maker, gone)
    return session.get_one(Directory, gone.directory_id)


def _trashed(session: Session, maker: Principal) -> File:
    file = factories.prompt(session, maker, "binned/deep/one").file
    folder = directories.get_directory_by_path(session, maker, "binned")
    directories.delete_directory(session, maker, folder, with_files=True)
    return file


def _loose_log(session: Session, run: Run) -> str:
    now = clock.now().isoformat()
    log = LogRecord(
        ids.new_id("log"), run.workspace_id, run.version.file_id, run.version_id, "evaluation", now, now,
        run_id=run.id,
    )  # fmt: skip
    insert_logs(session, [log])
    return log.id


def _called_log(session: Session, run: Run) -> str:
    now = clock.now().isoformat()
    call = {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
    log = LogRecord(
        ids.new_id("log"), run.workspace_id, run.version.file_id, run.version_id, "editor", now, now,
        output_message={"role": "assistant", "tool_calls": [call]},
    )  # fmt: skip
    insert_logs(session, [log])
    return log.id


def _of_items(session: Session, run: Run, column: str) -> str:
    return session.scalar(
        text(f"select {column} from run_item where run_id = :run and log_id is not null limit 1"),
        {"run": run.id},
    )


def _unread_span(session: Session, sender: Principal) -> str:
    span = QuarantinedSpan(
        id=ids.new_id("qua"), workspace_id=sender.workspace_id, problem="It is no JSON.", body=b"no JSON"
    )
    session.add(span)
    session.flush()
    return span.id
