"""Embeddings from a provider, over real HTTP."""

import json
import math

import pytest

from app.providers.answers import Answer, ProviderError
from tests.asynchronous import run as run_coroutine
from tests.providers.scripted import Provider, calling, reply


def embed(*replies: bytes) -> tuple[Answer | ProviderError, Provider]:
    async def run() -> tuple[Answer | ProviderError, Provider]:
        async with calling(*replies) as (client, provider):
            try:
                return await client.embed("e", ["one", "two"]), provider
            except ProviderError as error:
                return error, provider

    return run_coroutine(run())


VECTORS = {
    "object": "list",
    "data": [{"index": 1, "embedding": [0.5, 1]}, {"index": 0, "embedding": [2, 0]}],
    "model": "e-1",
    "usage": {"prompt_tokens": 2, "total_tokens": 2},
}


def test_vectors_come_in_the_order_of_their_texts_and_are_counted() -> None:
    answer, provider = embed(reply(503, {}), reply(200, VECTORS))
    assert isinstance(answer, Answer)
    assert answer.content == "[[2,0],[0.5,1]]"
    assert (answer.prompt_tokens, answer.output_tokens, answer.model, answer.attempts) == (2, 0, "e-1", 2)
    assert answer.response == {"usage": VECTORS["usage"]}
    assert len(provider.asked) == 2


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        [{"embedding": [1]}],
        [{"embedding": [1]}, {"embedding": [1, 2]}],
        [{"embedding": [1]}, {"embedding": "AAAA"}],
        [{"embedding": []}, {"embedding": []}],
        [{"embedding": [True]}, {"embedding": [1]}],
        [{"embedding": [math.nan]}, {"embedding": [1]}],
        [[1], [2]],
    ],
)
def test_what_is_no_vectors_is_an_error_that_names_the_provider(data: object) -> None:
    error, _ = embed(reply(200, json.dumps({**VECTORS, "data": data}).encode()))
    assert isinstance(error, ProviderError)
    assert "acme answered with" in error.message


def test_a_refused_embedding_keeps_the_providers_words() -> None:
    error, provider = embed(reply(400, {"error": {"message": "input is too long"}}))
    assert isinstance(error, ProviderError)
    assert "input is too long" in error.message
    assert len(provider.asked) == 1
