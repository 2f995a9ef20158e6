"""The shapes of comments and mentions."""

from typing import Literal

from app.reference.answers.shape import Moment, Shape


class NamedPerson(Shape):
    id: str
    full_name: str


class Comment(Shape):
    id: str
    about: Literal["version", "row", "log"]
    version_id: str | None
    datapoint_id: str | None
    log_id: str | None
    title: str
    """What it is about, in words."""
    body: str
    """Plain text, with the names that the people whom it mentions have now."""
    mentions: list[NamedPerson]
    author: NamedPerson
    created_at: str
    edited_at: Moment
    url: str


class Mention(Comment):
    read_at: Moment
    """Null until the key's maker has opened the page that it stands on, or said that they have read it."""


class ReadMentions(Shape):
    read: int
