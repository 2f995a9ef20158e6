"""Calling with a key that came with the request: it is used for that call, and neither stored nor written to any log."""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy.orm import Session

from app.core.errors import Invalid
from app.core.security import signature
from app.providers import repository, service
from app.providers.client import Endpoint
from app.providers.presets import BY_KEY, maker_of

_OUR_NAMES = {"openai_azure": "azure", "google": "gemini"}
"""What the original API calls providers that have another name here."""


def endpoint_with(
    session: Session, workspace_id: str, provider: str | None, model: str, keys: Mapping[str, str]
) -> Endpoint | None:
    """How to call the provider that a prompt names, or that is meant, with its key of `keys`; None where none of them is for it.

    A well-known provider need not be among those of the workspace.

    Raises:
        Invalid: the key cannot be sent.
    """
    if not keys:
        return None
    named = {_OUR_NAMES.get(name, name): key for name, key in keys.items() if key}
    found = service.named_or_meant(repository.list_providers(session, workspace_id), provider, model)
    if found is not None and (provider or found.kind != service.PRACTICE):
        names = (found.name, _OUR_NAMES.get(found.name, found.name), found.preset)
        key = next((named[name] for name in names if name in named), None)
        endpoint = service.endpoint_of(found) if key and found.kind != service.PRACTICE else None
    else:
        wanted = provider or maker_of(model) or ""
        preset = BY_KEY.get(_OUR_NAMES.get(wanted, wanted))
        key = named.get(preset.key) if preset else None
        endpoint = (
            Endpoint(preset.key, preset.key, preset.base_url, "") if preset and preset.base_url else None
        )
    if endpoint is None or key is None:
        return None
    if not key.isascii() or not key.isprintable():
        said = "A key has characters that cannot be sent: copy it again."
        raise Invalid(said, fields={"provider_api_keys": said})
    # Its rate is its owner's: a 429 that it meets must not slow down everybody else, here or in another workspace.
    key = key.strip()
    whose = f"{workspace_id}:{endpoint.provider_id}:{signature('rate of a key', key)}"
    return replace(endpoint, api_key=key, provider_id=f"{endpoint.provider_id}:own", rate_of=whose)
