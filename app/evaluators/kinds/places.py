"""Places: where in a log and its row something stands, such as `testcase.metadata.retrieved[0]`."""

from collections.abc import Sequence


def checked_place(value: str | None, roots: Sequence[str]) -> str | None:
    """`value`, if it is one of `roots` or lies below one, or is None.

    Raises:
        ValueError: it begins with none of them; the message lists them.
    """
    if value is not None and not any(
        value == root or value.startswith((f"{root}.", f"{root}[")) for root in roots
    ):
        msg = f"“{value}” is no place: it begins with {', '.join(roots)}"
        raise ValueError(msg)
    return value
