"""Fills a database with what a team has after some years: files, finished evaluations, and logs of production.

Everything a service makes cheaply is made by the service; logs and judgments are copied in, for a million calls would
take hours. Finished runs are scored by the reaper of the running application, as they would be.
"""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import ids
from app.core.database import get_engine, unit_of_work
from app.evaluations.reports.links import make_link
from app.evaluations.service import get_evaluation
from app.files import directories
from app.files.models import Version
from app.review.models import ReviewQueue
from tests import factories
from tests.bench.reviewed import review
from tests.bench.stored_comments import comments_on

LABELS = [f"label_{n:02}" for n in range(77)]
VERSIONS = 4
"""Of the prompt that is evaluated; each answers every row of the dataset in each evaluation."""
DAY_MS = 86_400_000
WORDS = [
    "the", "card", "was", "not", "accepted", "when", "I", "tried", "to", "pay", "and", "now", "the", "transfer", "is",
    "pending", "again", "please", "help",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much is stored."""

    files: int = 2_000
    rows: int = 10_000
    """Of the dataset."""
    evaluations: int = 5
    logs: int = 1_000_000

    @property
    def items(self) -> int:
        """Run items of all evaluations."""
        return self.evaluations * VERSIONS * self.rows


@dataclass(frozen=True, slots=True)
class Stored:
    """What pages are asked for: ids, and who asks (with `factories.PASSWORD`)."""

    slug: str
    email: str
    user_id: str
    prompt_id: str
    dataset_id: str
    datapoint_id: str
    evaluator_id: str
    tool_id: str
    flow_id: str
    agent_id: str
    evaluation_id: str
    provider_id: str
    environment_id: str
    log_id: str
    comment_id: str
    """One of the thousand on the log, each of which mentions the one who asks."""
    rows: int
    queue_id: str
    """Of as many outputs as a queue takes; the one who asks has answered a part."""
    disputed_queue_id: str
    """As large; two others have answered all of it, and differ on every seventh."""
    guest_token: str
    """Of a guest reviewer of the first queue."""
    report_token: str
    """Of a link that shows the report to anybody."""


def fill(amounts: Amounts) -> Stored:
    """Store so much, in one workspace, and let the planner know of it. The rows of an evaluation are scored later."""
    with unit_of_work() as session:
        team = factories.team(session, "Northwind Customer Care")
        versions = prompt_versions(session, team)
        rows = messages(session, team, amounts.rows)
        judges = [
            factories.evaluator(session, team.admin, "class_match", path="support/right label"),
            factories.evaluator(session, team.admin, "token_f1", path="support/words in common"),
        ]
        _other_files(session, team, amounts.files)
    # In transactions of the size that the application's own are: statistics that the database takes in the middle
    # of one long one would see empty tables.
    for number in range(1, amounts.evaluations + 1):
        with unit_of_work() as session:
            evaluation_id = finished_evaluation(session, team, versions, rows, judges, number)
    with unit_of_work() as session:
        queue_id, disputed_queue_id = review(session, team, evaluation_id)
    with unit_of_work() as session:
        _copy_production_logs(session, team, amounts.logs - amounts.items)
    with unit_of_work() as session:
        _count(session, team)
        log_id = session.scalar(text("select id from log where source = 'api' limit 1")) or ""
        stored = Stored(
            slug=team.workspace.slug,
            email=team.admin.email or "",
            user_id=team.admin.user_id or "",
            prompt_id=versions[0].file_id,
            dataset_id=rows.file_id,
            datapoint_id=session.scalar(text("select datapoint_id from dataset_row limit 1")) or "",
            evaluator_id=judges[0].file_id,
            tool_id=_two(session, team, factories.tool, "attributes"),
            flow_id=_two(session, team, factories.flow, "commit"),
            agent_id=_two(session, team, factories.agent, "max_iterations"),
            evaluation_id=evaluation_id,
            provider_id=session.scalar(text("select id from provider limit 1")) or "",
            environment_id=session.scalar(text("select id from environment limit 1")) or "",
            log_id=log_id,
            comment_id=comments_on(session, team, log_id),
            rows=amounts.rows,
            queue_id=queue_id,
            disputed_queue_id=disputed_queue_id,
            guest_token=factories.guest(session, team.admin, session.get_one(ReviewQueue, queue_id))[1],
            report_token=_report_token(session, team, evaluation_id),
        )
    with get_engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze"))
    return stored


def _report_token(session: Session, team: factories.Team, evaluation_id: str) -> str:
    evaluation = get_evaluation(session, team.admin, evaluation_id)
    return make_link(session, team.admin, evaluation)[1].rpartition("/")[2]


def _two(session: Session, team: factories.Team, make: Callable[..., Version], differs_by: str) -> str:
    """The id of a file with two versions."""
    path = f"support/{differs_by}"
    values = [{"n": 1}, {"n": 2}] if differs_by == "attributes" else [1, 2]
    first, _ = [make(session, team.admin, path, **{differs_by: value}) for value in values]
    return first.file_id


def prompt_versions(session: Session, team: factories.Team) -> list[Version]:
    """Versions of one prompt, the later ones with a longer text."""
    made = []
    for number in range(1, VERSIONS + 1):
        system = "Reply with the intent of the message.\n" + "\n".join(LABELS[: number * 19])
        template = [{"role": "system", "content": system}, {"role": "user", "content": "{{message}}"}]
        made.append(factories.prompt(session, team.admin, path="support/route a message", template=template))
    return made


def messages(session: Session, team: factories.Team, rows: int) -> Version:
    """A dataset of that many, each with its label."""
    chosen = random.Random(1)
    return factories.dataset(
        session,
        team.admin,
        [
            {
                "inputs": {"message": f"{n}: {' '.join(chosen.choices(WORDS, k=25))}"},
                "target": {"label": LABELS[n % len(LABELS)]},
                "metadata": {"channel": chosen.choice(["mail", "chat", "phone"])},
            }
            for n in range(rows)
        ],
        path="support/messages of 2026",
    )


def _other_files(session: Session, team: factories.Team, count: int) -> None:
    """Prompts in 100 folders, as copies of one in all but their path."""
    first = factories.prompt(session, team.admin, path="archive/000/prompt 0000")
    session.flush()
    root = first.file.directory_id
    session.execute(
        text("""
        with folder as (
            insert into directory (id, workspace_id, parent_id, path)
            select 'dir_bench' || lpad(n::text, 3, '0'), d.workspace_id, d.parent_id, 'archive/' || lpad(n::text, 3, '0')
            from directory d, generate_series(1, 99) n where d.id = :root
            returning id, path),
        made as (
            insert into file (id, workspace_id, directory_id, kind, path, created_by, last_number, tags)
            select 'pr_bench' || lpad(n::text, 5, '0'), f.workspace_id, d.id, f.kind,
                   d.path || '/prompt ' || lpad(n::text, 4, '0'), f.created_by, 1, '{}'
            from file f, generate_series(1, :count) n
            join folder d on d.id = 'dir_bench' || lpad((1 + n % 99)::text, 3, '0')
            where f.id = :file
            returning id)
        insert into version (id, workspace_id, file_id, number, content_hash, spec, author_id, author_name)
        select 'prv_' || m.id, v.workspace_id, m.id, 1, v.content_hash, v.spec, v.author_id, v.author_name
        from made m, version v where v.id = :version
        """),
        {"root": root, "file": first.file_id, "version": first.id, "count": count},
    )
    old = directories.get_directory_by_path(session, team.admin, "archive/099")
    directories.delete_directory(session, team.admin, old, with_files=True)


def finished_evaluation(
    session: Session,
    team: factories.Team,
    versions: list[Version],
    rows: Version,
    judges: list[Version],
    number: int,
) -> str:
    """An evaluation of all versions whose runs are complete, and wait for the reaper to score them.

    The first judge says whether the label is right, the second how much of it is, and others any number from 0 to 1.
    """
    made = factories.evaluation(session, team.admin, versions[0], *judges, name=f"Week {number}")
    made.primary_evaluator_id = judges[0].id
    for version in versions:
        # Right more often with each version, so that there is something to see.
        chance = 0.55 + 0.05 * version.number
        run = factories.started_run(
            session, team.admin, made, version, rows, control=version.number == 1, fresh=True
        )
        session.flush()
        _settle(session, team, run.id, version, judges, random.Random(f"{number} {version.number}"), chance)
    return made.id


def _settle(
    session: Session,
    team: factories.Team,
    run_id: str,
    version: Version,
    judges: list[Version],
    luck: random.Random,
    chance: float,
) -> None:
    """End a run as its workers would: logs, judgments, items, shards, counters."""
    items = session.execute(
        text("""
        select i.position, d.id, d.inputs, d.target ->> 'label' from run_item i join datapoint d on d.id = i.datapoint_id
        where i.run_id = :run order by i.position
        """),
        {"run": run_id},
    ).all()
    at = int(time.time() * 1000) - luck.randrange(60) * DAY_MS
    logs, judgments, settled = [], [], []
    for position, datapoint_id, inputs, label in items:
        right = luck.random() < chance
        answer = label if right else luck.choice(LABELS)
        log_id = _id("log", at + position)
        logs.append(_log(team, version, log_id, at + position, inputs, answer, luck, run_id, datapoint_id))
        settled.append((position, log_id))
        detail = orjson.dumps({"target": label, "predicted": answer}).decode()
        whole, words, *others = judges
        judgments += [
            (_id("jdg", at), team.workspace.id, log_id, whole.id, answer == label, None, detail),
            (_id("jdg", at), team.workspace.id, log_id, words.id, None, float(answer == label), None),
            *(
                (_id("jdg", at), team.workspace.id, log_id, other.id, None, luck.random(), None)
                for other in others
            ),
        ]
    cursor = _cursor(session)
    _copy(cursor, f"log ({_LOG_COLUMNS})", logs)
    _copy(
        cursor,
        "judgment (id, workspace_id, log_id, evaluator_version_id, boolean_value, number_value, detail)",
        judgments,
    )
    cursor.execute("create temp table if not exists settled (position int, log_id text)")
    cursor.execute("truncate settled")
    _copy(cursor, "settled (position, log_id)", settled)
    session.execute(
        text("""
        update run_item i set state = 'done', log_id = s.log_id from settled s
        where i.run_id = :run and i.position = s.position
        """),
        {"run": run_id},
    )
    session.execute(text("update shard set state = 'done' where run_id = :run"), {"run": run_id})
    session.execute(
        text("""
        update run set status = 'completed', started_at = now(), finished_at = now(), progressed_at = now(),
            done_count = items_count, calls_count = items_count, judgments_count = :judgments,
            spent_usd = items_count * 0.0003
        where id = :run
        """),
        {"run": run_id, "judgments": len(judgments)},
    )


_LOG_COLUMNS = (
    "id, workspace_id, file_id, version_id, environment, run_id, datapoint_id, source, created_at, start_time, end_time,"
    " inputs, output, output_message, provider, model, finish_reason, prompt_tokens, output_tokens, prompt_cost,"
    " output_cost, latency_ms"
)


def _copy_production_logs(session: Session, team: factories.Team, count: int) -> None:
    """Logs of the last year, half of them of the prompt that is evaluated, the rest of ten others."""
    files = session.execute(
        text("""
        select v.id, v.file_id from version v join file f on f.id = v.file_id
        where f.kind = 'prompt' and v.workspace_id = :workspace order by f.path = 'support/route a message' desc, f.path
        limit 10 + :versions
        """),
        {"workspace": team.workspace.id, "versions": VERSIONS},
    ).all()
    newest = [Version(id=id_, file_id=file_id) for id_, file_id in files]
    luck, now = random.Random(3), int(time.time() * 1000)

    def records() -> Iterator[tuple[Any, ...]]:
        for n in range(count):
            at = now - 365 * DAY_MS + n * 365 * DAY_MS // count
            version = newest[luck.randrange(VERSIONS) if n % 2 else luck.randrange(len(newest))]
            inputs = {"message": " ".join(luck.choices(WORDS, k=60))}
            yield _log(team, version, _id("log", at), at, inputs, luck.choice(LABELS), luck, None, None)

    _copy(_cursor(session), f"log ({_LOG_COLUMNS})", records())


def _count(session: Session, team: factories.Team) -> None:
    """What is counted as logs are written: spend by day, logs of files and versions."""
    session.execute(
        text("""
        insert into spend_day (workspace_id, day, file_id, model, provider, calls, failed, usd)
        select workspace_id, (created_at at time zone 'utc')::date, file_id, model, provider, count(*), 0, sum(prompt_cost + output_cost)
        from log where workspace_id = :workspace group by 1, 2, 3, 4, 5
        """),
        {"workspace": team.workspace.id},
    )
    for table, column in (("file", "file_id"), ("version", "version_id")):
        session.execute(
            text(f"""
            update {table} t set logs_count = c.n
            from (select {column} id, count(*) n from log group by 1) c where c.id = t.id
            """)
        )


def _log(
    team: factories.Team,
    version: Version,
    log_id: str,
    at_ms: int,
    inputs: dict[str, Any],
    answer: str,
    luck: random.Random,
    run_id: str | None,
    datapoint_id: str | None,
) -> tuple[Any, ...]:
    """A log of about a kilobyte."""
    took = luck.lognormvariate(6, 0.5)
    begun, ended = (f"{ms / 1000}" for ms in (at_ms, at_ms + took))
    environment, source = (None, "evaluation") if run_id else ("production", "api")
    message = orjson.dumps({"role": "assistant", "content": answer}).decode()
    return (
        log_id, team.workspace.id, version.file_id, version.id, environment, run_id, datapoint_id, source,
        _stamp(begun), _stamp(begun), _stamp(ended), orjson.dumps(inputs).decode(), answer, message, "practice",
        "practice-1", "stop", 300, 5, "0.0002", "0.0001", took,
    )  # fmt: skip


def _stamp(seconds: str) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(float(seconds)))


def _id(prefix: str, at_ms: int) -> str:
    """An id as `ids.new_id` would have made it then."""
    return f"{prefix}_{ids.base62(at_ms << 80 | random.getrandbits(80), 22)}"


def _cursor(session: Session) -> psycopg.Cursor[Any]:
    """The driver's own cursor, within the session's transaction."""
    return session.connection().connection.cursor()  # type: ignore[return-value]


def _copy(cursor: psycopg.Cursor[Any], into: str, records: Any) -> None:
    with cursor.copy(f"copy {into} from stdin".encode()) as copy:
        for record in records:
            copy.write_row(record)
