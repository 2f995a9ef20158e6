"""The rules that `./whetstone check` holds beside the linters."""

from pathlib import Path

import pytest

from app.commands.house_rules import broken_rules


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        (
            "requirements.lock",
            "--index-url https://pypi{dot}org/simple",
            "requirements.lock:1: names a package registry",
        ),
        ("docs/a.md", "fine\nsee files.pythonhosted{dot}org", "docs/a.md:2: names a package registry"),
        ("docs/a.md", "open {clone}/app", "docs/a.md:1: holds a path of this machine"),
        ("app/long.py", "x = 1\n" * 401, "app/long.py: 401 lines; split it by use case (at most 400)"),
        (
            "templates/a.html",
            "<br>\n" * 201,
            "templates/a.html: 201 lines; move parts into files of their own (at most 200)",
        ),
        (
            "templates/a.html",
            "<p>" + "a" * 178,
            "templates/a.html: a line of 181 characters; lay out what is nested in lines of its own (at most 180)",
        ),
        (
            "app/files/service.py",
            "from sqlalchemy import select",
            "app/files/service.py:1: imports select: SQL lives in repository.py, models.py and *_queries.py",
        ),
    ],
)
def test_what_breaks_a_rule_is_named_with_its_place(tmp_path: Path, name: str, text: str, complaint: str):
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text.format(dot=".", clone=tmp_path))
    assert broken_rules(tmp_path) == [complaint]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("app/files/repository.py", "from sqlalchemy import select"),
        ("app/evaluations/recovery_queries.py", "from sqlalchemy import text"),
        ("app/files/service.py", "from sqlalchemy.orm import Session"),
        ("app/demo/data/rows.jsonl", "{}\n" * 1000),
        ("static/css/components.css", "a {}\n" * 1000),
    ],
)
def test_what_keeps_the_rules_is_not_named(tmp_path: Path, name: str, text: str):
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    assert broken_rules(tmp_path) == []
