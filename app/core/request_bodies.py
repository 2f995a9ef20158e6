"""What a request may carry, in one place: how many bytes, never packed, and as JSON only what can be stored.

It is looked at before any route sees the request, while it streams; what a text within it may be stands in `json_values`.
"""

import asyncio
import math
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.types import Message, Receive, Scope

from app.core import json_values
from app.core.errors import Invalid, TooLarge, TooSlow, Unauthenticated, Unsupported
from app.core.settings import get_settings

_MIB = 1024 * 1024
_QUICK_BYTES = 64 * 1024
"""Reading so much JSON holds up the event loop for less than a millisecond."""
_UPLOADS = re.compile(
    r"/(?:v5|w/[^/]+)/datasets/(?:new|[^/]+/import)/?|/v5/datasets/[^/]+/datapoints/csv/?|/v5/evaluator-databases/?|/w/[^/]+/evaluators/[^/]+/database/?"
)
"""Where files are taken, by POST."""
SPANS = "/v5/import/otel/v1/traces"
"""Where anything is taken: whoever sends spans stops for good when they are refused, so the route bounds them itself."""
_SILENCE_S = 60.0
"""A body of which nothing has come for so long is waited for no more."""
_MOST_FIELDS = 1000
FORM_LIMITS: Any = {
    "max_fields": _MOST_FIELDS,
    "max_files": 100,
    "max_part_size": 3 * json_values.FIELD_MIB * _MIB,  # a browser writes a byte that is no letter as three
}
"""For every form that is read; more is answered with 400."""


_BOUNDARY = re.compile(rb"[\r\n]{0,4}--([^\r\n]{1,200})\r?\n")


async def read_form(request: Request) -> FormData:
    """The request's form, within the limits."""
    return await request.form(**FORM_LIMITS)


@asynccontextmanager
async def parts_of(request: Request) -> AsyncIterator[FormData]:
    """The parts of a multipart body, files on disk where they are large, and gone afterwards.

    The boundary is taken from the body's own first line where the header does not name it: a client of the v5 API
    sends `content-type: multipart/form-data` and nothing else.

    Raises:
        Invalid: the body has no parts.
    """
    async with aclosing(request.stream()) as stream:
        first = b""
        async for part in stream:
            first += part
            if b"\n" in first.lstrip() or len(first) > 2 * _QUICK_BYTES:
                break
        content_type = request.headers.get("content-type", "")
        if "boundary=" not in content_type.lower():
            found = _BOUNDARY.match(first)
            boundary = found[1].decode("latin-1").rstrip() if found else ""
            content_type = f'multipart/form-data; boundary="{boundary}"'
        parser = MultiPartParser(Headers({"content-type": content_type}), _all(first, stream), **FORM_LIMITS)
        try:
            form = await parser.parse()
        except MultiPartException as error:
            raise Invalid(f"The form cannot be read: {error.message}") from None
    try:
        yield form
    finally:
        await form.close()


async def _all(first: bytes, rest: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    yield first
    async for part in rest:
        yield part


def takes_files(scope: Scope) -> bool:
    """Whether the request is to a route that takes files."""
    return scope["method"] == "POST" and _UPLOADS.fullmatch(scope["path"]) is not None


class Bounded:
    """A body that is refused once more bytes of it have come than its route takes."""

    def __init__(
        self, scope: Scope, receive: Receive, *, upload: bool, known: Callable[[], Awaitable[bool]]
    ) -> None:
        """Refuse what can be refused by its headers. `upload`: it may be as large as a file. `known` tells whether somebody
        with an account or a key sent it.

        Raises:
            TooLarge: it says itself that it is larger.
            Unsupported: it is packed: unpacking is how a small body becomes a large one.
        """
        self._receive = receive
        self._known = known
        self._is_json = self._is_form = False
        self._separators = 0
        self._checked: bytes | None = None
        self._whole = False
        self.value: Any = json_values.NO_JSON
        """What a body of JSON says, where `check` was asked to keep it."""
        self.refused: TooLarge | None = None
        """Why nothing more of it is read, once it was refused."""
        self._left: float = math.inf
        if scope["path"].rstrip("/") == SPANS:
            return
        settings, headers = get_settings(), Headers(scope=scope)
        limit_mib = settings.upload_limit_mib if upload else settings.body_limit_mib
        self._left = limit_mib * _MIB
        self._too_large = TooLarge(f"The body is over {limit_mib} MiB. Send it in smaller parts.")
        declared = headers.get("content-length", "0")
        if declared.isdigit() and (len(declared) > 15 or int(declared) > self._left):
            raise self._too_large
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise Unsupported("Packed bodies are not read: send it without Content-Encoding.")
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        self._is_form = kind == "application/x-www-form-urlencoded"
        self._is_json = not upload and kind.startswith("application/") and kind.endswith(("/json", "+json"))

    async def check(self, *, keep: bool = False) -> None:
        """Read a JSON body whole and refuse one that could not be stored; any other streams on. `keep` what it says: for
        whoever does not read it again, as the framework does, for it would be in memory twice.

        Raises:
            TooLarge: it goes on past the limit.
            Unauthenticated: it is a stranger's, and so large that reading it takes a while.
            Invalid: it is no JSON, or holds what could not be kept as it is.
        """
        if not self._is_json:
            return
        parts, size, more = [], 0, True
        while more:
            message = await self.receive()
            if message["type"] != "http.request":  # the caller is gone: nobody waits for an answer
                return
            before, size = size, size + len(message.get("body", b""))
            if before <= _QUICK_BYTES < size and not await self._known():
                raise Unauthenticated("Sign in, or send an API key that is valid in the header X-API-KEY.")
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        self._checked = b"".join(parts)
        parts.clear()
        try:
            if len(self._checked) > _QUICK_BYTES:
                self.value = await run_in_threadpool(_read, self._checked, keep=keep)
            elif self._checked:
                self.value = _read(self._checked, keep=keep)
        except json_values.NotStorable as error:
            raise Invalid(str(error), fields={".".join(error.way): str(error)}) from None

    async def receive(self) -> Message:
        """The next message of the request, for the application."""
        if self._checked is not None:
            body, self._checked = self._checked, None
            self._is_json = False
            return {"type": "http.request", "body": body, "more_body": False}
        if self._whole:  # what comes now is the caller's going away, whenever that is
            return await self._receive()
        try:
            async with asyncio.timeout(_SILENCE_S):  # `wait_for` would make a task of each part
                message = await self._receive()
        except TimeoutError:
            raise TooSlow(f"Nothing more of the body has come for {_SILENCE_S:g} s.") from None
        self._whole = not message.get("more_body", False)
        part = message.get("body", b"")
        self._left -= len(part)
        if self._left < 0:
            self.refused = self._too_large
        elif self._is_form:
            # The form's own limit leaves out empty fields, and millions of these take seconds.
            self._separators += part.count(b"&")
            if self._separators > _MOST_FIELDS:
                self.refused = TooLarge(f"The form has more than {_MOST_FIELDS:,} fields.")
        if self.refused:
            raise self.refused
        return message


def _read(body: bytes, *, keep: bool) -> Any:
    value = json_values.loads(body)
    return value if keep else json_values.NO_JSON  # a thread would hold on to what it answered with
