import pytest

from tests.evaluators.cases import value


@pytest.mark.parametrize(
    ("output", "target", "options", "match"),
    [
        ("Paris", "Paris", {}, True),
        (" Paris\n", "Paris", {}, True),
        (" Paris", "Paris", {"trim": False}, False),
        ("paris", "Paris", {}, False),
        ("STRASSE", "straße", {"ignore_case": True}, True),
        ("Paris.", "Paris", {}, False),
        ("Lyon", ["Paris", "Lyon"], {}, True),
        ("", "", {}, True),
        ("12", 12, {}, True),
        ("true", True, {}, True),
        ("None", "Paris", {}, False),
    ],
)
def test_exact_match(output, target, options, match):
    assert value("exact", output, target, **options) is match
