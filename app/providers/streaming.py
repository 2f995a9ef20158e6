"""Putting a streamed answer together again: text, tool calls, usage."""

import json
import time
from collections.abc import Sequence
from typing import Any

from app.providers.answers import Answer, ProviderError, clean, count, hidden, object_of, text_of


class StreamReader:
    """Reads the events of one streamed chat completion. Its text holds none of `secrets`, however it was cut in pieces."""

    def __init__(self, provider: str, secrets: Sequence[str] = ()) -> None:
        self._provider = provider
        self._secrets = secrets
        self._held = ""
        """What may be the beginning of a secret."""
        self._started = time.perf_counter()
        self._pieces: list[str] = []
        self._calls: dict[int, dict[str, Any]] = {}
        self._finish_reason: str | None = None
        self._model: str | None = None
        self._rest: dict[str, Any] = {}
        self._begun = False

    @property
    def text(self) -> str:
        """What has come so far."""
        return "".join(self._pieces) + self._held

    @property
    def begun(self) -> bool:
        """Whether the model has begun to answer, if only with thoughts or the call of a tool."""
        return self._begun

    def rest(self) -> str:
        """What was held back, and was no secret."""
        held, self._held = self._held, ""
        self._pieces.append(held)
        return held

    def read(self, event: object) -> str:
        """Take in one event; the text that it adds, if any.

        Raises:
            ProviderError: the event is not one of a chat completion.
        """
        if not isinstance(event, dict):
            msg = f"{self._provider} sent an event that is not JSON."
            raise ProviderError(msg, body=json.dumps(event, ensure_ascii=False))
        self._model = text_of(event.get("model")) or self._model
        self._rest |= {
            k: v
            for k, v in event.items()
            if k not in ("choices", "object", "created", "model") and v is not None
        }
        choices = event.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return ""
        self._finish_reason = text_of(choices[0].get("finish_reason")) or self._finish_reason
        delta = choices[0].get("delta")
        if not isinstance(delta, dict):
            return ""
        self._begun = True  # not with an event that refuses the request
        calls = delta.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            self._add_call(object_of(call))
        piece = self._safe(clean(delta["content"]) or "") if isinstance(delta.get("content"), str) else ""
        if piece:
            self._pieces.append(piece)
        return piece

    def _safe(self, piece: str) -> str:
        """The text up to what may be the beginning of a secret, with those in it hidden."""
        if not self._secrets:
            return piece
        text = str(hidden(self._held + piece, self._secrets))
        begins = max(
            (n for secret in self._secrets for n in range(1, len(secret)) if text.endswith(secret[:n])),
            default=0,
        )
        at = len(text) - begins
        self._held = text[at:]
        return text[:at]

    def _add_call(self, part: dict[str, Any]) -> None:
        index = part.get("index")
        call = self._calls.setdefault(
            index if isinstance(index, int) else 0,
            {"id": "", "type": "function", "function": {"name": "", "arguments": ""}},
        )
        call["id"] = text_of(part.get("id")) or call["id"]
        function = object_of(part.get("function"))
        call["function"]["name"] += text_of(function.get("name")) or ""
        call["function"]["arguments"] += text_of(function.get("arguments")) or ""

    def answer(self, attempts: int) -> Answer:
        """The whole answer, once the stream has ended.

        Raises:
            ProviderError: the stream ended before the model said why it stopped.
        """
        if self._finish_reason is None:
            msg = f"The answer of {self._provider} broke off."
            raise ProviderError(msg, retryable=True)
        calls = [self._calls[index] for index in sorted(self._calls)]
        content = self.text or None
        usage = self._rest.get("usage") if isinstance(self._rest.get("usage"), dict) else {}
        message: dict[str, Any] = {"role": "assistant"}
        if content is not None:
            message["content"] = content
        if calls:
            message["tool_calls"] = calls
        return Answer(
            content=content,
            message=message,
            finish_reason=self._finish_reason,
            model=self._model,
            prompt_tokens=count((usage or {}).get("prompt_tokens")),
            output_tokens=count((usage or {}).get("completion_tokens")),
            reasoning_tokens=None,
            latency_ms=(time.perf_counter() - self._started) * 1000,
            attempts=attempts,
            response=self._rest,
        )
