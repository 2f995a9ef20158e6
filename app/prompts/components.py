"""Which components two versions of a prompt differ in, and the older one with just some of them taken from the newer."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.core.property_order import is_same_content
from app.files.settings_diff import Setting
from app.prompts.changes import SpecChanges, compare_specs
from app.prompts.mixing import Taken, mix_messages, slots_of
from app.prompts.template import is_example

Component = Literal[
    "prompt_text", "examples", "context", "model", "parameters", "tools", "response_schema", "attributes"
]
Spec = Mapping[str, Any]
TITLES: Mapping[Component, str] = {
    "prompt_text": "Prompt text",
    "examples": "Examples",
    "context": "Context",
    "model": "Model",
    "parameters": "Parameters",
    "tools": "Tools",
    "response_schema": "Response schema",
    "attributes": "Attributes",
}
"""What people call each, in the order in which they are told."""
_OF_KEY: Mapping[str, Component] = {
    "model": "model",
    "provider": "model",
    "endpoint": "model",
    "tools": "tools",
    "linked_tools": "tools",
    "response_format": "response_schema",
    "attributes": "attributes",
}
_TEMPLATE = ("template", "template_language")
_MOST_NAMED = 3
_LONGEST_NAME = 40
_APART = "A chat model takes messages and a completion model one text: model and prompt text change together."


@dataclass(frozen=True, slots=True)
class ComponentChange:
    """A component that differs, and by how much."""

    component: Component
    size: str
    """In words: `3 lines`, `temperature 0.2 to 0`."""

    @property
    def title(self) -> str:
        return TITLES[self.component]

    @property
    def is_sent(self) -> bool:
        """Whether a model sees it: attributes are for people, and cannot move a score."""
        return self.component != "attributes"


def changed_components(older: Spec, newer: Spec) -> list[ComponentChange]:
    """What differs between two specs: none where they are equal, and at least one elsewhere.

    A component differs if taking it alone from `newer` makes another spec of `older`. *Context* is what is filled in, by
    variables and calls of tools, with the lines that do so; *prompt text* is all other words.
    """
    found = []
    for component in TITLES:
        alone = take(older, newer, [component])
        if not is_same_content(alone, dict(older)):
            found.append(ComponentChange(component, _size(component, older, newer, alone)))
    return found


def take(older: Spec, newer: Spec, components: Collection[Component]) -> dict[str, Any]:
    """`older` with these components as `newer` has them: `newer` itself with all, `older` itself with none."""
    kept, taken = (
        {
            key: value
            for key, value in side.items()
            if key not in _TEMPLATE and (component_of(key) in components) is of
        }
        for side, of in ((older, False), (newer, True))
    )
    return kept | taken | _template(older, newer, components)


def component_of(key: str) -> Component:
    """The component that a member of a spec belongs to, other than the template."""
    return _OF_KEY.get(key, "parameters")


def why_not_alone(older: Spec, newer: Spec, component: Component) -> str | None:
    """Why a component cannot be taken alone; None where it can, as far as the two specs say."""
    shapes = [isinstance(side.get("template"), str) for side in (older, newer)]
    other_endpoint = (older.get("endpoint") or "chat") != (newer.get("endpoint") or "chat")
    if component in ("model", "prompt_text") and other_endpoint and shapes[0] != shapes[1]:
        return _APART
    return None


def _template(older: Spec, newer: Spec, components: Collection[Component]) -> dict[str, Any]:
    """Template and language. What cannot be told apart goes with the prompt text as a whole."""
    if not _can_mix(older, newer):
        side = newer if "prompt_text" in components else older
        return {key: side[key] for key in _TEMPLATE if key in side}
    taken = Taken("prompt_text" in components, "context" in components, "examples" in components)
    mixed = mix_messages(_messages(older), _messages(newer), taken)
    return {"template": mixed[0]["content"] if isinstance(older["template"], str) else mixed}


def _can_mix(older: Spec, newer: Spec) -> bool:
    """Whether both templates are in the plain language and of the same shape: lines of Jinja depend on each other."""
    shapes = {type(side.get("template")) for side in (older, newer)}
    plain = all((side.get("template_language") or "default") == "default" for side in (older, newer))
    return plain and shapes in ({str}, {list})


def _messages(spec: Spec) -> list[Mapping[str, Any]]:
    template = spec.get("template")
    if isinstance(template, str):
        return [{"role": "", "content": template}]
    return list(template or ())


def _size(component: Component, older: Spec, newer: Spec, alone: Spec) -> str:
    changes = compare_specs(older, alone)
    if component == "context":
        return _context_size(older, newer)
    if component == "examples":
        return _examples_size(changes)
    if component == "prompt_text":
        lines = sum(max(section.diff.added, section.diff.removed) for section in changes.sections)
        return _count(lines, "line") if lines else "another order or form"
    if component in ("response_schema", "attributes"):
        return _count(len(changes.changed_settings), "field")
    if component == "tools":
        return _count(max(1, changes.tools_changed), "tool")
    return _settings_size(changes.changed_settings)


def _context_size(older: Spec, newer: Spec) -> str:
    """The names that are filled in on one side only."""
    old, new = (slots_of([m for m in _messages(side) if not is_example(m)]) for side in (older, newer))
    names = [f"+{_short(name)}" for name in sorted(new - old)] + [
        f"−{_short(name)}" for name in sorted(old - new)
    ]
    return _named(names, "place")


def _examples_size(changes: SpecChanges) -> str:
    added, removed = changes.examples_added, changes.examples_removed
    if added and removed:
        return f"{_count(added, 'example')} reworded"
    if not (added or removed):
        return "another order or place"
    return f"{_count(added or removed, 'example')} {'more' if added else 'fewer'}"


def _settings_size(settings: Sequence[Setting]) -> str:
    return _named([_setting(setting) for setting in settings], "setting")


def _setting(setting: Setting) -> str:
    if setting.before is None:
        return f"{setting.name} {_short(setting.after or '')}"
    if setting.after is None:
        return f"no {setting.name}"
    named = "" if setting.name == "model" else f"{setting.name} "
    return f"{named}{_short(setting.before)} to {_short(setting.after)}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…"


def _named(names: Sequence[str], noun: str) -> str:
    return ", ".join(names) if len(names) <= _MOST_NAMED else _count(len(names), noun)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
