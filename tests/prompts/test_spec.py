"""What a prompt version may say."""

import pytest

from app.core.errors import Invalid
from app.prompts.spec import RESERVED, parse_spec


@pytest.mark.parametrize("name", RESERVED)
def test_other_does_not_replace_what_the_version_says(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_spec({"model": "m", "template": [], "other": {name: "gpt-expensive", "logprobs": True}})
    assert f"Leave out {name}:" in refused.value.fields["other"]
    assert parse_spec({"model": "m", "other": {"logprobs": True}}).parameters["logprobs"] is True
