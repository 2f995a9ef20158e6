import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.practice.keys import sign, verify

NAMES = st.text(st.characters(exclude_categories=("Cs",)))


@given(NAMES)
def test_a_key_carries_its_workspace(workspace):
    assert verify("secret", sign("secret", workspace)) == workspace


@given(NAMES)
def test_a_key_can_stand_in_a_header(workspace):
    assert sign("secret", workspace).isascii()
    assert sign("secret", workspace).isprintable()


def test_another_secret_does_not_fit():
    assert verify("other", sign("secret", "ws_1")) is None


def test_the_signature_does_not_fit_another_workspace():
    prefix, _, mac = sign("secret", "ws_1").split(".")

    assert verify("secret", f"{prefix}.ws_2.{mac}") is None


@given(
    st.text()
    | st.sampled_from(["practice.", "practice.ws_1.", "practice..", "practice.%FF.x", "Practice.ws_1.x"])
)
def test_anything_else_is_no_key(key):
    assert verify("secret", key) is None


def test_one_workspace_has_one_key():
    """Another spelling of the name's escapes is another key."""
    key = sign("secret", "a b")

    assert verify("secret", key.replace("%20", " ")) is None


def test_an_empty_secret_signs_nothing():
    with pytest.raises(ValueError, match="WHETSTONE_SECRET_KEY"):
        sign("", "ws_1")
