"""Calling with a key that came with the request: it is used for that call, and neither stored nor written to any log."""

import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from app.core import urlguard
from app.core.errors import Invalid
from app.core.security import signature
from app.providers import repository, service
from app.providers.client import Endpoint
from app.providers.presets import BY_KEY, maker_of

_OUR_NAMES = {"openai_azure": "azure", "google": "gemini"}
"""What the original API calls providers that have another name here."""
_ENDPOINTS = {"openai_azure_endpoint": "azure"}
"""Members beside the keys that say where somebody's own provider is."""
_AZURE_PATH = "/openai/v1"
"""Where Azure speaks the protocol, behind the address that its portal shows."""
_FIELD = "provider_api_keys"


def endpoint_with(
    session: Session, workspace_id: str, provider: str | None, model: str, keys: Mapping[str, str]
) -> Endpoint | None:
    """How to call the provider that a prompt names, or that is meant, with its key of `keys`; None where none of them is for it.

    A well-known provider need not be among those of the workspace, and Azure is called at the endpoint that comes with the key.

    Raises:
        Invalid: the key cannot be sent, or there is no address to send it to.
    """
    if not keys:
        return None
    named = {_OUR_NAMES.get(name, name): key for name, key in keys.items() if key and name not in _ENDPOINTS}
    given = {_ENDPOINTS[name]: url for name, url in keys.items() if url and name in _ENDPOINTS}
    found = service.named_or_meant(repository.list_providers(session, workspace_id), provider, model)
    names: Sequence[str] = ()
    if found is not None and (provider or found.kind != service.PRACTICE):
        names = [_OUR_NAMES.get(name, name) for name in (found.name, found.preset) if name]
    if provider is None and not any(name in named for name in names):
        found, names = None, [maker] if (maker := maker_of(model)) else []
    elif found is None:
        names = [_OUR_NAMES.get(provider, provider)] if provider else []
    name = next((name for name in names if name in named), None)
    if name is None and any(each in given for each in names):
        raise _refused("An endpoint is of no use without its key: send `openai_azure`, too.")
    if name is None or (found is not None and found.kind == service.PRACTICE):
        return None
    stored = service.endpoint_of(found) if found is not None and name not in given else None
    return _with_key(workspace_id, stored or _well_known(name, given.get(name)), named[name])


def _well_known(name: str, url: str | None) -> Endpoint:
    """A provider that the workspace has not set up, or has at another address.

    Raises:
        Invalid: nobody knows where it is.
    """
    preset = BY_KEY.get(name)
    if url is not None:
        return Endpoint(name, name, _checked(url), "", preset=name)
    if preset and preset.base_url:
        return Endpoint(name, name, preset.base_url, "", preset=name)
    if preset:
        raise _refused(
            f"{preset.title} is at an address of your own: send it beside the key, as `openai_azure_endpoint`."
        )
    raise _refused(
        f"`{name}` cannot be called by a key alone: no address of it that speaks the OpenAI protocol is known here. Set up a "
        f"provider of this name at one that does, such as a gateway's."
    )


def _checked(url: str) -> str:
    url = url.strip().rstrip("/")
    try:
        urlguard.check_url(url)
    except (urlguard.RefusedAddress, ValueError) as error:
        raise _refused(f"openai_azure_endpoint: {error}") from error
    return url if urllib.parse.urlsplit(url).path else f"{url}{_AZURE_PATH}"


def _with_key(workspace_id: str, endpoint: Endpoint, key: str) -> Endpoint:
    if not key.isascii() or not key.isprintable():
        raise _refused("A key has characters that cannot be sent: copy it again.")
    # Its rate is its owner's: a 429 that it meets must not slow down everybody else, here or in another workspace.
    key = key.strip()
    whose = f"{workspace_id}:{endpoint.provider_id}:{signature('rate of a key', key)}"
    return replace(endpoint, api_key=key, provider_id=f"{endpoint.provider_id}:own", rate_of=whose)


def _refused(said: str) -> Invalid:
    return Invalid(said, fields={_FIELD: said})
