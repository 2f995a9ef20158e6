"""The content of a prompt with what its template includes."""

from collections.abc import Sequence
from typing import TypeVar

from app.files.includes import Included, Includes
from app.prompts.spec import ChatMessage, ModelSpec

Said = TypeVar("Said", bound=ModelSpec)


def with_includes(
    includes: Includes, spec: Said, within: str | None = None
) -> tuple[Said, Sequence[Included]]:
    """The content with what its template includes, and what that is. `within` is the file that it is of.

    Raises:
        Invalid: as `Includes.expand`.
    """
    template = spec.template
    if template is None:
        return spec, ()
    said = template if isinstance(template, str) else [one.model_dump(exclude_none=True) for one in template]
    expanded = includes.expand(said, spec.template_language, within)
    if not expanded.included:
        return spec, ()
    full = expanded.template
    read = full if isinstance(full, str) else [ChatMessage.model_validate(one) for one in full]
    return spec.model_copy(update={"template": read}), expanded.included
