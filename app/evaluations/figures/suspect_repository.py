"""The SQL of targets that several versions speak against."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.datasets.suspects import Suspect
from app.files.models import Version

LEAST_VERSIONS = 3
_RUNS = 30
"""The newest runs on a dataset that are asked."""
_SHOWN, _MOST = 500, 500
_AROUND = " \t\r\n.!?\"'`"
"""What makes no other answer of one, at its ends."""


def renew(session: Session, run_id: str) -> None:
    """Find the suspect targets of the dataset of a run anew.

    A target is suspect where at least three versions gave the same answer, at least half of those that gave any, and no version
    gave one that an evaluator which compares with the target takes for right. Only evaluators that say yes or no, yes being
    good, are asked, and people are not; of repeats, the first.
    """
    # Two runs of a dataset that are scored at once would write the same rows, in an order of their own.
    session.execute(
        text("""
        select pg_advisory_xact_lock(hashtextextended('suspect_target ' || d.file_id, 0))
        from run r join version d on d.id = r.dataset_version_id where r.id = :run
        """),
        {"run": run_id},
    )
    session.execute(
        text("""
        with dataset as (
            select d.file_id from run r join version d on d.id = r.dataset_version_id where r.id = :run
        ), runs as (
            select r.id, r.version_id, r.evaluation_id from run r join version d on d.id = r.dataset_version_id
            where d.file_id = (select file_id from dataset) and r.version_id is not null
            order by r.created_at desc limit :runs
        ), judges as (
            select distinct v.id from evaluation_evaluator e join version v on v.id = e.evaluator_version_id
            where e.evaluation_id in (select evaluation_id from runs)
              and v.spec->>'arguments_type' = 'target_required' and v.spec->>'return_type' = 'boolean'
              and v.spec->>'evaluator_type' <> 'human' and v.spec->>'number_valence' is distinct from 'negative'
        ), said as (
            select i.datapoint_id, runs.version_id, l.id as log_id, md5(lower(btrim(l.output, :around))) as words,
                   (select bool_or(j.boolean_value) from judgment j
                    where j.log_id = l.id and j.author = '' and j.evaluator_version_id in (select id from judges)) as passed
            from runs join run_item i on i.run_id = runs.id and i.repeat = 0 join log l on l.id = i.log_id
            where btrim(l.output, :around) <> '' and exists (select from judges)
        ), answers as (
            select datapoint_id, words, min(log_id) as log_id, array_agg(distinct version_id) as version_ids
            from said where passed is not null group by 1, 2
        ), rows as (
            select datapoint_id, count(distinct version_id) as versions from said
            where passed is not null group by 1 having not bool_or(passed)
        ), found as (
            select distinct on (a.datapoint_id) a.datapoint_id, a.log_id, a.version_ids
            from answers a join rows using (datapoint_id)
            where cardinality(a.version_ids) >= :least and 2 * cardinality(a.version_ids) >= rows.versions
            order by a.datapoint_id, cardinality(a.version_ids) desc, a.words
        ), gone as (
            delete from suspect_target where file_id = (select file_id from dataset)
              and datapoint_id not in (select datapoint_id from found)
        )
        insert into suspect_target (file_id, datapoint_id, log_id, version_ids)
        select dataset.file_id, f.datapoint_id, f.log_id, to_jsonb(f.version_ids) from found f cross join dataset
        on conflict (file_id, datapoint_id) do update set log_id = excluded.log_id, version_ids = excluded.version_ids
        """),
        {"run": run_id, "runs": _RUNS, "least": LEAST_VERSIONS, "around": _AROUND},
    )


def list_suspects(session: Session, version: Version) -> Sequence[Suspect]:
    """The suspect targets of a version of a dataset, in the order of its rows; none whose answer has gone."""
    rows = session.execute(
        text("""
        select s.datapoint_id, left(l.output, :shown),
               array(select f.path || ' v' || v.number from version v join file f on f.id = v.file_id
                     where v.id in (select jsonb_array_elements_text(s.version_ids)) order by f.path, v.number)
        from suspect_target s join log l on l.id = s.log_id
        join dataset_row r on r.file_id = s.file_id and r.datapoint_id = s.datapoint_id
        where s.file_id = :file and r.from_number <= :number and (r.until_number is null or r.until_number > :number)
          and l.output is not null
        order by r.position limit :most
        """),
        {"file": version.file_id, "number": version.number, "shown": _SHOWN, "most": _MOST},
    )
    return [Suspect(row[0], row[1], row[2]) for row in rows if len(row[2]) >= LEAST_VERSIONS]
