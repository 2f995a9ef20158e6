"""Going in by every door, as people and programs do: a page, a reading call, and a writing one with a memory."""

import itertools
import re
import urllib.error
import urllib.request
from http.client import HTTPResponse
from http.cookiejar import CookieJar

from tests.application import Application
from tests.bench.eval_throughput import Client

PATIENCE_S = 30
"""How long an answer is waited for. It is never due to come so late."""


class Doors:
    """The doors of a new workspace of `application`."""

    def __init__(self, application: Application, name: str = "bad") -> None:
        self._application, self._name = application, name
        self._url = application.url
        email = f"{name}@example.com"
        application.run("init", "--workspace", name.title(), "--email", email).check_returncode()
        made = application.run("key", "create", "--workspace", name, "--name", "tests", "--role", "admin")
        self.key = made.stdout.strip()
        self.client = Client(self._url, self.key)
        self._browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        link = re.search(r"/signin/link/\S+", application.run("signin", email).stdout)
        assert link
        self._browser.open(urllib.request.Request(self._url + link.group(), b"", method="POST")).close()
        self._numbers = itertools.count(1)
        self.acknowledged: list[str] = []
        """The versions whose writing was answered with success."""

    def page(self) -> int:
        """The status of the list of files, for somebody who is signed in."""
        return self._status(urllib.request.Request(f"{self._url}/w/{self._name}/files"), self._browser)[0]

    def text(self, path: str) -> str:
        """A page of the workspace."""
        return self._status(urllib.request.Request(f"{self._url}/w/{self._name}{path}"), self._browser)[
            1
        ].decode()

    def read(self) -> int:
        """The status of the API's list of prompts."""
        return self._status(self._request("GET", "/prompts"))[0]

    def write(self) -> int:
        """The status of writing a prompt that is not there yet."""
        content = b'{"path": "oracle/%d", "model": "m", "template": "say {{word}}"}' % next(self._numbers)
        status, body = self._status(self._request("POST", "/prompts", content))
        if status == 200:
            found = re.search(rb'"version_id":"(\w+)"', body)
            assert found, body
            self.acknowledged.append(found.group(1).decode())
        return status

    def open(self, path: str) -> HTTPResponse:
        """An answer of the API that is still to be read."""
        return urllib.request.urlopen(self._request("GET", path), timeout=PATIENCE_S)

    def _request(self, method: str, path: str, content: bytes | None = None) -> urllib.request.Request:
        headers = {"x-api-key": self.key, "content-type": "application/json"}
        return urllib.request.Request(f"{self._url}/v5{path}", content, headers, method=method)

    def _status(
        self, request: urllib.request.Request, opener: urllib.request.OpenerDirector | None = None
    ) -> tuple[int, bytes]:
        opener = opener or urllib.request.build_opener()
        try:
            answer = opener.open(request, timeout=PATIENCE_S)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            status, body = answer.status, answer.read()
        assert status != 503 or answer.headers["retry-after"], "who is turned away is told when to come again"
        return status, body
