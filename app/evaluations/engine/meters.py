"""Under which caps one worker slot counts what a run spends: the run's own, and the workspace's budget as it is set now."""

from collections.abc import Iterator

from redis.asyncio import Redis

from app.evaluations.verdicts.plan import Plan
from app.logs.budget import Allowance
from app.providers.meter import Meter, Spent


class RunMeters:
    """The meters of a run. Who iterates gets those that count at this moment."""

    def __init__(self, redis: Redis, plan: Plan) -> None:
        self._redis = redis
        self._of_run = Meter(redis, plan.run_id, plan.cap, plan.spent) if plan.cap else None
        self._of_workspace: Meter | None = None
        self._month: str | None = None
        self._take(plan.allowance)

    def __iter__(self) -> Iterator[Meter]:
        return (meter for meter in (self._of_run, self._of_workspace) if meter)

    def learn(self, spent: Spent, allowance: Allowance | None) -> None:
        """Take in what the database knows by now, and a budget that was set, changed or taken away since."""
        if self._of_run:
            self._of_run.learn(spent)
        self._take(allowance)

    def _take(self, allowance: Allowance | None) -> None:
        if allowance is None:
            self._of_workspace, self._month = None, None
        elif self._of_workspace and self._month == allowance.key:
            self._of_workspace.learn(allowance.spent, allowance.cap)
        else:  # a month that begins during a run has a count of its own
            self._of_workspace = Meter(self._redis, allowance.key, allowance.cap, allowance.spent)
            self._month = allowance.key
