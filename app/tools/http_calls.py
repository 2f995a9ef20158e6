"""Tools that ask a service over HTTP: from what a version says to the request, and from its answer to the output.

`setup_values` hold the `url` and the `headers`. `{{name}}` in them is a variable of the tool, or an input; inputs that are
not named there follow as the query. The host is written out, so that no input leads elsewhere.
"""

import asyncio
import re
import urllib.parse
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import httpx2
import orjson
from pydantic import Field, ValidationError

from app.core import urlguard
from app.core.bodies import Body
from app.core.errors import Invalid
from app.core.template import VARIABLE
from app.providers.transport import BodyTooLarge
from app.tools.hiding import without_secrets

DEADLINE_S = 30.0
"""From asking to the last byte, and as long at most to wait for a turn before, but for runs."""
MOST_BYTES = 1024 * 1024
"""Of an answer that is an output."""
_KEPT_OF_FAILURE = 10_000
"""Characters that are kept of the body of a failure."""
_MOST_SHOWN = 200
"""Characters of names in an error."""
_LONGEST_URL = 8_000
_LONGEST_HEADERS = 64_000
"""Characters of all of them, filled in."""
_BESIDE = 40
"""Calls of one process at a time: each may hold an answer, and a thread while a name is looked up."""
_BESIDE_OF_ONE = 8
"""Of one workspace: whose services hang, they keep their own calls waiting."""


class _Turns:
    """Who may ask a service now. A workspace's own turn comes first: what waits for that takes no room from others."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(_BESIDE)
        self._of = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(_BESIDE_OF_ONE))

    @asynccontextmanager
    async def turn(self, workspace_id: str) -> AsyncIterator[None]:
        async with self._of[workspace_id], self._all:
            yield


_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, _Turns] = WeakKeyDictionary()
_ORIGIN = re.compile(r"(https?)://[^/?#{}@\\\s]+(?=[/?]|$)", re.IGNORECASE)
_HEADER = re.compile(r"[A-Za-z\d!#$%&'*+.^_`|~-]{1,100}")
_OURS = re.compile(
    r"host|connection|content-length|transfer-encoding|te|trailer|upgrade|expect|keep-alive|proxy-.*"
    r"|range|if-range|accept-encoding|accept-charset",
    re.IGNORECASE,
)
"""Headers that say how a request is carried, and to whom: by `Host` a secret would reach a neighbour of its service, and an
answer in parts, or in other letters, would repeat it where nobody finds it."""


class HttpSetup(Body):
    """The `setup_values` of a tool of the type `get_api_call`."""

    url: str = Field(min_length=1, max_length=2_000)
    headers: dict[str, str] = Field(default_factory=dict, max_length=50)


@dataclass(frozen=True, slots=True)
class Secret:
    """A variable of a tool, and the only origin that it is sent to."""

    value: str = field(repr=False)
    origin: str | None


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What is asked, and the secrets in it, which nothing that is kept may hold."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call: an output, or an error, and what the service said then."""

    output: str | None
    error: str | None = None
    response: dict[str, Any] | None = None


def read_setup(spec: Mapping[str, Any]) -> HttpSetup:
    """The setup of a tool.

    Raises:
        Invalid: it lacks an address, or a host that is written out; or a header cannot be sent.
    """
    try:
        setup = HttpSetup.model_validate(spec.get("setup_values") or {})
    except ValidationError as error:
        fields = {".".join(["setup_values", *map(str, item["loc"])]): item["msg"] for item in error.errors()}
        text = "A tool of the type get_api_call has `setup_values` with a `url`, and `headers` by name if it needs some."
        raise Invalid(text, fields=fields) from None
    _origin_of(setup.url)
    for name in setup.headers:
        if not _HEADER.fullmatch(name) or _OURS.fullmatch(name):
            text = f"The header {name[:100]} cannot be set."
            raise Invalid(text, fields={"setup_values.headers": text})
    return setup


def check_setup(spec: Mapping[str, Any]) -> None:
    """As `read_setup`, and whether the address leads to the public internet as far as can be told now.

    Raises:
        Invalid: it does not, or the setup cannot be read.
    """
    url = VARIABLE.sub("x", read_setup(spec).url)
    try:
        urlguard.check_url(url, query=True)
    except (urlguard.RefusedAddress, ValueError) as error:
        raise Invalid(str(error), fields={"setup_values.url": str(error)}) from error


def origin_in(spec: Mapping[str, Any]) -> str | None:
    """Scheme, host and port of the service that a version asks; None where it asks none."""
    try:
        return _origin_of(read_setup(spec).url) if spec.get("tool_type") == "get_api_call" else None
    except Invalid:
        return None


def _origin_of(url: str) -> str:
    found = _ORIGIN.match(url)
    try:
        parts = urllib.parse.urlsplit(found[0] if found else "")
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        text = "The address starts with http:// or https:// and a host that is written out, without {{…}}."
        raise Invalid(text, fields={"setup_values.url": text}) from None
    return f"{parts.scheme}://{parts.hostname}:{port}"


def build_request(setup: HttpSetup, inputs: Mapping[str, Any], secrets: Mapping[str, Secret]) -> HttpRequest:
    """The request for these inputs.

    Raises:
        Invalid: what is named is not given, a secret would be sent elsewhere, or a value cannot be sent.
    """
    named = dict.fromkeys(name for text in _texts(setup) for name in VARIABLE.findall(text))
    used = {name: secrets[name] for name in named if name in secrets}
    origin = _origin_of(setup.url)
    for name, secret in used.items():
        if secret.origin != origin:
            text = (
                f"The variable {name} was set for {secret.origin or 'no service'}, and this version asks {origin}:"
                " nothing was sent. An admin sets it again once such a version is deployed."
            )
            raise Invalid(text, fields={"tool": text})
    given = {name: _text(value) for name, value in inputs.items() if value is not None}
    if missing := sorted(name for name in named if name not in used and name not in given):
        text = f"The tool needs {', '.join(missing)}: give a value for each"
        raise Invalid(text, fields={"inputs": text})
    values = given | {name: secret.value for name, secret in used.items()}
    # Before anything is filled in: one input, named a thousand times, would fill the memory.
    if _filled_length([setup.url], values) > _LONGEST_URL:
        raise _too_long()
    if _filled_length(setup.headers.values(), values) > _LONGEST_HEADERS:
        text = f"With these inputs the headers are over {_LONGEST_HEADERS:,} characters."
        raise Invalid(text, fields={"inputs": text})
    url = _fill(setup.url, values, lambda value: urllib.parse.quote(value, safe=""))
    if rest := {name: value for name, value in given.items() if name not in named}:
        if sum(map(len, rest.values())) > _LONGEST_URL:
            raise _too_long()
        url += ("&" if "?" in url else "?") + urllib.parse.urlencode(rest)
    if len(url) > _LONGEST_URL or {".", ".."} & set(
        urllib.parse.unquote(urllib.parse.urlsplit(url).path).split("/")
    ):
        raise _too_long()
    headers = {name.lower(): _fill(text, values, str) for name, text in setup.headers.items()}
    for name, text in headers.items():
        if not text.isascii() or not text.isprintable():
            said = f"The header {name} would have characters that cannot be sent."
            raise Invalid(said, fields={"inputs": said})
    return HttpRequest(url, headers, tuple(secret.value for secret in used.values()))


def _too_long() -> Invalid:
    text = f"With these inputs the address is over {_LONGEST_URL:,} characters, or has `.` or `..` as a step."
    return Invalid(text, fields={"inputs": text})


def names_in(spec: Mapping[str, Any]) -> set[str]:
    """The variables and inputs that a version names.

    Raises:
        Invalid: its setup cannot be read.
    """
    return {name for text in _texts(read_setup(spec)) for name in VARIABLE.findall(text)}


def input_names(spec: Mapping[str, Any], variables: Collection[str]) -> list[str]:
    """The names of what a version is called with, in the order that its author wrote: those that its function requires,
    then those in its address; but for its variables.

    Raises:
        Invalid: its setup cannot be read, or a header names what is none of these. It may be a variable that was not set,
            in whose place nobody's input is sent; and the database does not keep the order of headers.
    """
    setup = read_setup(spec)
    schema = (spec.get("function") or {}).get("parameters")
    required = schema.get("required") if isinstance(schema, Mapping) else None
    stated = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    names = list(dict.fromkeys([*stated, *VARIABLE.findall(setup.url)]))
    in_headers = {name for text in setup.headers.values() for name in VARIABLE.findall(text)}
    if unknown := sorted(in_headers - {*names, *variables}):
        text = (
            f"its headers name {', '.join(unknown)[:_MOST_SHOWN]}: set it as a variable of the tool, or if it is an input,"
            " have the tool's function require it."
        )
        raise Invalid(text, fields={"tool": text})
    return [name for name in names if name not in variables]


def _filled_length(texts: Iterable[str], values: Mapping[str, str]) -> int:
    """How long the texts are when they are filled in, before anything is escaped."""
    return sum(
        len(text) + sum(len(values[name]) * times for name, times in Counter(VARIABLE.findall(text)).items())
        for text in texts
    )


def _texts(setup: HttpSetup) -> Iterator[str]:
    yield setup.url
    yield from setup.headers.values()


def _fill(text: str, values: Mapping[str, str], write: Callable[[str], str]) -> str:
    return VARIABLE.sub(lambda found: write(values[found[1]]), text)


def _text(value: Any) -> str:
    """As it stands in an address: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


async def ask(
    request: HttpRequest, workspace_id: str, deadline_s: float = DEADLINE_S, *, patient: bool = False
) -> Outcome:
    """What the service answers, once. Whatever it does becomes an outcome; none of the secrets is in it.

    It has `deadline_s` from when its workspace has a turn, for which no call waits longer than that either, unless it
    is `patient`: nobody waits for it who could not wait longer.
    """
    turns = _turns.setdefault(asyncio.get_running_loop(), _Turns())
    async with AsyncExitStack() as held:
        try:
            async with asyncio.timeout(None if patient else deadline_s):
                await held.enter_async_context(turns.turn(workspace_id))
        except TimeoutError:
            return Outcome(
                None,
                f"The service was not asked: for {deadline_s:g} s, other calls of tools took every turn.",
            )
        return await _asked(request, deadline_s)


async def _asked(request: HttpRequest, deadline_s: float) -> Outcome:
    from app.providers import sdk  # noqa: PLC0415 - not loaded by those who call nobody

    # A client for each call: connections that carry one tool's secrets serve no other.
    client = sdk.http_client(1, urlguard.guarded_sockets(request.url), idle_s=deadline_s)
    try:
        async with asyncio.timeout(deadline_s):
            response = await client.get(request.url, headers={"user-agent": "Whetstone", **request.headers})
    except TimeoutError:
        return Outcome(None, f"The service did not answer within {deadline_s:g} s.")
    except Exception as error:  # noqa: BLE001 - whatever a service sends, it is its answer that is wrong
        return Outcome(None, _failure(error))
    finally:
        await client.aclose()
    return await asyncio.to_thread(_read, response, request.secrets)  # a megabyte is looked through


def _failure(error: Exception) -> str:
    """Why there is no answer. Not in the client's own words, which may hold the address."""
    if refused := urlguard.refusal_behind(error):
        return str(refused)
    if isinstance(error, BodyTooLarge):
        return "The service's answer does not end."
    if isinstance(error, httpx2.HTTPError):
        return f"The connection to the service failed ({type(error).__name__})."
    return f"The service's answer is no HTTP that can be read ({type(error).__name__})."


def _read(response: httpx2.Response, secrets: tuple[str, ...]) -> Outcome:
    content, status = response.content, response.status_code
    if response.is_redirect:
        return Outcome(
            None, f"The service said {status}, and redirects are not followed.", {"status": status}
        )
    if len(content) > MOST_BYTES:
        return Outcome(None, f"The service's answer is over {MOST_BYTES >> 20} MiB.", {"status": status})
    if secrets and b"\0" in content:  # what it repeats in UTF-16 would not be found
        return Outcome(None, "The service's answer is no text in UTF-8.", {"status": status})
    text = content.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    text = without_secrets(text, secrets)
    if not response.is_success:
        return Outcome(
            None, f"The service said {status}.", {"status": status, "body": text[:_KEPT_OF_FAILURE]}
        )
    return Outcome(text)
