"""Similarity of meaning, by an embedding model."""

from collections.abc import Sequence

from pydantic import Field

from app.evaluators.kinds.comparing import NO_TARGET, TargetOptions, TargetUnclear, accepted_values, text_of
from app.evaluators.kinds.contract import (
    EmbeddingCall,
    Execution,
    Kind,
    ModelRef,
    Row,
    Traits,
    Verdict,
    no_output,
    storable,
)
from app.evaluators.kinds.vectors import NOTHING_FOUND, cosines, read_vectors

_MOST_TARGETS = 50


class EmbeddingSimilarityOptions(TargetOptions):
    model: str = Field(min_length=1)
    """The embedding model, such as `text-embedding-3-small`. The practice model `practice-embed-small` knows spelling only."""
    provider: str | None = None
    """Where the model is. Empty: the workspace's only provider; with several, that of the model's maker, or the one called `openai`."""


class EmbeddingSimilarity(Kind[EmbeddingSimilarityOptions]):
    """How near is the meaning of the output to the target's, from 0 to 1?

    The cosine of the two texts' vectors, which an embedding model makes; a cosine below 0 counts as 0. If the target
    is a list, the nearest of its items counts. Each model has a scale of its own: compare versions by the same one,
    and find out on rows of yours what is near. Output and targets are sent to the provider in one call, which has a
    log and a cost. A text that is too long for the model is an error; where it
    finds nothing in one there is no score.
    """

    name = "embedding_similarity"
    title = "Embedding similarity"
    purpose = "Comparison with a target"
    keywords = "semantic cosine vectors BERTScore"
    returns = Traits("number", needs_target=True)
    Options = EmbeddingSimilarityOptions

    def traits(self, options: EmbeddingSimilarityOptions) -> Traits:
        return Traits("number", needs_target=True, asks=(ModelRef(options.model, options.provider),))

    def calls(
        self,
        options: EmbeddingSimilarityOptions,
        execution: Execution,
        row: Row,
        answers: Sequence[str | None] = (),
    ) -> Sequence[EmbeddingCall]:
        """One call; none where there is nothing to compare."""
        if answers:
            return ()
        texts = _texts(options, execution, row)
        return () if isinstance(texts, Verdict) else [EmbeddingCall(texts, options.model, options.provider)]

    def judge(
        self,
        options: EmbeddingSimilarityOptions,
        execution: Execution,
        row: Row,
        answers: Sequence[str | None] = (),
    ) -> Verdict:
        texts = _texts(options, execution, row)
        if isinstance(texts, Verdict):
            return texts
        vectors = read_vectors(answers[0] if answers else None)
        if len(vectors) != len(texts):
            return Verdict(None, error="The model gave no vectors that can be compared")
        found = cosines(vectors)
        return Verdict(max(0.0, *found)) if found else NOTHING_FOUND


def _texts(options: EmbeddingSimilarityOptions, execution: Execution, row: Row) -> list[str] | Verdict:
    """The output and the targets, or the verdict where there is nothing to ask: providers refuse empty texts."""
    missing = no_output(execution)
    if missing is not None:
        return missing
    try:
        accepted = accepted_values(row.target, options.target_field)
    except TargetUnclear as unclear:
        return Verdict(None, error=storable(str(unclear)))
    if not accepted:
        return NO_TARGET
    targets = [text for text in map(text_of, accepted) if text.strip()]
    output = execution.output or ""
    if not output.strip() or not targets:
        alike = not output.strip() and len(targets) < len(accepted)
        return Verdict(float(alike), rationale="the output or the target is empty")
    if len(targets) > _MOST_TARGETS:
        return Verdict(
            None, error=f"too many targets to compare: {len(targets):,}, at most {_MOST_TARGETS} are"
        )
    return [output, *targets]
