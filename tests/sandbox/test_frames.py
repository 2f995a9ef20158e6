"""Whatever bytes a child sends, what comes of them is a plain answer within its limits, or none."""

import contextlib
import math
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sandbox.frames import (
    MOST_ANSWER,
    MOST_ERROR,
    MOST_ITEMS,
    MOST_LINE,
    MOST_PRINTS,
    MOST_TEXT,
    Answer,
    BadAnswer,
    as_prints,
    decode,
    encode,
    is_whole,
    place,
    printed,
    take_prints,
)
from app.sandbox.supervisor import Limits, Sandbox
from tests.sandbox.asking import evaluate

NONCE = bytes(range(16))
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=200)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | st.lists(TEXT, max_size=20)
)


def frame(kind: bytes, payload: bytes, line: int = 0, prints: bytes = b"", nonce: bytes = NONCE) -> bytes:
    head = nonce + kind + struct.pack(">II", line, len(payload))
    return head + payload + struct.pack(">I", len(prints)) + prints


def is_within(answer: Answer) -> bool:
    value = answer.value
    match value:
        case bool() | None:
            fits = True
        case int():
            fits = -(2**63) <= value < 2**63
        case float():
            fits = math.isfinite(value)
        case str():
            fits = len(value) <= MOST_TEXT and "\0" not in value
        case _:
            fits = len(value) <= MOST_ITEMS and sum(map(len, value)) <= MOST_TEXT
    line = answer.line is None or 0 < answer.line <= MOST_LINE
    return fits and line and len(answer.prints) <= MOST_PRINTS and len(answer.error or "") <= MOST_ERROR


@given(VALUES, TEXT)
def test_plain_values_come_through(value: object, prints: str) -> None:
    answer = Answer(value, prints=prints)  # type: ignore[arg-type]
    sent = encode(NONCE, answer)
    assert decode(NONCE, sent) == answer
    assert type(decode(NONCE, sent).value) is type(value)
    assert is_whole(NONCE, sent)
    assert not any(is_whole(NONCE, sent[:cut]) for cut in range(len(sent)))


@given(TEXT, st.integers(1, MOST_LINE) | st.none(), TEXT)
def test_errors_come_through(error: str, line: int | None, prints: str) -> None:
    answer = Answer(error=error, line=line, prints=prints)
    assert decode(NONCE, encode(NONCE, answer)) == answer


@pytest.mark.parametrize("line", [-1, 0, 2**31, 2**40])
def test_a_line_that_cannot_be_kept_is_left_out(line: int) -> None:
    assert decode(NONCE, encode(NONCE, Answer(error="x", line=line))) == Answer(error="x")


FORGED = [
    frame(b"i", b"9223372036854775808"), frame(b"i", b"-9223372036854775809"), frame(b"i", b"99999999999999999999"),
    frame(b"i", b"9" * 5_000), frame(b"i", b""), frame(b"i", b"1.5"), frame(b"i", b"0x10"), frame(b"i", b"\xff"),
    frame(b"n", b"nan"), frame(b"n", b"-inf"), frame(b"n", b"1e999"), frame(b"n", b"1" * 65), frame(b"n", b""), frame(b"n", b"x"),
    frame(b"l", b"\0\0\0\5abc"), frame(b"l", b"\0\0\0"), frame(b"l", b"\xff\xff\xff\xff"), frame(b"l", bytes(4) * (MOST_ITEMS + 1)),
    frame(b"l", (struct.pack(">I", 3_000) + b"x" * 3_000) * 400), frame(b"p", b"cos\nsystem\n"), frame(b"\0", b""), frame(b"j", b"{}"),
    frame(b"t", b"", nonce=bytes(16)), frame(b"t", b"") + b"x", frame(b"t", b"") * 2, frame(b"t", b"")[:-1], b"", NONCE, b"x" * 99,
]  # fmt: skip


@pytest.mark.parametrize("forged", FORGED, ids=range(len(FORGED)))
def test_what_no_child_would_send_is_no_answer(forged: bytes) -> None:
    with pytest.raises(BadAnswer):
        decode(NONCE, forged)


@given(st.lists(TEXT, max_size=5), VALUES)
def test_prints_come_before_the_answer_whole_or_not_at_all(texts: list[str], value: object) -> None:
    answer = encode(NONCE, Answer(value))  # type: ignore[arg-type]
    sent = b"".join(printed(NONCE, text) for text in texts) + answer
    for step in (1, 7, len(sent)):
        received, prints = bytearray(), b""
        for at in range(0, len(sent), step):
            received += sent[at : at + step]
            prints += take_prints(NONCE, received)
            assert is_whole(NONCE, received) == (at + step >= len(sent))
        assert as_prints(prints) == "".join(texts)
        assert received == answer


def test_the_line_is_read_from_what_python_says() -> None:
    said = b'Current thread 0x1 (most recent call first):\n  File "/x/re.py", line 3 in match\n  File "<evaluator>", line 42 in f\n'
    assert place(b"\x01half an answer" + said) == 42
    assert place(b'File "<evaluator>", line 999999999999 in f') is None
    assert place(b"") is None


@pytest.mark.parametrize(
    "sent",
    [
        frame(b"e", b"x" * 99_999, line=2**32 - 1),
        frame(b"e", b"\0\xff\xed\xa0\x80", line=2**31),
        frame(b"s", b"x" * (2 * MOST_TEXT)),
        frame(b"s", b"a\0b\xff", prints=b"\0" * 99_999),
        frame(b"t", b"more than nothing"),
    ],
)
def test_what_is_too_long_is_cut(sent: bytes) -> None:
    answer = decode(NONCE, sent)
    assert is_within(answer)
    assert "\0" not in f"{answer.value}{answer.error}{answer.prints}"


@given(
    st.sampled_from([b"e", b"i", b"n", b"l", b"s", b"0", b"t"]) | st.binary(min_size=1, max_size=1),
    st.binary(),
    st.data(),
)
def test_any_bytes_are_an_answer_or_none(kind: bytes, payload: bytes, data: st.DataObject) -> None:
    whole = frame(kind, payload, data.draw(st.integers(0, 2**32 - 1)), data.draw(st.binary()))
    at = data.draw(st.integers(16, len(whole)))
    for sent in (whole, whole[:at] + data.draw(st.binary()) + whole[at:], data.draw(st.binary())):
        with contextlib.suppress(BadAnswer):
            assert is_within(decode(NONCE, sent))


@pytest.mark.parametrize(
    "begun",
    [b"x", b"x" * 16, NONCE[:8] + b"x", NONCE + b"s" + bytes(4) + b"\xff" * 4,
     NONCE + b"s" + bytes(8) + b"\xff" * 4, NONCE + b"s" + bytes(4) + struct.pack(">I", MOST_ANSWER)],
)  # fmt: skip
def test_what_cannot_become_an_answer_is_not_waited_for(begun: bytes) -> None:
    with pytest.raises(BadAnswer):
        is_whole(NONCE, begun)


# A program that looks for the number of its request

FINDS = """
import gc, os, struct, sys
def nonce():
    frame = sys._getframe()
    while frame:
        if "nonce" in frame.f_locals:
            return frame.f_locals["nonce"]
        frame = frame.f_back
def send(kind, payload, line=0):
    part = nonce() + kind + struct.pack(">II", line, len(payload)) + payload + struct.pack(">I", 0)
    while part:
        part = part[os.write(3, part):]
def f(log):
"""
SENDS = {
    "a number of 20 digits": "    send(b'i', b'99999999999999999999'); os._exit(0)",
    "a line beyond any": "    send(b'e', b'x', 2**32 - 1); os._exit(0)",
    "texts of 4 MB": "    send(b'l', (struct.pack('>I', 4000) + b'x' * 4000) * 999); os._exit(0)",
    "not a number": "    send(b'n', b'nan'); os._exit(0)",
    "a pickle": "    send(b'p', b'cos\\nsystem\\n(S\"true\"\\ntR.'); os._exit(0)",
    "half of an answer": "    os.write(3, nonce() + b's' + struct.pack('>II', 0, 99) + b'half'); os._exit(0)",
    "only the number": "    os.write(3, nonce()); os._exit(0)",
    "no end": "    os.write(3, nonce() + b's' + struct.pack('>II', 0, 2**31))\n    while True:\n        os.write(3, bytes(1 << 16))",
    "byte by byte": "    os.write(3, nonce() + b's' + struct.pack('>II', 0, 10**6))\n    while True:\n        os.write(3, b'x')",
    "two answers": "    send(b'i', b'1'); send(b'i', b'2'); os._exit(0)",
    "a closed connection": "    os.close(3)",
    "an answer, and then nothing": "    send(b'i', b'7')\n    while True:\n        pass",
}  # fmt: skip


@pytest.mark.parametrize("name", SENDS)
def test_it_can_answer_no_more_than_any_program(name: str, any_sandbox: Sandbox) -> None:
    """It may answer in its own place; never something that is no plain value, and nobody waits longer for it."""
    begun = time.monotonic()
    answer = evaluate(any_sandbox, FINDS + SENDS[name], wall_s=0.5)

    assert is_within(answer)
    assert answer.error or answer.value in (1, 7), answer
    assert time.monotonic() - begun < 2.5
    assert evaluate(any_sandbox, "def f(log):\n    return 5") == Answer(5)


def test_the_number_is_of_one_request_only(any_sandbox: Sandbox) -> None:
    """What a row has sent too much is not taken for the answer of the next."""
    code = FINDS.replace("def f(log):\n", "") + (
        "def f(log):\n    if log['n'] == 0:\n        send(b'i', b'0'); send(b'i', b'666')\n    return log['n']"
    )
    asked = [{"code": code, "arguments": [{"n": n}, None]} for n in range(4)]
    answers = any_sandbox.run_batch("evaluate", asked, limits=Limits(wall_s=1))
    assert 666 not in [answer.value for answer in answers]
    assert [answer.value for answer in answers[2:]] == [2, 3]
