"""What is too large for a service to be sent."""

import time

import pytest

from app.evaluations.verdicts.webhooks import WebhookFailed, Webhooks
from app.evaluators.binding import bind, make_spec
from app.workspaces.webhook_keys import WebhookKey
from tests.asynchronous import run as run_coroutine
from tests.evaluations.test_webhooks import service
from tests.evaluators.cases import execution, row


def posted(url: str, pages: int) -> str:
    """The answer about a log whose trace holds so many texts of 2 MiB, as a flow's may."""
    return posted_on(url, [{"output": "é" * (1 << 20)} for _ in range(pages)])


def posted_on(url: str, children: list[dict[str, str]]) -> str:
    (call,) = bind(make_spec("webhook", {"url": url})).calls(execution(children=children), row())

    async def post() -> str:
        webhooks = Webhooks(WebhookKey("ws", 1))
        try:
            return await webhooks.post(call)
        finally:
            await webhooks.aclose()

    return run_coroutine(post())


@pytest.mark.filterwarnings(
    "ignore:Sending a large body:ResourceWarning"
)  # of aiohttp: it takes milliseconds
def test_more_than_services_take_is_not_sent() -> None:
    with service({"judgment": True}) as running:
        with pytest.raises(WebhookFailed) as failed:
            posted(running.url, 6)
        assert running.heard == []
        assert posted(running.url, 4) == '{"judgment": true}'
    assert failed.value.message == (
        "The webhook was not asked: the log and its row are 12.0 MiB of JSON, and at most 10 MiB are sent. Log shorter"
        " inputs, messages and traces, or judge them by Python code."
    )


def test_what_is_far_too_large_is_not_even_written() -> None:
    """A worker's other calls would wait while it is."""
    page = "x" * (2 << 20)
    with service({"judgment": True}) as running:
        before = time.perf_counter()
        with pytest.raises(WebhookFailed, match="are over 10 MiB of JSON, and at most 10 MiB"):
            posted_on(running.url, [{"output": page}] * 3_000)  # 6 GB as JSON
        assert time.perf_counter() - before < 1
        assert running.heard == []
