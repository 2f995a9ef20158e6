from hypothesis import given
from hypothesis import strategies as st

from app.files.matching import Block, Effort, matching_blocks

sequences = st.lists(st.sampled_from("abcdef"), max_size=40)


def longest_common(a, b):
    row = [0] * (len(b) + 1)
    for item in a:
        diagonal = 0
        for j, other in enumerate(b, 1):
            diagonal, row[j] = row[j], diagonal + 1 if item == other else max(row[j], row[j - 1])
    return row[-1]


@given(sequences, sequences)
def test_blocks_are_equal_runs_in_order_and_apart(a, b):
    at = to = 0
    for block in matching_blocks(a, b, Effort(100_000)):
        assert block.size > 0
        assert block.before >= at
        assert block.after >= to
        assert a[block.before : block.before + block.size] == b[block.after : block.after + block.size]
        at, to = block.before + block.size, block.after + block.size


@given(st.lists(st.sampled_from("ab"), max_size=30), st.lists(st.sampled_from("ab"), max_size=30))
def test_without_anchors_the_fewest_edits_are_found(a, b):
    doubled, other = a + a, b + b  # nothing occurs once, so that Myers does all of it
    found = sum(block.size for block in matching_blocks(doubled, other, Effort(1_000_000)))

    assert found == longest_common(doubled, other)


@given(sequences, sequences)
def test_without_effort_only_ends_and_anchors_match(a, b):
    found = sum(block.size for block in matching_blocks(a, b, Effort(0)))

    assert found <= longest_common(a, b)


@given(sequences)
def test_a_sequence_is_itself(a):
    assert matching_blocks(a, a, Effort(0)) == ([Block(0, 0, len(a))] if a else [])


def test_effort_is_spent_once():
    effort = Effort(10)

    assert effort.spend(7)
    assert not effort.spend(4)
    assert effort.spend(3)
