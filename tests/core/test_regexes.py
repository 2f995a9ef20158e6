"""Every regular expression of ours takes a time that grows no faster than its text, whatever repeats in it.

For each one, texts that match it are made, a piece is repeated until they are long, and their end is spoilt.
"""

import ast
import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
LONG = 20_000
MOST_S = 0.5
"""Of processor time for 20,000 characters: one that is quadratic takes longer, and one that is linear a thousandth."""
OF_ITS_OWN = {"practice", "embedded", "commands"}
"""The practice model squeezes and cuts its texts first, in a process of its own (`tests/practice/test_hostile.py`);
the others read what we wrote ourselves."""


AT_MOST = dict.fromkeys(
    (f"app/evaluators/kinds/{name}.py" for name in ("last_line", "verdict_lines", "verdict_values")),
    2_000,
)
"""Characters that a module's expressions are given, where that is fewer: a line of a judge's reply."""


def _expressions() -> dict[str, re.Pattern[str]]:
    found = {}
    for path in sorted(ROOT.glob("app/**/*.py")):
        if path.relative_to(ROOT).parts[1] in OF_ITS_OWN:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re.") and node.args:
                flags = (
                    ast.unparse(node.args[1])
                    if ast.unparse(node.func) == "re.compile" and node.args[1:]
                    else "0"
                )
                if isinstance(node.args[0], ast.Constant):
                    name = f"{path.relative_to(ROOT)}:{node.lineno}"
                    said = node.args[0].value
                    text = said.decode() if isinstance(said, bytes) else said
                    found[name] = re.compile(text, eval(flags, {"re": re}))
    from app.files.diff import _TOKEN

    return found | {"app/files/diff.py _TOKEN": _TOKEN}


EXPRESSIONS = _expressions()


def test_they_are_found() -> None:
    assert len(EXPRESSIONS) >= 12


@pytest.mark.parametrize("name", EXPRESSIONS)
@given(data=st.data())
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
def test_no_text_takes_long(name: str, data: st.DataObject) -> None:
    pattern = EXPRESSIONS[name]
    text = data.draw(st.from_regex(pattern))[:200]
    at = data.draw(st.integers(0, max(0, len(text) - 1)))
    size = data.draw(st.integers(1, 3))
    piece = text[at : at + size] or " "
    longest = AT_MOST.get(name.partition(":")[0], LONG)
    pumped = (
        text[:at] + piece * (longest // len(piece)) + data.draw(st.sampled_from(["\0", "", "!", text[at:]]))
    )
    for look in (pattern.search, pattern.fullmatch, pattern.findall):
        began = time.process_time()
        look(pumped)
        assert time.process_time() - began < MOST_S, f"{pattern.pattern!r} on {text[:at]!r} + {piece!r} * n"


@pytest.mark.parametrize(
    "output",
    ["```\n" + "\n" * 1_000_000 + "x```", "```json\n" + " \n" * 500_000 + "```x", "`" * 1_000_000, "1," * 500_000 + "x",
     "1" * 1_000_000, "-" * 1_000_000, "a " * 500_000, "the " * 250_000, "[" * 1_000_000, '{"a":' * 200_000, "e1" * 500_000],
    ids=range(11),
)  # fmt: skip
def test_no_output_keeps_an_evaluator_busy(output: str) -> None:
    from tests.evaluators.cases import verdict

    cases = [
        ("exact", {}), ("contains", {"text": "a" * 50}), ("numeric", {}), ("json_valid", {"in_fence": True}),
        ("json_field", {"path": "a", "in_fence": True}), ("class_match", {}), ("token_f1", {}), ("exact_match_squad", {}),
    ]  # fmt: skip
    for kind, options in cases:
        began = time.process_time()
        verdict(kind, output, **options)
        assert time.process_time() - began < 2, kind
