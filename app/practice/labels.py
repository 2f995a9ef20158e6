"""The labels that an instruction lists: bullets, numbers, one name a line, or a list within a line."""

import re

from app.practice.memory import remembered

Labels = tuple[tuple[str, str], ...]
"""(name, description) in the prompt's order; the description may be empty."""

HEADING = re.compile(r"^[ \t]*#+ [^\n]*$|</?[a-zA-Z][\w-]*>", re.MULTILINE)
ITEM = re.compile(
    r"^[ \t]*(?:[-*•]|\d+[.)])[ \t]+[`\"']?([^\n:]{1,60}?)[`\"']?"
    r"(?:[ \t]*(?::|[-–—][ \t])[ \t]*([^\n]+))?[ \t]*$",
    re.MULTILINE,
)
CUE = re.compile(r"[:\[(]|\b(?:one of|either|between|into|from|as|are|is it|is this)\b:?", re.IGNORECASE)
CHOOSE = re.compile(
    r"classif|categor|intent|label|topic|sentiment|choose|pick|assign|one of|which of|whether|\bis (?:it|this)\b"
    r"|decide|route|sort",
    re.IGNORECASE,
)
LIST_END = re.compile(r"[.!:](?:\s|$)|\?$|[)\]]")
BETWEEN = re.compile(r"[,;|/]| or ")
SLASHES = re.compile(r"[\w-]+(?: ?/ ?[\w-]+)+")
SEPARATOR = re.compile(r"\s*[,;|\n]\s*(?:or |and )?|\s+or\s+")

CUES_A_LINE = 40
LIST_CHARACTERS = 12_000


def short_items(block: str) -> tuple[str, ...]:
    """The items of a list of names, or () when it is prose."""
    bare = block.strip().strip("[]").rstrip(".")
    raw = bare.split("/") if SLASHES.fullmatch(bare) else SEPARATOR.split(bare)
    items = tuple(dict.fromkeys(item for item in (entry.strip(" \t`\"'[]•*-") for entry in raw) if item))
    lengths = [len(item.split()) for item in items]
    return items if len(items) >= 2 and max(lengths) <= 6 and sum(lengths) <= 4 * len(items) else ()


def _bulleted(text: str) -> Labels:
    found = [(m[1].strip(), m[2] or "") for m in ITEM.finditer(text)]
    is_list = len(found) >= 2 and sum(len(name.split()) for name, _ in found) <= 4 * len(found)
    return tuple(dict(found).items()) if is_list else ()


def _within_a_line(text: str) -> tuple[str, ...]:
    """The longest list that follows a cue such as 'one of' or a colon; of equals the last cue's."""
    best: tuple[str, ...] = ()
    for line in text.split("\n"):
        if not BETWEEN.search(line):
            continue
        for cue in list(CUE.finditer(line))[:CUES_A_LINE]:
            rest = line[cue.end() : cue.end() + LIST_CHARACTERS]
            items = short_items(LIST_END.split(rest, maxsplit=1)[0])
            if len(items) >= max(2, len(best)):
                best = items
    return best


def _one_a_line(text: str, longer_than: int) -> tuple[str, ...]:
    best: tuple[str, ...] = ()
    for block in re.split(r"\n\s*\n", text):
        lines = block.split("\n")
        names = [line.strip() for line in lines[1 if ":" in lines[0] else 0 :] if line.strip()]
        if len(names) > max(longer_than, len(best)) and max(len(name.split()) for name in names) <= 5:
            best = tuple(names)
    return best


@remembered()
def read_labels(text: str) -> Labels:
    """The labels listed in an instruction, else ()."""
    text = HEADING.sub("\n", text)
    if bulleted := _bulleted(text):
        return bulleted
    inline = _within_a_line(text) if CHOOSE.search(text) else ()
    names = _one_a_line(text, max(3, len(inline))) or inline
    return tuple((name, "") for name in dict.fromkeys(names))
