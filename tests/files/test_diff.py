import random
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.files.diff import Fold, Line, Segment, diff_text, diff_words

prose = st.text(alphabet="ab cd.,\n\t- 你好é", max_size=120)
MARKS = {"same": "{}", "ins": "[+{}+]", "del": "[-{}-]"}


def marked(segments):
    return "".join(MARKS[segment.kind].format(segment.text) for segment in segments)


def all_lines(diff):
    return [line for row in diff.rows for line in (row.lines if isinstance(row, Fold) else (row,))]


def side(segments, left_out):
    return "".join(segment.text for segment in segments if segment.kind != left_out)


@given(st.one_of(prose, st.text(max_size=60)), st.one_of(prose, st.text(max_size=60)))
def test_both_texts_can_be_read_back_from_the_words(before, after):
    found = diff_words(before, after)

    assert side(found.segments, "ins") == before
    assert side(found.segments, "del") == after
    assert 0 <= found.survival <= 1
    assert all(segment.text for segment in found.segments)


@given(prose, prose)
@example("", "a")
@example("a\n", "a")
def test_both_texts_can_be_read_back_from_the_lines(before, after):
    lines = all_lines(diff_text(before, after))

    old = [(line.before, side(line.segments, "ins")) for line in lines if line.kind != "ins"]
    new = [(line.after, side(line.segments, "del")) for line in lines if line.kind != "del"]
    assert old == list(enumerate(before.split("\n") if before else [], 1))
    assert new == list(enumerate(after.split("\n") if after else [], 1))


@given(prose)
def test_a_text_is_unchanged_beside_itself(text):
    found = diff_text(text, text)

    assert (found.added, found.removed) == (0, 0)
    assert all(line.kind == "same" for line in all_lines(found))
    assert diff_words(text, text).survival == 1


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (
            "Plans can be refunded within 14 days of purchase.",
            "Plans can be refunded within 30 days of the renewal date.",
            "Plans can be refunded within [-14-][+30+] days of [-purchase-][+the renewal date+].",
        ),
        ("Yes", "Yes.", "Yes[+.+]"),
        ("one, two", "three, four", "[-one, two-][+three, four+]"),
        ("today\n\nold end", "today\n\nnew end", "today\n\n[-old-][+new+] end"),
        ("今天天气很好", "今天天气不好", "今天天气[-很-][+不+]好"),
        ("", "new", "[+new+]"),
        ("old", "", "[-old-]"),
    ],
)
def test_words_read_well(before, after, shown):
    assert marked(diff_words(before, after).segments) == shown


def test_survival_is_the_share_of_words_both_have():
    assert diff_words("a b c d", "a b x y").survival == 0.5
    assert diff_words("a", "a b c d").survival == 0.25
    assert diff_words("one two three", "four five six").rewritten
    assert diff_words("Paris", "Paris is the capital of France, on the Seine").rewritten
    assert not diff_words("It is in Paris", "It is in Lyon").rewritten
    assert not diff_words("", "").rewritten


def test_lines_that_are_alike_are_set_against_each_other():
    before = "You are a helpful bot.\nFees and rates are the same.\nAnswer."
    after = "You are a very helpful bot.\nA wrong rate is no fee.\nIt is its own intent.\nAnswer."

    assert [
        (line.kind, line.before, line.after, marked(line.segments)) for line in diff_text(before, after).rows
    ] == [
        ("changed", 1, 1, "You are a [+very +]helpful bot."),
        ("del", 2, None, "[-Fees and rates are the same.-]"),
        ("ins", None, 2, "[+A wrong rate is no fee.+]"),
        ("ins", None, 3, "[+It is its own intent.+]"),
        ("same", 3, 4, "Answer."),
    ]


def test_added_and_removed_count_lines():
    found = diff_text("a b c\nold\nkept", "a b d\nkept\nnew\nnewer")

    assert (found.added, found.removed) == (3, 2)


def test_line_ends_of_other_systems_are_no_change():
    assert diff_text("a\r\nb\rc", "a\nb\nc").added == 0


@pytest.mark.parametrize(("run", "folded"), [(6, 0), (7, 5), (30, 28)])
def test_unchanged_runs_over_six_lines_fold(run, folded):
    same = "\n".join(f"line {number}" for number in range(run))
    rows = diff_text(f"{same}\nold", f"{same}\nnew").rows

    folds = [row for row in rows if isinstance(row, Fold)]
    assert sum(len(fold.lines) for fold in folds) == folded
    assert rows[-2:] == [
        Line("del", run + 1, None, (Segment("del", "old"),)),
        Line("ins", None, run + 1, (Segment("ins", "new"),)),
    ]


def test_a_fold_keeps_its_neighbours_in_sight():
    same = [str(number) for number in range(10)]
    rows = diff_text("\n".join(["old", *same, "old end"]), "\n".join(["new", *same, "new last"])).rows

    at = next(number for number, row in enumerate(rows) if isinstance(row, Fold))
    assert [line.segments[0].text for line in rows[at].lines] == ["2", "3", "4", "5", "6", "7"]
    assert [row.segments[0].text for row in rows[at - 2 : at]] == ["0", "1"]
    assert [row.segments[0].text for row in rows[at + 1 : at + 3]] == ["8", "9"]


def hostile():
    draw = random.Random(7)
    words = [f"w{number}" for number in range(4_000)]
    lines = [" ".join(draw.choices(words, k=10)) for _ in range(4_000)]
    numbers = [str(number) for number in range(15_000)]
    return {
        "two words at random": (
            " ".join(draw.choices("ab", k=100_000)),
            " ".join(draw.choices("ab", k=100_000)),
        ),
        "two lines at random": (
            "\n".join(draw.choices("ab", k=100_000)),
            "\n".join(draw.choices("ab", k=100_000)),
        ),
        "words at random": (" ".join(draw.choices(words, k=35_000)), " ".join(draw.choices(words, k=35_000))),
        "all lines differ": ("x\n" * 100_000, "y\n" * 100_000),
        "blank lines": ("\n" * 200_000, "\n" * 100_000 + "x" + "\n" * 100_000),
        "one long word": ("x" * 200_000, "y" * 200_000),
        "one line of signs": ("-=" * 100_000, "=-" * 100_000),
        "every line edited": (
            "\n".join(lines),
            "\n".join(line.replace(" w1", " v1") for line in lines) + "\nmore",
        ),
        "lines in another order": ("\n".join(lines), "\n".join(draw.sample(lines, len(lines)))),
        "backwards, twice": ("\n".join(numbers + numbers), "\n".join((numbers + numbers)[::-1])),
    }


@pytest.mark.parametrize("name", hostile())
def test_large_texts_take_bounded_time(name):
    before, after = hostile()[name]
    started = time.process_time()
    lines, words = diff_text(before, after), diff_words(before, after)
    used = time.process_time() - started

    assert used < 6  # 1.5 s on the machine this was written on; quadratic would be hours
    assert side(words.segments, "ins") == before
    assert sum(line.kind != "ins" for line in all_lines(lines)) == before.count("\n") + 1


def test_a_line_edited_in_a_large_text_is_found_with_its_words():
    lines = [f"rule {number} says something about case {number % 17}" for number in range(5_000)]
    edited = [
        line.replace("something", "nothing") if number == 2_500 else line for number, line in enumerate(lines)
    ]
    found = diff_text("\n".join(lines), "\n".join(edited))

    changed = [line for line in all_lines(found) if line.kind != "same"]
    assert [marked(line.segments) for line in changed] == [
        "rule 2500 says [-something-][+nothing+] about case 1"
    ]
    assert len(found.rows) == 7
