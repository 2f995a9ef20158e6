"""Reading what a provider says: an answer in plain values, or a failure that keeps its words and its body."""

import base64
import json
import math
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import httpx2
import orjson

from app.core.urlguard import RefusedAddress
from app.providers.transport import RAW_CAP, BodyTooLarge

HIDDEN = "▒▒▒"
"""Stands where a key stood."""
SHORTEST_SECRET = 8
"""Characters; shorter ones are not looked for in answers."""
_LONGEST_WORD = 16
"""Characters; a shorter key without a digit is a word."""


@dataclass(slots=True)
class Answer:
    """What a model answered."""

    content: str | None
    message: dict[str, Any]
    finish_reason: str | None
    model: str | None
    prompt_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    latency_ms: float
    attempts: int
    response: dict[str, Any] = field(default_factory=dict)
    """The rest of the answer: ids, usage, and what only this provider says."""
    asked: int = 0
    """Characters that were sent: the size of a prompt of which the provider counts no tokens."""
    lost: int = 0
    """Characters that were sent in earlier tries whose answers had begun and broke off: they are paid for, too."""

    def hide(self, secrets: Sequence[str]) -> None:
        """Take secrets out of everything that is stored and shown: gateways send back what they were sent."""
        if secrets:
            self.content = hidden(self.content, secrets)
            self.message = hidden(self.message, secrets)
            self.finish_reason, self.model = hidden(self.finish_reason, secrets), hidden(self.model, secrets)
            self.response = hidden(self.response, secrets)


def hidden(value: Any, secrets: Sequence[str]) -> Any:
    """`value` with every secret in its texts, and in the names of its members, taken out."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, HIDDEN)
        return value
    if isinstance(value, dict):
        return {hidden(name, secrets): hidden(each, secrets) for name, each in value.items()}
    if isinstance(value, list):
        return [hidden(each, secrets) for each in value]
    return value


class ProviderError(Exception):
    """A provider gave no usable answer."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        body: str | None = None,
        retryable: bool = False,
        retry_after: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.body = body[:RAW_CAP] if body else None
        self.retryable = retryable
        self.retry_after = retry_after
        self.attempts = 1
        self.timed_out = False
        self.partial = ""
        self.asked = 0
        """Characters that were sent in each try whose answer had begun: it is paid for."""

    def keep(self, body: str) -> None:
        """Keep the body that came, as it came, where nothing of it is kept yet."""
        self.body = self.body or (clean(body) or "")[:RAW_CAP]

    def hide(self, secrets: Sequence[str]) -> None:
        """Take secrets out of everything that is stored and shown."""
        for secret in secrets:
            self.message = self.message.replace(secret, HIDDEN)
            self.body = self.body.replace(secret, HIDDEN) if self.body else None
            self.partial = self.partial.replace(secret, HIDDEN)
        self.args = (self.message,)


def secret_forms(key: str, *, words: bool = False) -> list[str]:
    """How a key may be written when it is sent back: as it is, quoted in a URL, in base64 with any start. Words that stand
    in for a key, such as `lm-studio`, and short keys are none, unless `words` are meant, too: they would be taken out of
    good answers."""
    is_word = len(key) < _LONGEST_WORD and not any(map(str.isdigit, key))
    if not words and (len(key) < SHORTEST_SECRET or is_word):
        return []
    # A base64 character holds six bits: those that share bits with what stands before or after the key are left.
    parts = [
        base64.b64encode(b"x" * start + key.encode()).decode()[
            -(-8 * start // 6) : 8 * (start + len(key)) // 6
        ]
        for start in range(3)
    ]
    return [key, urllib.parse.quote(key, safe=""), *(part for part in parts if len(part) > 1)]


def read_answer(reply: object, latency_ms: float, attempts: int, provider: str) -> Answer:
    """The answer in `reply`, the decoded body of a chat completion.

    Raises:
        ProviderError: the body is not a chat completion.
    """
    if not isinstance(reply, dict):
        _unusable(provider, "something that is not JSON")
    if isinstance(reply.get("error"), dict) and "choices" not in reply:
        raise ProviderError(f"{provider}: {reply['error'].get('message', 'an error without a message')}")
    choices = reply.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        _unusable(provider, "no choices")
    message = choices[0].get("message")
    if not isinstance(message, dict):
        _unusable(provider, "a choice without a message")
    content = message.get("content")
    if content is not None and not isinstance(content, str):
        _unusable(provider, "content that is not text")
    usage = object_of(reply.get("usage"))
    details = object_of(usage.get("completion_tokens_details"))
    return Answer(
        content=clean(content),
        message={key: value for key, value in message.items() if value is not None} | {"role": "assistant"},
        finish_reason=text_of(choices[0].get("finish_reason")),
        model=text_of(reply.get("model")),
        prompt_tokens=count(usage.get("prompt_tokens")),
        output_tokens=count(usage.get("completion_tokens")),
        reasoning_tokens=count(details.get("reasoning_tokens")),
        latency_ms=latency_ms,
        attempts=attempts,
        response={
            key: value for key, value in reply.items() if key not in ("choices", "object", "created", "model")
        },
    )


def read_vectors(reply: object, latency_ms: float, attempts: int, provider: str, *, texts: int) -> Answer:
    """The vectors in `reply`, the decoded body of an embedding request for so many `texts`, as JSON in their order.

    Raises:
        ProviderError: the body does not give each text one vector of as many finite numbers.
    """
    if not isinstance(reply, dict):
        _unusable(provider, "something that is not JSON")
    data = reply.get("data")
    if not isinstance(data, list) or len(data) != texts or not all(isinstance(one, dict) for one in data):
        _unusable(provider, f"something else than {texts} vectors")
    # Told by `index`; who leaves that out gives them in order.
    ordered = sorted(enumerate(data), key=lambda item: _index(item[1], item[0]))
    vectors = [one.get("embedding") for _, one in ordered]
    if not all(isinstance(one, list) and one and all(map(_is_number, one)) for one in vectors):
        _unusable(provider, "vectors that are no lists of numbers")
    if len({len(one) for one in vectors}) > 1:
        _unusable(provider, "vectors of different lengths")
    usage = object_of(reply.get("usage"))
    return Answer(
        content=orjson.dumps(vectors).decode(),
        message={},
        finish_reason=None,
        model=text_of(reply.get("model")),
        prompt_tokens=count(usage.get("prompt_tokens")),
        output_tokens=0,
        reasoning_tokens=None,
        latency_ms=latency_ms,
        attempts=attempts,
        response={key: value for key, value in reply.items() if key not in ("data", "object", "model")},
    )


def _index(one: dict[str, Any], place: int) -> int:
    index = one.get("index")
    return index if isinstance(index, int) else place


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _unusable(provider: str, what: str) -> NoReturn:
    raise ProviderError(f"{provider} answered with {what}.")


def object_of(value: object) -> dict[str, Any]:
    """`value` where it is a JSON object, else an empty one: a provider may send anything."""
    return value if isinstance(value, dict) else {}


def text_of(value: object) -> str | None:
    """`value` where it is a text."""
    return value if isinstance(value, str) else None


def clean(text: str | None) -> str | None:
    """`text` as Postgres can hold it: NUL and halves of surrogate pairs become the replacement character."""
    if text is None or (text.isascii() and "\0" not in text):
        return text
    return text.replace("\0", "�").encode("utf-8", "replace").decode()


def count(value: object) -> int | None:
    """A number of tokens; None for what is not one, such as NaN."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return int(min(value, 2**31 - 1))


def read_failure(error: Exception, provider: str, waited_s: float) -> ProviderError:  # noqa: PLR0911 - one line a kind of failure
    """What `error` means for the call. Errors that are not the provider's are raised again."""
    if isinstance(error, ProviderError):
        return error
    import openai  # noqa: PLC0415 - a quarter of what a web process loads

    if isinstance(error, openai.APIStatusError):
        return status_failure(error.response, provider)
    if isinstance(error, BodyTooLarge) or isinstance(error.__cause__, BodyTooLarge):
        return ProviderError(f"{provider}: {error if isinstance(error, BodyTooLarge) else error.__cause__}")
    if unreached := unreachable(error):
        again = not isinstance(unreached, RefusedAddress)
        return ProviderError(f"{provider} could not be reached: {unreached}", retryable=again)
    if isinstance(error, TimeoutError | openai.APITimeoutError | httpx2.TimeoutException):
        failure = ProviderError(f"{provider} did not answer within {waited_s:.3g} s.", retryable=True)
        failure.timed_out = True
        return failure
    if isinstance(error, openai.APIConnectionError):
        cause = error.__cause__
        reason = str(cause or error) or type(cause or error).__name__
        return ProviderError(f"{provider} could not be reached: {reason}", retryable=True)
    if isinstance(error, openai.APIError):  # an error event inside a stream
        return ProviderError(
            f"{provider}: {error.message}", code=text_of(error.code), body=_as_json(error.body)
        )
    if isinstance(error, ValueError):  # JSON that is cut or is not JSON
        return ProviderError(f"{provider} answered with JSON that cannot be read: {error}", retryable=True)
    if isinstance(error, OSError) or type(error).__module__.split(".")[0] in ("httpx2", "aiohttp"):
        return ProviderError(
            f"The connection to {provider} broke: {str(error) or type(error).__name__}", retryable=True
        )
    raise error


def _as_json(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def unreachable(error: BaseException) -> OSError | None:
    """Why no connection came about, where that is what is behind `error`: some layers call it a timeout.

    The innermost of them knows best: aiohttp wraps what a socket said into an error that names the host again.
    """
    cause: BaseException | None = error
    found: OSError | None = None
    while cause is not None:
        if isinstance(cause, OSError) and not isinstance(cause, TimeoutError):
            found = cause
        cause = cause.__cause__
    return found


def status_failure(response: httpx2.Response, provider: str) -> ProviderError:
    """The failure that an answer with an error's status is, in the provider's own words."""
    whole = object_of(_json_of(response))
    said = object_of(whole.get("error")) or whole
    code = text_of(said.get("code"))
    message = text_of(said.get("message")) or text_of(whole.get("error")) or response.text.strip()[:300]
    status = response.status_code
    return ProviderError(
        f"{provider} answered {status}: {clean(message or response.reason_phrase)}",
        status=status,
        code=code,
        body=clean(response.text),
        retryable=status in (408, 409) or status >= 500 or (status == 429 and code != "insufficient_quota"),
        retry_after=response.headers.get("retry-after"),
    )


def read_body(response: httpx2.Response, provider: str) -> object:
    """The JSON of an answer.

    Raises:
        ProviderError: it is no JSON, which for an answer that says it is may have been cut off on the way.
    """
    found = _json_of(response)
    if found is None:
        promised = "json" in response.headers.get("content-type", "")
        what = "JSON that cannot be read" if promised else "something that is not JSON"
        raise ProviderError(
            f"{provider} answered with {what}.", body=clean(response.text), retryable=promised
        )
    return found


def _json_of(response: httpx2.Response) -> object:
    """What the body says, None where it is no JSON. NaN, which Python reads and the standard forbids, is let pass."""
    try:
        return orjson.loads(response.content)
    except ValueError:
        pass
    try:
        return json.loads(response.text)
    except (ValueError, RecursionError):
        return None
