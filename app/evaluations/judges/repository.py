"""The SQL of agreement: outputs that a judge and people have judged."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.logs.repository import END_USER, QUESTION

_MOST_LABELS = 20_000
"""The newest ones: more say nothing more."""
_MOST_VERDICTS = 20_000
"""The newest ones: a share of them is known to 0.7 points."""
MOST_LENGTHS = 2_000
"""Verdicts, the newest, of which lengths and votes are looked at: these take long to read, and more say little more."""

_LABELS = """
    judgment p
    join judgment j on j.log_id = p.log_id and j.evaluator_version_id = any(:judges) and j.author = ''
        and j.error is null
    where p.evaluator_version_id = any(array(
            select version.id from version join file on file.id = version.file_id
            where file.workspace_id = :workspace and version.spec->>'evaluator_type' = 'human'
        ))
        and p.author <> '' and p.author not like :users and p.error is null
        and num_nonnulls(p.boolean_value, p.number_value, p.text_value, p.options_value) > 0
"""
"""What members said by an evaluator that asks people, of outputs that one of the judges has judged. What the users of an
application say is feedback about it, and no label; nor is it one that somebody cannot tell. The versions stand in an array:
joined with their table, they are expected to have so few judgments that the index of people's words is not used."""


class LabelCount(NamedTuple):
    """How many outputs carry a judge's verdict and one of a person, and when the last such word came."""

    outputs: int
    last: datetime


class Label(NamedTuple):
    """One person's word beside a judge's."""

    log_id: str
    judged_at: datetime
    judge_value: Any
    rationale: str | None
    asked_by: str
    """The version of the evaluator that the person was asked by."""
    person: str
    value: Any


def count_labels(session: Session, workspace_id: str, judge_ids: Sequence[str]) -> dict[str, LabelCount]:
    """By the judge's version; one that people have not judged beside is not in it."""
    rows = session.execute(
        text(f"""
        select j.evaluator_version_id, count(distinct j.log_id), max(p.created_at) from {_LABELS} group by 1
        """),  # noqa: S608 - a constant
        {"workspace": workspace_id, "judges": list(judge_ids), "users": f"{END_USER}%"},
    )
    return {row[0]: LabelCount(row[1], row[2]) for row in rows}


def list_labels(session: Session, workspace_id: str, judge_id: str) -> list[Label]:
    """Every word of a person beside one of a judge's version, newest verdict first; the newest 20,000."""
    rows = session.execute(
        text(f"""
        select j.log_id, j.created_at, {_value("j")}, j.rationale, p.evaluator_version_id, p.author, {_value("p")}
        from {_LABELS} order by j.created_at desc, j.log_id, p.created_at limit :most
        """),  # noqa: S608 - constants
        {"workspace": workspace_id, "judges": [judge_id], "users": f"{END_USER}%", "most": _MOST_LABELS},
    )
    return [Label(*row) for row in rows.all()]


def _value(of: str) -> str:
    return (
        f"coalesce(to_jsonb({of}.boolean_value), to_jsonb({of}.number_value), to_jsonb({of}.text_value),"
        f" to_jsonb({of}.options_value))"
    )


class Passes(NamedTuple):
    """How often a judge says yes."""

    passed: int
    verdicts: int
    """Of yes or no."""


def count_passes(session: Session, judge_id: str) -> Passes:
    """Over the newest 20,000 verdicts of a judge's version."""
    row = session.execute(
        text("""
        select count(*) filter (where boolean_value), count(*) filter (where boolean_value is not null)
        from (
            select boolean_value from judgment
            where evaluator_version_id = :judge and author = '' and error is null
            order by created_at desc, id desc limit :most
        ) newest
        """),
        {"judge": judge_id, "most": _MOST_VERDICTS},
    ).one()
    return Passes(*row)


class OrderCount(NamedTuple):
    """How often a judge of two answers said what: each is `output`, `other` or `tie`."""

    output_first: str
    """With the output shown first."""
    other_first: str
    times: int


def count_orders(session: Session, judge_id: str) -> list[OrderCount]:
    """What a judge's version said in both orders, of its newest 20,000 verdicts by the newest one of each row: repeats of a row
    say much the same. Empty where it was not asked so.
    """
    rows = session.execute(
        text("""
        select detail #>> '{orders,0,better}', detail #>> '{orders,1,better}', count(*)
        from (
            select distinct on (coalesce(l.datapoint_id, l.id)) detail
            from (
                select detail, log_id, created_at, id from judgment
                where evaluator_version_id = :judge and author = '' and error is null
                order by created_at desc, id desc limit :most
            ) newest join log l on l.id = newest.log_id
            where detail ? 'orders'
            order by coalesce(l.datapoint_id, l.id), newest.created_at desc, newest.id desc
        ) by_row
        group by 1, 2 order by 1, 2
        """),
        {"judge": judge_id, "most": _MOST_VERDICTS},
    )
    return [OrderCount(*row) for row in rows]


class OrderPick(NamedTuple):
    """What a judge of two answers said of one output: each is `output`, `other` or `tie`."""

    log_id: str
    output_first: str
    """With the output shown first."""
    other_first: str


def list_orders(session: Session, judge_id: str, log_ids: Sequence[str]) -> list[OrderPick]:
    """What a judge's version said of these outputs in both orders; one that it was not asked of so is not in it."""
    rows = session.execute(
        text("""
        select log_id, detail #>> '{orders,0,better}', detail #>> '{orders,1,better}' from judgment
        where log_id = any(:logs) and evaluator_version_id = :judge and author = '' and error is null and detail ? 'orders'
        order by log_id
        """),
        {"judge": judge_id, "logs": list(log_ids)},
    )
    return [OrderPick(*row) for row in rows]


class CastVote(NamedTuple):
    """One of the votes of a verdict."""

    model: str
    verdict: bool | float | str | None
    """None where it could not be read."""


def list_votes(session: Session, judge_id: str) -> list[list[CastVote]]:
    """The votes of the newest 2,000 verdicts of a judge's version that were cast by several."""
    rows = session.scalars(
        text("""
        select detail->'votes' from judgment
        where evaluator_version_id = :judge and author = '' and error is null
          and jsonb_typeof(detail->'votes') = 'array' and jsonb_array_length(detail->'votes') > 1
        order by created_at desc, id desc limit :most
        """),
        {"judge": judge_id, "most": MOST_LENGTHS},
    )
    return [[CastVote(vote.get("model") or "", vote.get("verdict")) for vote in votes] for votes in rows]


class Decided(NamedTuple):
    """A verdict that one of two answers is better, the same in both orders, with what the row holds."""

    won: bool
    """Whether the output is the better one."""
    output_chars: int
    inputs: dict[str, Any] | None
    target: dict[str, Any] | None
    context: list[str] | None
    metadata: dict[str, Any] | None


def list_decided(session: Session, judge_id: str) -> list[Decided]:
    """Of the newest 2,000 verdicts of a judge's version that hold in both orders and are no tie, the newest one on each row."""
    rows = session.execute(
        text("""
        select distinct on (d.id) j.number_value > 0.5, char_length(l.output), d.inputs, d.target, d.context, d.metadata
        from (
            select log_id, number_value, created_at, id from judgment
            where evaluator_version_id = :judge and author = '' and error is null
              and detail->>'consistent' = 'true' and number_value <> 0.5
            order by created_at desc, id desc limit :most
        ) j join log l on l.id = j.log_id join datapoint d on d.id = l.datapoint_id and d.workspace_id = l.workspace_id
        where l.output is not null order by d.id, j.created_at desc, j.id desc
        """),
        {"judge": judge_id, "most": MOST_LENGTHS},
    )
    return [Decided(*row) for row in rows]


class Told(NamedTuple):
    """The beginnings of an output and of what it answers; None where there is none, or it is no longer kept."""

    output: str | None
    question: str | None


def list_told(session: Session, log_ids: Sequence[str]) -> dict[str, Told]:
    """What some outputs say, by log."""
    rows = session.execute(
        text(f"""
        select l.id, left(l.output, 300), nullif({QUESTION}, '') from log l where l.id = any(:logs)
        """),  # noqa: S608 - a constant
        {"logs": list(log_ids)},
    )
    return {row[0]: Told(*row[1:]) for row in rows}


class Length(NamedTuple):
    """How long an output is."""

    chars: int
    of: str
    """The row that it answers, or else its log."""


def output_lengths(session: Session, log_ids: Sequence[str]) -> dict[str, Length]:
    """The lengths of outputs, by log; one without an output is not in it."""
    rows = session.execute(
        text("""
        select id, char_length(output), coalesce(datapoint_id, id) from log
        where id = any(:logs) and output is not null
        """),
        {"logs": list(log_ids)},
    )
    return {row[0]: Length(*row[1:]) for row in rows}
