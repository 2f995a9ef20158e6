"""What honest programs come to, and how they are told what they did wrong, and in which line."""

import pytest

from app.sandbox.frames import MOST_PRINTS, Answer
from app.sandbox.supervisor import Sandbox
from tests.sandbox.asking import evaluate
from tests.sandbox.honest import IDIOMS, NUMERIC


@pytest.mark.parametrize("name", IDIOMS)
def test_the_standard_library_works(name: str, sandbox: Sandbox) -> None:
    flavour = "numeric" if name in NUMERIC else "standard"
    answer = evaluate(sandbox, f"def evaluate(log):\n    {IDIOMS[name]}", flavour=flavour)
    assert answer == Answer(True), answer


def test_there_are_many_modules() -> None:
    assert len(IDIOMS) >= 57


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("True", True), ("None", None), ("3", 3), ("-0.5", -0.5), ("'ä€😀'", "ä€😀"), ("''", ""), ("2**63-1", 2**63 - 1),
        ("['a', 'b']", ["a", "b"]), ("('a',)", ["a"]), ("{'b', 'a'}", ["a", "b"]), ("[]", []), ("'x' * 65_536", "x" * 65_536),
        ("'a\\0b'", "a\ufffdb"), ("'a\\ud800b'", "a?b"), ("__import__('enum').IntEnum('E', 'a').a", 1),
        ("type('S', (str,), {})('s')", "s"), ("type('F', (float,), {})(1.5)", 1.5),
    ],
)  # fmt: skip
def test_plain_values_come_back(said: str, value: object, any_sandbox: Sandbox) -> None:
    answer = evaluate(any_sandbox, f"def f(log):\n    return {said}")
    assert (answer.value, type(answer.value), answer.error) == (value, type(value), None)


@pytest.mark.parametrize(
    ("said", "value"),
    [("np.float64(0.5)", 0.5), ("np.int8(3)", 3), ("np.bool_(True)", True), ("np.array([1.5])[0]", 1.5), ("np.str_('a')", "a")],
)  # fmt: skip
def test_scalars_of_numpy_are_plain(said: str, value: object, any_sandbox: Sandbox) -> None:
    answer = evaluate(any_sandbox, f"import numpy as np\ndef f(log):\n    return {said}", flavour="numeric")
    assert (answer.value, type(answer.value)) == (value, type(value)), answer


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("{'a': 1}", "it returned a dict, and not True, False, a number, a text, a list of texts or None"),
        ("[1]", "a list that is not of at most 1,000 texts"),
        ("2**63", "more than 64 bits"), ("-2**63-1", "more than 64 bits"), ("10**5000", "more than 64 bits"),
        ("float('nan')", "not finite: nan"), ("1e400", "not finite: inf"), ("'x' * 65_537", "more than 65,536 characters"),
        ("['x'] * 1_001", "a list that is not of at most 1,000 texts"), ("lambda: 1", "it returned a function"),
        ("(yield)", "it returned a generator"),
    ],
)  # fmt: skip
def test_other_values_are_refused_in_words(said: str, reason: str, any_sandbox: Sandbox) -> None:
    answer = evaluate(any_sandbox, f"def f(log):\n    return {said}")
    assert answer.error is not None
    assert answer.error.startswith("f: it returned ")
    assert reason in answer.error


@pytest.mark.parametrize(
    "code",
    [
        "def f(log):\n    return log['output'] == 'Paris'",
        "def f(log, testcase):\n    return log['output'] == testcase['target']['answer']",
        "def f(*given):\n    return len(given) == 2 and given[1]['target']['answer'] == 'Paris'",
        "def f(log, testcase=None, other=3):\n    return testcase is not None and other == 3",
        "def f(log, /, *, strict=True):\n    return strict",
        "f = lambda log: log['output'] == 'Paris'",
        "def helper(log):\n    return False\nfrom typing import Any\nf: Any = lambda log: log['output'] == 'Paris'",
        "def helper(a, b, c):\n    return True\ndef f(log):\n    return helper(1, 2, 3)",
        "import functools\ndef twice(g):\n    @functools.wraps(g)\n    def made(*a):\n        return g(*a)\n    return made\n@twice\ndef f(log):\n    return True",
        "N = 3\nclass A:\n    def g(self):\n        return N\ndef f(log):\n    return A().g() == 3",
    ],
)  # fmt: skip
def test_the_last_function_is_called_with_what_it_takes(code: str, any_sandbox: Sandbox) -> None:
    assert evaluate(any_sandbox, code) == Answer(True)


@pytest.mark.parametrize(
    ("code", "error", "line"),
    [
        ("def f(log):\n    x = 1\n    return x / 0", "ZeroDivisionError: division by zero", 3),
        ("def g():\n    raise ValueError('no')\n\ndef f(log):\n    return g()", "ValueError: no", 2),
        ("def f(log):\n    return log['nothing']", "KeyError: 'nothing'", 2),
        ("def f(log)\n    return 1", "SyntaxError: expected ':'", 1),
        ("def f(log):\nreturn 1", "IndentationError: expected an indented block after function definition on line 1", 2),
        ("x = 1 / 0\ndef f(log):\n    return 1", "ZeroDivisionError: division by zero", 1),
        ("x = 1", "The program defines no function: write `def evaluate(log, testcase):` …", None),
        ("if True:\n    def f(log):\n        return 1", "The program defines its functions within other statements: write the `def` at the beginning of a line", None),
        ("try:\n    x = 1\nexcept ValueError:\n    f = lambda log: 1", "The program defines its functions within other statements: write the `def` at the beginning of a line", None),
        ("class E:\n    def f(log):\n        return 1", "The program defines no function: write `def evaluate(log, testcase):` …", None),
        ("def f():\n    return 1", "f takes 0 arguments: write it with one, (log), or two, (log, testcase)", None),
        ("def f(a, b, c):\n    return 1", "f takes 3 arguments: write it with one, (log), or two, (log, testcase)", None),
        ("async def f(log):\n    return 1", "f is an async function: write `def`, not `async def`", None),
        ("def f(log):\n    import requests", "There is no module 'requests' here: evaluators have Python's standard library", 2),
        ("import pandas as pd\ndef f(log):\n    return 1", "There is no module 'pandas' here: evaluators have Python's standard library", 1),
        ("def f(log):\n    raise SystemExit", "The program ended itself: return a value instead", 2),
        ("def f(log):\n    raise KeyboardInterrupt", "KeyboardInterrupt", 2),
        ("class E(Exception):\n    def __str__(self):\n        raise SystemExit\ndef f(log):\n    raise E", "E: (its text could not be read)", 5),
        ("def f(log):\n    raise ValueError('a\\0\\ud800b')", "ValueError: a\ufffd?b", 2),
        ("def f(log):\n    return f(log)", "RecursionError: maximum recursion depth exceeded", 2),
        ("f = 3\ndef f(log): ...\nf = 4", "f is no function any more when the program has run", None),
        ("def f(log):\n    return " + "(" * 300 + ")" * 300, "SyntaxError: too many nested parentheses", 2),
        ("x = " + "-" * 60_000 + "1\ndef f(log): ...", "The program is nested too deeply to be read", None),
        ("# " + "x" * 65_536, "The program has 65,538 characters; 65,536 are the most", None),
        ("def f(log):\n    return bytearray(1 << 30)", "The program used more than 512 MiB of memory", 2),
    ],
)  # fmt: skip
def test_errors_say_what_and_where(code: str, error: str, line: int | None, any_sandbox: Sandbox) -> None:
    answer = evaluate(any_sandbox, code)
    assert (answer.error, answer.line, answer.value) == (error, line, None)


def test_a_program_with_nul_is_refused(any_sandbox: Sandbox) -> None:
    assert "source code string cannot contain null bytes" in (
        evaluate(any_sandbox, "def f(log): ...\0").error or ""
    )


def test_a_flavour_says_what_it_has(any_sandbox: Sandbox) -> None:
    answer = evaluate(any_sandbox, "import pandas\ndef f(log): ...", flavour="numeric")
    assert answer.error == (
        "There is no module 'pandas' here: evaluators have Python's standard library, numpy and rapidfuzz"
    )


@pytest.mark.parametrize(
    "code",
    [
        "class V:\n    __class__ = str\ndef f(log):\n    return V()",
        "class V(str):\n    def __len__(self):\n        raise SystemExit\ndef f(log):\n    return V('x')",
        "class V(list):\n    def __iter__(self):\n        raise KeyboardInterrupt\ndef f(log):\n    return V()",
        "class M(type):\n    @property\n    def __name__(cls):\n        raise SystemExit\nclass E(Exception, metaclass=M): ...\ndef f(log):\n    raise E",
        "class V:\n    __module__ = 'numpy'\n    def item(self):\n        return self\nV.__module__ = 'numpy'\ndef f(log):\n    return V()",
        "import sys\ndef f(log):\n    exec(compile('\\n' * 60_000 + 'x = 1 / 0', '<evaluator>', 'exec'))",
        "import ast\ndef f(log):\n    t = ast.parse('1 / 0')\n    [setattr(n, 'lineno', 2**31 - 1) or setattr(n, 'end_lineno', 2**31 - 1) for n in ast.walk(t) if hasattr(n, 'lineno')]\n    exec(compile(t, '<evaluator>', 'exec'))",
        "import builtins\ndef f(log):\n    builtins.isinstance = lambda *_: 1 / 0",
    ],
)  # fmt: skip
def test_whatever_a_program_comes_to_there_is_an_answer(code: str, any_sandbox: Sandbox) -> None:
    answer = evaluate(any_sandbox, code, wall_s=3.0)
    assert answer.value is None
    assert answer.error
    assert not answer.error.startswith("The program ended itself"), answer
    assert answer.line is None or 0 < answer.line < 2**31


def test_prints_are_kept_and_cut(any_sandbox: Sandbox) -> None:
    some = evaluate(
        any_sandbox,
        "import sys\ndef f(log):\n    print('a', 1)\n    print('b', file=sys.stderr)\n    return 1",
    )
    many = evaluate(
        any_sandbox, "def f(log):\n    for n in range(9_999):\n        print('0123456789')\n    return 1"
    )
    written = evaluate(
        any_sandbox,
        "import sys\ndef f(log):\n    out = sys.stdout\n    out.writelines(['a', 'b'])\n"
        "    out.flush()\n    return [str(out.isatty()), str(out.closed), out.encoding]",
    )
    failed = evaluate(any_sandbox, "def f(log):\n    print('seen')\n    return 1 / 0")

    assert (some.value, some.prints) == (1, "a 1\nb\n")
    assert (many.value, len(many.prints)) == (1, MOST_PRINTS)
    assert (written.value, written.prints) == (["False", "False", "utf-8"], "ab")
    assert (failed.line, failed.prints) == (3, "seen\n")


def test_checking_a_program_runs_nothing_of_it(any_sandbox: Sandbox) -> None:
    """Decorators, defaults and the body of the module are code, too."""
    code = "x = 1 / 0\n@x\ndef f(a=1 / 0): ..."
    assert any_sandbox.run("check", {"code": code}) == Answer("f")
    assert any_sandbox.run("check", {"code": "def f(:"}).line == 1
