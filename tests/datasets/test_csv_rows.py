import csv
import io
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Invalid
from app.datasets.csv_rows import read_csv
from app.datasets.parsing import find_format, read_rows
from app.datasets.rows import LineError, Row

cells = st.text(alphabet=st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)


def read(content, **options):
    data = content if isinstance(content, bytes) else content.encode()
    source = read_csv(io.BytesIO(data), **options)
    return source, list(source.rows)


def rows(content, **options):
    return read(content, **options)[1]


def test_columns_go_by_their_names():
    found = rows(
        "id,question,input.tone,inputs.place,target,target.unit,context,cluster,split,metadata.source\n"
        "7,How far?,kind,Rome,12,km,A passage,doc-1,Test,web\n"
    )

    assert found == [
        Row(
            2,
            inputs={"question": "How far?", "tone": "kind", "place": "Rome"},
            target={"output": "12", "unit": "km"},
            context=["A passage"],
            cluster="doc-1",
            split="test",
            metadata={"id": "7", "source": "web"},
        )
    ]


def test_a_mapping_moves_columns_and_leaves_the_others():
    source, found = read(
        "text,category,note,lang\nhello,greeting,x,en\n",
        mapping={"text": "inputs.message", "category": "target.intent", "note": "ignore"},
    )

    assert found == [Row(2, inputs={"message": "hello", "lang": "en"}, target={"intent": "greeting"})]
    assert {name: str(place) for name, place in source.columns.items()} == {
        "text": "inputs.message",
        "category": "target.intent",
        "note": "ignore",
        "lang": "inputs.lang",
    }


@pytest.mark.parametrize("place", ["", "input", "inputs.", "targets.x", "split.x", "nowhere"])
def test_a_mapping_to_nowhere_is_refused(place):
    with pytest.raises(Invalid, match="is no place for a column"):
        read_csv(io.BytesIO(b"a\n1\n"), mapping={"a": place})


def test_a_mapping_of_a_column_that_is_not_there_is_refused():
    with pytest.raises(Invalid, match="no column b: it has a, c"):
        read_csv(io.BytesIO(b"a,c\n1,2\n"), mapping={"b": "inputs.b"})


def test_messages_context_and_metadata_may_be_json():
    header = "messages,context,metadata,q\n"
    row = '"[{""role"": ""user"", ""content"": ""Hi""}]","[""one"", ""two""]","{""a"": 1}",x\n'

    assert rows(header + row) == [
        Row(
            2,
            inputs={"q": "x"},
            messages=[{"role": "user", "content": "Hi"}],
            context=["one", "two"],
            metadata={"a": 1},
        )
    ]
    assert rows("q,context\nx,[1] a footnote\n")[0].context == ["[1] a footnote"]


def test_empty_cells_are_absent_but_inputs_stay():
    assert rows("q,hint,target,split,cluster,context,messages,metadata.a\nx,,,,,,,\n") == [
        Row(2, inputs={"q": "x", "hint": ""})
    ]


@pytest.mark.parametrize(("delimiter", "other"), [(",", ";"), (";", ","), ("\t", ",")])
def test_the_delimiter_is_what_the_header_has_most_of(delimiter, other):
    content = f'q{delimiter}"a{other}{other}{other}b"{delimiter}target\n1{delimiter}2{delimiter}"3{other}4"\n'
    source, found = read(content)

    assert source.delimiter == delimiter
    assert found == [Row(2, inputs={"q": "1", f"a{other * 3}b": "2"}, target={"output": f"3{other}4"})]


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_every_line_end_is_read_and_kept_inside_quotes(ends):
    found = rows(ends.join(["q,a", f'1,"two{ends}lines"', "", ",", "3,4"]))

    assert [(row.line, row.inputs) for row in found] == [
        (2, {"q": "1", "a": f"two{ends}lines"}),
        (6, {"q": "3", "a": "4"}),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_is_read_with_and_without_its_mark(encoding):
    mark = "\ufeff" if encoding[-2:] in ("le", "be") else ""
    source, found = read(f"{mark}größe,答\n1 €,😀\n".encode(encoding))

    assert found == [Row(2, inputs={"größe": "1 €", "答": "😀"})]
    assert source.warnings == []


def test_latin_1_is_read_with_a_warning():
    source, found = read("q\ncafé – “x”\n".encode("cp1252"))

    assert found[0].inputs == {"q": "café – “x”"}
    assert "not UTF-8" in source.warnings[0]
    assert rows(b"q\n\x81\n")[0].inputs == {"q": "\ufffd"}


def test_a_wrong_byte_late_in_a_large_file_is_found_before_the_first_row():
    source, found = read(b"q\n" + b"plain\n" * 300_000 + b"caf\xe9\n")

    assert found[-1].inputs == {"q": "café"}
    assert len(source.warnings) == 1


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("", 1, "the file is empty"),
        ("\n\n", 1, "the file is empty"),
        ("a,a\n1,2\n", 1, "two columns are called a"),
        ("a,b\n1\n", 2, "1 cells where the header has 2: put quotes around a cell that holds a comma"),
        ("a,b\n1,2,3\n", 2, "3 cells where the header has 2"),
        ("a,\n1,2\n", 2, "a column without a name"),
        ('a,b\n1,"2\n3,4\n', 2, "opened in this row and never closed"),
        ('a,b\n1,"2" x\n', 2, "goes on after its closing quote"),
        ("a\n1\x002\n", 2, "NUL"),
        ("a\x00\n1\n", 1, "NUL"),
        ("a,split\nx,dev\n", 2, "split is “dev”: use train, validation, test or sealed"),
        ("a,messages\nx,Hi\n", 2, "messages: not valid JSON"),
        ("a,messages\nx,[1]\n", 2, "list of objects with content and a role"),
        ('a,messages\nx,"[{""role"": ""robot""}]"\n', 2, "list of objects with content and a role"),
        ("a,metadata\nx,[]\n", 2, "metadata must be an object"),
        ('a,metadata\nx,"{""n"": ""\\u0000""}"\n', 2, "NUL"),
        (f"a,cluster\nx,{'c' * 501}\n", 2, "cluster must not be longer"),
        ("target,cluster\n,c\n", 2, "neither inputs nor a target"),
        (",".join(f"c{n}" for n in range(1_001)), 1, "1,001 columns, of 1,000 at most"),
        ("a\n" + "x" * (5 << 20) + "y\n", 2, "larger than 5 MiB"),
        ('a\n"' + "x\n" * (6 << 20), 2, "larger than 5 MiB"),
        ("a\n" + ("x" * 1_000_000 + ",") * 21 + "\n", 2, "larger than 20 MiB"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(content, line, message):
    found = rows(content)

    assert [type(one) for one in found] == [LineError]
    assert found[0].line == line
    assert message in found[0].message


def test_one_bad_row_does_not_hide_the_others():
    found = rows('a,b\n1,2\n"x" y,2\n3,4\n5\n\n6,7,\n')

    assert [one.line for one in found] == [2, 3, 4, 5, 7]
    assert [isinstance(one, LineError) for one in found] == [False, True, False, True, False]


def test_more_rows_than_allowed_stop_the_reading():
    found = rows("a\n1\n2\n3\n4\n", max_rows=2)

    assert found[2:] == [LineError(4, "more than 2 rows: split the file")]


def test_a_file_can_be_read_twice_and_stays_open():
    file = io.BytesIO(b"a\n1\n")
    assert list(read_csv(file).columns) == ["a"]
    assert list(read_rows(file).rows) == [Row(2, inputs={"a": "1"})]
    assert not file.closed


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("rows.CSV", b'{"a": 1}', "jsonl"),
        ("rows.csv", b"{a},b", "csv"),
        ("rows.jsonl", b"a,b", "jsonl"),
        ("rows.tsv", b"a\tb", "csv"),
        (None, b' \n{"a": 1}', "jsonl"),
        ("upload", "\ufeffa,b".encode(), "csv"),
        ("upload", '\ufeff{"a": 1}'.encode("utf-16-le"), "jsonl"),
        (None, b"", "csv"),
    ],
)
def test_the_format_is_told_by_name_or_content(name, content, found):
    assert find_format(io.BytesIO(content), name) == found


@given(st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=8), st.sampled_from(",;\t"))
def test_what_was_written_comes_back(table, delimiter):
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([["inputs.a", "inputs.b", "target.c"], *table])
    found = rows(buffer.getvalue())

    expected = [({"a": a, "b": b}, {"c": c} if c else None) for a, b, c in table if a or b or c]
    assert [(row.inputs, row.target) for row in found] == expected


@given(st.binary(max_size=200))
def test_any_bytes_give_rows_or_errors(data):
    for reader in (data, b"a,b\n" + data):
        for row in rows(reader):
            assert isinstance(row, Row | LineError)


def large(count):
    lines = (f'{number},"A question, number {number}",target {number % 77},test\n' for number in range(count))
    return io.BytesIO(("id,question,target,split\n" + "".join(lines)).encode())


def test_a_hundred_thousand_rows_are_quick():
    file = large(100_000)
    started = time.process_time()

    assert sum(isinstance(row, Row) for row in read_csv(file).rows) == 100_000
    assert time.process_time() - started < 5  # 0.5 s where this was written


def peak(count):
    file = large(count)
    tracemalloc.start()
    for _ in read_csv(file).rows:
        pass
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def test_memory_does_not_grow_with_the_file():
    peak(100)
    assert peak(20_000) < 1.5 * peak(2_000) + 2_000_000
