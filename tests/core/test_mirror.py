"""The text behind the editor's text area."""

from hypothesis import given
from hypothesis import strategies as st

from app.core.mirror import Piece, mirror_lines


def test_variables_are_set_apart_and_nothing_else() -> None:
    (line,) = mirror_lines("Ask {{ name }} about {{log.items[0]}}, not {{ }} or {x}")
    assert [piece.text for piece in line.pieces if piece.is_variable] == ["{{ name }}", "{{log.items[0]}}"]


def test_a_line_is_changed_when_the_base_has_none_like_it() -> None:
    lines = mirror_lines("one\ntwo\nnew", "two\none\nold")
    assert [line.changed for line in lines] == [False, False, True]


def test_without_a_base_nothing_is_changed() -> None:
    assert not any(line.changed for line in mirror_lines("one\ntwo"))
    assert mirror_lines("")[0].pieces == ()


@given(st.text())
def test_the_mirror_holds_exactly_the_text(text: str) -> None:
    lines = mirror_lines(text)
    assert "\n".join("".join(piece.text for piece in line.pieces) for line in lines) == text
    assert all(isinstance(piece, Piece) for line in lines for piece in line.pieces)
