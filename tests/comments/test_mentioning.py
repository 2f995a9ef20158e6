"""Whom a comment names, and how it is shown: names, first names, ids, addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.comments.mentioning import MOST_MENTIONED, Person, Piece, pieces, plain, read, written
from app.core.errors import Invalid

ADA, GRACE, GRANT = (
    Person("usr_1", "Ada Lovelace"),
    Person("usr_2", "Grace Hopper"),
    Person("usr_3", "Grace Grant"),
)
ZOE = Person("usr_4", "Zoë")
PEOPLE = [ADA, GRACE, GRANT, ZOE, Person("usr_5", "İpek Yılmaz"), Person("usr_6", "王伟")]
NAMES = {person.id: person.name for person in PEOPLE}


@pytest.mark.parametrize(
    ("text", "kept", "mentioned"),
    [
        ("@Ada Lovelace, look", "@[usr_1], look", ["usr_1"]),
        ("@ada lovelace look", "@[usr_1] look", ["usr_1"]),
        ("@Ada look", "@[usr_1] look", ["usr_1"]),
        ("(@ada)", "(@[usr_1])", ["usr_1"]),
        ("@ZOË!", "@[usr_4]!", ["usr_4"]),
        ("@Grace Hopper and @Grace Grant", "@[usr_2] and @[usr_3]", ["usr_2", "usr_3"]),
        ("@Ada @Ada", "@[usr_1] @[usr_1]", ["usr_1"]),
        ("@[usr_2], look", "@[usr_2], look", ["usr_2"]),
        ("@Adam", "@Adam", []),
        ("ada@ada", "ada@ada", []),
        ("https://example.com/@ada", "https://example.com/@ada", []),
        ("@[usr_9]", "@[usr_9]", []),
        ("@ Ada", "@ Ada", []),
        ("@nobody @", "@nobody @", []),
        ("@Ada-Marie", "@Ada-Marie", []),
        ("@Ada's idea", "@[usr_1]'s idea", ["usr_1"]),
        ("@Ada - look", "@[usr_1] - look", ["usr_1"]),
        ("https://x.example/(@Ada)", "https://x.example/(@Ada)", []),
        ("@İpek Yılmaz: look", "@[usr_5]: look", ["usr_5"]),
        ("请@王伟", "请@[usr_6]", ["usr_6"]),
        ("，@王伟你好", "，@[usr_6]你好", ["usr_6"]),
    ],
)
def test_who_is_mentioned(text: str, kept: str, mentioned: list[str]) -> None:
    assert read(text, PEOPLE) == (kept, mentioned)


def test_a_first_name_of_several_people_is_refused_and_says_whom_it_may_mean() -> None:
    with pytest.raises(Invalid, match="“@Grace” may be Grace Grant or Grace Hopper: write the whole name"):
        read("@grace, look", PEOPLE)


def test_a_whole_name_comes_before_a_first_name_and_means_all_who_have_it() -> None:
    assert read("@Ada", [ADA, Person("usr_7", "Ada"), Person("usr_8", "ada")]).mentioned == ["usr_7", "usr_8"]


def test_no_more_than_so_many_are_mentioned() -> None:
    people = [Person(f"usr_{n}", f"Name{n}") for n in range(MOST_MENTIONED + 1)]
    text = " ".join(f"@{person.name}" for person in people)
    with pytest.raises(Invalid, match="up to 20"):
        read(text, people)
    assert len(read(text.rpartition(" ")[0], people).mentioned) == MOST_MENTIONED


def test_who_was_mentioned_before_stays_so_by_id() -> None:
    assert read("@[usr_gone] again", PEOPLE, known=["usr_gone"]).mentioned == ["usr_gone"]


def test_it_is_shown_with_names_and_addresses() -> None:
    body = (
        "@[usr_1] see https://example.com/a_(b)?c=1&d=2. Or (http://example.com/x), not ftp://a or @[usr_9]."
    )
    assert list(pieces(body, NAMES)) == [
        Piece("mention", "@Ada Lovelace"),
        Piece("text", " see "),
        Piece("link", "https://example.com/a_(b)?c=1&d=2"),
        Piece("text", ". Or ("),
        Piece("link", "http://example.com/x"),
        Piece("text", "), not ftp://a or @[usr_9]."),
    ]


@given(st.text(alphabet="@[]usr_149 adhtps:/.)(\n\"'<", max_size=200))
def test_nothing_of_a_text_is_lost_and_only_the_web_is_linked(text: str) -> None:
    found = list(pieces(text, {}))
    assert "".join(piece.text for piece in found) == text
    assert all(p.text.lower().startswith(("http://", "https://")) for p in found if p.kind == "link")
    kept = read(text, [])
    assert kept.body == text


@given(
    st.lists(st.sampled_from(["@Ada Lovelace", "@Grace Hopper", "word", "@", "@[usr_9]", "."]), max_size=12)
)
def test_what_an_author_edits_means_the_same_people(parts: list[str]) -> None:
    first = read(" ".join(parts), PEOPLE)
    again = read(written(first.body, NAMES, PEOPLE), PEOPLE)
    assert again == first
    assert plain(first.body, NAMES) == " ".join(parts)


def test_who_is_no_member_any_more_is_edited_as_an_id() -> None:
    assert written("@[usr_1] and @[usr_2]", NAMES, [GRACE]) == "@[usr_1] and @Grace Hopper"
    assert written("@[usr_1]", {"usr_1": "Deleted person"}, PEOPLE) == "@[usr_1]"
