"""What the practice model reaches on a starting prompt: asked over its HTTP interface, judged by the prompt's own evaluators.

`python -m tests.library.practice` writes the scores into the files of `app/library/starts`.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from fastapi.testclient import TestClient

from app.evaluators.binding import Execution, Row, bind, make_spec
from app.evaluators.describing import describe
from app.library import catalogue
from app.library.catalogue import Start
from app.practice.api import create_app
from app.practice.keys import sign
from app.prompts.spec import parse_spec
from app.prompts.template import compile_prompt, conversation
from app.statistics.intervals import mean_interval

STARTS = Path(catalogue.__file__).parent / "starts"


SECRET = "a secret for the practice model"


def practice_client() -> TestClient:
    """The practice provider, with the key of a workspace."""
    headers = {"authorization": f"Bearer {sign(SECRET, 'ws_1')}"}
    return TestClient(create_app(SECRET), headers=headers)


def scores(practice: TestClient, start: Start) -> dict[str, tuple[float, list[float]]]:
    """The mean score by each evaluator and its 95% interval, as a report has them, rounded as the files have them."""
    judged = list(_answered(practice, start))
    found = {}
    for evaluator in start.evaluators:
        bound = bind(make_spec(evaluator.kind, evaluator.settings))
        bound.load()
        verdicts = [bound.judge(execution, row) for execution, row in judged]
        assert not [verdict.error for verdict in verdicts if verdict.error], verdicts
        values = [verdict.value for verdict in verdicts if verdict.value is not None]
        share = describe(make_spec(evaluator.kind, evaluator.settings)).is_share
        interval = mean_interval([float(value) for value in values], share=share)
        assert interval
        assert interval.lo is not None
        assert interval.hi is not None
        bounds = [round(max(0.0, interval.lo), 3), round(min(1.0, interval.hi), 3)]
        found[evaluator.name] = (round(interval.estimate, 3), bounds)
    return found


def _answered(practice: TestClient, start: Start) -> Iterator[tuple[Execution, Row]]:
    spec = parse_spec(start.content | {"model": "practice-1", "provider": "practice"})
    content = spec.content()
    template = compile_prompt(content["template"], content.get("template_language"))
    for row in start.rows:
        messages = conversation(template, row["inputs"])
        body = {"model": "practice-1", **spec.parameters, "messages": messages}
        answer = practice.post("/practice/v1/chat/completions", content=orjson.dumps(body))
        assert answer.status_code == 200, answer.text
        choice: dict[str, Any] = answer.json()["choices"][0]
        message = choice["message"]
        given = Row(row["inputs"], [], row.get("target"), row.get("context"), None)
        execution = Execution(
            message.get("content"), None, 1.0, 0.0, 1, 1, row["inputs"], [], message, choice["finish_reason"]
        )
        yield execution, given


def main() -> None:
    practice = practice_client()
    for name in catalogue.ORDER:
        path = STARTS / f"{name}.json"
        said = orjson.loads(path.read_bytes())
        for evaluator in said["evaluators"]:
            evaluator.setdefault("practice_score", 0.0)
            evaluator.setdefault("practice_interval", [0.0, 1.0])
        start = catalogue.read_start(name, said)
        found = scores(practice, start)
        text = path.read_text(encoding="utf-8")
        head = {key: value for key, value in orjson.loads(text).items() if key != "rows"}
        for evaluator in head["evaluators"]:
            evaluator["practice_score"], evaluator["practice_interval"] = found[evaluator["name"]]
        rows = ",\n".join(f"    {json.dumps(row, ensure_ascii=False)}" for row in said["rows"])
        begun = json.dumps(head, ensure_ascii=False, indent=2).removesuffix("\n}")
        path.write_text(f'{begun},\n  "rows": [\n{rows}\n  ]\n}}\n', encoding="utf-8")
        print(name, found)


if __name__ == "__main__":
    main()
