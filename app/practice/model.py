"""The model: reads a prompt, decides what is asked, answers. The same request always gives the same answer."""

import functools
from collections.abc import Sequence
from typing import Any

import orjson

from app.practice import NOTE
from app.practice.answering import answer_from
from app.practice.asking import CHARACTERS_A_TOKEN, Ask, Completion, Finish, Reply, count_tokens
from app.practice.examples import Pairs
from app.practice.judging import Verdict, graded, judge
from app.practice.labelling import classify, made_up_label, most_similar
from app.practice.noise import Noise, gumbel, silent
from app.practice.reading import Prompt, read, read_fixed, split
from app.practice.row_writing import write_rows
from app.practice.shaping import Answer, Filler, read_json_examples, told_schema
from app.practice.telling import Told, instructions
from app.practice.tools import choose_call
from app.practice.tuning import Tuned

REFUSAL = (
    "I cannot know that. I am a practice model, not an LLM,"
    " and the prompt holds nothing to take an answer from."
)
_IMAGES_NAMED = 4
QUICK_CHARACTERS = 6_000
"""A prompt whose unread part is no longer than this is answered within about a millisecond."""


def is_quick(ask: Ask) -> bool:
    """Whether answering takes about a millisecond, so that it may be done on the event loop."""
    before, user, result = split(ask.messages)
    fresh = len(user) + len(result) + ask.form_characters
    if not read_fixed.knows(before):
        fresh += sum(len(text) for _, text in before)
    # Fields are learned from examples that are JSON, and that takes up to a third of a second.
    learns = ask.shape != "text" and ("{" in user or any("{" in text for _, text in before))
    return fresh * ask.choices <= QUICK_CHARACTERS and not learns


def complete(ask: Ask) -> Completion:
    """Answer a request. Temperature above 0 lets the seed decide near ties; the answer stays reproducible."""
    prompt = read(ask.messages)
    told = instructions(prompt.rules)
    replies = [_reply(ask, prompt, told, _noise(ask, 0))]
    for choice in range(1, ask.choices):
        replies.append(_reply(ask, prompt, told, _noise(ask, choice)) if ask.temperature else replies[0])
    return Completion(tuple(replies), _seen(ask, prompt, replies[0].task))


def _noise(ask: Ask, choice: int) -> Noise:
    if not ask.temperature:
        return silent
    return gumbel(ask.temperature, orjson.dumps([ask.seed, choice, ask.messages]))


def _reply(ask: Ask, prompt: Prompt, told: Told, noise: Noise) -> Reply:
    if ask.tools and not prompt.result:
        _, user, _ = split(ask.messages)
        call = choose_call(user, list(ask.tools), forced=ask.tool_forced)
        if call:
            return Reply(None, call, "tool_calls", "call a tool")
    answer = _answer(ask, prompt, told, noise)
    text, finish = _cut(answer.text, ask)
    return Reply(text, None, finish, answer.task)


def _cut(text: str, ask: Ask) -> tuple[str, Finish]:
    """The text up to the first stop sequence and within max_tokens."""
    text = text[: min((at for stop in ask.stop if (at := text.find(stop)) >= 0), default=len(text))]
    if count_tokens(len(text)) > ask.max_tokens:
        return text[: ask.max_tokens * CHARACTERS_A_TOKEN], "length"
    return text, "stop"


def _answer(ask: Ask, prompt: Prompt, told: Told, noise: Noise) -> Answer:
    if not ask.tuned and ask.shape == "text" and (rows := write_rows(ask.messages)):
        return Answer(rows, "Made of the rows that the prompt shows.", "write rows")
    verdict = None if ask.tuned else judge(prompt, told)
    plain = functools.cache(
        lambda: _learned(ask.tuned, prompt, noise) if ask.tuned else _plain(prompt, told, noise, ask.images)
    )
    if ask.shape != "text":
        examples = read_json_examples(prompt.examples)
        filler = Filler(prompt, told, verdict, plain, noise, ask.schema or {}, examples)
        filled = filler.fill(ask.schema or told_schema(prompt.rules, filler))
        return Answer(orjson.dumps(filled).decode(), "", "judge" if verdict else "fill a schema")
    if verdict:
        return _spoken_verdict(verdict, told)
    answer = plain()
    text = answer.text.lower() if told.lower else answer.text.upper() if told.upper else answer.text
    return Answer(f"{text}\n\n{answer.why}" if told.explain else text, answer.why, answer.task)


def _spoken_verdict(verdict: Verdict, told: Told) -> Answer:
    """The verdict as the last word, after its reason when one is asked for."""
    low, high = told.scale or (0, 0)
    spec = {"minimum": low, "maximum": high} if told.scale else {"enum": told.verdicts}
    kind = "integer" if told.scale and not verdict.pick else "string"
    text = str(verdict.pick.upper() if verdict.pick else graded(verdict, kind, spec))
    return Answer(f"{verdict.rationale}\n\n{text}" if told.explain else text, verdict.rationale, "judge")


def _plain(prompt: Prompt, told: Told, noise: Noise, images: Sequence[str] = ()) -> Answer:
    """The answer in words: a label, a span or sentence of the passage, a copied answer, or that it cannot know."""
    examples = prompt.examples
    if prompt.result:
        return _from_result(prompt, noise)
    if prompt.labels or (not prompt.passage and (told.classify or _answers_repeat(examples))):
        return _label(prompt, told, noise)
    if prompt.passage:
        return _span(prompt, told, noise)
    if examples:
        return Answer(
            most_similar(prompt.input, examples, noise), "Copied from the most similar example.", "copy"
        )
    if images and not told.abstain:
        return Answer(_unseen(images), "The prompt asks about an image.", "cannot see")
    return Answer(
        told.abstain or REFUSAL,
        "No passage, labels or examples were found in the prompt.",
        "nothing to go by",
    )


def _unseen(images: Sequence[str]) -> str:
    """What can be said of images without looking at them."""
    named = "an image" if len(images) == 1 else f"{len(images)} images"
    listed = "; ".join(images[:_IMAGES_NAMED])
    more = f"; and {len(images) - _IMAGES_NAMED} more" if len(images) > _IMAGES_NAMED else ""
    return f"I was sent {named} ({listed}{more}). I am a practice model, not an LLM, and cannot see what is in {'it' if len(images) == 1 else 'them'}."


def _learned(tuned: Tuned, prompt: Prompt, noise: Noise) -> Answer:
    """The answer that the training examples make most likely; what else stands in the prompt is not looked at."""
    text, share = tuned.choose(prompt.input, noise)
    why = f"The most likely of {len(tuned.answers)} answers (probability {share:.2f}), by {tuned.examples} examples."
    return Answer(text, why, "answer as trained")


def _answers_repeat(examples: Pairs) -> bool:
    """Whether the examples' answers are drawn from a list, as labels are."""
    return (
        len({answer.strip().lower() for _, answer in examples}) <= 0.8 * len(examples) if examples else False
    )


def _label(prompt: Prompt, told: Told, noise: Noise) -> Answer:
    if not (prompt.labels or prompt.examples):
        return Answer(made_up_label(prompt.input), "No labels were found in the prompt.", "make up a label")
    label, similarity = classify(prompt.input, prompt.labels, prompt.examples, noise)
    why = f"It shares most words with this label and its examples (similarity {similarity:.2f})."
    return Answer(told.abstain if told.abstain and similarity < 0.03 else label, why, "choose a label")


def _span(prompt: Prompt, told: Told, noise: Noise) -> Answer:
    span, sentence, share = answer_from(prompt.question, prompt.passage, noise)
    if not span or (told.abstain and share < 0.34):
        why = "The passage holds too few of the question's words."
        return Answer(told.abstain or "The passage does not say.", why, "answer from the passage")
    lengths = [len(answer.split()) for _, answer in prompt.examples]
    brief = told.brief or (lengths and sum(lengths) <= 6 * len(lengths))
    text = span if brief and not told.sentence else sentence
    return Answer(text, f"Taken from: {sentence}", "answer from the passage")


def _from_result(prompt: Prompt, noise: Noise) -> Answer:
    """A tool's answer: read like a passage when it is long, else given as it is."""
    found = answer_from(prompt.input, prompt.result, noise) if len(prompt.result.split()) >= 30 else None
    text = found.sentence if found and found.span else prompt.result
    return Answer(text, "Taken from what the tool answered.", "answer from a tool's result")


def _seen(ask: Ask, prompt: Prompt, task: str) -> dict[str, Any]:
    """What was read from the prompt, so that a gap in reading is seen as one."""
    return {
        "note": NOTE,
        "task": task,
        "labels": {"count": len(prompt.labels), "first": [name for name, _ in prompt.labels[:3]]},
        "examples": {
            "count": len(prompt.examples),
            "first": [[t[:80], a[:80]] for t, a in prompt.examples[:2]],
        },
        "passage": {"characters": len(prompt.passage), "start": prompt.passage[:80]},
        "input": prompt.input[:200],
        "ignored": list(ask.ignored),
        **(
            {"images": {"count": len(ask.images), "first": list(ask.images[:_IMAGES_NAMED])}}
            if ask.images
            else {}
        ),
        **(
            {"trained": {"examples": ask.tuned.examples, "answers": len(ask.tuned.answers)}}
            if ask.tuned
            else {}
        ),
    }
