"""JSON that another reader would take for something else, or that cannot be kept, is refused with what is wrong and where;
what is accepted comes back equal. At every door that takes JSON."""

import json
import time
import tracemalloc
from contextlib import suppress

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from app.core.json_values import DEPTH, FIELD_MIB, VALUES, NotStorable, loads
from tests import factories
from tests.web import with_key

DEEP = 100_000
REFUSED = {
    "objects 100,000 deep": (b'{"a":' * DEEP + b"1" + b"}" * DEEP, "depth"),
    "lists 100,000 deep": (b"[" * DEEP + b"]" * DEEP, "depth"),
    "one too deep": (b"[" * (DEPTH + 1) + b"]" * (DEPTH + 1), "deeper than 100"),
    "a member twice": (b'{"a": 1, "b": [{"c": 1, "c": 2}]}', "“c” is given twice"),
    "a member twice, once escaped": (b'{"ab": 1, "a\\u0062": 2}', "given twice"),
    "NaN": (b'{"a": NaN}', "line 1 column 7"),
    "Infinity": (b'{"a": -Infinity}', "line 1 column 8"),
    "1e400": (b'{"a": 1e400}', "infinity"),
    "a whole number of 100,000 digits": (b'{"a": ' + b"9" * 100_000 + b"}", "infinity"),
    "a whole number of 30 digits": (b'{"a": ' + b"9" * 30 + b"}", "too large"),
    "a byte order mark": (b'\xef\xbb\xbf{"a": 1}', "byte order mark"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "not valid JSON"),
    "UTF-32": ('{"a": 1}'.encode("utf-32-le"), "not valid JSON"),
    "Latin-1": ('{"a": "café"}'.encode("latin-1"), "not valid JSON"),
    "half a surrogate pair": (b'{"a": "\\ud83d"}', "surrogate"),
    "the halves the wrong way round": (b'{"a": "\\ude00\\ud83d"}', "line 1"),
    "NUL": (b'{"a": "\\u0000"}', "NUL"),
    "NUL in a name": (b'{"\\u0000": 1}', "NUL"),
    "a raw line end": (b'{"a": "x\ny"}', "line 1"),
    "single quotes": (b"{'a': 1}", "line 1 column 2"),
    "a comma too many": (b'{"a": 1,}', "line 1"),
    "something after it": (b'{"a": 1} {}', "line 1 column 10"),
    "cut off": (b'{"a": [1, ', "line 1"),
    "a comment": (b'{"a": 1 /* one */}', "line 1"),
    "too many values": (b"[" + b"0," * VALUES + b"0]", "values"),
    "too many empty objects": (b"[" + b"{}," * VALUES + b"{}]", "values"),
    "a text over its limit": (b'["' + b"x" * ((FIELD_MIB << 20) + 1) + b'"]', "5 MiB"),
}
KEPT = [
    {"__proto__": {"admin": True}, "constructor": 1, "$ref": "http://127.0.0.1:9/x", "": "empty", "a.b": 1, "a b": 2},
    {"n": [0, -0.0, 1e308, 5e-324, 2**63, -(2**63), 2**64 - 1, 0.1, 123456789012345678]},
    {"text": '"a": 1, {"b": "c"}', "é": "😀\u2028\ufeff￿", "null": None},
    {"commas": ",[{" * VALUES, 'a "quoted" one\\': '\\",[{' * 1000},
    {"a": [[], {}, [[]], {"a": {}}], "b": "x" * 100_000},
]  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("route", ["POST /v5/datasets", "POST /v5/prompts", "PATCH /v5/budget"])
def test_is_refused(client: TestClient, committed_team: factories.Team, route: str, name: str) -> None:
    body, said = REFUSED[name]
    with_key(client, committed_team.admin)
    method, path = route.split(" ")
    began = time.process_time()
    answer = client.request(method, path, content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 422, answer.text[:300]
    assert said in answer.json()["detail"][0]["msg"], answer.text[:300]
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("body", "way"),
    [
        ({"logs": [{"path": "a"}, {"inputs": {"deep": ["x", "\0"]}}]}, ["logs", "1", "inputs", "deep", "1"]),
        ({"logs": [{"inputs": {"a\0": 1}}]}, ["logs", "0", "inputs"]),
        ({"output": "x\0"}, ["output"]),
        ({"\0": 1}, []),
        ({"inputs": {"n": [1, {"of": 2**64}]}}, ["inputs", "n", "1", "of"]),
        ({"inputs": {"n": -(10**50)}}, ["inputs", "n"]),
        ({"inputs": {"ok": [], "deep": json.loads("[" * 99 + "]" * 99)}}, ["inputs", "deep", *["0"] * 98]),
    ],
)
@pytest.mark.parametrize("route", ["/v5/logs/batch", "/v5/prompts/log"])
def test_a_refusal_names_the_way_to_what_is_wrong(
    client: TestClient, committed_team: factories.Team, route: str, body: dict, way: list[str]
) -> None:
    answer = with_key(client, committed_team.admin).post(route, json=body)

    assert answer.status_code == 422, answer.text
    assert [one["loc"] for one in answer.json()["detail"]] == [["body", *way]]


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_by_the_reader_itself(name: str) -> None:
    """Files are read by it, too, and nothing looks at their rows afterwards."""
    body, said = REFUSED[name]
    with pytest.raises(NotStorable) as caught:
        loads(body)
    assert said in str(caught.value)


@pytest.mark.parametrize("value", KEPT)
def test_what_is_accepted_comes_back_equal(
    client: TestClient, committed_team: factories.Team, value: dict
) -> None:
    with_key(client, committed_team.admin)
    row = {"inputs": {"q": value}, "metadata": {"m": value}}
    made = client.post("/v5/datasets", json={"path": "a/b", "datapoints": [row]})
    assert made.status_code == 200, made.text
    kept = client.get(f"/v5/datasets/{made.json()['id']}/datapoints").json()["records"][0]
    assert kept["inputs"]["q"] == value
    assert kept["metadata"]["m"] == value


def test_a_packed_body_is_not_unpacked(client: TestClient, committed_team: factories.Team) -> None:
    import gzip

    with_key(client, committed_team.admin)
    packed = gzip.compress(json.dumps({"path": "a/b", "readme": "x" * 50_000_000}).encode())
    assert len(packed) < 100_000
    for encoding in ("gzip", "deflate", "br", "gzip, gzip"):
        headers = {"content-type": "application/json", "content-encoding": encoding}
        answer = client.post("/v5/datasets", content=packed, headers=headers)
        assert answer.status_code == 415, answer.text
        assert "Content-Encoding" in answer.json()["detail"]


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), inner, max_size=4),
)  # fmt: skip


@given(values)
def test_any_value_that_can_be_kept_is_read_as_it_is(value) -> None:
    assert loads(json.dumps(value)) == value
    assert loads(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(NotStorable):
        assert loads(data) == json.loads(data)


def test_too_many_values_are_refused_before_they_fill_the_memory() -> None:
    body = b"[" + b"{}," * 3_400_000 + b"{}]"
    tracemalloc.start()
    try:
        with pytest.raises(NotStorable, match="values"):
            loads(body)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * len(body)


@pytest.mark.parametrize("rest", [b"", b"\\", b'"'])
def test_a_text_of_escaped_quotes_that_never_ends_is_looked_through_once(rest: bytes) -> None:
    body = b"[" + b"," * VALUES + b'"' + b'\\"' * 2_000_000 + rest
    started = time.monotonic()
    with pytest.raises(NotStorable):
        loads(body)
    assert time.monotonic() - started < 5
