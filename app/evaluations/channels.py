"""The names of the channels that evaluations publish on."""


def evaluation_channel(evaluation_id: str) -> str:
    """Where an evaluation says that something about it changed."""
    return f"evaluation:{evaluation_id}"
