"""A service of the user's that is asked for a verdict over HTTP."""

# ruff: noqa: ARG002 - a kind need not look at all that it is given

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from app.core import urlguard
from app.core.errors import Invalid
from app.evaluators.kinds.answering import (
    AnswerOptions,
    as_value,
    log_members,
    refuse_muddled,
    testcase_members,
)
from app.evaluators.kinds.contract import Execution, Kind, Row, Traits, Verdict, WebhookCall, storable
from app.evaluators.kinds.json_output import NoJson, read_json

_RATIONALE_CHARS = 4_000


class WebhookOptions(AnswerOptions):
    url: str = Field(title="Address", min_length=1, max_length=2_000, json_schema_extra={"first": True})
    """Where your service listens. The server's own network is refused, unless its operator allows the host."""
    timeout_s: float = Field(10, title="Seconds to answer", ge=1, le=60, json_schema_extra={"first": True})
    """How many seconds one call may take. It is tried three times. After 60 rows in a row without an answer in time this worker asks no more in the run."""


class Webhook(Kind[WebhookOptions]):
    """What does a service of yours say when it is asked?

    Each output is sent to it by POST as `{"type": "judgment.requested", "timestamp": …, "data": {"log": …, "testcase":
    …}}`, with the members of the API's logs and datapoints, null where nothing is known, and the
    first 100 `trace_children` of a flow or an agent, up to 10 MiB in all; it answers `{"judgment": …, "rationale": …}` or `{"error": …}`. Calls are signed as Standard Webhooks
    says, with the key that stands in Settings, API keys: the headers `webhook-id`, `webhook-timestamp` and
    `webhook-signature`. A service that does not answer, or answers 429 or 5xx, is tried three times, with the same
    `webhook-id`.
    """

    name = "webhook"
    title = "Webhook"
    purpose = "Your own code"
    keywords = "custom HTTP API"
    returns = Traits("boolean")
    Options = WebhookOptions
    sees_traces = True

    def traits(self, options: WebhookOptions) -> Traits:
        return options.traits

    def refuse(self, options: WebhookOptions) -> None:
        """Look at the choices, and where the address leads."""
        refuse_muddled(options.choices)
        try:
            urlguard.check_url(options.url, query=True)
        except (urlguard.RefusedAddress, ValueError) as problem:
            raise Invalid(str(problem), fields={"url": str(problem)}) from None

    def calls(
        self, options: WebhookOptions, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Sequence[WebhookCall]:
        """One call; none where there is nothing to compare with, and that is needed."""
        if answers or (options.target == "needed" and not row.target):
            return ()
        data = {"log": log_members(execution), "testcase": testcase_members(row)}
        return [WebhookCall(options.url, "judgment.requested", data, options.timeout_s)]

    def judge(
        self, options: WebhookOptions, execution: Execution, row: Row, answers: Sequence[str | None] = ()
    ) -> Verdict:
        if options.target == "needed" and not row.target:
            return Verdict(None, rationale="no target")
        try:
            said: Any = read_json(answers[0] or "null", in_fence=False) if answers else None
        except NoJson:
            said = None
        if not isinstance(said, dict) or not ("judgment" in said or isinstance(said.get("error"), str)):
            return Verdict(None, error="The webhook's answer is no JSON object with “judgment” or “error”")
        if isinstance(said.get("error"), str):
            return Verdict(None, error=storable(said["error"]))
        reason = said.get("rationale")
        rationale = storable(reason, _RATIONALE_CHARS) if isinstance(reason, str) else None
        if said["judgment"] is None:
            return Verdict(None, rationale=rationale or "the webhook gave no judgment")
        if problem := options.refusal("It answered", said["judgment"]):
            return Verdict(None, error=problem)
        return Verdict(as_value(said["judgment"]), rationale=rationale)
