"""Calling a model: one request with its retries, deadlines and limits, and the answer in plain values."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx2
import orjson
from redis.asyncio import Redis

from app.core import metrics, urlguard
from app.providers.answers import (
    Answer,
    ProviderError,
    hidden,
    read_answer,
    read_body,
    read_failure,
    read_vectors,
    secret_forms,
    status_failure,
)
from app.providers.limits import Limiter, estimated_tokens
from app.providers.presets import dialect_of
from app.providers.retries import Again, Policy
from app.providers.streaming import StreamReader
from app.providers.transport import IDLE_S, UNTIL_DONE, beginning_of

CALL_DEADLINE_S = 120
"""From sending a request to its last byte, where a provider has no deadline of its own."""
PATIENCE_S = 600.0
"""`patience_s` of who is in no hurry: runs."""
OF_A_PICTURE = 4_000
"""Characters: about a thousand tokens."""
_HAS_NO_LIST = (404, 405, 501)
_MOST_MODELS, _LONGEST_MODEL_NAME = 1_000, 200


class NoModelList(ProviderError):
    """A provider answers, but not with a list of its models: their names have to be typed."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A provider as it is called: where, with which key, and how hard."""

    provider_id: str
    name: str
    base_url: str
    api_key: str = field(repr=False)
    is_practice: bool = False
    preset: str | None = None
    """Which provider it is, where its host does not tell."""
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None
    deadline_s: float = CALL_DEADLINE_S
    """How long a call may take in all."""
    prices: Mapping[str, Any] = field(default_factory=dict)
    """The workspace's own prices there, as `own_prices` stores them."""
    rate_of: str | None = None
    """Names those who share one rate, where not all do that call the provider."""


class ModelClient:
    """An endpoint with its connections. Belongs to one event loop; close it when done.

    `slots` is how many processes share the endpoint's concurrency, `idle_s` how long a streamed answer may stay silent,
    `patience_s` how long a request goes on being sent again while the provider says that it is busy.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        limiter: Limiter | None = None,
        *,
        slots: int = 1,
        connections: int = 500,
        idle_s: float = IDLE_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        import openai  # noqa: PLC0415 - a quarter of what a web process loads

        from app.providers import sdk  # noqa: PLC0415

        self.endpoint = endpoint
        self._secrets = secret_forms(endpoint.api_key)
        self._dialect = dialect_of(endpoint.preset, endpoint.base_url)
        self._limiter = limiter
        self._patience_s = patience_s
        sockets = None if endpoint.is_practice else urlguard.guarded_sockets(endpoint.base_url)
        self._http = sdk.http_client(connections, sockets, idle_s=idle_s)
        self._gate = (
            asyncio.Semaphore(math.ceil(endpoint.concurrency / slots)) if endpoint.concurrency else None
        )
        self._openai = openai.AsyncOpenAI(
            base_url=endpoint.base_url,
            api_key=endpoint.api_key or "none",
            default_headers=self._dialect.headers_for(endpoint.api_key),
            max_retries=0,  # the policy below is ours: it must share one rate among all workers
            http_client=self._http,
        )
        sent = {
            **self._openai.default_headers,
            **self._openai.auth_headers,
            "content-type": "application/json",
        }
        self._stream_class = openai.AsyncStream[object]
        self._headers = {name: value for name, value in sent.items() if isinstance(value, str)}
        self.on_the_wire = 0
        """Whole answers that are being waited for now: neither a place, nor the rate, nor the next try."""

    async def aclose(self) -> None:
        """Close the connections."""
        await self._openai.close()

    async def chat(self, body: dict[str, Any], again: Again | None = None) -> Answer:
        """The model's answer to `body`, a request of the chat completions API.

        Connection errors and 5xx are tried up to three times; a 429 as long as patience lasts, honouring
        Retry-After; each with full jitter, and if `again` lets it.

        Raises:
            ProviderError: no answer; says what the provider said, and after how many attempts.
        """
        body = self._dialect.request(body)
        return await self._answer("/chat/completions", body, asked_characters(body), read_answer, again)

    async def embed(self, model: str, texts: Sequence[str], again: Again | None = None) -> Answer:
        """The vectors of `texts` by an embedding model, as the JSON of a list in their order; tried again as `chat` is.

        Raises:
            ProviderError: no answer, or one that does not give every text a vector of as many finite numbers.
        """
        # What a dialect knows are parameters of chats.
        body = {"model": model, "input": list(texts)}
        return await self._answer(
            "/embeddings", body, sum(map(len, texts)), partial(read_vectors, texts=len(texts)), again
        )

    async def _answer(
        self,
        path: str,
        body: dict[str, Any],
        characters: int,
        read: Callable[[object, float, int, str], Answer],
        again: Again | None,
    ) -> Answer:
        policy = Policy(self._limiter, self._patience_s, again)
        tokens = estimated_tokens(characters)
        while True:
            await self._admit(tokens)
            started = time.perf_counter()
            try:
                response = await self._post(path, body, started)
                waited_ms = (time.perf_counter() - started) * 1000
                try:
                    reply = read_body(response, self.endpoint.name)
                    answer = read(reply, waited_ms, policy.attempts, self.endpoint.name)
                except ProviderError as error:
                    error.keep(response.text)
                    raise
                answer.asked = characters
                answer.hide(self._secrets)
            except Exception as error:  # noqa: BLE001 - read_failure raises what it does not know again
                await policy.next(self._failure(error, started))
            else:
                self._time(started)
                return answer
            finally:
                if self._gate:
                    self._gate.release()

    def _failure(self, error: Exception, started: float) -> ProviderError:
        """What `error` means for the call, without the key: some endpoints send back what they were sent."""
        failure = read_failure(error, self.endpoint.name, time.perf_counter() - started)
        failure.hide(self._secrets)
        status = str(failure.status or "none")
        metrics.count("whetstone_provider_errors_total", provider=self.endpoint.provider_id, status=status)
        return failure

    def _time(self, started: float) -> None:
        seconds = time.perf_counter() - started
        metrics.observe("whetstone_model_call_seconds", seconds, provider=self.endpoint.provider_id)

    async def _admit(self, tokens: int) -> None:
        if self._gate:
            await self._gate.acquire()
        if self._limiter:
            try:
                await self._limiter.acquire(tokens)
            except BaseException:
                if self._gate:
                    self._gate.release()
                raise

    async def _post(self, path: str, body: dict[str, Any], started: float) -> httpx2.Response:
        # The SDK's connections and headers without its request layer, which took half the processor time of a
        # call: see docs/decisions/0008.
        self.on_the_wire += 1
        url, came = f"{self.endpoint.base_url}{path}", None
        try:
            async with (
                asyncio.timeout(self.endpoint.deadline_s),
                self._http.stream(
                    "POST", url, content=orjson.dumps(body), headers=self._headers, timeout=UNTIL_DONE
                ) as response,
            ):
                came = response
                await response.aread()
        except Exception as error:
            failure = read_failure(error, self.endpoint.name, time.perf_counter() - started)
            if came:
                failure.keep(beginning_of(came))
            raise failure from error
        finally:
            self.on_the_wire -= 1
        if not response.is_success:
            raise status_failure(response, self.endpoint.name)
        return response

    async def stream(
        self, body: dict[str, Any], sent: list[int] | None = None
    ) -> AsyncGenerator[str | Answer]:
        """The text of the answer piece by piece, and last the whole `Answer`. `sent` learns of each try how many characters
        it sends.

        Until the first piece the request is tried again as in `chat`; after it, a break is an error that keeps
        what had come.

        Raises:
            ProviderError: no answer, or it broke off; `partial` holds what had come.
        """
        policy = Policy(self._limiter, self._patience_s)
        asked, lost = asked_characters(body), 0
        body = self._streamed(body)
        while True:
            await self._admit(0)
            started = time.perf_counter()
            reader = StreamReader(self.endpoint.name, self._secrets)
            if sent is not None:
                sent.append(asked)
            try:
                async with asyncio.timeout(self.endpoint.deadline_s):
                    # Left in the middle, its connection would be lost to all calls that share the client.
                    async with await self._openai.post(
                        "/chat/completions",
                        cast_to=object,
                        body=body,
                        stream=True,
                        stream_cls=self._stream_class,
                    ) as events:
                        async for event in events:
                            piece = reader.read(event)
                            if piece:
                                yield piece
                if held := reader.rest():
                    yield held
                answer = reader.answer(policy.attempts)
                answer.asked, answer.lost = asked, lost
                answer.hide(self._secrets)
                self._time(started)
                yield answer
            except Exception as error:
                failure = self._failure(error, started)
                failure.partial = reader.text
                lost += asked if reader.begun else 0
                failure.asked = lost
                if reader.text:
                    raise failure from error
                await policy.next(failure)
            else:
                return
            finally:
                if self._gate:
                    self._gate.release()

    def _streamed(self, body: Mapping[str, Any]) -> dict[str, Any]:
        body = {**self._dialect.request(body), "stream": True}
        if self._dialect.stream_usage:
            body["stream_options"] = {"include_usage": True}
        return body

    def shown(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """What `stream` sends for a body, to be kept and shown: without the key, wherever it stands."""
        told: dict[str, Any] = hidden(self._streamed(body), self._secrets)
        return told

    async def list_models(self) -> list[str]:
        """The names of the models that the provider offers: the first thousand, each once, as it orders them.

        Raises:
            NoModelList: it answers, and has no list.
            ProviderError: it did not answer, with its own words.
        """
        started = time.perf_counter()
        try:
            async with asyncio.timeout(15):
                reply = await self._openai.get("/models", cast_to=object)
        except Exception as error:
            failure = self._failure(error, started)
            if failure.status in _HAS_NO_LIST:
                raise self._no_list(f"{failure.status}", failure.body) from error
            raise failure from error
        found = reply.get("data") if isinstance(reply, dict) else None
        if not isinstance(found, list):
            raise self._no_list("something else", orjson.dumps(reply).decode())
        offered = (model.get("id") for model in found if isinstance(model, dict))
        # What is no name would be refused by the database, or by whoever is to choose from the list.
        names = [
            name
            for name in offered
            if isinstance(name, str) and name.isprintable() and not any(one in name for one in self._secrets)
        ]
        usable = [name for name in dict.fromkeys(names) if 0 < len(name) <= _LONGEST_MODEL_NAME]
        return self._dialect.model_names(usable[:_MOST_MODELS])

    def _no_list(self, answered: str, body: str | None) -> "NoModelList":
        error = NoModelList(f"{self.endpoint.name} has no list of models: it answered {answered}.", body=body)
        error.hide(self._secrets)
        return error


def asked_characters(body: Mapping[str, Any]) -> int:
    """How much is sent to a model in a request of the chat completions API."""
    messages = (message for message in body["messages"] if isinstance(message, Mapping))
    return sum(_characters(message.get("content")) for message in messages)


def _characters(content: object) -> int:
    """Of a message's content. A picture counts as a text of about its tokens, however many bytes it has."""
    if isinstance(content, list):
        return sum(_characters_of_part(part) for part in content)
    return len(str(content)) if content is not None else 0


def _characters_of_part(part: object) -> int:
    text = part.get("text", part) if isinstance(part, Mapping) else part
    return OF_A_PICTURE if text is part and isinstance(part, Mapping) else _characters(text)


def limited_client(
    redis: Redis,
    endpoint: Endpoint,
    *,
    slots: int = 1,
    connections: int = 500,
    patience_s: float = PATIENCE_S,
) -> ModelClient:
    """A client of `endpoint` at the rate that all processes share, which is counted in `redis`."""
    limiter = Limiter(
        redis,
        endpoint.rate_of or endpoint.provider_id,
        requests_per_minute=endpoint.requests_per_minute,
        tokens_per_minute=endpoint.tokens_per_minute,
    )
    return ModelClient(endpoint, limiter, slots=slots, connections=connections, patience_s=patience_s)
