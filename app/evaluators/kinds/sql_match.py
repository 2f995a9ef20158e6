"""SQL execution match: the output's query finds what the target's query finds."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from app.core.json_values import NotStorable, loads
from app.evaluators.kinds.comparing import TargetKind, TargetOptions, listed, too_long, usual_field
from app.evaluators.kinds.contract import Row, Traits, Verdict, storable
from app.evaluators.kinds.sandboxed import not_here
from app.sandbox.frames import Answer
from app.sandbox.supervisor import Limits, SandboxUnavailable, sandbox

_LIMITS = Limits(wall_s=20.0, mostly_short=True)
"""Two queries are stopped by their steps, which on a busy machine take longer than code may. One step can take seconds: of a
function that makes or searches a long text."""
_FENCE = "```"
_MOST_ALTERNATIVES = 10
_NO_ROWS = "select null where 0"


class SqlOptions(TargetOptions):
    database: str = Field(pattern=r"^[0-9a-f]{64}$", json_schema_extra={"widget": "database"})
    """An SQLite file of at most 20 MiB, which both queries read. The version keeps it."""
    target_field: str | None = None
    """Which field of the target holds the right query, or the rows that it finds. Empty: its only field, or else `output`, `value` or `answer`."""
    ordered: bool = False
    """Rows must come in the target's order. Where the target's query sorts, they must in any case: let it sort by enough columns that no two rows are tied, since tied rows may come in either order."""
    in_fence: bool = True
    """Take the query out of a Markdown fence, whatever is said around it."""


class SqlMatch(TargetKind[SqlOptions]):
    """Does the output's SQL query find the rows that the target's finds (execution match)?

    Both run on an SQLite database that the evaluator holds, in a sandbox: they can only read, and are stopped after
    50 million steps or 10,000 rows. Rows are compared with their number but without their order, unless the target's
    query sorts; names of columns do not count, numbers are compared to ten digits. Instead of a query the target may
    hold the rows themselves, as a list of lists. A list of up to ten queries: any of them will do. An output that is no query,
    or one that fails, is not right.
    """

    name = "sql_match"
    title = "SQL execution match"
    purpose = "Extraction and tools"
    keywords = "text-to-SQL execution accuracy"
    returns = Traits("boolean", needs_target=True)
    Options = SqlOptions
    waits = True

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        self._files = files or {}

    def given(self, files: Mapping[str, bytes]) -> "SqlMatch":
        return SqlMatch(files)

    def traits(self, options: SqlOptions) -> Traits:
        return Traits("boolean", needs_target=True, files=(options.database,))

    def accepted(self, options: SqlOptions, row: Row) -> list[Any]:
        """Queries, or one result: a list of rows."""
        target = row.target or {}
        if not target:
            return []
        value = target.get(options.target_field or usual_field(target))
        if isinstance(value, str) and value.lstrip().startswith("["):  # out of a table, rows are a text
            try:
                value = loads(value)
            except NotStorable:
                return [value]
        if isinstance(value, list) and not any(isinstance(one, str) for one in value):
            return [value]
        return listed(value)

    def compare(self, options: SqlOptions, output: str, accepted: list[Any]) -> Verdict:
        query = query_in(output) if options.in_fence else output
        if problem := not_here("query"):
            return Verdict(None, error=problem)
        database = self._files.get(options.database)
        if database is None:
            return Verdict(
                None, error="The evaluator's database is not there any more: give it to a new version"
            )
        for wanted in accepted:
            if not isinstance(wanted, str | list):
                return Verdict(None, error="The target is neither a query nor a list of rows")
        if unfit := too_long(query, *(one for one in accepted if isinstance(one, str))):
            return unfit
        if len(accepted) > _MOST_ALTERNATIVES:
            said = f"The target has {len(accepted):,} queries: give at most {_MOST_ALTERNATIVES}"
            return Verdict(None, error=said)
        verdict = Verdict(None, rationale="no target")
        for wanted in accepted:
            verdict = _compared(database, wanted, query, ordered=options.ordered)
            if verdict.value is not False or verdict.late:
                break
        return verdict


def query_in(output: str) -> str:
    """What stands in the first fence that is marked as SQL, else in the first fence, else all of it."""
    marked, plain = None, None
    parts = output.split(_FENCE)
    for fenced in parts[1::2]:
        first, line_end, rest = fenced.partition("\n")
        word = first.strip().lower()
        if not line_end or word not in ("", "sql", "sqlite", "sqlite3"):
            continue
        if word:
            marked = rest if marked is None else marked
        else:
            plain = rest if plain is None else plain
    found = marked if marked is not None else plain
    return output if found is None else found


def _compared(database: bytes, wanted: str | list[Any], found: str, *, ordered: bool) -> Verdict:
    try:
        answer = _answer(database, wanted, found, ordered=ordered)
        # The child that answers is lost with a query that takes too long. Where the target can be read, it was the output's.
        failed = (
            answer.error is not None and _answer(database, wanted, _NO_ROWS, ordered=ordered).error is None
        )
    except SandboxUnavailable as unavailable:
        return Verdict(None, error=f"The query did not run: {unavailable}", late=None)
    engine = sandbox().engine
    if failed:
        return Verdict(
            False, rationale=storable(f"the query fails: {answer.error}"), engine=engine, late=answer.late
        )
    if answer.error is not None or not isinstance(answer.value, list):
        return Verdict(None, error=storable(answer.error or "no answer"), engine=engine, late=answer.late)
    said, why = answer.value
    return Verdict(said == "same", rationale=storable(why), engine=engine)


def _answer(database: bytes, wanted: str | list[Any], found: str, *, ordered: bool) -> Answer:
    given = {"wanted": wanted, "found": found, "ordered": ordered}
    return sandbox().run("query", given, attachment=database, limits=_LIMITS)
