"""The practice provider over HTTP: a bare ASGI application, because its hot path may cost a few tenths of a millisecond."""

import asyncio
import atexit
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from app.practice.errors import Refused
from app.practice.faults import NONE, Attempts, Fate, Faults
from app.practice.jobs import Jobs
from app.practice.keys import verify
from app.practice.model import complete, is_quick
from app.practice.requests import parse_chat, parse_embedding
from app.practice.responses import (
    completion_body,
    completion_events,
    embedding_body,
    model_body,
    models_body,
    tuned_body,
)
from app.practice.store import Store, Stores
from app.practice.tuning_api import answer, upload

PREFIX = "/practice/v1"
MOST_BYTES = 4_000_000
QUICK_EMBEDDING_CHARACTERS = 8_000
JSON = b"application/json"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = dict[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: one body, or the chunks of a stream."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = ()
    events: Iterable[bytes] | None = None
    gap_s: float = 0.0
    cut: bool = False
    """Close the connection half way through the stream."""
    kind: bytes = JSON


@dataclass(frozen=True, slots=True)
class Practice:
    """The application. It keeps files and what was learned from them, and how often a body with faults came."""

    secret: str
    jobs: Jobs
    faults: Faults = NONE
    attempts: Attempts = field(default_factory=Attempts)
    # One thread: the work is Python's, so that more of them would only take turns with the event loop.
    heavy: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "practice"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            raise RuntimeError("The practice provider speaks HTTP only.")
        try:
            response = await self._respond(scope, receive)
        except Refused as refused:
            response = _refusal(refused)
        if response.events is None:
            await _send_body(send, response)
        else:
            await _send_stream(send, response, response.events)

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        method, path = scope["method"], scope["path"]
        if path == "/health/live":
            return Response(b'{"status":"ok"}')
        headers: Headers = dict(scope["headers"])
        store = self.jobs.stores.of(self._authorise(headers))
        if path == f"{PREFIX}/chat/completions" and method == "POST":
            return await self._chat(await _body(receive), headers, store)
        if path == f"{PREFIX}/embeddings" and method == "POST":
            return await self._embeddings(await _body(receive), headers)
        if path == f"{PREFIX}/models" and method == "GET":
            return Response(models_body(reversed(store.list("models"))))
        if path.startswith(f"{PREFIX}/models/") and method == "GET":
            return _model(path.removeprefix(f"{PREFIX}/models/"), store)
        return await self._tuning(scope, receive, store)

    async def _tuning(self, scope: Scope, receive: Receive, store: Store) -> Response:
        """Files and fine-tuning jobs; they may wait for the disk, and for each other."""
        method, path = scope["method"], scope["path"]
        if path == f"{PREFIX}/files" and method == "POST":
            return Response(await upload(scope, receive, store))
        raw = await _body(receive)
        query = scope.get("query_string", b"")
        asked = (method, path.removeprefix(PREFIX), query, raw, store, self.jobs)
        found = await asyncio.get_running_loop().run_in_executor(None, answer, *asked)
        if found is not None:
            return Response(found, kind=b"application/octet-stream" if path.endswith("/content") else JSON)
        raise Refused(f"There is no {method} {path}.", status=404, code="unknown_url")

    def _authorise(self, headers: Headers) -> str:
        """The workspace of the key."""
        scheme, _, key = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        workspace_id = verify(self.secret, key.strip()) if scheme.lower() == "bearer" else None
        if workspace_id is None:
            message = "Incorrect API key: the practice provider takes the keys that Whetstone signs."
            raise Refused(message, status=401, code="invalid_api_key")
        return workspace_id

    async def _chat(self, raw: bytes, headers: Headers, store: Store) -> Response:
        request = parse_chat(raw, store.model)
        faults = self._faults(headers, request.faults)
        fate = await self._meet(faults, raw)
        if is_quick(request.ask):
            completion = complete(request.ask)
        else:
            completion = await self._in_thread(complete, request.ask)
        if not request.stream:
            return Response(completion_body(request, completion))
        events = completion_events(request, completion)
        return Response(events=events, gap_s=faults.chunk_ms / 1000, cut=fate.cut)

    async def _embeddings(self, raw: bytes, headers: Headers) -> Response:
        request = parse_embedding(raw)
        await self._meet(self._faults(headers, request.faults), raw)
        if sum(map(len, request.texts)) <= QUICK_EMBEDDING_CHARACTERS:
            return Response(embedding_body(request))
        return Response(await self._in_thread(embedding_body, request))

    async def _in_thread(self, work: Callable[[Any], Any], request: object) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self.heavy, work, request)

    def _faults(self, headers: Headers, named: str) -> Faults:
        given = headers.get(b"x-practice-faults", b"").decode("latin-1") or named
        try:
            return Faults.parse(given) if given else self.faults
        except ValueError as error:
            raise Refused(str(error), param="x-practice-faults", code="invalid_value") from None

    async def _meet(self, faults: Faults, raw: bytes) -> Fate:
        """Wait and fail as the faults say."""
        if faults == NONE:
            return Fate()
        fate = faults.fate(raw, self.attempts.count(raw))
        if fate.status == 429:
            message = "Rate limit reached (a fault that was asked for)."
            code, after = "rate_limit_exceeded", faults.retry_after
            raise Refused(message, status=429, kind="requests", code=code, retry_after=after)
        if fate.delay_s:
            await asyncio.sleep(fate.delay_s)
        if fate.status == 500:
            raise Refused("Server error (a fault that was asked for).", status=500, kind="server_error")
        return fate


def create_app(secret: str, faults: Faults = NONE, folder: Path | None = None) -> Practice:
    """The application; `secret` signs the keys of its callers, `faults` hold for requests that name none.

    Files and fine-tuned models lie in `folder`; without one they are gone when the process ends.
    """
    if not secret:
        raise ValueError(
            "The practice provider needs the secret that signs its keys: set WHETSTONE_SECRET_KEY."
        )
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="whetstone-practice-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    jobs = Jobs(Stores(folder))
    jobs.resume()
    return Practice(secret, jobs, faults)


def _model(name: str, store: Store) -> Response:
    tuned = store.find("models", name)
    found = tuned_body(tuned) if tuned else model_body(name)
    if found is None:
        message = f"The model '{name}' does not exist here."
        raise Refused(message, status=404, param="model", code="model_not_found")
    return Response(orjson.dumps(found))


def _refusal(refused: Refused) -> Response:
    after = refused.retry_after
    headers = () if after is None else ((b"retry-after", f"{after:g}".encode()),)
    return Response(refused.body(), refused.status, headers)


async def _body(receive: Receive) -> bytes:
    """The request's body; one that is too long is refused before it is held."""
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
        if size > MOST_BYTES:
            raise Refused(f"The body may hold {MOST_BYTES} bytes.", status=413)
    return b"".join(parts)


async def _send_body(send: Send, response: Response) -> None:
    length = (b"content-length", str(len(response.body)).encode())
    headers = [(b"content-type", response.kind), length, *response.headers]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


async def _send_stream(send: Send, response: Response, events: Iterable[bytes]) -> None:
    headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    chunks = list(events)
    for chunk in chunks[: len(chunks) // 2] if response.cut else chunks:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        if response.gap_s:
            await asyncio.sleep(response.gap_s)
    if not response.cut:  # a body that is never ended makes the server close the connection
        await send({"type": "http.response.body", "body": b""})
