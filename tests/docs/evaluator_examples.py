"""The reference in docs/evaluators.md: each kind's help, settings and an example, made by running it.

`.venv/bin/python -m tests.docs.evaluator_examples` writes it anew; a test says when that is due.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.evaluations.given_judgments import Given, verdict_of
from app.evaluators.binding import make_spec
from app.evaluators.forms import form_fields
from app.evaluators.kinds import kinds_by_purpose
from app.evaluators.kinds.code_examples import EXAMPLES
from app.evaluators.kinds.contract import BoundEvaluator, Execution, Kind, Row, Verdict

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "evaluators.md"
BEGINS = "<!-- From here on the document is made by tests/docs/evaluator_examples.py. -->\n"
_SHOWN = 160


@dataclass(frozen=True)
class Case:
    """An output that is judged, of a row that it belongs to."""

    target: Any
    output: str | None
    row: Mapping[str, Any] = field(default_factory=dict)
    execution: Mapping[str, Any] = field(default_factory=dict)
    shown: str | None = None
    """What stands in place of the output, where it is not what is judged."""
    given: Given | None = None
    """What was said of it, where others judge."""


@dataclass(frozen=True)
class Example:
    """What a kind says of rows: each of `cases`, and all of `corpus` together."""

    source: str
    cases: Sequence[Case]
    settings: Mapping[str, Any] = field(default_factory=dict)
    corpus: Sequence[Case] = ()
    reply: str | Sequence[str] | None = None
    """What a judge answers; to each of its calls, if there are several."""
    recorded: Verdict | None = None
    """What a kind said whose package is no dependency of ours; a test compares it where the package is."""


def rows_of(path: str) -> list[dict[str, Any]]:
    """The rows of a file in tests/data."""
    text = (ROOT / "tests" / "data" / path).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


SQUAD = rows_of("squad11/predictions.jsonl")
SUMMARIES = rows_of("scitldr/abstracts.jsonl")
QUESTIONS = rows_of("xquad_parallel/questions.jsonl")
BOOKINGS = {one["id"]: one for one in rows_of("restaurant8k/extract.jsonl")}
CALLS = rows_of("bfcl/cases.jsonl")
UNANSWERABLE = [one for one in rows_of("squad2/questions.jsonl") if one["is_impossible"]]
HOPS = rows_of("hotpotqa/questions.jsonl")
SUMS = rows_of("gsm8k/questions.jsonl")
SOLVED = rows_of("gsm8k/outputs.jsonl")
PAIRS = rows_of("judge_llmbar/items.jsonl")
INTENTS = rows_of("banking77/training.jsonl")
QUERIES = {one["id"]: one for one in rows_of("chinook_sql/questions.jsonl")}
CHINOOK = (ROOT / "tests" / "data" / "chinook_sql" / "chinook.sqlite").read_bytes()

PASSAGES = [
    json.loads(line)
    for line in (ROOT / "app/demo/data/squad11/rows.jsonl").read_text(encoding="utf-8").splitlines()
]

ANSWERS = "SQuAD 1.1, answers of the system match_lstm"
SENTENCES = "SciTLDR, the sentence of the abstract that is most like its summaries"
TYPED = ", the outputs typed by hand"
RAG = "SQuAD 1.1, answers of the system match_lstm, with its passage behind that of another question"


def _answers(system: str = "match_lstm") -> list[Case]:
    return [Case(one["answers"], one[system]) for one in SQUAD]


def _summaries() -> list[Case]:
    return [Case(one["references"], one["extractive_oracle"]) for one in SUMMARIES]


def _wrong(cases: Sequence[Case]) -> Case:
    """The first answer that is not, and not nothing like, the target."""
    return next(one for one in cases if one.output not in one.target and one.target[0] in (one.output or ""))


def _booking() -> dict[str, Any]:
    return next(one for one in BOOKINGS.values() if len(one["expected"]) == 3)


def _call() -> dict[str, Any]:
    return next(
        one for one in CALLS if one["category"] == "simple_python" and len(one["expected_calls"][0]) == 1
    )


def _made(case: Mapping[str, Any], **changed: Any) -> dict[str, Any]:
    """A message that calls the tool that is wanted, with the first value that is accepted of each argument."""
    ((name, accepted),) = case["expected_calls"][0].items()
    arguments = {key: values[0] for key, values in accepted.items() if values[0] != ""} | changed
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"role": "assistant", "content": None, "tool_calls": [{"type": "function", "function": function}]}


def _called(case: Mapping[str, Any], **changed: Any) -> Case:
    message = _made(case, **changed)
    function = message["tool_calls"][0]["function"]
    shown = f"{function['name']}({function['arguments']})"
    return Case(case["expected_calls"], None, execution={"output_message": message}, shown=shown)


def examples() -> dict[str, Example]:
    """An example of each kind, by its name."""
    answers, summaries, booking, call = _answers(), _summaries(), _booking(), _call()
    near = _wrong(answers)
    slots = booking["expected"]
    partly = dict(list(slots.items())[:-1])
    pair = next(one for one in PAIRS if "prime number: 17" in one["instruction"])
    no_call = next(one for one in CALLS if one["category"] == "irrelevance")
    asked = {"inputs": {"question": next(one["question"] for one in SQUAD if one["answers"] == near.target)}}
    own = next(one["passage"] for one in PASSAGES if one["question"] == asked["inputs"]["question"])
    read = {"context": [PASSAGES[0]["passage"], own]} | asked
    bought = {"cost_usd": 0.0031, "latency_ms": 1840.0, "prompt_tokens": 412, "output_tokens": 96}
    took = Case(None, near.output, execution=bought | {"finish_reason": "length"})
    call_of = f"{ANSWERS}, what its call took typed by hand"
    mailed = next(line for one in PAIRS for line in one["output_1"].splitlines() if "@" in line)
    return {
        "exact": Example(ANSWERS, [answers[0], near]),
        "contains": Example(ANSWERS, [near, answers[0]]),
        "affix": Example(f"SQuAD 2.0{TYPED}", [Case(None, "As an AI, I cannot know."), Case(None, "It was Koch.")],
                         {"texts": ["As an AI", "I'm sorry"], "want": "none"}),
        "class_match": Example(
            f"BANKING77{TYPED}: every second label is right, every second is that of the row before",
            [Case(INTENTS[0]["category"], f"“{INTENTS[0]['category']}”."), Case(INTENTS[1]["category"], "other")],
            corpus=[Case(one["category"], (one if number % 2 else other)["category"])
                    for number, (one, other) in enumerate(zip(INTENTS[1:201], INTENTS[:200], strict=True))],
        ),
        "exact_match_squad": Example(ANSWERS, [answers[0], near]),
        "numeric": Example("GSM8K, answers of two systems of OpenAI", [Case(one["final_answer"], one["output"]) for one in SOLVED[:4]]),
        "abstention": Example(
            f"SQuAD 2.0{TYPED}",
            [Case({"answers": UNANSWERABLE[0]["answers"]}, "The passage does not say."),
             Case({"answers": UNANSWERABLE[0]["answers"]}, "In 1066."), Case("microorganisms", "I don’t know.")]),
        "token_f1": Example(ANSWERS, [answers[0], near]),
        "edit_distance": Example(ANSWERS, [near]),
        "lexical_similarity": Example(SENTENCES, summaries[:2]),
        "rouge": Example(SENTENCES, summaries[:2], {"measure": "rouge2"}),
        "bleu": Example(SENTENCES, summaries[:2], corpus=summaries),
        "chrf": Example(SENTENCES, summaries[:2], corpus=summaries),
        "ter": Example(SENTENCES, summaries[:2], corpus=summaries),
        "json_field": Example(f"RESTAURANTS-8K{TYPED}", [Case(slots, json.dumps(partly)), Case(slots, "{}")],
                              {"path": next(iter(slots))}),
        "slots": Example(f"RESTAURANTS-8K{TYPED}", [Case(slots, json.dumps(slots)), Case(slots, json.dumps(partly))],
                         corpus=[Case(slots, json.dumps(slots)), Case(slots, json.dumps(partly))]),
        "tool_calls": Example(f"Berkeley Function-Calling Leaderboard{TYPED}", [
            _called(call), _called(call, surplus=1), Case(no_call["expected_calls"], "I have no tool for that."),
            Case(call["expected_calls"], "I have no tool for that.")]),
        "sql_match": Example(f"Chinook{TYPED}", [
            Case(QUERIES["chk-001"]["gold_sql"], "```sql\nSELECT count(CustomerId) FROM Customer WHERE Country = 'Brazil'\n```"),
            Case(QUERIES["chk-001"]["gold_sql"], "SELECT count(*) FROM Customer"),
            Case(QUERIES["chk-002"]["gold_sql"], "SELECT Name FROM MediaType ORDER BY Name DESC"),
            Case({"rows": QUERIES["chk-000"]["gold_rows"]}, "DELETE FROM Track")],
            {"database": hashlib.sha256(CHINOOK).hexdigest()}),
        "json_valid": Example(f"RESTAURANTS-8K{TYPED}", [Case(None, json.dumps(partly)), Case(None, "Table for 3")],
                              {"required": [next(iter(slots))]}),
        "json_schema": Example(
            f"RESTAURANTS-8K{TYPED}",
            [Case(None, json.dumps(slots)), Case(None, json.dumps(partly)), Case(None, json.dumps({**slots, "people": 6}))],
            {"json_schema": {"type": "object", "required": [*slots], "additionalProperties": {"type": "string"}}}),
        "regex": Example("RESTAURANTS-8K, what people said", [Case(None, booking["text"]), Case(None, "Thank you!")],
                         {"pattern": r"\b\d{1,2}:\d{2}\b"}),
        "length": Example(SENTENCES, summaries[:2], {"longest": 25}),
        "language": Example("XQuAD, the same question in German and in English",
                            [Case("de", QUESTIONS[0]["de"]), Case("de", QUESTIONS[0]["en"])]),
        "retrieval": Example(
            "HotpotQA, the first paragraphs of each question as they come", [
                Case({"titles": one["gold_titles"]}, None, row={"metadata": {"found": one["titles"]}},
                     shown=", ".join(one["titles"][:3]) + " …") for one in HOPS[:2]],
            {"measure": "recall", "k": 5, "retrieved": "testcase.metadata.found"}),
        "personal_data": Example("LLMBar, a line of an answer, and an answer without; the others typed by hand", [
            Case(None, mailed),
            Case(None, pair["output_1"]),
            Case(None, "Call +44 20 7946 0958."),
            Case(None, "The card 4111 1111 1111 1111 was charged."),
            Case(None, "Order 4111111111111112 of 2024-05-01, version 1.2.3.")]),
        "llm_judge": Example("SQuAD 1.1, answers of the system match_lstm, the judge's reply typed by hand",
                             [Case({"output": near.target[0]}, near.output, row=asked)],
                             {"model": "gpt-4o-mini"},
                             reply='{"rationale": "It names more than was asked for.", "verdict": false}'),
        "prompt_judge": Example(
            "SQuAD 1.1, answers of the system match_lstm, the judge's reply typed by hand",
            [Case({"output": near.target[0]}, near.output)],
            {"prompt": {"model": "gpt-4o-mini", "template": "How short is it, from 0 to 1? {{log.output}}"},
             "answers": "number", "lowest": 0, "highest": 1},
            reply="It has more words than it needs.\n0.5"),
        "pairwise_judge": Example(
            "LLMBar, the judge's replies typed by hand",
            [Case({"output": pair["output_2"]}, pair["output_1"], row={"inputs": {"question": pair["instruction"]}})],
            {"model": "gpt-4o-mini"},
            reply=[json.dumps({"rationale": "17 is prime.", "better": "A"}), json.dumps({"rationale": "17 is prime.", "better": "B"})]),
        "answer_relevancy": Example(
            f"{RAG}, the replies of the model and its vectors typed by hand", [Case(None, near.output, row=read)],
            {"model": "gpt-4o-mini", "embedding_model": "text-embedding-3-small"},
            reply=[
                json.dumps({"questions": [{"question": "What is immunodeficiency?", "noncommittal": False},
                                          {"question": "When do infections recur?", "noncommittal": False}]}),
                "[[0.6, 0.8, 0.0], [0.8, 0.6, 0.0], [0.6, 0.0, 0.8]]",
            ]),
        "faithfulness": Example(
            f"{RAG}, the judge's replies typed by hand", [Case(near.target, near.output, row=read)], {"model": "gpt-4o-mini"},
            reply=[
                json.dumps({"statements": ["Immunodeficiency occurs when the immune system is less active.", "It is rare."]}),
                json.dumps({"verdicts": [{"reason": "It says so.", "supported": True}, {"reason": "Not a word of it.", "supported": False}]}),
            ]),
        "context_precision": Example(
            f"{RAG}, the judge's reply typed by hand", [Case(near.target, near.output, row=read)], {"model": "gpt-4o-mini"},
            reply=json.dumps({"verdicts": [{"reason": "Of something else.", "useful": False}, {"reason": "It holds the answer.", "useful": True}]})),
        "context_recall": Example(
            f"{RAG}, the judge's reply typed by hand", [Case(near.target, near.output, row=read)], {"model": "gpt-4o-mini"},
            reply=json.dumps({"statements": [{"statement": "The infections recur.", "reason": "It says so.", "supported": True},
                                             {"statement": "They threaten life.", "reason": "It says so.", "supported": True}]})),
        "ragas": Example(
            f"{RAG}, the judge's replies typed by hand; made with ragas 0.4.3", [Case(near.target, near.output, row=read)],
            {"model": "gpt-4o-mini", "metric": "faithfulness"},
            reply=[
                json.dumps({"statements": ["The immune system is less active.", "It is so for life."]}),
                json.dumps({"statements": [
                    {"statement": "The immune system is less active.", "reason": "It says so.", "verdict": 1},
                    {"statement": "It is so for life.", "reason": "Not a word of it.", "verdict": 0}]}),
            ], recorded=Verdict(0.5)),
        "embedding_similarity": Example(
            "SQuAD 1.1, answers of the system match_lstm, the model's vectors typed by hand",
            [Case({"output": near.target[0]}, near.output)], {"model": "text-embedding-3-small"},
            reply="[[0.6, 0.8, 0.0], [0.8, 0.6, 0.0]]"),
        "code": Example(f"GSM8K{TYPED}", [
            Case(SUMS[0]["final_answer"], f"Half of it, so the answer is {SUMS[0]['final_answer']}."),
            Case(SUMS[1]["final_answer"], "Some."),
        ], {"code": {one.name: one.code for one in EXAMPLES}["arithmetic"], "target": "needed"}),
        "composite": Example(
            f"{ANSWERS}; each row names the evaluators that hold for it, the second brings an assertion of its own", [
                Case(near.target, near.output, row={"metadata": {"assertions": ["Exact", "Words"]}}),
                Case(answers[0].target, answers[0].output, row={"metadata": {"assertions": [
                    "Exact", {"name": "Short", "kind": "length", "settings": {"unit": "words"}, "at_most": 3}]}})],
            {"parts": [{"path": "QA/Exact", "spec": make_spec("exact_match_squad", {}), "weight": 2},
                       {"path": "QA/Words", "spec": make_spec("token_f1", {})}],
             "chosen_by": "testcase.metadata.assertions"}),
        "webhook": Example(
            "SQuAD 1.1, answers of the system match_lstm, the service's reply typed by hand", [Case(near.target, near.output)],
            {"url": "https://example.com/judge", "answers": "number", "lowest": 0, "highest": 1},
            reply='{"judgment": 0.25, "rationale": "One of four words was asked for."}'),
        "external": Example(f"{ANSWERS}, what a program sent", [
            Case(near.target, near.output, given=Given(False, rationale="more than was asked for")),
            Case(answers[0].target, answers[0].output, given=Given(error="no connection to the dictionary"))],
            {"attributes": {"commit": "4f2a1c"}}),
        "human": Example(f"{ANSWERS}, what a reviewer said", [
            Case(near.target, near.output, given=Given("too long", rationale="Two of them would do.")),
            Case(answers[0].target, answers[0].output, given=Given("right"))],
            {"answers": "select", "choices": ["right", "too long", "wrong"], "good": ["right"], "bad": ["wrong"]}),
        "latency": Example(call_of, [took]),
        "cost": Example(call_of, [took]),
        "tokens": Example(call_of, [took], {"count": "total", "most": 500}),
        "finish_reason": Example(call_of, [took]),
    }  # fmt: skip


def judged(bound: BoundEvaluator, case: Case, reply: str | Sequence[str] | None = None) -> Verdict:
    """What an evaluator says of a case."""
    if case.given:
        return verdict_of(bound.options, case.given)
    target = case.target if isinstance(case.target, dict | None) else {"output": case.target}
    row = {"inputs": {}, "messages": [], "context": None, "metadata": None} | case.row
    known = {
        "error": None,
        "latency_ms": None,
        "cost_usd": None,
        "prompt_tokens": None,
        "output_tokens": None,
    }
    known |= {"inputs": row["inputs"], "messages": [], "output_message": None} | case.execution
    execution = Execution(output=case.output, **known)
    return bound.judge(
        execution, Row(target=target, **row), [reply] if isinstance(reply, str | None) else list(reply)
    )


def render() -> str:
    """The generated part of the document."""
    found = examples()
    lines: list[str] = []
    for purpose, kinds in kinds_by_purpose().items():
        lines += [f"## {purpose}", ""]
        for one in kinds:
            lines += [*_section(one, found[one.name]), ""]
    return "\n".join(lines).rstrip() + "\n"


def _section(one: Kind[Any], example: Example) -> Iterator[str]:
    yield f"### {one.title}: `{one.name}`"
    yield ""
    yield one.help
    yield ""
    options = form_fields(one.Options)
    if options:
        yield "| setting | of a new one | what it does |"
        yield "|---|---|---|"
        for option in options:
            initial = option.shown(option.initial)
            shown = f"`{_cell(initial)}`" if initial and len(initial) <= 40 else "…" if initial else ""
            choices = (
                f" One of {', '.join(f'`{choice}`' for choice in option.choices)}." if option.choices else ""
            )
            yield f"| `{option.name}` | {shown} | {_cell(option.help)}{choices} |"
        yield ""
    yield from _example(one, example)


def _example(one: Kind[Any], example: Example) -> Iterator[str]:
    bound = one.prepare(example.settings)
    bound = bound.given(dict.fromkeys(bound.traits.files, CHINOOK))
    short = {
        name: _short(value) for name, value in example.settings.items() if name not in ("code", "database")
    }
    settings = f" With `{json.dumps(short, ensure_ascii=False)}`." if short else ""
    yield f"Example: {example.source}.{settings}"
    yield ""
    if "code" in example.settings:
        yield f"```python\n{example.settings['code'].rstrip()}\n```"
        yield ""
    yield "| output | target | verdict | reason |"
    yield "|---|---|---|---|"
    for case in example.cases:
        verdict = example.recorded or judged(bound, case, example.reply)
        said = verdict.error or verdict.rationale or ""
        output = case.shown if case.output is None else case.output
        yield f"| {_text(output)} | {_text(case.target)} | {_value(verdict)} | {_cell(said)} |"
    if example.corpus:
        verdicts = [judged(bound, case) for case in example.corpus]
        scored = [verdict for verdict in verdicts if verdict.value is not None]
        metrics = bound.summarise(scored) or {}
        told = ", ".join(f"{metric.title} {metric.value:.4f}" for metric in metrics.values())
        mean = sum(float(verdict.value) for verdict in scored) / len(scored)
        yield ""
        yield f"Over {len(scored)} rows: mean of the rows {mean:.4f}; {told}."


def _short(setting: Any) -> Any:
    """A setting without the specs of evaluators that it holds."""
    if isinstance(setting, list):
        return [_short(one) for one in setting]
    if isinstance(setting, dict):
        return {name: value for name, value in setting.items() if name != "spec"}
    return setting


def _value(verdict: Verdict) -> str:
    if verdict.value is None:
        return "error" if verdict.error else "no score"
    if isinstance(verdict.value, bool):
        return "**yes**" if verdict.value else "**no**"
    return f"**{verdict.value:.4g}**" if isinstance(verdict.value, float) else f"**{verdict.value}**"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict) and len(value) == 1 and "calls" not in value:
        value = next(iter(value.values()))
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _cell(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def _cell(text: str) -> str:
    """Text as a cell of a table holds it."""
    parts = " ".join(text.split()).replace("|", "\\|").split("`")
    return "`".join(part if n % 2 else part.replace("<", "&lt;") for n, part in enumerate(parts))


def main() -> None:
    """Write the generated part of the document anew."""
    text = DOCUMENT.read_text(encoding="utf-8")
    kept, _, _ = text.partition(BEGINS)
    DOCUMENT.write_text(f"{kept}{BEGINS}\n{render()}", encoding="utf-8")


if __name__ == "__main__":
    main()
