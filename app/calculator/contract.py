"""What a statistic of the API is: its name, its arguments, how it is worked out, and an example."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from app.statistics.figures import Figure


class Arguments(BaseModel):
    """What a statistic takes. Built when it is first asked for: there are dozens, and a process may need none."""

    model_config = ConfigDict(extra="ignore", defer_build=True, use_attribute_docstrings=True)


ArgumentsT = TypeVar("ArgumentsT", bound=Arguments)
Result = Figure | Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Entry(Generic[ArgumentsT]):
    """A statistic that can be asked for.

    `work` raises ValueError, with a sentence that says how to fix it, for arguments that make no sense together.
    `aliases` are other names that it answers to.
    """

    name: str
    purpose: str
    """What it tells, in one sentence."""
    method: str
    """The formula, with what it takes for granted."""
    source: str
    arguments: type[ArgumentsT]
    work: Callable[[ArgumentsT], Result]
    example: Mapping[str, Any]
    """Arguments that can be sent as they are."""
    aliases: tuple[str, ...] = ()
