"""Numbers that people type into addresses and forms."""


def whole(text: str) -> int | None:
    """The whole number that `text` is, if it is one of at most nine digits: longer ones are nowhere meant, and
    thousands of digits cannot even be read."""
    return int(text) if text.isdecimal() and len(text) < 10 else None
