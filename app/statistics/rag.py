"""From verdicts on statements and passages to the scores of RAGAS (Es et al. 2023), a row at a time.

An empty denominator is undefined, not 0: no statement, no passage that is of use.
"""

from collections.abc import Sequence


def supported_share(verdicts: Sequence[float]) -> float | None:
    """Statements that hold, of all: faithfulness of an answer, or recall of a context by the reference's statements."""
    return sum(verdicts) / len(verdicts) if verdicts else None


def context_precision(useful: Sequence[float]) -> float | None:
    """Σ_k P@k v_k / Σ v_k over passages in their order: what is of use stands at the top. None where nothing is."""
    seen, score = 0.0, 0.0
    for place, one in enumerate(useful, 1):
        seen += one
        score += one * seen / place
    return score / seen if seen else None


def answer_relevancy(similarities: Sequence[float], noncommittal: Sequence[float]) -> float | None:
    """The mean similarity of the question with those made from the answer; 0 only where all of them are noncommittal."""
    if not similarities:
        return None
    if noncommittal and all(noncommittal):
        return 0.0
    return sum(similarities) / len(similarities)
