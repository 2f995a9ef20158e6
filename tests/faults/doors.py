"""Going in by every door, as people and programs do: a page, a reading call, and a writing one with a memory."""

import itertools
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPResponse
from http.cookiejar import CookieJar

from app.core import waiting
from tests.application import Application
from tests.bench.eval_throughput import Client

BATCH = 10
"""Logs that are written at once, all or none."""
PATIENCE_S = 30
"""How long an answer is waited for. It is never due to come so late."""


def said_of(word: str) -> str:
    """The output of every log, by its input: half a log would show."""
    return f"{word} " * 100 + "."


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
        self.logged: list[str] = []
        """The logs of which the same was said."""
        self.called: list[str] = []
        """The logs of calls that were answered."""

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

    def log(self) -> int:
        """The status of logging a call, of a version that is there or is made."""
        body = {**self._execution(), "path": "oracle/logged", "prompt": {"model": "m"}}
        return self._logged("/prompts/log", body, lambda answer: [answer["id"]])

    def log_batch(self) -> int:
        """The status of logging ten calls of a tool at once."""
        of = {"type": "tool", "path": "oracle/tool", "tool": {"function": {"name": "look_up"}}}
        number = next(self._numbers)
        logs = [{**of, **self._execution(), "session_id": f"batch {number}"} for _ in range(BATCH)]
        return self._logged("/logs/batch", {"logs": logs}, lambda answer: answer["ids"])

    def span(self) -> int:
        """The status of a span of a call, as the SDK's decorators send it: nothing says that it is JSON."""
        said = self._execution()
        values = {
            "humanloop.file.path": "oracle/spanned",
            "humanloop.file.type": "tool",
            "humanloop.file.function.name": "look_up",
            "humanloop.log.output": said["output"],
            "humanloop.log.inputs.word": said["inputs"]["word"],
        }
        attributes = [{"key": key, "value": {"stringValue": value}} for key, value in values.items()]
        span = {"name": "humanloop.tool", "attributes": attributes}
        scope = {"scope": {"name": "humanloop.sdk.decorator"}, "spans": [span]}
        sent = {"resourceSpans": [{"scopeSpans": [scope]}]}
        return self._logged("/import/otel/v1/traces", sent, lambda answer: answer["records"])

    def caller(self, base_url: str) -> Callable[[], int]:
        """One more door: the status of calling a prompt whose model answers at `base_url`."""
        provider = {"name": "doors", "base_url": base_url, "api_key": "k"}
        self.client.call("POST", "/providers", provider)
        prompt = {"model": "m", "provider": "doors", "template": "Say it: ECHO<{{word}}>"}

        def call() -> int:
            body = {
                "path": "oracle/called",
                "prompt": prompt,
                "inputs": {"word": f"word {next(self._numbers)}"},
            }
            request = self._request("POST", "/prompts/call", json.dumps(body).encode())
            status, answer = self._status(request, patience_s=PATIENCE_S + waiting.WORK_S)
            if status == 200:
                self.called += [log["id"] for log in json.loads(answer)["logs"] if log["error"] is None]
            return status

        return call

    def _execution(self) -> dict:
        word = f"word {next(self._numbers)}"
        return {"inputs": {"word": word}, "output": said_of(word), "source": self._name}

    def _logged(self, path: str, body: dict, ids_of: Callable[[dict], list[str]]) -> int:
        status, answer = self._status(self._request("POST", path, json.dumps(body).encode()))
        if status == 200:
            self.logged += ids_of(json.loads(answer))
        return status

    def open(self, path: str) -> HTTPResponse:
        """An answer of the API that is still to be read."""
        return urllib.request.urlopen(self._request("GET", path), timeout=PATIENCE_S)

    def _request(self, method: str, path: str, content: bytes | None = None) -> urllib.request.Request:
        headers = {"x-api-key": self.key, "content-type": "application/json"}
        return urllib.request.Request(f"{self._url}/v5{path}", content, headers, method=method)

    def _status(
        self,
        request: urllib.request.Request,
        opener: urllib.request.OpenerDirector | None = None,
        patience_s: float = PATIENCE_S,
    ) -> tuple[int, bytes]:
        opener = opener or urllib.request.build_opener()
        try:
            answer = opener.open(request, timeout=patience_s)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            status, body = answer.status, answer.read()
        assert status != 503 or answer.headers["retry-after"], "who is turned away is told when to come again"
        return status, body
