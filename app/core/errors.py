"""Errors that the domains raise; each class carries the HTTP status that the doors answer with.

DomainError
├── Unauthenticated 401   who are you?
├── OverBudget      402   the money that may be spent is spent
├── Forbidden       403   we know you, and your role may not
├── NotFound        404   not there, or not yours to know of
├── Conflict        409   it would break something that exists
├── TooLarge        413   over a limit that the message names
├── Unsupported     415   in a form that is not read
├── Invalid         422   the input is wrong; the message says how to fix it
├── TooMany         429   come back after `retry_after` seconds
└── Unavailable     503   something that we need is away
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class DomainError(Exception):
    """An expected failure, with a message meant for the person who caused it."""

    status = 400
    title = "That did not work"
    number: int | None = None
    """Where several things came together: which of them it is about, from 0."""
    way: tuple[str | int, ...] = ()
    """To that one in the body of the request."""

    def __init__(self, message: str, **detail: Any) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail

    def name_place(self, name: str) -> None:
        """Say in the message which of the things in this list of the body it is about, where that is known."""
        if self.number is not None and not self.way:
            self.way = (name, self.number)
            self.message = f"{name}[{self.number}]: {self.message}"


@contextmanager
def about(number: int) -> Iterator[None]:
    """What is raised within is about this one of several things, unless it is known to be about another."""
    try:
        yield
    except DomainError as error:
        if error.number is None:
            error.number = number
        raise


class Unauthenticated(DomainError):
    """No valid session or key came with the request."""

    status = 401
    title = "Sign in"


class OverBudget(DomainError):
    """What may be spent is spent."""

    status = 402
    title = "The budget is spent"


class Forbidden(DomainError):
    """The caller is known, and its role does not allow this."""

    status = 403
    title = "Your role does not allow this"


class NotFound(DomainError):
    """The thing is not there, or lies outside the caller's workspace."""

    status = 404
    title = "Nothing here"


class Conflict(DomainError):
    """The request contradicts what is stored."""

    status = 409
    title = "That is taken"


class StaleForm(Forbidden):
    """A page's form came with the token of another session."""

    title = "This form is out of date"


class TooLarge(DomainError):
    """The input is over a size limit."""

    status = 413
    title = "Too large"


class TooSlow(DomainError):
    """The input did not come in time."""

    status = 408
    title = "Too slow"


class Unsupported(DomainError):
    """The input comes in a form that is not read."""

    status = 415
    title = "Not readable"


class Invalid(DomainError):
    """The input is wrong; `fields` maps a field's name to what to do about it."""

    status = 422
    title = "Check what you entered"

    def __init__(self, message: str, *, fields: dict[str, str] | None = None, **detail: Any) -> None:
        super().__init__(message, **detail)
        self.fields = fields or {}

    def name_place(self, name: str) -> None:
        super().name_place(name)
        if self.way:
            at = f"{self.way[0]}[{self.way[1]}]: "
            self.fields = {each: f"{at}{text.removeprefix(at)}" for each, text in self.fields.items()}


class TooMany(DomainError):
    """A rate limit was reached."""

    status = 429
    title = "Too many requests"

    def __init__(self, message: str, *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unavailable(DomainError):
    """A part that the request needs is away."""

    status = 503
    title = "Not available right now"


class NoSpace(DomainError):
    """A disk of the server is full."""

    status = 507
    title = "No space left"
