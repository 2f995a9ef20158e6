import io
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Invalid
from app.core.ids import canonical_json
from app.datasets.jsonl_rows import read_jsonl
from app.datasets.rows import LineError, Row
from app.datasets.schemas import DatapointContent

texts = st.text(alphabet=st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, values.filter(lambda value: value is not None), min_size=1, max_size=3)


def read(content, **options):
    data = content if isinstance(content, bytes) else content.encode()
    source = read_jsonl(io.BytesIO(data), **options)
    return source, list(source.rows)


def rows(*lines, **options):
    return read("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), **options)[
        1
    ]


def test_rows_in_our_own_shape():
    own = {
        "id": "dp_1",
        "inputs": {"question": "How far?", "n": 3},
        "messages": [{"role": "user", "content": "Hi"}],
        "target": {"output": ["a", "b"]},
        "context": "A passage",
        "cluster": 7,
        "metadata": {"source": "web"},
        "split": "sealed",
    }

    assert rows(own) == [
        Row(
            1,
            inputs={"question": "How far?", "n": 3},
            messages=[{"role": "user", "content": "Hi"}],
            target={"output": ["a", "b"]},
            context=["A passage"],
            cluster="7",
            metadata={"source": "web"},
            split="sealed",
            id="dp_1",
        )
    ]


def test_flat_objects_are_read_as_columns():
    flat = {
        "id": "q1",
        "question": "Who?",
        "answers": ["Rollo"],
        "target.name": "Rollo",
        "split": "test",
        "x": None,
    }

    assert rows(flat, mapping={"answers": "target.answer"}) == [
        Row(
            1,
            inputs={"question": "Who?"},
            target={"answer": ["Rollo"], "name": "Rollo"},
            metadata={"id": "q1"},
            split="test",
        )
    ]


def test_a_bare_target_is_its_output():
    assert [
        row.target
        for row in rows({"q": 1, "target": "x"}, {"q": 1, "target": ["x", "y"]}, {"q": 1, "target": 0})
    ] == [
        {"output": "x"},
        {"output": ["x", "y"]},
        {"output": 0},
    ]


def test_an_unknown_member_of_our_shape_is_left_out_and_told():
    source, found = read('{"inputs": {"q": 1}, "created_at": "2024"}\n' * 3)

    assert [row.inputs for row in found] == [{"q": 1}] * 3
    assert source.warnings == ["“created_at” was left out: a row with inputs has no such member."]


def test_a_mapping_that_no_row_uses_is_told():
    with pytest.raises(Invalid, match="No row has question, which the mapping names"):
        read('{"q": 1}', mapping={"question": "inputs.q"})
    with pytest.raises(Invalid, match="no place"):
        read('{"q": 1}', mapping={"q": "somewhere"})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("nonsense", "not valid JSON"),
        ('{"a": NaN}', "not valid JSON"),
        ('{"a": 1e400}', "not valid JSON"),
        ('{"a": "\\ud800"}', "not valid JSON"),
        ('{"a": "\x01"}', "not valid JSON"),
        ('{"a": "\\u0000"}', "NUL"),
        ('{"\\u0000": "a"}', "NUL"),
        ('{"a": 18446744073709551616}', "too large: write it as a text"),
        ('{"a": -9223372036854775809}', "too large"),
        (f'{{"a": 1{"0" * 300}}}', "too large"),
        (f'{{"a": 1{"0" * 100_000}}}', "not valid JSON: number is infinity"),
        (f'{{"a": {"[" * 101}{"]" * 101}}}', "nested deeper than 100 levels"),
        (f'{{"a": {"[" * 5_000}{"]" * 5_000}}}', "not valid JSON"),
        ('[{"a": 1}]', "a JSON list"),
        ("7", "no JSON object"),
        ("{}", "neither inputs nor a target"),
        ('{"inputs": {}, "split": "test"}', "neither inputs nor a target"),
        ('{"inputs": [1]}', "inputs must be an object"),
        ('{"a": 1, "context": [1]}', "context must be a text or a list of texts"),
        ('{"a": 1, "context": {}}', "context must be"),
        ('{"a": 1, "cluster": true}', "cluster must be a short text"),
        ('{"a": 1, "split": 3}', "split is “3”"),
        ('{"a": 1, "messages": {}}', "messages must be a list"),
        (json.dumps({"a": "x" * ((5 << 20) + 1)}), "larger than 5 MiB"),
        (json.dumps({f"k{n}": 1 for n in range(1_001)}), "1,001 members, of 1,000 at most"),
        ('{"a": "' + "x" * (21 << 20), "larger than 20 MiB"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(line, message):
    found = rows({"a": 1}, line)

    assert [type(one) for one in found] == [Row, LineError]
    assert found[1].line == 2
    assert message in found[1].message


def test_what_can_be_stored_is_not_refused():
    kept = {"a": 2**64 - 1, "b": -(2**63), "c": "\\u0000", "d": "12345678901234567890123"}

    assert rows(kept, '{"a": ' + "[" * 98 + "]" * 98 + "}")[0].inputs == kept


def test_one_bad_line_does_not_hide_the_others():
    found = rows({"a": 1}, "bad", "", "  ", {"a": 2})

    assert [one.line for one in found] == [1, 2, 5]


def test_an_empty_file_says_so():
    assert rows("") == [LineError(1, "the file is empty: each line must be a JSON object")]
    assert rows(" \n\n")[0].message.startswith("the file is empty")


def test_more_rows_than_allowed_stop_the_reading():
    assert rows({"a": 1}, {"a": 2}, {"a": 3}, max_rows=2)[2:] == [
        LineError(3, "more than 2 rows: split the file")
    ]


def test_encodings_are_those_of_csv():
    assert read('\ufeff{"a": "é"}'.encode())[1][0].inputs == {"a": "é"}
    assert read('\ufeff{"a": "é"}'.encode("utf-16-le"))[1][0].inputs == {"a": "é"}
    source, found = read('{"a": "é"}'.encode("latin-1"))
    assert found[0].inputs == {"a": "é"}
    assert "not UTF-8" in source.warnings[0]


@given(
    st.lists(
        st.fixed_dictionaries(
            {"inputs": objects},
            optional={
                "target": objects,
                "metadata": objects,
                "context": st.lists(texts, min_size=1, max_size=2),
                "cluster": texts.filter(bool),
                "split": st.sampled_from(["train", "validation", "test", "sealed"]),
            },
        ),
        min_size=1,
        max_size=4,
    )
)
def test_what_was_written_comes_back_and_can_be_hashed(written):
    found = rows(*written)

    assert [
        {name: value for name in row if (value := row[name]) is not None}
        for row in (
            {
                name: getattr(one, name)
                for name in ("inputs", "target", "metadata", "context", "cluster", "split")
            }
            for one in found
        )
    ] == written
    for row in written:
        canonical_json(DatapointContent(**row).content())


@given(st.binary(max_size=120), st.text(max_size=60))
def test_any_content_gives_rows_or_errors(data, text):
    for content in (data, b'{"a": ' + data, text.encode("utf-8", "ignore"), b'{"inputs": {"a": 1}, ' + data):
        assert all(isinstance(row, Row | LineError) for row in read(content)[1])


def test_a_hundred_thousand_rows_are_quick():
    line = {"inputs": {"question": "A question of some length"}, "target": {"output": "x"}, "split": "test"}
    content = (json.dumps(line) + "\n").encode() * 100_000
    started = time.process_time()

    assert sum(isinstance(row, Row) for row in read_jsonl(io.BytesIO(content)).rows) == 100_000
    assert time.process_time() - started < 5  # 0.5 s where this was written
