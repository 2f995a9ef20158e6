"""What a child can be asked to do. Each program is a function from a request to a plain value.

It runs where nothing can be opened and little is allowed: whatever it imports must be imported here, before.
"""


class Failure(Exception):
    """A program did not come to a value, and says so in words for the person who wrote it."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        """Of the person's own program, from 1."""
