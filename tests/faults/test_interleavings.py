"""People and workers at once, in any order and at the same moment: what is counted is there, and what was made stays."""

import hashlib
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Barrier
from typing import Any, ClassVar

import orjson
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session, joinedload

from app.core.conflicts import conflict_of, is_deadlock
from app.core.database import unit_of_work
from app.core.errors import DomainError
from app.datasets import service as datasets
from app.datasets.schemas import DatapointContent
from app.evaluations import run_service, service, shard_repository
from app.evaluations.engine import recovery
from app.evaluations.engine.item import Outcome
from app.evaluations.engine.writing import write_outcomes
from app.evaluations.models import Evaluation, Run
from app.evaluations.run_service import RunRequest
from app.evaluations.shard_repository import Item, Settled
from app.evaluations.verdicts.plan import Plan, load_plan
from app.files import service as files
from app.files.models import Version
from app.logs.models import Log
from tests import factories
from tests.faults.lengths import LENGTHS

ROWS, PARTS = 7, 3
CONSISTENT = """
select r.id, r.status, r.items_count, r.done_count, r.failed_count, r.judgments_count, r.calls_count,
  (select count(*) from run_item i where i.run_id = r.id) as items,
  (select count(*) from run_item i where i.run_id = r.id and i.state = 'done') as done,
  (select count(*) from run_item i where i.run_id = r.id and i.state = 'done' and i.error is not null) as failed,
  (select count(*) from judgment j join log l on l.id = j.log_id where l.run_id = r.id) as judgments,
  (select coalesce(sum(l.attempts), 0) from log l where l.run_id = r.id) as calls,
  (select count(*) from run_item i where i.run_id = r.id and i.log_id is not null
     and not exists (select from log l where l.id = i.log_id)) as items_without_log,
  (select count(*) from (select from log l where l.run_id = r.id and l.error is null
     group by l.datapoint_id, l.repeat having count(*) > 1) twice) as twice
from run r
"""
ORPHANS = """
select (select count(*) from judgment j where not exists (select from log l where l.id = j.log_id))
  + (select count(*) from run_item i where not exists (select from run r where r.id = i.run_id))
  + (select count(*) from shard s where not exists (select from run r where r.id = s.run_id))
  + (select count(*) from run r where not exists (select from version v where v.id = r.version_id)
       or not exists (select from version v where v.id = r.dataset_version_id))
"""

HOLDS: dict[str, Callable[[Any], bool]] = {
    "every row is an item": lambda run: run["items_count"] == run["items"],
    "done": lambda run: run["done_count"] == run["done"],
    "failed": lambda run: run["failed_count"] == run["failed"],
    "judgments": lambda run: run["judgments_count"] == run["judgments"],
    "calls": lambda run: run["calls_count"] == run["calls"],
    "no item without its log": lambda run: run["items_without_log"] == 0,
    "no answer twice": lambda run: run["twice"] == 0,
    "completed means done": lambda run: run["status"] != "completed" or run["done"] == run["items"],
}


@dataclass
class Held:
    """What a worker took: it may write any part of it, also twice, and also when it is not its any more."""

    owner: str
    shard_id: str
    plan: Plan
    outcomes: list[Any] = field(default_factory=list)


class Workplace(RuleBasedStateMachine):
    """A workspace. Every step is one act, or two at the same moment."""

    failures: ClassVar[list[str]] = []
    """What went wrong, and what had been done: the same acts at the same moments need not fail again."""

    @initialize()
    def open(self) -> None:
        self.history: list[str] = []
        self.held: list[Held] = []
        self.made: dict[str, str] = {}
        self.owners = 0
        with unit_of_work() as session:
            self.admin = factories.team(session).admin
            prompts = [factories.prompt(session, self.admin)]
            self.prompt_path = prompts[0].file.path
            self.rows = [factories.dataset(session, self.admin, ROWS).id]
            judges = [factories.evaluator(session, self.admin, kind) for kind in ("exact", "latency")]
            self.judges = [judge.id for judge in judges]
            self.evaluations = [factories.evaluation(session, self.admin, prompts[0], judges[0]).id]
            self.prompts = [prompts[0].id]
            self.runs: list[str] = []
            self._remember(session)

    # What people do. `which` chooses among what there is.

    def start(self, session: Session, which: int) -> None:
        evaluation = self._evaluation(session, which)
        versions = [_version(session, _any(ids, which)) for ids in (self.prompts, self.rows)]
        if not all(versions):
            return
        run = run_service.start_run(
            session, self.admin, evaluation, RunRequest(*versions, fresh=bool(which % 2), concurrency=1)
        )
        self.runs.append(run.id)

    def cancel(self, session: Session, which: int) -> None:
        if run := self._run(session, which):
            run_service.cancel_run(session, run)

    def resume(self, session: Session, which: int) -> None:
        if run := self._run(session, which):
            run_service.resume_run(session, run)

    def add_rows(self, session: Session, which: int) -> None:
        version = _version(session, self.rows[-1])
        if version is None:
            return
        point = DatapointContent.model_validate({"inputs": {"question": f"more {which} {len(self.rows)}"}})
        change = datasets.DatasetChange([point], file_id=version.file_id, action="add")
        self.rows.append(datasets.write(session, self.admin, change).version.id)

    def change_prompt(self, session: Session, which: int) -> None:
        path, said = self.prompt_path, [{"role": "user", "content": f"again {which} {{{{question}}}}"}]
        self.prompts.append(factories.prompt(session, self.admin, path, template=said).id)

    def add_evaluator(self, session: Session, which: int) -> None:
        evaluation = self._evaluation(session, which)
        service.add_evaluators(session, evaluation, [_version(session, self.judges[1])])

    def delete_version(self, session: Session, which: int) -> None:
        version = _version(session, _any([*self.prompts, *self.rows], which))
        if version is not None:
            files.delete_version(session, self.admin, version)

    def delete_rows(self, session: Session, which: int) -> None:
        version = _version(session, self.rows[0])
        if version is not None:
            files.delete_file(session, self.admin, version.file)

    def delete_evaluation(self, session: Session, which: int) -> None:
        if which % 3 == 0:  # else there would soon be nothing to work on
            service.delete_evaluation(session, self.admin, self._evaluation(session, which))

    # What workers do.

    def claim(self, session: Session, which: int) -> None:
        run = self._run(session, which)
        if run is None:
            return
        self.owners += 1
        owner = f"worker {self.owners}"
        claimed, plan = shard_repository.claim_next(session, owner, run.id), load_plan(session, run.id)
        if claimed and plan:
            shard_repository.start_run(session, run.id)
            items = shard_repository.pending_items(session, claimed.shard_id)
            said = [None if number % 3 == 2 else f"answer {number}" for number in range(len(items))]
            outcomes = [self._outcome(session, plan, *each) for each in zip(items, said, strict=True)]
            self.held.append(Held(owner, claimed.shard_id, plan, outcomes))

    def _outcome(self, session: Session, plan: Plan, item: Item, said: str | None) -> Outcome:
        """As a worker's: an output that is there already is only judged, by those who have not."""
        outcome = factories.outcome(plan, item, said)
        if item.log_id is None:
            return outcome
        judged = shard_repository.judged_by(session, [item.log_id]).get(item.log_id, set())
        missing = [one for one in outcome.judgments if one.evaluator_version_id not in judged]
        judgments = [replace(one, log_id=item.log_id) for one in missing]
        log = session.get_one(Log, item.log_id)
        return Outcome(item, Settled(item.position, log.id, log.error), judgments=judgments)

    def write(self, session: Session, which: int) -> None:
        if self.held:
            held = _any(self.held, which)
            part = held.outcomes[which % PARTS :: PARTS] if which % 2 else held.outcomes
            write_outcomes(session, held.plan, held.owner, part)

    def lose(self, session: Session, which: int) -> None:
        if self.held:
            query = text("update shard set lease_until = now() - interval '1 second' where owner = :owner")
            session.execute(query, {"owner": _any(self.held, which).owner})

    def let_go(self, session: Session, which: int) -> None:
        if self.held:
            held = _any(self.held, which)
            shard_repository.give_back(session, held.owner, held.plan.run_id)

    def reap(self, _session: Session, _which: int) -> None:
        recovery.recover()

    ACTS = (
        start, start, cancel, resume, add_rows, change_prompt, add_evaluator, delete_version, delete_rows,
        delete_evaluation, claim, claim, claim, write, write, write, lose, let_go, reap,
    )  # fmt: skip
    acts = st.tuples(st.sampled_from(ACTS), st.integers(0, 11))

    @rule(act=acts)
    def one_after_the_other(self, act: tuple[Callable, int]) -> None:
        self._do(act)

    @rule(acts=st.tuples(acts, acts))
    def at_the_same_moment(self, acts: list[tuple[Callable, int]]) -> None:
        together = Barrier(len(acts))

        def do(act: tuple[Callable, int]) -> None:
            together.wait()
            self._do(act)

        with ThreadPoolExecutor(len(acts)) as pool:
            list(pool.map(do, acts))

    def _do(self, act: tuple[Callable, int]) -> None:
        """Do it as a request or a task does; what is refused in words is no failure."""
        what, which = act
        self.history.append(f"{what.__name__}({which})")
        try:
            with unit_of_work() as session:
                what(self, session, which)
        except DomainError:
            pass
        except Exception as error:
            known = isinstance(error, IntegrityError) and conflict_of(error) is not None
            if not known and not (isinstance(error, DBAPIError) and is_deadlock(error)):
                self._failed(traceback.format_exc())
                raise

    def _failed(self, what: str) -> None:
        self.failures.append(f"{what}\nafter {', '.join(self.history)}")

    # What always holds.

    @invariant()
    def it_adds_up(self) -> None:
        with unit_of_work() as session:
            for run in session.execute(text(CONSISTENT)).mappings():
                if wrong := [name for name, holds in HOLDS.items() if not holds(run)]:
                    self._failed(f"{wrong} of {dict(run)}")
                assert not wrong, (wrong, dict(run))
            assert session.scalar(text(ORPHANS)) == 0

    @invariant()
    def versions_stay_as_they_were_made(self) -> None:
        with unit_of_work() as session:
            self._remember(session)

    def teardown(self) -> None:
        """Whatever happened, workers bring what is left to its end."""
        for _ in range(60):
            with unit_of_work() as session:
                session.execute(text("update shard set lease_until = now() - interval '1 second'"))
                session.execute(text("update run set created_at = now() - interval '1 minute'"))
            recovery.recover()
            with unit_of_work() as session:
                left = list(
                    session.scalars(text("select id from run where status in ('pending', 'running')"))
                )
            if not left:
                break
            for run_id in left:
                self.runs, self.held = [run_id], []
                self._do((Workplace.claim, 0))
                self._do((Workplace.write, 0))
        assert not left
        self.it_adds_up()

    def _remember(self, session: Session) -> None:
        query = """
            select v.id, v.spec::text, (select coalesce(string_agg(r.datapoint_id, ',' order by r.position), '')
              from dataset_row r where r.file_id = v.file_id and r.from_number <= v.number
                and (r.until_number is null or r.until_number > v.number)) from version v
        """
        for version_id, spec, rows in session.execute(text(query)):
            content = hashlib.sha256(orjson.dumps([spec, rows])).hexdigest()
            assert self.made.setdefault(version_id, content) == content, version_id

    def _evaluation(self, session: Session, which: int) -> Evaluation:
        return service.get_evaluation(session, self.admin, _any(self.evaluations, which))

    def _run(self, session: Session, which: int) -> Run | None:
        return session.get(Run, _any(self.runs, which)) if self.runs else None


def _version(session: Session, version_id: str) -> Version | None:
    """A version as a request loads it, with its file."""
    return session.get(Version, version_id, options=[joinedload(Version.file)])


def _any(things: list[Any], which: int) -> Any:
    return things[which % len(things)]


@pytest.mark.long
@pytest.mark.timeout(150 + 30 * LENGTHS.interleavings)
def test_whatever_happens_at_once_everything_adds_up(database: Engine) -> None:
    Workplace.failures.clear()
    try:
        run_state_machine_as_test(
            Workplace,
            settings=settings(
                max_examples=LENGTHS.interleavings,
                stateful_step_count=25,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
    except Exception as error:
        raise AssertionError(Workplace.failures[:1]) from error
