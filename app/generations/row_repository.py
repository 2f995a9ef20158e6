"""The SQL of rows that prompts write: their calls, who is at them, and what the rows are compared with."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

import orjson
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, joinedload

from app.core.database import Json
from app.datasets.models import DatasetDraft
from app.datasets.synthetic import IS_SYNTHETIC
from app.files.models import Version
from app.generations.models import RowGeneration, RowGenerationCall

LEASE_S = 30.0
"""A worker that is not heard of for so long is taken for dead."""


def list_generations(
    session: Session, file_id: str, user_id: str, *, offset: int = 0, limit: int = 20
) -> tuple[list[RowGeneration], int]:
    """Those of a person in a dataset, newest first, and how many there are."""
    query = select(RowGeneration).where(RowGeneration.file_id == file_id, RowGeneration.user_id == user_id)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    order = (RowGeneration.created_at.desc(), RowGeneration.id.desc())
    return list(session.scalars(query.order_by(*order).offset(offset).limit(limit))), total


def find_generation(
    session: Session, file_id: str, generation_id: str, *, locked: bool = False
) -> RowGeneration | None:
    query = select(RowGeneration).where(RowGeneration.id == generation_id, RowGeneration.file_id == file_id)
    return session.scalar(query.with_for_update() if locked else query)


def has_running(session: Session, file_id: str, user_id: str) -> str | None:
    """The id of one that is being worked on."""
    query = select(RowGeneration.id).where(
        RowGeneration.file_id == file_id,
        RowGeneration.user_id == user_id,
        RowGeneration.status == "running",
    )
    return session.scalar(query.limit(1))


def list_calls(session: Session, generation_id: str) -> list[RowGenerationCall]:
    """The calls in their order."""
    query = select(RowGenerationCall).where(RowGenerationCall.generation_id == generation_id)
    return list(session.scalars(query.order_by(RowGenerationCall.number)))


class Tally(NamedTuple):
    """What became of the calls so far."""

    calls: int = 0
    done: int = 0
    added: int = 0
    left_out: int = 0
    failed: int = 0
    """Calls that brought no row."""


def count_calls(session: Session, generation_ids: Sequence[str]) -> dict[str, Tally]:
    """The tallies of generations, by their ids."""
    rows = session.execute(
        text("""
        select generation_id, count(*)::int, count(finished_at)::int, sum(rows_added)::int,
               sum(jsonb_array_length(left_out))::int,
               count(*) filter (where finished_at is not null and problem is not null and rows_added = 0)::int
        from row_generation_call where generation_id = any(:ids) group by 1
        """),
        {"ids": list(generation_ids)},
    )
    return {row[0]: Tally(*row[1:]) for row in rows}


_CLAIM = text("""
    update row_generation set owner = :owner, losses = losses + case when owner is null then 0 else 1 end,
        claimed_until = clock_timestamp() + make_interval(secs => :lease)
    where id in (
        select id from row_generation
        where status = 'running' and (claimed_until is null or claimed_until < clock_timestamp())
        order by claimed_until nulls first, created_at limit 1 for update skip locked)
    returning id
""")


def claim(session: Session, owner: str) -> str | None:
    """Take one that nobody is at."""
    taken: str | None = session.scalar(_CLAIM, {"owner": owner, "lease": LEASE_S})
    return taken


def get_claimed(session: Session, generation_id: str) -> RowGeneration:
    """One that was taken, with the version of its prompt."""
    query = select(RowGeneration).where(RowGeneration.id == generation_id)
    return session.scalars(query.options(joinedload(RowGeneration.version).joinedload(Version.file))).one()


def renew(session: Session, owner: str) -> bool:
    """Say that the worker is still at what it took; whether it is still its own, and goes on."""
    statement = text("""
        update row_generation set claimed_until = clock_timestamp() + make_interval(secs => :lease)
        where owner = :owner and status = 'running' returning true
    """)
    return bool(session.scalar(statement, {"owner": owner, "lease": LEASE_S}))


def release(session: Session, owner: str) -> bool:
    """Leave what the worker took to the next one; whether calls are left of it."""
    statement = text("""
        update row_generation set owner = null, losses = 0, claimed_until = null
        where owner = :owner returning status = 'running'
    """)
    return bool(session.scalar(statement, {"owner": owner}))


def lock_own(session: Session, generation_id: str, owner: str) -> RowGeneration | None:
    """It, locked, if it is still the worker's own and its people are still there."""
    query = select(RowGeneration).where(RowGeneration.id == generation_id, RowGeneration.owner == owner)
    return session.scalar(query.with_for_update().execution_options(populate_existing=True))


def find_open_call(session: Session, generation_id: str, number: int) -> RowGenerationCall | None:
    """A call that nobody has finished, locked."""
    query = select(RowGenerationCall).where(
        RowGenerationCall.generation_id == generation_id,
        RowGenerationCall.number == number,
        RowGenerationCall.finished_at.is_(None),
    )
    return session.scalar(query.with_for_update())


def end_open_calls(session: Session, generation_id: str, problem: str) -> None:
    """Finish the calls that were not made, and say why."""
    session.execute(
        text("""
        update row_generation_call set finished_at = clock_timestamp(), problem = :problem
        where generation_id = :id and finished_at is null
        """),
        {"id": generation_id, "problem": problem},
    )


def count_open_calls(session: Session, generation_id: str) -> int:
    query = select(func.count()).where(
        RowGenerationCall.generation_id == generation_id, RowGenerationCall.finished_at.is_(None)
    )
    return session.scalar(query) or 0


def waits(session: Session) -> bool:
    """Whether one waits that no worker is at."""
    statement = text("""
        select exists (select from row_generation
                       where status = 'running' and (claimed_until is null or claimed_until < clock_timestamp()))
    """)
    return bool(session.scalar(statement))


def list_training_rows(session: Session, version: Version, seed: str, most: int) -> list[Json]:
    """Some rows of the training split that people wrote, in an order that `seed` gives."""
    rows = session.execute(
        text(f"""
        select d.inputs, d.target from dataset_row r join datapoint d on d.id = r.datapoint_id
        where r.file_id = :file and r.from_number <= :number and (r.until_number is null or r.until_number > :number)
          and r.split = 'train' and not ({IS_SYNTHETIC.format("d.metadata")})
        order by md5(:seed || r.datapoint_id) limit :most
        """),  # noqa: S608 - the condition above
        {"file": version.file_id, "number": version.number, "seed": seed, "most": most},
    )
    return [{"inputs": row.inputs, "target": row.target or {}} for row in rows]


def mean_length(session: Session, version: Version, columns: Sequence[tuple[str, str]]) -> float | None:
    """How long rows are that say these members (kind and name), as JSON: the mean of the first hundred."""
    found: float | None = session.scalar(
        text("""
        select avg(length(said.row::text))::float8 from (
            select (select jsonb_object_agg(kind || '.' || name, case kind when 'inputs' then d.inputs else d.target end -> name)
                    from unnest(cast(:kinds as text[]), cast(:names as text[])) c (kind, name)) as row
            from dataset_row r join datapoint d on d.id = r.datapoint_id
            where r.file_id = :file and r.from_number <= :number and (r.until_number is null or r.until_number > :number)
            order by r.position limit 100) said
        """),
        {
            "file": version.file_id,
            "number": version.number,
            "kinds": [kind for kind, _ in columns],
            "names": [name for _, name in columns],
        },
    )
    return found


_PROJECTED = "(select jsonb_object_agg(m.key, m.value) from jsonb_each({}) m where m.key = any(:names))::text"


def stream_inputs(session: Session, file_id: str, number: int, names: Sequence[str]) -> Iterator[str]:
    """What the rows of a version say in these inputs, as texts."""
    rows = session.execute(
        text(f"""
        select {_PROJECTED.format("d.inputs")} from dataset_row r join datapoint d on d.id = r.datapoint_id
        where r.file_id = :file and r.from_number <= :number and (r.until_number is null or r.until_number > :number)
        """),  # noqa: S608 - the projection above
        {"file": file_id, "number": number, "names": list(names)},
        execution_options={"yield_per": 1_000},
    )
    return (row[0] for row in rows if row[0] is not None)


def list_drafted_inputs(session: Session, draft: DatasetDraft, names: Sequence[str]) -> list[str]:
    """What the rows that a draft adds or edits say in these inputs, as texts."""
    rows = session.execute(
        text(f"""
        select {_PROJECTED.format("c.content->'inputs'")} from dataset_draft_change c
        where c.draft_id = :draft and c.content is not null and not c.removed
        """),  # noqa: S608
        {"draft": draft.id, "names": list(names)},
    )
    return [row[0] for row in rows if row[0] is not None]


def as_texts(session: Session, inputs: Sequence[Json]) -> list[str]:
    """The inputs as Postgres writes them."""
    rows = session.execute(
        text(
            "select value::text from jsonb_array_elements(cast(:inputs as jsonb)) with ordinality order by ordinality"
        ),
        {"inputs": orjson.dumps(list(inputs)).decode()},
    )
    return [row[0] for row in rows]


def add_calls(session: Session, generation_id: str, rows: Sequence[int]) -> None:
    """The calls that it takes, each with the rows that it is asked for."""
    calls = [
        RowGenerationCall(generation_id=generation_id, number=number, rows_asked=asked)
        for number, asked in enumerate(rows, 1)
    ]
    session.add_all(calls)
    session.flush()


def spend(session: Session, generation: RowGeneration, usd: Decimal, calls: int) -> None:
    generation.spent_usd += usd
    generation.calls_count += calls
    session.flush()
