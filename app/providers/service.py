"""Providers of a workspace: adding, changing, testing them, and finding the one that a prompt means."""

import asyncio
import urllib.parse
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.core import clock, ids, security, urlguard
from app.core.access import Principal
from app.core.errors import Conflict, Invalid, NotFound, Unavailable
from app.core.settings import get_settings
from app.practice import CONTEXT_TOKENS
from app.practice import keys as practice_keys
from app.providers import own_prices, repository
from app.providers.answers import ProviderError
from app.providers.client import CALL_DEADLINE_S, Endpoint, ModelClient, NoModelList
from app.providers.models import Provider
from app.providers.presets import BY_KEY, Preset, maker_of
from app.providers.prices import FREE, Price, price_of, window_of
from app.workspaces import audit

OPENAI_URL = "https://api.openai.com/v1"
PRACTICE = "practice"
_LONGEST_NAME = 60
LIMITS = {"requests_per_minute": 10**9, "tokens_per_minute": 10**9, "concurrency": 10_000, "deadline_s": 600}
"""What a provider may be limited by, and the largest that each can be."""


@dataclass(frozen=True, slots=True)
class ProviderChange:
    """What to write; None leaves a property as it is. The key is write-only."""

    name: str | None = None
    preset: str | None = None
    """A key of `presets`; its address is taken where none is given."""
    base_url: str | None = None
    api_key: str | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None
    deadline_s: int | None = None
    """How long a call may take in all, from 1 to 600."""
    prices: Mapping[str, tuple[object, object]] | None = None
    """Own prices by model, in dollars per million tokens in and out: all of them, in place of those before."""
    clear: frozenset[str] = frozenset()
    """Of `LIMITS`, those to take away."""


@dataclass(frozen=True, slots=True)
class Tested:
    """What came of testing a provider."""

    ok: bool
    models: list[str]
    error: str | None = None
    body: str | None = None
    lists_models: bool = True
    """False for one that answers without a list, which can be called all the same if its address is right."""


def create_provider(session: Session, principal: Principal, change: ProviderChange) -> Provider:
    """A new OpenAI-compatible provider.

    Raises:
        Invalid: name or address cannot be used.
        Conflict: the name is taken.
    """
    preset = _known_preset(change.preset)
    default_url = preset.base_url if preset else "" if change.preset == "" else OPENAI_URL
    provider = Provider(
        id=ids.new_id("prov"),
        workspace_id=principal.workspace_id,
        name=_usable_name(session, principal, change.name or change.preset or ""),
        kind="openai",
        preset=change.preset or None,
        base_url=_usable_url(change.base_url or default_url),
    )
    session.add(provider)
    _apply(provider, change)
    session.flush()
    audit.record(
        session,
        principal,
        "provider.created",
        "provider",
        provider.id,
        name=provider.name,
        base_url=provider.base_url,
    )
    return provider


def create_practice_provider(session: Session, workspace_id: str) -> Provider:
    """Give a new workspace the practice provider, whose address and key come from the server."""
    provider = Provider(id=ids.new_id("prov"), workspace_id=workspace_id, name=PRACTICE, kind=PRACTICE)
    session.add(provider)
    session.flush()
    return provider


def change_provider(
    session: Session, principal: Principal, provider: Provider, change: ProviderChange
) -> None:
    """Change a provider. A new host, port or scheme takes the stored key away, unless a key comes with it:
    nobody can have a key sent to an address that its owner did not choose.

    Raises:
        Invalid: name or address cannot be used, or the practice provider's address would change.
        Conflict: the name is taken.
    """
    # A key that another request stores meanwhile was meant for the address that was there.
    if repository.lock_provider(session, provider.id) is None:
        raise NotFound("This provider was deleted meanwhile.")
    if change.name is not None and change.name.strip() != provider.name:
        provider.name = _usable_name(session, principal, change.name)
    if provider.kind == PRACTICE and (change.base_url or change.api_key):
        raise Invalid("The practice provider's address and key come from the server.")
    if change.preset is not None:
        _known_preset(change.preset)
        provider.preset = change.preset or None
    if change.base_url is not None:
        url = _usable_url(change.base_url)
        if _origin(url) != _origin(provider.base_url or ""):
            provider.sealed_key, provider.key_hint, provider.models = None, None, []
        if url != provider.base_url:
            _forget_test(provider)
        provider.base_url = url
    _apply(provider, change)
    audit.record(
        session, principal, "provider.changed", "provider", provider.id,
        name=provider.name, base_url=provider.base_url, key_changed=change.api_key is not None,
    )  # fmt: skip


def _forget_test(provider: Provider) -> None:
    """What a test found says nothing of another address or key."""
    provider.tested_at, provider.test_ms, provider.test_error = None, None, None


def _apply(provider: Provider, change: ProviderChange) -> None:
    if change.api_key:
        key = change.api_key.strip()
        if not key.isascii() or not key.isprintable():
            raise Invalid(
                "The key has characters that cannot be sent.", fields={"api_key": "Copy the key again."}
            )
        provider.sealed_key = security.encrypt(key, bound_to=provider.id)
        provider.key_hint = key[-4:] if len(key) >= 12 else "****"
        _forget_test(provider)
    if change.prices is not None:
        provider.prices = own_prices.checked(change.prices)
    for limit, most in LIMITS.items():
        value = getattr(change, limit)
        if value is not None and not 1 <= value <= most:
            text = f"A whole number from 1 to {most:,}, or empty for {'the usual' if limit == 'deadline_s' else 'none'}."
            raise Invalid(
                f"{limit.replace('_', ' ').capitalize()}: {text[0].lower()}{text[1:]}", fields={limit: text}
            )
        if value is not None or limit in change.clear:
            setattr(provider, limit, value)


def delete_provider(session: Session, principal: Principal, provider: Provider) -> None:
    """Delete a provider and its key. Versions that name it cannot be run until one of that name is there again.

    Raises:
        Conflict: it is the practice provider.
    """
    if provider.kind == PRACTICE:
        raise Conflict("The practice provider stays: the demo and the first steps use it.")
    audit.record(session, principal, "provider.deleted", "provider", provider.id, name=provider.name)
    session.delete(provider)


def get_provider(session: Session, principal: Principal, key: str) -> Provider:
    """A provider by id or name.

    Raises:
        NotFound: the workspace has no such provider.
    """
    provider = repository.find_provider(session, principal.workspace_id, key)
    if provider is None:
        raise NotFound(f"There is no provider {key}.")
    return provider


def find_endpoint(session: Session, workspace_id: str, name: str | None, model: str) -> Endpoint:
    """How to call the provider that a prompt names; without a name, the one that `named_or_meant` tells.

    Raises:
        NotFound: no such provider; the message names those that there are.
        Invalid: none is named, and several may be meant.
    """
    providers = repository.list_providers(session, workspace_id)
    found = named_or_meant(providers, name, model)
    if found is not None:
        return endpoint_of(found)
    names = ", ".join(p.name for p in providers) or "none"
    if name:
        raise NotFound(f"There is no provider `{name}`. Providers of this workspace: {names}.")
    said = f"Say which provider has {model}. Providers of this workspace: {names}."
    raise Invalid(said, fields={"provider": said})


def named_or_meant(providers: Sequence[Provider], name: str | None, model: str) -> Provider | None:
    """The provider of this name; without a name, the only real one, else the practice one.

    Of several real ones, that of the model's maker is meant, or else the one called `openai`.
    """
    if name is not None:
        return next((p for p in providers if p.name == name), None)
    real = [p for p in providers if p.kind != PRACTICE]
    if len(real) < 2:
        return next(iter(real), None) or next((p for p in providers if p.kind == PRACTICE), None)
    maker = maker_of(model)
    makers = (p for p in real if maker and maker in (p.preset, p.name))
    return next(makers, None) or next((p for p in real if p.name == "openai"), None)


def endpoint_of(provider: Provider) -> Endpoint:
    """How to call `provider`, its key unsealed.

    Raises:
        Unavailable: the key cannot be read with this server's secret.
    """
    practice = provider.kind == PRACTICE
    settings = get_settings()
    if practice:
        base_url, key = (
            settings.practice_url,
            practice_keys.sign(settings.secret_key.get_secret_value(), provider.workspace_id),
        )
    else:
        base_url = provider.base_url or OPENAI_URL
        key = security.decrypt(provider.sealed_key, bound_to=provider.id) if provider.sealed_key else ""
    return Endpoint(
        provider_id=provider.id,
        name=provider.name,
        base_url=base_url,
        api_key=key,
        is_practice=practice,
        preset=provider.preset,
        requests_per_minute=provider.requests_per_minute,
        tokens_per_minute=provider.tokens_per_minute,
        concurrency=provider.concurrency,
        deadline_s=provider.deadline_s or CALL_DEADLINE_S,
        prices=provider.prices or {},
    )


def practice_endpoint(session: Session, workspace_id: str) -> Endpoint:
    """The practice provider of a workspace: there always is one."""
    found = next(p for p in repository.list_providers(session, workspace_id) if p.kind == PRACTICE)
    return endpoint_of(found)


def count_keys(session: Session) -> tuple[int, int]:
    """How many provider keys are stored in all workspaces, and how many of them this server's secret opens."""
    sealed, opened = repository.list_sealed(session), 0
    for provider in sealed:
        with suppress(Unavailable):
            security.decrypt(provider.sealed_key or b"", bound_to=provider.id)
            opened += 1
    return len(sealed), opened


def reseal_keys(session: Session, rotation: security.Rotation) -> tuple[int, int]:
    """Seal the keys of all workspaces by another secret; how many there are, and how many of them now open with it.
    Nobody reads or writes one until the end of the transaction."""
    repository.lock_all(session)
    stored, opened = repository.list_sealed(session), 0
    for provider in stored:
        sealed = rotation.resealed(provider.sealed_key or b"", bound_to=provider.id)
        if sealed is not None:
            repository.reseal(session, provider.id, sealed)
            opened += 1
    return len(stored), opened


def price_at(endpoint: Endpoint, model: str) -> Price | None:
    """What `model` costs at `endpoint`: as the workspace says, else as the table does; None when nobody knows."""
    if endpoint.is_practice:
        return FREE
    return own_prices.own_price(endpoint.prices, model) or price_of(model, endpoint.base_url)


def price_on(provider: Provider, model: str) -> Price | None:
    """As `price_at`, without unsealing the provider's key."""
    if provider.kind == PRACTICE:
        return FREE
    base_url = provider.base_url or OPENAI_URL
    return own_prices.own_price(provider.prices or {}, model) or price_of(model, base_url)


def window_on(provider: Provider, model: str) -> int | None:
    """How many tokens `model` takes at once; None when nobody knows."""
    return CONTEXT_TOKENS if provider.kind == PRACTICE else window_of(model, provider.base_url or OPENAI_URL)


def test_provider(session: Session, provider: Provider) -> Tested:
    """Ask the provider for its models: whether address and key are right, and its own words when they are not.

    Commits once before the provider is asked. What came of it, and the models, are kept.

    Raises:
        NotFound: it was deleted while it was tested.
    """
    endpoint = endpoint_of(provider)
    session.commit()  # no transaction is held while the provider answers
    began = clock.seconds()
    tested = _ask(endpoint)
    kept = repository.keep_test(
        session,
        provider.id,
        at=clock.now(),
        ms=round((clock.seconds() - began) * 1000),
        error=tested.error,
        models=tested.models if tested.ok else None,
    )
    if not kept:
        raise NotFound(f"{endpoint.name} was deleted while it was tested. Its key is gone with it.")
    return tested


def _ask(endpoint: Endpoint) -> Tested:

    async def ask() -> list[str]:
        client = ModelClient(endpoint, connections=1)
        try:
            return await client.list_models()
        finally:
            await client.aclose()

    try:
        return Tested(ok=True, models=asyncio.run(ask()))
    except ProviderError as error:
        has_list = not isinstance(error, NoModelList)
        return Tested(ok=False, models=[], error=error.message, body=error.body, lists_models=has_list)


def _usable_name(session: Session, principal: Principal, name: str) -> str:
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        text = f"Give it a name of up to {_LONGEST_NAME} characters, such as openai."
        raise Invalid(text, fields={"name": text})
    if repository.find_provider(session, principal.workspace_id, name):
        raise Conflict(f"There is a provider `{name}` already.")
    return name


def _known_preset(key: str | None) -> Preset | None:
    if not key:
        return None
    if key not in BY_KEY:
        text = f"There is no preset {key}. Choose one of: {', '.join(BY_KEY)}; or none."
        raise Invalid(text, fields={"preset": text})
    return BY_KEY[key]


def _usable_url(url: str) -> str:
    url = url.strip().rstrip("/")
    try:
        urlguard.check_url(url)
    except urlguard.RefusedAddress as error:
        raise Invalid(str(error), fields={"base_url": str(error)}) from error
    except ValueError as error:
        text = f"Enter the base URL of the API, such as {OPENAI_URL}."
        raise Invalid(text, fields={"base_url": text}) from error
    return url


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
