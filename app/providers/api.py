"""The routes of providers. Keys are write-only: no answer holds one."""

from dataclasses import asdict
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Response
from fastapi import Body as WholeBody
from pydantic import Field

from app.core.bodies import Body
from app.core.database import SessionDep
from app.core.permissions import Manager, Reader
from app.providers import repository, service, standing
from app.providers.client import CALL_DEADLINE_S
from app.providers.models import Provider
from app.providers.presets import PRESETS
from app.providers.service import ProviderChange

router = APIRouter(prefix="/v5/providers", tags=["Providers"])
Json = dict[str, Any]


class OwnPrice(Body):
    """What a model costs, in US dollars per million tokens."""

    input: Decimal = Field(ge=0)
    output: Decimal = Field(ge=0)


class ProviderBody(Body):
    """A provider to write; absent members stay as they are. A new host, port or scheme takes the stored key away."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "name": "openai",
        "preset": "openai",
        "api_key": "sk-proj-0123456789",
        "requests_per_minute": 500,
        "prices": {"my-model": {"input": 1.5, "output": 6}},
    }

    NULL_SAYS = frozenset(service.LIMITS)

    name: str | None = None
    preset: str | None = Field(
        default=None, description="One of `GET /v5/providers/presets`; it knows its address."
    )
    base_url: str | None = Field(default=None, description="Of any OpenAI-compatible API.")
    api_key: str | None = Field(default=None, description="Sealed when it is stored, and never shown again.")
    requests_per_minute: int | None = Field(default=None, ge=1, le=10**9)
    tokens_per_minute: int | None = Field(default=None, ge=1, le=10**9)
    concurrency: int | None = Field(default=None, ge=1, le=10_000)
    deadline_s: int | None = Field(
        default=None,
        ge=1,
        le=600,
        description="Seconds that a call may take in all, up to 600; null is the usual 120.",
    )
    prices: dict[str, OwnPrice] | None = Field(
        default=None,
        description="Own prices by model, all of them: they go before those of the offline table.",
    )

    def change(self) -> ProviderChange:
        """What to write. A limit that is sent as null is taken away."""
        sent = self.NULL_SAYS & self.model_fields_set
        cleared = frozenset(name for name in sent if getattr(self, name) is None)
        prices = (
            None
            if self.prices is None
            else {model: (price.input, price.output) for model, price in self.prices.items()}
        )
        return ProviderChange(**self.model_dump(exclude={"prices"}), prices=prices, clear=cleared)


@router.get("")
def list_providers(session: SessionDep, principal: Reader) -> list[Json]:
    """The providers of the workspace."""
    return [_present(provider) for provider in repository.list_providers(session, principal.workspace_id)]


@router.get("/presets")
def list_provider_presets(_principal: Reader) -> list[Json]:
    """The providers that are known by name, with their addresses."""
    shown = ("key", "title", "base_url", "hint", "needs_key")
    return [{name: getattr(preset, name) for name in shown} for preset in PRESETS]


@router.post("", status_code=201)
def create_provider(
    body: Annotated[ProviderBody, WholeBody(default_factory=ProviderBody)],
    session: SessionDep,
    principal: Manager,
) -> Json:
    """Add an OpenAI-compatible provider."""
    return _present(service.create_provider(session, principal, body.change()))


@router.patch("/{provider_id}")
def update_provider(
    provider_id: str,
    body: Annotated[ProviderBody, WholeBody(default_factory=ProviderBody)],
    session: SessionDep,
    principal: Manager,
) -> Json:
    """Change a provider."""
    provider = service.get_provider(session, principal, provider_id)
    service.change_provider(session, principal, provider, body.change())
    return _present(provider)


@router.delete("/{provider_id}", status_code=204)
def delete_provider(provider_id: str, session: SessionDep, principal: Manager) -> Response:
    """Delete a provider and its key."""
    service.delete_provider(session, principal, service.get_provider(session, principal, provider_id))
    return Response(status_code=204)


@router.post("/{provider_id}/test")
def test_provider(provider_id: str, session: SessionDep, principal: Manager) -> Json:
    """Ask the provider for its models: whether address and key are right, and its own words when they are not."""
    provider = service.get_provider(session, principal, provider_id)
    return asdict(service.test_provider(session, provider))


@router.get("/{provider_id}/limits")
def get_provider_limits(provider_id: str, session: SessionDep, principal: Reader) -> Json:
    """How hard the provider may be called, and how that stands now; `known` is false while the broker is away."""
    return _present_limits(service.get_provider(session, principal, provider_id))


@router.post("/{provider_id}/limits/restore")
def restore_provider_rate(provider_id: str, session: SessionDep, principal: Manager) -> Json:
    """Take back at once what the provider's 429s cut. If it still says 429, the rate is cut again."""
    provider = service.get_provider(session, principal, provider_id)
    standing.restore(session, principal, provider)
    return _present_limits(provider)


def _present_limits(provider: Provider) -> Json:
    now = standing.standings([provider])[0]
    cut = now.cut
    return {
        "provider_id": provider.id,
        "requests_per_minute": provider.requests_per_minute,
        "tokens_per_minute": provider.tokens_per_minute,
        "concurrency": provider.concurrency,
        "deadline_s": provider.deadline_s or CALL_DEADLINE_S,
        "known": now.known,
        "in_flight": now.in_flight if now.known else None,
        "most_in_flight": standing.most_in_flight(provider),
        "cut": cut
        and {
            "requests_per_second": round(cut.per_s, 3),
            "cut_to": round(cut.cut_to, 3),
            "times": cut.times,
            "since": cut.since,
            "last": cut.last,
            "back_in_s": round(cut.back_in_s, 1),
        },
    }


def _present(provider: Provider) -> Json:
    return {
        "id": provider.id,
        "name": provider.name,
        "kind": provider.kind,
        "preset": provider.preset,
        "base_url": provider.base_url,
        "has_key": provider.sealed_key is not None,
        "key_hint": provider.key_hint,
        "models": provider.models,
        "tested_at": provider.tested_at,
        "test_ms": provider.test_ms,
        "test_error": provider.test_error,
        "prices": provider.prices or {},
        "requests_per_minute": provider.requests_per_minute,
        "tokens_per_minute": provider.tokens_per_minute,
        "concurrency": provider.concurrency,
        "deadline_s": provider.deadline_s,
        "note": "practice model, not an LLM" if provider.kind == service.PRACTICE else None,
        "created_at": provider.created_at,
        "updated_at": provider.updated_at,
    }
