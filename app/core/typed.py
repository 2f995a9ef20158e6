"""Numbers that people type into addresses and forms."""


def whole(text: str, digits: int = 9) -> int | None:
    """The whole number that `text` is, if it is one of at most nine digits, or of so many: longer ones are nowhere meant,
    and thousands of digits cannot even be read."""
    return int(text) if text.isdecimal() and len(text) <= digits else None
