"""How much work a JSON schema can make: its parts, with those that it refers to, and how often it refers to itself."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from app.evaluators.kinds.patterns import compiled

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_ONE = (
    "additionalProperties", "items", "contains", "not", "if", "then", "else", "propertyNames", "unevaluatedItems",
    "unevaluatedProperties",
)  # fmt: skip
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_ALTERNATIVES = ("anyOf", "oneOf")
_MAPS = ("properties", "patternProperties", "dependentSchemas", "dependencies")
"""With the `dependencies` of older drafts, which the library goes by in this one, too."""
_LARGEST = 5_000
_DEEPEST = 200
_MOST_PATTERNS = 100
"""Each may take a megabyte, and another one while it is looked for."""
_STEPS_OF_A_PART = 4
"""Of a pattern, counted as RE2 counts them: so many take as long at a character as a part of the schema (measured)."""
_UNREADABLE_PATTERN = 3_000
"""Parts that a pattern counts as which RE2 does not read. The largest one that is taken takes about as long."""


class SchemaShape(NamedTuple):
    """What bounds the time that a value takes to check."""

    size: int
    """Its parts, with the members of their lists, and patterns by their length; one that is referred to from several places
    counts at each of them."""
    turns: int
    """From how many of them it leads back into itself."""
    has_alternatives: bool
    """Whether one of them is `anyOf` or `oneOf`, whose problem holds those of all that it might have been."""


def shape_of(schema: Mapping[str, Any]) -> SchemaShape:
    """The shape of a schema.

    Raises:
        ValueError: it refers to something outside of it, is of another draft, or so large that a check by it could take
            any time: with 40 definitions, each of which names the next one twice, a million million steps.
    """
    if str(schema.get("$schema", DRAFT)).removesuffix("#") != DRAFT:
        msg = f"it is read as draft 2020-12: its $schema is {DRAFT}, or left out"
        raise ValueError(msg)
    _refuse_inner_schemas(schema)
    size = turns = patterns = alternatives = 0
    left: list[tuple[Any, tuple[int, ...]]] = [(schema, ())]
    while left:
        part, within = left.pop()
        if not isinstance(part, Mapping):
            continue
        if id(part) in within:
            turns += 1
            continue
        found = _patterns(part)
        patterns += len(found)
        alternatives += any(name in part for name in _ALTERNATIVES)
        size += 1 + _members(part) + sum(map(_weight, found))
        if patterns > _MOST_PATTERNS:
            msg = (
                f"it has too many patterns: at most {_MOST_PATTERNS}, each counted wherever it is referred to"
            )
            raise ValueError(msg)
        if size > _LARGEST or len(within) > _DEEPEST:
            msg = f"it is too large: at most {_LARGEST:,} parts, {_DEEPEST} within each other, each counted wherever it is referred to"
            raise ValueError(msg)
        inside = (*within, id(part))
        left += [(inner, inside) for inner in _parts(part, schema)]
    return SchemaShape(size, max(1, turns), alternatives > 0)


def _refuse_inner_schemas(schema: Mapping[str, Any]) -> None:
    """An $id or $schema in a part makes another schema of it, in which references lead elsewhere; also where only a reference
    leads to it.

    Raises:
        ValueError: there is one.
    """
    left: list[Any] = [*schema.values()]
    while left:
        part = left.pop()
        if isinstance(part, list):
            left += part
        elif isinstance(part, Mapping):
            for name in ("$id", "$schema"):
                if isinstance(part.get(name), str):
                    msg = f"only the whole schema may have an {name}, and no part of it"
                    raise ValueError(msg)  # noqa: TRY004 - becomes a message
            left += part.values()


def _members(part: Mapping[str, Any]) -> int:
    """How many members the lists of a part have, such as `enum` and `required`: a value may be compared with each."""
    lists = [one for name, one in part.items() if name not in _LISTS]
    for name in ("dependentRequired", "dependencies"):
        if isinstance(part.get(name), Mapping):
            lists += part[name].values()
    return sum(len(one) for one in lists if isinstance(one, list))


def _patterns(part: Mapping[str, Any]) -> list[str]:
    named, own = part.get("patternProperties"), part.get("pattern")
    return [*(named if isinstance(named, Mapping) else ()), *([own] if isinstance(own, str) else ())]


def _weight(pattern: str) -> int:
    """How many parts a pattern counts as."""
    try:
        return int(compiled(pattern).programsize) // _STEPS_OF_A_PART
    except ValueError:
        return _UNREADABLE_PATTERN


def _parts(part: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Any]:
    """The schemas that stand in a schema, and what it refers to."""
    for name in ("$dynamicRef", "$recursiveRef"):
        if name in part:
            msg = f"{name} is not known here: use $ref"
            raise ValueError(msg)
    if isinstance(part.get("$ref"), str):
        yield _referred(part["$ref"], schema)
    for name in _ONE:
        yield part.get(name)
    for name in _LISTS:
        if isinstance(part.get(name), list):
            yield from part[name]
    for name in _MAPS:
        if isinstance(part.get(name), Mapping):
            yield from part[name].values()


def _referred(reference: str, schema: Mapping[str, Any]) -> Any:
    """What a reference leads to (RFC 6901)."""
    if reference not in ("", "#") and not reference.startswith("#/"):
        msg = (
            f"“{reference[:200]}” is not fetched: a $ref leads to a place in the schema, such as #/$defs/item"
        )
        raise ValueError(msg)
    found: Any = schema
    for step in unquote(reference).split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and name.isdecimal() and int(name[:9]) < len(found):
            found = found[int(name[:9])]
        elif isinstance(found, Mapping) and name in found:
            found = found[name]
        else:
            msg = f"there is nothing at “{reference[:200]}”"
            raise ValueError(msg)
    return found
