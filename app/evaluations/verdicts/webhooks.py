"""Asking services of users over HTTP: guarded, signed, bounded, and tried again where that may help.

Signatures are those of Standard Webhooks (standardwebhooks.com, version 1.0.0): HMAC-SHA256 with the workspace's secret
over `{id}.{timestamp}.{body}`, in base64 behind `v1,`.
"""

import asyncio
import base64
import hashlib
import hmac
import os
import random
from collections import defaultdict
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx2
import orjson

from app.core import clock, ids
from app.core.errors import DomainError
from app.core.urlguard import guarded_sockets, refusal_behind
from app.evaluators.binding import WebhookCall
from app.providers.answers import unreachable
from app.providers.transport import BodyTooLarge
from app.sandbox.sizes import json_bytes
from app.workspaces.webhook_keys import WebhookKey

_WAITS_S = (0.5, 2.0)
"""Before the second try, and the third."""
_LONGEST_WAIT_S = 30.0
_MOST_BYTES = 1024 * 1024
_MOST_SENT = 10 * 1024 * 1024
"""What gateways of the larger clouds let through."""
_AT_ONCE = 20
"""Connections to one service from one worker slot."""


class WebhookFailed(DomainError):
    """There is no answer; the message says what happened, and nothing of what the service sent. `late`: its time was over."""

    def __init__(self, message: str, *, late: bool = False) -> None:
        super().__init__(message)
        self.late = late


class _Unanswered(Exception):
    """One try failed. `wait_s`: how long to wait at least before the next, None where none would help."""

    def __init__(self, problem: str, wait_s: float | None = None, *, late: bool = False) -> None:
        super().__init__(problem)
        self.wait_s, self.late = wait_s, late


class Webhooks:
    """The services that a run asks, each with connections of its own. `key` signs what is sent to them."""

    def __init__(self, key: WebhookKey) -> None:
        self._key = key
        self._clients: dict[str, httpx2.AsyncClient] = {}
        self._room = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(_AT_ONCE))

    async def post(self, call: WebhookCall) -> str:
        """The body of the answer.

        Raises:
            WebhookFailed: there was none, after three tries where another one might have helped; or there is too much to send.
        """
        if (
            least := json_bytes(call.data, _MOST_SENT)
        ) > _MOST_SENT:  # writing it would hold up everybody else
            raise _too_large(f"over {least >> 20:,} MiB")
        body = orjson.dumps({"type": call.event, "timestamp": clock.now(), "data": call.data})
        if len(body) > _MOST_SENT:
            raise _too_large(f"{len(body) / (1 << 20):,.1f} MiB")
        message_id = ids.new_id("msg")  # the same for every try, so that a service can tell
        waits = iter(_WAITS_S)
        while True:
            try:
                return await self._try(call, message_id, body)
            except _Unanswered as failure:
                usual = next(waits, None)
                if failure.wait_s is None or usual is None:
                    said = f"The webhook gave no answer: {failure}"
                    raise WebhookFailed(said, late=failure.late) from failure
                spread = usual * random.uniform(0.75, 1.25)  # so that not all come back at once
                await asyncio.sleep(min(_LONGEST_WAIT_S, max(spread, failure.wait_s)))

    async def _try(self, call: WebhookCall, message_id: str, body: bytes) -> str:
        headers = signed_headers(self._key.secret(), message_id, body)
        try:
            # The time counts from when there is room: waiting for it is not the service's doing.
            async with self._room[call.url], asyncio.timeout(call.timeout_s):
                response = await self._client(call.url).post(call.url, content=body, headers=headers)
        except TimeoutError:
            raise _Unanswered(f"nothing came within {call.timeout_s:g} s", 0, late=True) from None
        except httpx2.HTTPError as error:
            if refused := refusal_behind(error):
                raise _Unanswered(str(refused)) from error
            if isinstance(error, BodyTooLarge):
                raise _Unanswered("it does not end") from error
            why = _why(unreachable(error) or error)  # one that was refused is called a time-out, too
            raise _Unanswered(f"the connection failed: {why}", 0) from error
        except Exception as error:  # whatever a service sends, it is its answer that is wrong
            raise _Unanswered(f"it is no HTTP that can be read ({type(error).__name__})") from error
        status = response.status_code
        if response.is_redirect:
            raise _Unanswered(f"it said {status}, and redirects are not followed")
        if not response.is_success:
            again = status == HTTPStatus.TOO_MANY_REQUESTS or response.is_server_error
            raise _Unanswered(f"it said {status}", _retry_after(response.headers) if again else None)
        if len(response.content) > _MOST_BYTES:
            raise _Unanswered("it is longer than 1 MiB")
        return response.content.decode("utf-8", "replace")

    def _client(self, url: str) -> httpx2.AsyncClient:
        from app.providers import sdk  # noqa: PLC0415 - not loaded by those who call nobody

        if url not in self._clients:
            self._clients[url] = sdk.http_client(_AT_ONCE, guarded_sockets(url), idle_s=60)
        return self._clients[url]

    async def aclose(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.aclose()


def _too_large(size: str) -> WebhookFailed:
    return WebhookFailed(
        f"The webhook was not asked: the log and its row are {size} of JSON, and at most {_MOST_SENT >> 20} MiB are sent. Log"
        " shorter inputs, messages and traces, or judge them by Python code."
    )


def signed_headers(secret: bytes, message_id: str, body: bytes) -> dict[str, str]:
    """The headers that tell a service who asks, and that nobody changed it on the way."""
    timestamp = str(int(clock.seconds()))
    signed = f"{message_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    return {
        "content-type": "application/json",
        "user-agent": "Whetstone",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
    }


def _retry_after(headers: Mapping[str, str]) -> float:
    """How long a service asks to be left alone, in seconds; 0 where it does not say."""
    said = headers.get("retry-after", "").strip()
    if said.isdecimal():
        return float(said)
    try:
        return max(0.0, parsedate_to_datetime(said).timestamp() - clock.seconds())
    except (ValueError, TypeError, OverflowError):  # a year or a zone of so many digits that no date holds it
        return 0.0


def _why(error: Exception) -> str:
    """Why a connection failed, without the address that a name stands for: whoever may use it need not know that."""
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number).lower() if number and number > 0 else type(error).__name__
