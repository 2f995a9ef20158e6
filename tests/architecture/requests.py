"""For every route of the application, a valid request: what the access test sends as everybody."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts import passwords
from app.accounts import service as accounts
from app.core import clock, ids
from app.core.access import Principal, Role
from app.evaluations import run_service
from app.evaluations.models import Evaluation, Run
from app.files import deployments
from app.files import service as files
from app.files.models import Directory, Environment, Version
from app.logs.records import LogRecord
from app.logs.repository import insert_logs
from app.providers.models import Provider
from app.providers.service import ProviderChange, create_provider
from app.workspaces import invitations
from app.workspaces import service as workspaces
from app.workspaces.models import ApiKey, Invitation
from tests import factories


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
    evaluator: Version
    newer_evaluator: Version
    human: Version
    """An evaluator that people judge by."""
    tool: Version
    newer_tool: Version
    flow: Version
    newer_flow: Version
    tool_log_id: str
    flow_log_id: str
    """Not complete yet."""
    agent: Version
    newer_agent: Version
    evaluation: Evaluation
    quiet_evaluation: Evaluation
    """Nothing of it runs: its streams end at once."""
    run: Run
    failed_run: Run
    cancelled_run: Run
    waiting_run: Run
    """Its outputs come from elsewhere, and none has come yet."""
    going_run: Run
    directory: Directory
    staging: Environment
    spare: Environment
    provider: Provider
    key: ApiKey
    log_id: str
    loose_log_id: str
    """Of the run, and no row has it as its result."""
    datapoint_id: str
    link: str
    spare_member: Principal
    invitation: Invitation
    invitation_token: str
    reset_token: str

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
    newer = factories.prompt(session, maker, "world/prompt", temperature=0.5)
    unused = factories.prompt(session, maker, "world/prompt", temperature=0.25)
    rows = factories.dataset(session, maker, 2, "world/rows")
    more_rows = factories.dataset(session, maker, 3, "world/rows")
    judge = factories.evaluator(session, maker, "exact", "world/exact")
    newer_judge = factories.evaluator(session, maker, "exact", "world/exact", ignore_case=True)
    tool = factories.tool(session, maker, "world/tool")
    newer_tool = factories.tool(session, maker, "world/tool", source_code="def weather(city): ...")
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
    key_maker = people[role] if role in (Role.ADMIN, Role.DEVELOPER) else team.admin
    staging = deployments.get_environment(session, team.admin, "staging")
    # By who made it: what others deployed a member takes away nowhere.
    for version in (prompt, rows, judge, tool, flow, agent):
        deployments.deploy(session, maker, version.file, version, staging)
    spare_member = factories.member(session, team.workspace, Role.VIEWER, "Spare Member")
    invitation, invitation_token = invitations.invite(
        session, team.admin, f"invited-{team.workspace.slug}@example.com", Role.MEMBER
    )
    return World(
        team=team,
        people=people,
        prompt=prompt,
        newer_prompt=newer,
        unused_prompt=unused,
        dataset=rows,
        newer_dataset=more_rows,
        evaluator=judge,
        newer_evaluator=newer_judge,
        human=factories.evaluator(session, maker, "human", "world/human"),
        tool=tool,
        newer_tool=newer_tool,
        flow=flow,
        newer_flow=newer_flow,
        tool_log_id=factories.logged(session, maker, tool, output="sunny", trace_parent_id=flow_log_id),
        flow_log_id=flow_log_id,
        agent=agent,
        newer_agent=newer_agent,
        evaluation=evaluation,
        quiet_evaluation=factories.evaluation(session, maker, prompt, judge),
        run=run,
        failed_run=failed,
        cancelled_run=cancelled,
        waiting_run=waiting,
        going_run=going,
        directory=_emptied_directory(session, maker),
        staging=staging,
        spare=deployments.create_environment(session, team.admin, name="spare"),
        provider=create_provider(
            session,
            team.admin,
            ProviderChange(name="own", base_url="http://127.0.0.1:9/v1", api_key="canary-key-123456"),
        ),
        key=workspaces.create_key(session, key_maker, name="spare", role=key_maker.role)[0],
        log_id=_of_items(session, run, "log_id"),
        loose_log_id=_loose_log(session, run),
        datapoint_id=_of_items(session, run, "datapoint_id"),
        link=accounts.create_sign_in_link(session, team.admin.email),
        spare_member=spare_member,
        invitation=invitation,
        invitation_token=invitation_token,
        reset_token=passwords.create_reset_link(session, team.admin.email),
    )


def _emptied_directory(session: Session, maker: Principal) -> Directory:
    gone = factories.prompt(session, maker, "empty/gone").file
    files.delete_file(session, maker, gone)
    return session.get_one(Directory, gone.directory_id)


def _loose_log(session: Session, run: Run) -> str:
    now = clock.now().isoformat()
    log = LogRecord(
        ids.new_id("log"), run.workspace_id, run.version.file_id, run.version_id, "evaluation", now, now,
        run_id=run.id,
    )  # fmt: skip
    insert_logs(session, [log])
    return log.id


def _of_items(session: Session, run: Run, column: str) -> str:
    return session.scalar(
        text(f"select {column} from run_item where run_id = :run and log_id is not null limit 1"),
        {"run": run.id},
    )


@dataclass(frozen=True)
class Call:
    """A valid request to one route."""

    path: dict[str, Any] = field(default_factory=dict)
    json: Any = None
    form: dict[str, Any] | None = None
    query: dict[str, Any] = field(default_factory=dict)
    content: bytes | None = None
    upload: tuple[str, bytes] | None = None
    """The part `file` of a form."""
    names_things: bool = True
    """Whether it names something of the world: then a stranger gets 404."""


Make = Callable[[World], Call]


def _of_kind(kind: str, version: str, newer: str) -> dict[str, Make]:
    def file(world: World) -> dict[str, str]:
        return {"file_id": getattr(world, version).file_id}

    def newest(world: World) -> dict[str, str]:
        return {**file(world), "version_id": getattr(world, newer).id}

    def staged(world: World) -> dict[str, str]:
        return {**file(world), "environment_id": world.staging.id}

    base = f"/v5/{kind}s"
    return {
        f"GET {base}": lambda w: Call(names_things=False),
        f"GET {base}/{{file_id}}": lambda w: Call(file(w)),
        f"DELETE {base}/{{file_id}}": lambda w: Call(file(w)),
        f"PATCH {base}/{{file_id}}": lambda w: Call(file(w), json={"name": "renamed"}),
        f"GET {base}/{{file_id}}/versions": lambda w: Call(file(w)),
        f"PATCH {base}/{{file_id}}/versions/{{version_id}}": lambda w: Call(
            newest(w), json={"name": "named"}
        ),
        f"DELETE {base}/{{file_id}}/versions/{{version_id}}": lambda w: Call(newest(w)),
        f"POST {base}/{{file_id}}/environments/{{environment_id}}": lambda w: Call(
            staged(w), query={"version_id": getattr(w, newer).id}
        ),
        f"DELETE {base}/{{file_id}}/environments/{{environment_id}}": lambda w: Call(staged(w)),
        f"GET {base}/{{file_id}}/environments": lambda w: Call(file(w)),
        f"POST {base}/{{file_id}}/evaluators": lambda w: Call(
            file(w), json={"activate": [{"evaluator_version_id": w.human.id}]}
        ),
    }


def _without(requests: dict[str, Make], end: str) -> dict[str, Make]:
    return {route: make for route, make in requests.items() if not route.endswith(end)}


def _evaluation(world: World, **more: Any) -> dict[str, str]:
    return {"evaluation_id": world.evaluation.id, **more}


REQUESTS: dict[str, Make] = {
    **_of_kind("prompt", "prompt", "unused_prompt"),
    **_without(_of_kind("dataset", "dataset", "newer_dataset"), "/evaluators"),  # no logs, no monitors
    **_of_kind("evaluator", "evaluator", "newer_evaluator"),
    **_of_kind("tool", "tool", "newer_tool"),
    **_of_kind("flow", "flow", "newer_flow"),
    **_of_kind("agent", "agent", "newer_agent"),
    **{
        f"{method} /health/{probe}": lambda w: Call(names_things=False)
        for method in ("GET", "HEAD")
        for probe in ("live", "ready")
    },
    "GET /metrics": lambda w: Call(names_things=False),
    "GET /signin": lambda w: Call(names_things=False),
    "POST /signin": lambda w: Call(
        form={"email": w.team.admin.email, "password": factories.PASSWORD}, names_things=False
    ),
    "GET /signin/link/{token}": lambda w: Call({"token": w.link}, names_things=False),
    "POST /signin/link/{token}": lambda w: Call({"token": w.link}, names_things=False),
    "POST /signout": lambda w: Call(form={}, names_things=False),
    "GET /": lambda w: Call(names_things=False),
    "GET /v5/files": lambda w: Call(names_things=False),
    "POST /v5/files/retrieve-by-path": lambda w: Call(json={"path": w.prompt.file.path}),
    "GET /v5/directories": lambda w: Call(names_things=False),
    "POST /v5/directories": lambda w: Call(json={"path": "made/here"}, names_things=False),
    "GET /v5/directories/structure": lambda w: Call(names_things=False),
    "GET /v5/directories/{directory_id}": lambda w: Call({"directory_id": w.directory.id}),
    "PATCH /v5/directories/{directory_id}": lambda w: Call(
        {"directory_id": w.directory.id}, json={"name": "other"}
    ),
    "DELETE /v5/directories/{directory_id}": lambda w: Call({"directory_id": w.directory.id}),
    "GET /v5/environments": lambda w: Call(names_things=False),
    "POST /v5/environments": lambda w: Call(json={"name": "made"}, names_things=False),
    "PATCH /v5/environments/{environment_id}": lambda w: Call(
        {"environment_id": w.spare.id}, json={"name": "other"}
    ),
    "DELETE /v5/environments/{environment_id}": lambda w: Call({"environment_id": w.spare.id}),
    "POST /v5/prompts": lambda w: Call(json={"id": w.prompt.file_id, "model": "practice-1", "template": []}),
    "POST /v5/tools": lambda w: Call(json={"id": w.tool.file_id, "function": {"name": "made"}}),
    "POST /v5/flows": lambda w: Call(json={"id": w.flow.file_id, "attributes": {"commit": "made"}}),
    "POST /v5/datasets": lambda w: Call(
        json={"id": w.dataset.file_id, "datapoints": [{"inputs": {"q": "new"}}]}
    ),
    "GET /v5/datasets/{file_id}/datapoints": lambda w: Call({"file_id": w.dataset.file_id}),
    "POST /v5/datasets/{file_id}/datapoints/csv": lambda w: Call(
        {"file_id": w.dataset.file_id}, upload=("rows.csv", b"question,target\nnew,yes\n")
    ),
    "POST /v5/datasets/{file_id}/import": lambda w: Call(
        {"file_id": w.dataset.file_id}, content=b"question,target\nnew,yes\n", query={"filename": "rows.csv"}
    ),
    "POST /v5/evaluators": lambda w: Call(
        json={"id": w.evaluator.file_id, "spec": {"kind": "contains", "settings": {}}}
    ),
    "POST /v5/evaluators/log": lambda w: Call(
        query={"version_id": w.human.id}, json={"parent_id": w.log_id, "judgment": True}
    ),
    "GET /v5/evaluator-kinds": lambda w: Call(names_things=False),
    "POST /v5/evaluator-databases": lambda w: Call(
        upload=("made.sqlite", factories.sqlite_file("create table t (a)")), names_things=False
    ),
    "POST /v5/evaluations": lambda w: Call(
        json={
            "file": {"id": w.prompt.file_id},
            "name": "made",
            "evaluators": [{"version_id": w.evaluator.id}],
        }
    ),
    "GET /v5/evaluations": lambda w: Call(names_things=False),
    "GET /v5/evaluations/{evaluation_id}": lambda w: Call(_evaluation(w)),
    "PATCH /v5/evaluations/{evaluation_id}": lambda w: Call(_evaluation(w), json={"name": "renamed"}),
    "DELETE /v5/evaluations/{evaluation_id}": lambda w: Call(_evaluation(w)),
    "POST /v5/evaluators/{evaluator_id}/test": lambda w: Call(
        {"evaluator_id": w.evaluator.file_id},
        json={"log": {"output": "a"}, "testcase": {"target": {"answer": "a"}}},
    ),
    "POST /v5/evaluations/{evaluation_id}/evaluators": lambda w: Call(
        _evaluation(w), json={"evaluators": [{"version_id": w.evaluator.id}]}
    ),
    "DELETE /v5/evaluations/{evaluation_id}/evaluators/{evaluator_version_id}": lambda w: Call(
        _evaluation(w, evaluator_version_id=w.evaluator.id)
    ),
    "POST /v5/evaluations/{evaluation_id}/runs": lambda w: Call(
        _evaluation(w), json={"dataset": {"version_id": w.dataset.id}, "version": {"version_id": w.prompt.id}}
    ),
    "GET /v5/evaluations/{evaluation_id}/estimate": lambda w: Call(
        {"evaluation_id": w.evaluation.id}, query={"dataset": w.dataset.id, "version": w.prompt.id}
    ),
    "GET /v5/evaluations/{evaluation_id}/runs": lambda w: Call(_evaluation(w)),
    "PATCH /v5/evaluations/{evaluation_id}/runs/{run_id}": lambda w: Call(
        _evaluation(w, run_id=w.going_run.id), json={"status": "cancelled"}
    ),
    "POST /v5/evaluations/{evaluation_id}/runs/{run_id}/logs": lambda w: Call(
        _evaluation(w, run_id=w.waiting_run.id), json={"log_ids": []}
    ),
    "POST /v5/evaluations/{evaluation_id}/runs/{run_id}/retry": lambda w: Call(
        _evaluation(w, run_id=w.failed_run.id)
    ),
    "POST /v5/evaluations/{evaluation_id}/runs/{run_id}/resume": lambda w: Call(
        _evaluation(w, run_id=w.cancelled_run.id)
    ),
    "GET /v5/evaluations/{evaluation_id}/events": lambda w: Call({"evaluation_id": w.quiet_evaluation.id}),
    "GET /v5/evaluations/{evaluation_id}/stats": lambda w: Call(_evaluation(w)),
    "GET /v5/evaluations/{evaluation_id}/logs": lambda w: Call(_evaluation(w)),
    "GET /v5/evaluations/{evaluation_id}/comparison": lambda w: Call(
        _evaluation(w), query={"baseline": w.run.id, "candidate": w.failed_run.id}
    ),
    "GET /v5/logs": lambda w: Call(query={"file_id": w.prompt.file_id}),
    "GET /v5/logs/{log_id}": lambda w: Call({"log_id": w.log_id}),
    "DELETE /v5/logs": lambda w: Call(query={"id": w.loose_log_id}, names_things=False),
    "GET /v5/spend": lambda w: Call(names_things=False),
    "POST /v5/logs/delete-of-user": lambda w: Call(json={"user": "end-user-1"}, names_things=False),
    "GET /v5/retention": lambda w: Call(names_things=False),
    "PUT /v5/retention": lambda w: Call(json={"payload_days": 30, "log_days": None}, names_things=False),
    "GET /v5/budget": lambda w: Call(names_things=False),
    "PATCH /v5/budget": lambda w: Call(json={"monthly_usd": 100, "warn_usd": "80"}, names_things=False),
    "GET /v5/providers": lambda w: Call(names_things=False),
    "GET /v5/providers/presets": lambda w: Call(names_things=False),
    "POST /v5/providers": lambda w: Call(
        json={"name": "made", "base_url": "http://127.0.0.1:9/v1", "api_key": "k"}, names_things=False
    ),
    "PATCH /v5/providers/{provider_id}": lambda w: Call(
        {"provider_id": w.provider.id}, json={"name": "other"}
    ),
    "DELETE /v5/providers/{provider_id}": lambda w: Call({"provider_id": w.provider.id}),
    "POST /v5/providers/{provider_id}/test": lambda w: Call({"provider_id": w.provider.id}),
    "GET /v5/providers/{provider_id}/limits": lambda w: Call({"provider_id": w.provider.id}),
    "POST /v5/providers/{provider_id}/limits/restore": lambda w: Call({"provider_id": w.provider.id}),
    "GET /v5/run-limits": lambda w: Call(names_things=False),
    "PUT /v5/run-limits": lambda w: Call(json={"most_concurrency": 50}, names_things=False),
    "GET /v5/webhook-key": lambda w: Call(names_things=False),
    "POST /v5/webhook-key/renew": lambda w: Call(names_things=False),
    "GET /v5/keys": lambda w: Call(names_things=False),
    "POST /v5/keys": lambda w: Call(json={"name": "made", "role": "viewer"}, names_things=False),
    "DELETE /v5/keys/{key_id}": lambda w: Call({"key_id": w.key.id}),
}
