"""What two made of the same version, put together."""

from app.generations.draft import draft_of
from app.generations.merging import merge

BASE = {
    "model": "m",
    "temperature": 0.1,
    "template": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": "u1"},
        {"role": "user", "content": "u2"},
    ],
}


def _changed(place: int, content: str, **settings: object) -> dict[str, object]:
    template = [dict(message) for message in BASE["template"]]
    template[place]["content"] = content
    return BASE | {"template": template} | settings


def test_what_only_one_changed_is_theirs() -> None:
    merged = merge(
        draft_of(BASE), draft_of(_changed(0, "mine")), draft_of(_changed(2, "theirs", temperature=0.9))
    )
    assert [message["content"] for message in merged.draft.messages] == ["mine", "u1", "theirs"]
    assert merged.draft.values["temperature"] == "0.9"
    assert merged.both == []


def test_where_both_changed_the_drafts_stands_and_it_is_named() -> None:
    mine, theirs = _changed(2, "mine", temperature=0.2), _changed(2, "theirs", temperature=0.9)
    merged = merge(draft_of(BASE), draft_of(mine), draft_of(theirs))
    assert merged.draft.messages[2]["content"] == "mine"
    assert merged.draft.values["temperature"] == "0.2"
    assert set(merged.both) == {"the user message 2", "temperature"}
    same = merge(draft_of(BASE), draft_of(mine), draft_of(mine))
    assert same.both == []


def test_messages_in_another_order_are_taken_as_a_whole() -> None:
    more = BASE | {"template": [*BASE["template"], {"role": "assistant", "content": "a"}]}
    theirs_only = merge(draft_of(BASE), draft_of(BASE | {"model": "x"}), draft_of(more))
    assert theirs_only.draft.messages == more["template"]
    assert theirs_only.draft.values["model"] == "x"
    merged = merge(draft_of(BASE), draft_of(_changed(0, "mine")), draft_of(more))
    assert merged.draft.messages[0]["content"] == "mine"
    assert len(merged.draft.messages) == 3
    assert list(merged.both) == ["the messages"]


def test_a_text_and_messages() -> None:
    text = {"model": "m", "template": "Say {{word}}"}
    theirs = text | {"template": "Say {{word}} now"}
    merged = merge(draft_of(text), draft_of(text | {"temperature": 1}), draft_of(theirs))
    assert merged.draft.is_text
    assert merged.draft.messages[0]["content"] == "Say {{word}} now"


def test_a_setting_that_one_took_away_is_gone() -> None:
    without = {name: value for name, value in BASE.items() if name != "temperature"}
    merged = merge(
        draft_of(BASE | {"attributes": {"a": 1}}),
        draft_of(BASE),
        draft_of(without | {"attributes": {"a": 1}}),
    )
    assert merged.draft.values["temperature"] == ""
    assert "attributes" not in merged.draft.rest
