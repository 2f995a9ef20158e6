"""The SQL of putting a draft on a newer version, and of making a version of it."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.datasets import draft_repository
from app.datasets.models import DatasetDraft
from app.datasets.repository import measure_wanted

_VERSION = """
    select datapoint_id, position, split, from_number, until_number from dataset_row
    where file_id = :file and from_number <= {0} and (until_number is null or until_number > {0})
"""
_OLD, _NOW = _VERSION.format(":base"), _VERSION.format(":newest")


def rebase(session: Session, draft: DatasetDraft, newest: int) -> None:
    """Let the draft change the rows of version `newest`, and mark the rows that both changed, each to something else.

    A row that somebody edited meanwhile is the one that stands in its place now, also where `newest` is an older version,
    because the draft's is deleted. Where it is gone, what the draft made of it is an added row. A row that did not come
    when the other one went may be a `stranger`: a split goes to it only when somebody says so.
    """
    params = {**draft_repository.of(draft), "newest": newest}
    session.execute(text("drop table if exists moved_row"))
    session.execute(
        text(f"""
        create temp table moved_row on commit drop as
        select c.row_id, n.datapoint_id as theirs, c.removed, c.content is not null as typed,
               coalesce(d.content_hash = c.content_hash, false) as agreed,
               o.split as split_old, n.split as split_now,
               case when n.from_number > :base then n.from_number <> o.until_number
                    else n.until_number <> o.from_number end as stranger
        from dataset_draft_change c join ({_OLD}) o on o.datapoint_id = c.row_id
        left join ({_NOW}) n on n.position = o.position and (n.from_number > :base or n.until_number <= :base)
            and not exists (select from dataset_draft_change x
                            where x.draft_id = :draft and x.added is null and x.row_id = n.datapoint_id)
        left join datapoint d on d.id = n.datapoint_id
        where c.draft_id = :draft and c.added is null
          and not exists (select from ({_NOW}) still where still.datapoint_id = c.row_id)
        """),  # noqa: S608 - the statements above
        params,
    )
    for statement in (_OF_SAME_ROWS, _DROPPED, _TAKEN_ALONG, _ADDED_ANEW):
        session.execute(text(statement), params)
    draft.base_number = newest
    session.flush()
    draft_repository.prune(session, draft)


_OF_SAME_ROWS = f"""
    update dataset_draft_change c
    set split = case when c.split is not distinct from o.split then n.split else c.split end,
        clash = c.clash or (c.split is distinct from o.split and c.split is distinct from n.split)
    from ({_OLD}) o, ({_NOW}) n
    where c.draft_id = :draft and c.added is null and o.datapoint_id = c.row_id and n.datapoint_id = c.row_id
      and o.split is distinct from n.split
"""  # noqa: S608
_DROPPED = """
    delete from dataset_draft_change c using moved_row m
    where c.draft_id = :draft and c.row_id = m.row_id and m.theirs is null and (m.removed or not m.typed)
"""
_TAKEN_ALONG = """
    update dataset_draft_change c
    set row_id = m.theirs, clash = c.clash or ((m.typed or m.removed or m.stranger) and not m.agreed)
            or (c.split is distinct from m.split_old and m.split_now is distinct from m.split_old
                and c.split is distinct from m.split_now),
        content = case when m.agreed then null else c.content end,
        content_hash = case when m.agreed then null else c.content_hash end,
        content_id = case when m.agreed then null else c.content_id end,
        split = case when c.split is not distinct from m.split_old then m.split_now else c.split end
    from moved_row m
    where c.draft_id = :draft and c.row_id = m.row_id and m.theirs is not null
"""
_ADDED_ANEW = """
    update dataset_draft_change c set row_id = 'nr_' || md5(:draft || c.row_id), clash = true, added = place.at
    from (select m.row_id, (select coalesce(max(added), -1) from dataset_draft_change where draft_id = :draft)
                 + row_number() over (order by m.row_id) as at
          from moved_row m where m.theirs is null and m.typed and not m.removed) place
    where c.draft_id = :draft and c.row_id = place.row_id
"""


def want_draft(session: Session, draft: DatasetDraft) -> tuple[str, int, int]:
    """Work out the rows that the draft makes of its base, and store content that is new to the workspace.

    Returns, as `repository.want` does, a hash of them, how many they are, and how many are new to the base.
    Rows that came to say the same are one.
    """
    params = {**draft_repository.of(draft), "workspace": draft.workspace_id}
    session.execute(
        text("""
        insert into datapoint (id, workspace_id, content_hash, inputs, messages, target, context, cluster, metadata)
        select distinct on (content_hash) content_id, :workspace, content_hash, coalesce(content->'inputs', '{}'),
               content->'messages', content->'target', content->'context', content->>'cluster', content->'metadata'
        from dataset_draft_change where draft_id = :draft and not removed and content_hash is not null
        order by content_hash, added nulls first
        on conflict do nothing
        """),
        params,
    )
    session.execute(text("drop table if exists wanted_row"))
    session.execute(
        text(f"""
        create temp table wanted_row on commit drop as
        with base as ({_OLD}), change as (
            select c.*, d.id as becomes from dataset_draft_change c
            left join datapoint d on d.workspace_id = :workspace and d.content_hash = c.content_hash
            where c.draft_id = :draft)
        select distinct on (datapoint_id) datapoint_id, split, position::int from (
            select coalesce(c.becomes, b.datapoint_id) as datapoint_id,
                   case when c.row_id is null then b.split else c.split end as split, b.position
            from base b left join change c on c.row_id = b.datapoint_id and c.added is null
            where c.row_id is null or not c.removed
            union all
            select becomes, split,
                   (select coalesce(max(position), -1) from base) + row_number() over (order by added)
            from change where added is not null and not removed and becomes is not null) line
        order by datapoint_id, position
        """),  # noqa: S608
        params,
    )
    session.execute(text("analyze wanted_row"))
    return measure_wanted(session, draft.file_id, draft.base_number)


def count_merged(session: Session, draft: DatasetDraft) -> int:
    """How many rows go because others come to say the same."""
    statement = text(f"""
        with told as (
            select content_hash from dataset_draft_change
            where draft_id = :draft and not removed and content_hash is not null),
        kept as (
            select from (select distinct content_hash from told) t
            join datapoint d on d.workspace_id = :workspace and d.content_hash = t.content_hash
            join ({_OLD}) b on b.datapoint_id = d.id
            left join dataset_draft_change c on c.draft_id = :draft and c.row_id = b.datapoint_id and c.added is null
            where c.row_id is null or (not c.removed and c.content is null))
        select (select count(*) - count(distinct content_hash) from told) + (select count(*) from kept)
        """)  # noqa: S608 - the statement above
    return session.scalar(statement, {**draft_repository.of(draft), "workspace": draft.workspace_id}) or 0
