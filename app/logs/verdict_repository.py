"""The SQL of verdicts as pages show them: of many logs what was said, of one log why, and of no text more than is shown."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.formats import MOST_SHOWN
from app.logs.passages import SPANS, Passage, passages_of

_LONGEST_VALUE = 1_000
"""Characters of a value that is a text. Choices are shorter."""
_VERDICT = """
    j.evaluator_version_id, j.error is not null as is_missing, j.boolean_value, j.number_value,
    left(j.text_value, :longest) as text_value, j.options_value
"""


class Said(NamedTuple):
    """What an evaluator said of a log."""

    evaluator_version_id: str
    is_missing: bool
    """Whether it could not say anything: it ended with an error."""
    boolean_value: bool | None
    number_value: float | None
    text_value: str | None
    options_value: list[str] | None


class Reasoned(NamedTuple):
    """A verdict with its reason."""

    id: str
    said: Said
    why: str
    """The beginning of the reason, or of the error."""
    why_length: int
    """Characters of the whole."""
    judge_log_id: str | None
    passages: Sequence[Passage] = ()
    """What was marked in the output."""


_MOST_MARKED = 100_000
"""Bytes of what was marked with one judgment: what people mark is less."""


def list_verdicts(session: Session, log_ids: Sequence[str], most: int) -> dict[str, list[Said]]:
    """The oldest `most` verdicts on each of the logs."""
    statement = text(f"""
        select l.id, j.* from unnest(cast(:logs as text[])) as l(id) cross join lateral (
            select {_VERDICT} from judgment j where j.log_id = l.id order by j.id limit :most) as j
    """)  # noqa: S608 - our own columns
    found: dict[str, list[Said]] = {log_id: [] for log_id in log_ids}
    for log_id, *said in session.execute(
        statement, {"logs": list(log_ids), "most": most, "longest": _LONGEST_VALUE}
    ):
        found[log_id].append(Said(*said))
    return found


def list_reasons(session: Session, log_id: str, after: str, most: int) -> list[Reasoned]:
    """The oldest `most` verdicts on a log that come after the one with this id, with their reasons."""
    statement = text(f"""
        select j.id, left(coalesce(j.error, j.rationale, ''), :shown), length(coalesce(j.error, j.rationale, '')),
            j.judge_log_id,
            case when length(j.detail ->> 'spans') < {_MOST_MARKED} then j.detail -> 'spans' end as spans, {_VERDICT}
        from judgment j where j.log_id = :log and j.id > :after order by j.id limit :most
    """)  # noqa: S608 - our own columns
    values = {"log": log_id, "after": after, "most": most, "shown": MOST_SHOWN, "longest": _LONGEST_VALUE}
    return [
        Reasoned(id_, Said(*said), why, why_length, judge_log_id, passages_of({SPANS: spans}))
        for id_, why, why_length, judge_log_id, spans, *said in session.execute(statement, values)
    ]


def count_verdicts(session: Session, log_id: str) -> int:
    """How many judgments there are on a log."""
    return session.scalar(text("select count(*) from judgment where log_id = :log"), {"log": log_id}) or 0


_COUNTED = """
    from version v cross join lateral (
        select count(*) as n from (
            select from judgment j where j.evaluator_version_id = v.id limit :most) as first) as counted
"""
"""By an index alone, and no more than so many of each version: a thousandth of a second for ten thousand."""


def count_by_version(session: Session, version_ids: Collection[str], most: int) -> dict[str, int]:
    """How many judgments each of the versions has made, counted no further than `most`."""
    statement = text(f"select v.id, counted.n {_COUNTED} where v.id = any(:versions)")
    return dict(session.execute(statement, {"versions": list(version_ids), "most": most}).all())


def count_by_file(session: Session, file_ids: Collection[str], most: int) -> dict[str, int]:
    """The same of all versions of each of the files."""
    statement = text(
        f"select v.file_id, least(sum(counted.n), :most)::int {_COUNTED} where v.file_id = any(:files) group by 1"
    )
    return dict(session.execute(statement, {"files": list(file_ids), "most": most}).all())
