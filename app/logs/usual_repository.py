"""The SQL of what calls usually take: what the last calls of a version were like."""

from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session


class UsualCall(NamedTuple):
    """Means over the last calls; None where there is none."""

    input_tokens: float | None
    output_tokens: float | None
    latency_ms: float | None


def usual_call(session: Session, version_id: str, model: str | None = None) -> UsualCall:
    """What the last 100 answered calls of a version took, of a prompt or of a judge; of one model, where it is named.

    Providers answer with the date of the model that they called: it is the same model.
    """
    row = session.execute(
        text("""
        select avg(prompt_tokens)::float8, avg(output_tokens)::float8, avg(latency_ms)::float8 from (
            select prompt_tokens, output_tokens, latency_ms from log
            where version_id = :version and error is null
              and (cast(:model as text) is null or :model in (model, regexp_replace(model, :dated, '')))
            order by created_at desc, id desc limit 100
        ) last
        """),
        {"version": version_id, "model": model, "dated": "-[0-9]{4}-?[0-9]{2}-?[0-9]{2}$"},
    ).one()
    return UsualCall(*row)
