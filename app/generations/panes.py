"""What runs on the same inputs beside the draft: its base, and up to three panes of any version, model and temperature."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from app.core.errors import Invalid
from app.core.typed import whole
from app.files import service as files
from app.generations import editing
from app.generations.draft import MOST_PANES, Draft, Pane, draft_of
from app.generations.editing import Workbench

DRAFT, BASE = "draft", "base"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the answers that are asked for."""

    name: str
    """What the editor calls it."""
    draft: Draft


def sides_of(session: Session, bench: Workbench, draft: Draft) -> Mapping[str, Side]:
    """All that runs, by the key that the form names it by, in the order in which the answers stand.

    Raises:
        NotFound: a pane names a version that is not there.
        Invalid: it names no version, or there are too many.
    """
    sides: dict[str, Side] = {}
    base = base_side(bench, draft)
    if draft.beside and base:
        sides[BASE] = base
    sides[DRAFT] = Side("Draft", draft)
    for place, pane in enumerate(draft.panes):
        sides[str(place)] = _side(session, bench, draft, pane)
    if len(sides) > MOST_PANES:
        raise Invalid(f"Up to {MOST_PANES} answers stand beside each other: remove a pane.")
    return sides


def side_of(session: Session, bench: Workbench, draft: Draft, key: str) -> Side:
    """One of them alone, whatever is wrong with the others; the draft where the form names none of them.

    Raises:
        NotFound, Invalid: as `sides_of` does, of this one.
    """
    place = whole(key)
    if place is not None and 0 <= place < min(len(draft.panes), MOST_PANES):
        return _side(session, bench, draft, draft.panes[place])
    base = base_side(bench, draft) if key == BASE else None
    return base or Side("Draft", draft)


def called(name: str, sample: int, draft: Draft) -> str:
    """What one of the answers of a side is called, by its number from 1, where `draft` says how many there are."""
    return name if draft.samples == 1 else f"{name}, answer {sample}"


def base_side(bench: Workbench, draft: Draft) -> Side | None:
    """The version that the draft began on, where there is one."""
    base = editing.draft_of_base(bench, draft)
    return Side(f"v{bench.base.number}", base) if bench.base and base else None


def _side(session: Session, bench: Workbench, draft: Draft, pane: Pane) -> Side:
    number = whole(pane.version)
    if pane.version and (number is None or bench.file is None):
        raise Invalid(f"“{pane.version:.20}” is no version of this prompt: choose another one for the pane.")
    if number is None or bench.file is None:
        name, shown = "Draft", replace(draft, panes=[])
    else:
        version = files.get_version_number(session, bench.file, number)
        name = f"v{version.number}"
        shown = editing.on_inputs_of(bench, draft, draft_of(version.spec))
    changed = {name: text for name, text in pane.settings.items() if text}
    if "model" in changed and "provider" not in changed:
        changed["provider"] = _provider_of(bench, changed["model"], shown.values.get("provider", ""))
    said = [name, *(text for text in (pane.model, pane.provider) if text)]
    said += [f"temperature {pane.temperature}"] if pane.temperature else []
    return Side(", ".join(said), replace(shown, values={**shown.values, **changed}))


def _provider_of(bench: Workbench, model: str, before: str) -> str:
    """The provider that is known to have a model: the one of before, else the only other one."""
    having = [provider.name for provider in bench.providers if model in provider.models]
    return before if before in having or len(having) != 1 else having[0]
