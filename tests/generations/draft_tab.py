"""A page of the editor in a browser, without the browser."""

import html
import re
from typing import Any

from fastapi.testclient import TestClient

from tests import factories
from tests.web import csrf_of

TYPED = "Answer shortly, in {{style}}."


def base(team: factories.Team, file_id: str) -> str:
    """Where the pages of a prompt lie."""
    return f"/w/{team.workspace.slug}/prompts/{file_id}"


def words(page: str) -> str:
    """What a page says."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def _marks(page: str) -> dict[str, str]:
    return {name: re.search(rf'name="{name}" value="([^"]*)"', page)[1] for name in ("tab", "revision")}


def form_of(
    client: TestClient, marks: dict[str, str], content: str | list[str] = TYPED, **changes: Any
) -> dict[str, Any]:
    """The editor's form, as the page with these marks sends it."""
    form = {
        "_csrf": csrf_of(client),
        "base": "1",
        "model": "practice-1",
        "provider": "practice",
        "role": ["system", "user"],
        "name": ["", ""],
        "content": [content, "{{question}}"] if isinstance(content, str) else content,
        "extra": ["", ""],
    }
    return form | marks | changes


class Tab:
    """A page of the editor in a browser: it sends what it was told to carry along."""

    def __init__(self, client: TestClient, base: str, **query: Any) -> None:
        self.client, self.base = client, base
        self.page = client.get(base if base.endswith("/new") else f"{base}/edit", params=query).text
        self.marks = _marks(self.page)

    def types(self, content: str, **changes: Any) -> Any:
        answer = self.client.patch(
            f"{self.base}/draft",
            data=form_of(self.client, self.marks, content, **changes),
            headers={"hx-request": "true"},
        )
        if 'name="tab"' in answer.text:
            self.marks = _marks(answer.text)
        return answer

    def presses(self, action: str, content: str, **changes: Any) -> str:
        form = form_of(self.client, self.marks, content, action=action, **changes)
        answer = self.client.post(f"{self.base}/edit", data=form)
        self.page, self.marks = answer.text, _marks(answer.text)
        return self.page


def typed_in(page: str) -> str:
    """What stands in the first message."""
    return html.unescape(re.search(r'<textarea name="content"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)[1])
