"""Answer relevancy, as in RAGAS."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from pydantic import Field, field_validator

from app.evaluators.kinds.contract import (
    EmbeddingCall,
    Execution,
    Kind,
    KindOptions,
    ModelCall,
    ModelRef,
    Row,
    Traits,
    Verdict,
    no_output,
    storable,
)
from app.evaluators.kinds.judge_texts import NO_INSTRUCTIONS, fenced, read_list, reply_in, whole_object
from app.evaluators.kinds.passages import MALFORMED
from app.evaluators.kinds.places import checked_place, question_at
from app.evaluators.kinds.vectors import NOTHING_FOUND, cosines, read_vectors

_PLACES = ("testcase.inputs", "testcase.metadata", "log.inputs")
_MOST_CHARS = 8_000
"""Of a text whose vector is asked for."""


class AnswerRelevancyOptions(KindOptions):
    model: str = Field(min_length=1)
    """The model that makes questions from the answer."""
    provider: str | None = None
    """Where the model is. Empty: the workspace's only provider; with several, that of the model's maker, or the one called `openai`."""
    embedding_model: str = Field(min_length=1)
    """The embedding model that compares questions, such as `text-embedding-3-small`."""
    embedding_provider: str | None = None
    """Where the embedding model is. Empty: as the provider above."""
    question: str | None = None
    """Where the question is, such as `testcase.inputs.question`. Empty: all inputs."""
    questions: int = Field(3, ge=1, le=10)
    """How many questions are made from an answer."""
    temperature: float | None = Field(None, ge=0, le=2, json_schema_extra={"initial": 0})
    """0 makes verdicts repeatable. Empty: the provider's own default; some models refuse any other."""

    @field_validator("question")
    @classmethod
    def _a_place(cls, value: str | None) -> str | None:
        return checked_place(value, _PLACES)


class AnswerRelevancy(Kind[AnswerRelevancyOptions]):
    """Does the answer answer what was asked?

    A model makes questions that the answer would answer, and an embedding model tells how near they are to the one that
    was asked: the score is the mean cosine, and a mean below 0 counts as 0. An answer is 0 too where all its questions
    show that it evades (“I don’t know”). It says nothing of whether the answer is right. Where no question can be made,
    or none was asked, there is no score. Two calls a row. All questions are made in one call, where RAGAS makes one call for each.
    """

    name = "answer_relevancy"
    title = "Answer relevancy"
    purpose = "Judges"
    keywords = "RAG relevance"
    returns = Traits("number")
    Options = AnswerRelevancyOptions

    def traits(self, options: AnswerRelevancyOptions) -> Traits:
        asks = ModelRef(options.model, options.provider), _embedding(options)
        return Traits("number", asks=tuple(dict.fromkeys(asks)), calls=3 - len(set(asks)))

    def calls(
        self,
        options: AnswerRelevancyOptions,
        execution: Execution,
        row: Row,
        answers: Sequence[str | None] = (),
    ) -> Sequence[ModelCall | EmbeddingCall]:
        """The questions, then their vectors: not where there are none, nor where all evade."""
        asked = _asked(options, execution, row)
        if isinstance(asked, Verdict) or len(answers) > 1:
            return ()
        if not answers:
            return [_questions_call(options, execution.output or "")]
        made = _made(answers[0])
        if not made or all(evades for _, evades in made):
            return ()
        embedding = _embedding(options)
        texts = [text[:_MOST_CHARS] for text in (asked, *(question for question, _ in made))]
        return [EmbeddingCall(texts, embedding.model, embedding.provider)]

    def judge(
        self,
        options: AnswerRelevancyOptions,
        execution: Execution,
        row: Row,
        answers: Sequence[str | None] = (),
    ) -> Verdict:
        asked = _asked(options, execution, row)
        if isinstance(asked, Verdict):
            return asked
        made = _made(answers[0] if answers else None)
        if made is None:
            return Verdict(None, error=MALFORMED)
        if not made:
            return Verdict(None, rationale="no question can be made from the answer")
        if all(evades for _, evades in made):
            return Verdict(0.0, rationale="the answer evades the question")
        return _compared(answers[1] if len(answers) > 1 else None, [question for question, _ in made])


def _compared(answer: str | None, questions: Sequence[str]) -> Verdict:
    """The verdict by the vectors of the question that was asked, and of those that were made."""
    vectors = read_vectors(answer)
    if len(vectors) != len(questions) + 1:
        return Verdict(None, error="The model gave no vectors that can be compared")
    found = cosines(vectors)
    if not found:
        return NOTHING_FOUND
    score = min(1.0, max(0.0, fmean(found)))
    return Verdict(score, rationale=storable(f"It answers: {' '.join(questions)}", 4_000))


def _embedding(options: AnswerRelevancyOptions) -> ModelRef:
    return ModelRef(options.embedding_model, options.embedding_provider or options.provider)


def _asked(options: AnswerRelevancyOptions, execution: Execution, row: Row) -> str | Verdict:
    """The question, or the verdict where there is nothing to ask."""
    missing = no_output(execution)
    if missing is not None:
        return missing
    if not (execution.output or "").strip():
        return Verdict(None, rationale="an empty answer")
    question = question_at(options.question, row, execution)
    return question if question.strip(" {}") else Verdict(None, rationale="no question")


def _questions_call(options: AnswerRelevancyOptions, answer: str) -> ModelCall:
    one = {"question": {"type": "string"}, "noncommittal": {"type": "boolean"}}
    task = (
        f"Make {options.questions} different questions to which this text is the answer, and tell of each whether the text is "
        "noncommittal there: evasive, vague or ambiguous, such as “I don’t know” or “I’m not sure”. Make no "
        f"question of a text that states nothing at all.\n{NO_INSTRUCTIONS}"
    )
    return ModelCall(
        messages=[{"role": "system", "content": task}, {"role": "user", "content": fenced("answer", answer)}],
        response_format=reply_in({"questions": {"type": "array", "items": whole_object(one)}}, "questions"),
        model=options.model,
        provider=options.provider,
        parameters={} if options.temperature is None else {"temperature": options.temperature},
    )


def _made(reply: str | None) -> list[tuple[str, bool]] | None:
    """The questions, each with whether the answer evades it; None where the reply is not in the form asked for."""
    found = read_list(reply, "questions")
    if found is None or not all(map(_is_question, found)):
        return None
    return [(one["question"], one["noncommittal"]) for one in found[:10] if one["question"].strip()]


def _is_question(one: Any) -> bool:
    named = isinstance(one, Mapping) and isinstance(one.get("question"), str)
    return named and isinstance(one.get("noncommittal"), bool)
