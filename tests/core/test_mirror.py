"""The text behind the editor's text area."""

from hypothesis import given
from hypothesis import strategies as st

from app.core.mirror import Language, Piece, mirror_lines


def test_variables_are_set_apart_and_nothing_else() -> None:
    (line,) = mirror_lines("Ask {{ name }} about {{log.items[0]}}, not {{ }} or {x}")
    assert [piece.text for piece in line.pieces if piece.token == "var"] == ["{{ name }}", "{{log.items[0]}}"]


def test_calls_and_includes_are_told_from_variables() -> None:
    line = 'a {{ include("b/c", "d") }} {{hours(city)}} {{x}} {{ {y} }}'
    [found] = mirror_lines(line)
    assert [(one.text, one.token) for one in found.pieces if one.token] == [
        ('{{ include("b/c", "d") }}', "tok-keyword"),
        ("{{hours(city)}}", "tok-keyword"),
        ("{{x}}", "var"),
    ]


def test_a_line_is_changed_when_the_base_has_none_like_it() -> None:
    lines = mirror_lines("one\ntwo\nnew", "two\none\nold")
    assert [line.changed for line in lines] == [False, False, True]


def test_without_a_base_nothing_is_changed() -> None:
    assert not any(line.changed for line in mirror_lines("one\ntwo"))
    assert mirror_lines("")[0].pieces == ()


def colours(text: str, language: Language = "python") -> list[list[tuple[str, str]]]:
    return [
        [(piece.text, piece.token.removeprefix("tok-")) for piece in line.pieces if piece.token]
        for line in mirror_lines(text, language=language)
    ]


def test_python_is_told_apart_into_words_strings_numbers_and_comments() -> None:
    assert colours("""if name == rb'it\\'s' and x1 > 0x1f: # "why" 'not'""") == [
        [("if", "keyword"), ("rb'it\\'s'", "string"), ("and", "keyword"), ("0x1f", "number"),
         ("""# "why" 'not'""", "comment")]
    ]  # fmt: skip
    assert colours('bar"x" iffy éif "never closed') == [[('"x"', "string"), ('"never closed', "string")]]
    assert colours("""'a\"\"\"' + '' + "" """) == [
        [("""'a\"\"\"'""", "string"), ("''", "string"), ('""', "string")]
    ]


def test_a_string_of_three_quotes_goes_on_over_lines() -> None:
    assert colours('x = f"""one\n# two \\"""\nthree""" if 4 else \'\'\'\n\nend') == [
        [('f"""one', "string")],
        [('# two \\"""', "string")],
        [('three"""', "string"), ("if", "keyword"), ("4", "number"), ("else", "keyword"), ("'''", "string")],
        [],
        [("end", "string")],
    ]
    assert colours('"""doc""" return') == [[('"""doc"""', "string"), ("return", "keyword")]]


def test_json_is_told_apart_into_keys_strings_and_what_is_neither() -> None:
    assert colours('{"a \\" b" : ["it", -1.5e+3, true, null, x1, truest],\n "never', "json") == [
        [('"a \\" b"', "keyword"), ('"it"', "string"), ("-1.5e+3", "number"), ("true", "number"), ("null", "number")],
        [('"never', "string")],
    ]  # fmt: skip


@given(st.text(), st.sampled_from(["template", "python", "json"]))
def test_the_mirror_holds_exactly_the_text(text: str, language: Language) -> None:
    lines = mirror_lines(text, language=language)
    assert "\n".join("".join(piece.text for piece in line.pieces) for line in lines) == text
    assert all(isinstance(piece, Piece) for line in lines for piece in line.pieces)
