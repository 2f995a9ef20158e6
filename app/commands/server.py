"""The server that `gate`, `pull` and `push` ask, over HTTP. Nothing but Python's own library: a CI machine has nothing else."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any

Json = dict[str, Any]
_TIMEOUT_S = 120
_BUSY = (429, 502, 503, 504)
_TRIES = 5
_LONGEST_WAIT_S = 30
_HANDLERS = (
    urllib.request.ProxyHandler,
    urllib.request.UnknownHandler,
    urllib.request.HTTPHandler,
    urllib.request.HTTPSHandler,
    urllib.request.HTTPDefaultErrorHandler,
    urllib.request.HTTPErrorProcessor,
)
"""Those of urllib but the one that follows redirects: the key goes to the address that was named, and to no other."""


class ServerError(Exception):
    """The server cannot be asked, or refuses; the message says why, and what to do."""

    def __init__(self, message: str, status: int | None = None, said: str = "") -> None:
        super().__init__(message)
        self.status = status
        """Of the answer; None where there was none that could be read."""
        self.said = said
        """What the server itself said."""


class Server:
    """A Whetstone, and a key of one of its workspaces."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        sleep: Callable[[float], None] = time.sleep,
        named: str = "WHETSTONE_BASE_URL",
    ) -> None:
        """`named` is where the address comes from, for those who have to correct it."""
        parts = urllib.parse.urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ServerError(
                f"{named} is “{base_url}”: give an address such as https://whetstone.example.com."
            )
        if not api_key.isascii() or not api_key.isprintable() or " " in api_key:
            raise ServerError("WHETSTONE_API_KEY is no key: it has characters that none has.")
        self._base = base_url.rstrip("/").removesuffix("/v5")
        self._key, self._named = api_key, named
        self._sleep = sleep
        self._opener = urllib.request.OpenerDirector()
        for handler in _HANDLERS:
            self._opener.add_handler(handler())

    def get(self, path: str, /, **query: str | int) -> Json:
        """The answer to a GET. Raises: ServerError."""
        words = f"?{urllib.parse.urlencode(query)}" if query else ""
        return self._ask("GET", f"{path}{words}", None, again=True)

    def post(self, path: str, body: Mapping[str, Any], *, again: bool) -> Json:
        """The answer to a POST, sent `again` after a failure where that starts nothing twice. Raises: ServerError."""
        return self._ask("POST", path, body, again=again)

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None, *, again: bool) -> Json:
        for tried in range(1, _TRIES + 1):
            last = tried == _TRIES
            try:
                return self._once(method, path, body)
            except urllib.error.HTTPError as error:
                with error:
                    if error.code not in _BUSY or last or (error.code in (502, 504) and not again):
                        raise self._refusal(error) from None
                    wait_s = _wait_s(error.headers.get("Retry-After"), tried)
            except (OSError, HTTPException) as error:
                if last or not again:
                    raise ServerError(self._unreachable(error)) from None
                wait_s = _wait_s(None, tried)
            self._sleep(wait_s)
        raise AssertionError  # the last try has answered or raised

    def _once(self, method: str, path: str, body: Mapping[str, Any] | None) -> Json:
        request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
            f"{self._base}/v5{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={
                "X-API-KEY": self._key,
                "Content-Type": "application/json",
                "Accept": "application/json",
            },
        )
        with self._opener.open(request, timeout=_TIMEOUT_S) as answer:
            text = answer.read()
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ServerError(f"{self._base} does not answer as Whetstone does: look at {self._named}.")
        return found

    def _unreachable(self, error: Exception) -> str:
        reason = getattr(error, "reason", None) or str(error) or type(error).__name__
        said = f"{self._base} cannot be reached: {reason}."
        if "CERTIFICATE_VERIFY_FAILED" in said:
            said += " Name the authority that signed its certificate in SSL_CERT_FILE."
        return said

    def _refusal(self, error: urllib.error.HTTPError) -> ServerError:
        """What the server said, and what helps."""
        if 300 <= error.code < 400:
            moved = error.headers.get("Location", "another address")
            text = f"{error.url} moved to {moved}: set {self._named} to that server's address."
            return ServerError(text, error.code)
        said = _detail(error.read())
        text = f"The server answered {error.code}: {said or error.reason}"
        if error.code == 401:
            text = f"The server does not take the key in WHETSTONE_API_KEY ({said}): make one in Settings, API keys."
        elif error.code == 404 and not said:
            text = (
                f"{error.url} is not there: look at {self._named}, and whether the server is of this version."
            )
        return ServerError(text, error.code, said)


def _wait_s(retry_after: str | None, tried: int) -> float:
    asked = float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else 0.0
    return min(_LONGEST_WAIT_S, max(asked, 2.0 ** (tried - 1)))


def _detail(body: bytes) -> str:
    try:
        detail = json.loads(body)["detail"]
    except (ValueError, KeyError, TypeError):
        return ""
    if isinstance(detail, list):
        return "; ".join(
            f"{'.'.join(str(part) for part in each.get('loc', ())[1:])}: {each.get('msg', '')}"
            for each in detail
        )
    if isinstance(detail, dict):
        return str(detail.get("description") or detail)
    return str(detail)
