"""Texts that try to be more than text, and the stored form of them: put into every text column that there is.

Each payload does one of three things if a page ever lets it: calls `canary()`, fetches an address of `{canary}`, or
leaves an element or attribute called `data-xss` behind.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Table, Text, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, JSON
from sqlalchemy.orm import Session

from app.tables import ALL_TABLES

PAYLOADS = (
    "<script data-xss>canary()</script>",
    "<script data-xss src={canary}/a.js></script>",
    "<ScRiPt data-xss>canary()</sCrIpT>",
    "<scr<script data-xss>ipt>canary()</script>",
    "</script><script data-xss>canary()</script>",
    "<script data-xss type=module>import '{canary}/b.js'</script>",
    "<img data-xss src=x onerror=canary()>",
    "<img data-xss src={canary}/c.png>",
    "<img data-xss srcset='{canary}/d.png 1x'>",
    "<picture data-xss><source srcset={canary}/e.png><img src=/favicon.ico></picture>",
    "<svg data-xss onload=canary()>",
    "<svg data-xss><script>canary()</script></svg>",
    "<svg data-xss><animate onbegin=canary() attributeName=x dur=1s>",
    "<svg data-xss><image href={canary}/f.svg /></svg>",
    "<math data-xss><mtext><img src=x onerror=canary()></mtext></math>",
    "<a data-xss href=javascript:canary() autofocus>x</a>",
    "<a data-xss href='java\tscript:canary()'>x</a>",
    "<form data-xss action=javascript:canary()><button autofocus>x</button></form>",
    "<button data-xss formaction=javascript:canary()>x</button>",
    "javascript:canary()//'\" data-xss onfocus=canary() autofocus ",
    "data:text/html,<script data-xss>parent.canary()</script>",
    "<iframe data-xss src=javascript:parent.canary()></iframe>",
    "<iframe data-xss srcdoc='<script>parent.canary()</script>'></iframe>",
    "<object data-xss data={canary}/g.swf></object><embed data-xss src={canary}/h.swf>",
    "<div data-xss hx-get='{canary}/i' hx-trigger=load></div>",
    "<div data-xss data-hx-get=/signin hx-trigger=load></div>",
    "<div data-xss hx-on:load=canary() hx-on::load=canary()></div>",
    "<div data-xss hx-get=/health/live hx-trigger=load hx-vals='js:{a: canary()}'></div>",
    "<div data-xss hx-trigger='load[canary()]' hx-get=/health/live></div>",
    "<div data-xss hx-ext=sse sse-connect={canary}/j></div>",
    "' data-xss onmouseover='canary()' autofocus onfocus='canary()' x='",
    '" data-xss onmouseover="canary()" autofocus onfocus="canary()" x="',
    "` data-xss onmouseover=canary() x=`",
    " data-xss onfocus=canary() autofocus ",
    '\'"><img data-xss src=x onerror=canary()>',
    "\\\"><img data-xss src=x onerror=canary()>",
    '"}\'><img data-xss src=x onerror=canary()><p x=\'{"a": "',
    "</title><img data-xss src=x onerror=canary()>",
    "</textarea><img data-xss src=x onerror=canary()>",
    "</select></option><img data-xss src=x onerror=canary()>",
    "</template></noscript></style><img data-xss src=x onerror=canary()>",
    "--></pre></code></svg><img data-xss src=x onerror=canary()><!--",
    "<style data-xss>@import '{canary}/k.css'; * {background: url({canary}/l.png)}</style>",
    "<p data-xss style=\"background:url('{canary}/m.png')\">x</p>",
    "<link data-xss rel=stylesheet href={canary}/n.css><link data-xss rel=prefetch href={canary}/o>",
    "<meta data-xss http-equiv=refresh content='0; url={canary}/p'>",
    "<base data-xss href={canary}/>",
    "{{ ''.__class__ }}${canary()}<%= canary() %><b data-xss>",
    "\u202e<\u200bscript data-xss>canary()</script>\ufeff",
    "＜script data-xss＞canary()＜/script＞\u2028<video data-xss poster={canary}/q><source onerror=canary()></video>",
)  # fmt: skip

ENUMERATION = "one of a few words that the database itself holds it to, or that code reads"
SECRET = "a hash or a token: no page shows it, and people do not choose it"
KEPT = {
    "user_account.email": "what the test signs in with; e-mail addresses take no spaces",
    "user_account.password_hash": SECRET,
    "user_account.signed_in_by": ENUMERATION,
    "user_session.token_hash": SECRET,
    "one_time_token.token_hash": SECRET,
    "one_time_token.purpose": ENUMERATION,
    "throttle.key": "a hash",
    "retention_walk.position": "the id of a log, written by the reaper only",
    "sign_in_flow.state_hash": SECRET,
    "sign_in_flow.nonce": SECRET,
    "sign_in_flow.next": "where a redirect goes; it is never shown, and checked when it is used",
    "workspace.slug": "stands in every address: letters, digits and hyphens, as the server makes it",
    "membership.role": ENUMERATION,
    "api_key.role": ENUMERATION,
    "api_key.secret_hash": SECRET,
    "invitation.role": ENUMERATION,
    "invitation.token_hash": SECRET,
    "report_link.token_hash": SECRET,
    "review_guest.token_hash": SECRET,
    "review_guest_session.token_hash": SECRET,
    "file.kind": ENUMERATION,
    "version.content_hash": "a hash",
    "environment.tag": ENUMERATION,
    "provider.kind": ENUMERATION,
    "tool_variable.origin": "read from an address; compared, and said in an error only",
    "provider.preset": ENUMERATION,
    "datapoint.content_hash": "a hash",
    "dataset_row.split": ENUMERATION,
    "dataset_draft_change.split": ENUMERATION,
    "dataset_draft_change.content_hash": "a hash",
    "row_generation.status": ENUMERATION,
    "row_generation.split": ENUMERATION,
    "row_generation.columns": "names of places, which the code reads again",
    "log.status": ENUMERATION,
    "prompt_draft.tab": "drawn by the server, and compared only",
    "prompt_draft.revision": "drawn by the server, and compared only",
    "prompt_draft_state.tab": "drawn by the server, and compared only",
    "prompt_draft_state.why": ENUMERATION,
    "run.status": ENUMERATION,
    "review_queue.rows": ENUMERATION,
    "review_queue.candidate": "the number of a version, or when it was run: the server writes it",
    "review_queue.baseline": "the same",
    "run.split": ENUMERATION,
    "run.stops_by": "the id of a version of an evaluator",
    "suspect_target.version_ids": "ids of versions",
    "run_item.state": ENUMERATION,
    "shard.state": ENUMERATION,
    "run_score.slice": "part of its key: the name of a metric, as code reads it",
    "run_score.method": ENUMERATION,
}
"""Text columns that are not filled, and why. Ids and what names them (keys of tables) are not filled either."""
_IDS = (
    "_id", "created_by", "author", "reuse_key", "owner", "subject_type",
)  # fmt: skip
_WORDS_OF_SPECS = frozenset(
    {"role", "type", "kind", "evaluator_type", "arguments_type", "return_type", "endpoint", "verdict", "wanted",
     "tolerance", "average", "compare", "mode", "metric", "of", "database", "on_agent_call"}
)  # fmt: skip
"""Members of a spec that choose from a few words."""
_OPEN = frozenset(
    {"inputs", "target", "metadata", "details", "other", "attributes", "detail", "provider_request", "provider_response",
     "output_message", "draft"}
)  # fmt: skip
"""Objects whose members people name."""

_ABSENT = {
    "log.messages": [{"role": "user", "content": "x"}],
    "log.included": [{"type": "prompt", "path": "x", "environment": "x", "file_id": "x", "version_id": "x", "number": 1}],
    "log.output_message": {"role": "assistant", "tool_calls": [{"id": "x", "function": {"name": "x", "arguments": "x"}}]},
    "log.provider_response": {"body": "x"},
    "datapoint.messages": [{"role": "user", "content": "x"}],
    "datapoint.context": ["x"],
    "row_generation_call.left_out": [{"content": {"inputs": {"x": "x"}}, "why": "x"}],
    "review_task.draft": {"note": ["x"]},
    "review_queue.filters": {"q": "x"},
}  # fmt: skip
"""What an absent object is filled from."""


@dataclass
class Poison:
    """Fills a database; `labels` says which short label stands for which column."""

    canary: str
    labels: dict[str, str] = field(default_factory=dict)
    _turn: Iterator[int] = field(default_factory=itertools.count)

    def fill(self, session: Session) -> None:
        """Put a payload into every text of every row, past all checks of ours, and what the triggers say."""
        session.execute(text("set local session_replication_role = replica"))
        for table in ALL_TABLES:
            columns = [column for column in table.columns if is_filled(column)]
            if columns:
                self._fill(session, table, columns)

    def text(self, label: str) -> str:
        """All payloads in one text, beginning with another one each time."""
        return f"{label} " + " ".join(self._from(next(self._turn), PAYLOADS))

    def path(self, label: str) -> str:
        """A name: those payloads that have no slash, which would end it."""
        return (
            f"{label} " + " ".join(self._from(next(self._turn), [p for p in PAYLOADS if "/" not in p]))[:900]
        )

    def _from(self, turn: int, payloads: Any) -> Iterator[str]:
        at = turn % len(payloads)
        for payload in (*payloads[at:], *payloads[:at]):
            yield payload.replace("{canary}", self.canary)

    def _fill(self, session: Session, table: Table, columns: list[Column[Any]]) -> None:
        keys = list(table.primary_key.columns)
        rows = session.execute(select(*keys, *columns).order_by(*keys)).all()
        for at, row in enumerate(rows):
            found = row._mapping
            # What is absent is filled, too; of many rows only in some: an error hides an answer.
            too = len(rows) < len(PAYLOADS) or at % 5 == 0
            changed = {
                column.name: self._poisoned(column, found[column])
                for column in columns
                if found[column] or too
            }
            if changed:
                session.execute(update(table).where(*[key == found[key] for key in keys]).values(changed))

    def _poisoned(self, column: Column[Any], value: Any) -> Any:
        name = f"{column.table.name}.{column.name}"
        label = next((known for known, of in self.labels.items() if of == name), None)
        if label is None:
            label = f"q{len(self.labels):03}"
            self.labels[label] = name
        if name == "provider.prices":
            return {self.text(label): {"input": "0.1", "output": "0.2"}}
        if isinstance(column.type, JSON):
            return self._json(label, column.name, value or _ABSENT.get(name, {}))
        if isinstance(column.type, ARRAY):
            return [self.text(label) for _ in value or [""]]
        if column.name == "path":
            return f"{self.path(label)} {next(self._turn)}"
        return f"{self.text(label)} {next(self._turn)}"

    def _json(self, label: str, name: str, value: Any) -> Any:
        if isinstance(value, str):
            return value if name in _WORDS_OF_SPECS else self.text(label)
        if isinstance(value, list):
            return [self._json(label, name, item) for item in value]
        if isinstance(value, dict):
            inner = {key: self._json(label, key, item) for key, item in value.items()}
            return inner | {self.text(label): self.text(label)} if name in _OPEN else inner
        return value


def is_filled(column: Column[Any]) -> bool:
    """Whether a column holds text of people, of models or of providers."""
    if not isinstance(column.type, Text | JSON | ARRAY) or column.primary_key or column.foreign_keys:
        return False
    return f"{column.table.name}.{column.name}" not in KEPT and not column.name.endswith(_IDS)
