"""The YAML above a `.prompt` file's messages: settings that read back as exactly the values that were written.

Only what JSON can say is read: no dates, no binary, no tags. Aliases are read, and refused later when what they unfold
to is too much to store.
"""

from collections.abc import Mapping
from typing import Any

import yaml

# The parser in C, where the wheel has it, is ten times as fast: clients with local files send one with every call.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_TAGS = tuple(f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map"))
_NO_LIMIT = 2**31 - 1


class _JsonLoader(_Loader):  # type: ignore[misc]  # one of two classes
    """YAML that says what JSON can say."""


_JsonLoader.yaml_constructors = {
    tag: construct
    for tag, construct in yaml.SafeLoader.yaml_constructors.items()
    if tag is None or tag in _TAGS
}
_JsonLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in _TAGS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Representer(yaml.representer.SafeRepresenter):  # type: ignore[misc]  # the package has no types
    """Values as JSON writes them: one line, texts and names in quotes, nothing named twice by reference."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, style='"')


_Representer.add_representer(str, _Representer.represent_str)


class Unreadable(Exception):
    """It is no YAML that says what JSON can say. `line` counts from 0."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


def read(text: str) -> dict[str, Any]:
    """The settings that `text` gives.

    Raises:
        Unreadable: with the line.
    """
    try:
        found = yaml.load(text, Loader=_JsonLoader)  # noqa: S506 - a safe loader with fewer types
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(str(error.problem or error.context), mark.line if mark else 0) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unreadable(str(error).splitlines()[0][:200], 0) from None
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
        raise Unreadable("write settings as `name: value`", 0)
    return found


def write(settings: Mapping[str, Any]) -> str:
    """`settings`, one a line: plain words as they are, everything nested as JSON. `read` gives the same values."""
    node = _Representer(default_flow_style=True, sort_keys=False).represent_data(dict(settings))
    node.flow_style = False
    for name, value in node.value:
        name.style = None
        if isinstance(value, yaml.ScalarNode) and value.value.isprintable():
            value.style = None
    return str(yaml.serialize(node, Dumper=_Dumper, allow_unicode=True, width=_NO_LIMIT))
