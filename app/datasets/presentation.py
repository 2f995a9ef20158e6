"""Datapoints as the v5 API shows them."""

from typing import Any

from app.datasets.models import Datapoint


def present_datapoint(datapoint: Datapoint, split: str | None) -> dict[str, Any]:
    """A row of a dataset; the split is the dataset version's, not the row's own."""
    return {
        "id": datapoint.id,
        "inputs": datapoint.inputs,
        "messages": datapoint.messages,
        "target": datapoint.target,
        "context": datapoint.context,
        "cluster": datapoint.cluster,
        "metadata": datapoint.details,
        "split": split,
    }
