"""The directory of `pull` and `push`: what may lie in it, what is never touched, and what holds when they are killed."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from app.commands.folder import Folder, FolderError, opened, refusal, twins
from app.core.access import Role
from app.core.database import unit_of_work
from tests import factories
from tests.files.checkout import STATE, Checkout


def test_a_file_that_cannot_be_read_is_named_with_its_line(checkout: Checkout) -> None:
    checkout.prompt("good", "One.")
    checkout.run("pull")
    checkout.edit("good.prompt", "One.", "Two.")
    for name, content in {
        "unclosed": b"---\nmodel: gpt-4o\n---\n\n<user>\n  Hello\n",
        "latin": b"---\nmodel: gpt-4o\n---\n\n<user>\n  Gr\xfc\xdfe\n</user>\n",
        "setting": b"---\nmodel: gpt-4o\ntemperature: hot\n---\n",
        ".hidden": b"---\nmodel: gpt-4o\n---\n",
    }.items():
        (checkout.folder / f"{name}.prompt").write_bytes(content)
    said = checkout.run("push", "--message", "x", code=1)
    assert "not taken     unclosed.prompt  Line 5:" in said
    assert "not taken     latin.prompt  Line 6: this is not UTF-8" in said
    assert "not taken     setting.prompt  temperature:" in said
    assert ".hidden" not in said
    assert "sent          good.prompt  v2" in said, "others go on"


def test_nothing_outside_the_directory_is_touched(checkout: Checkout, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    secret = outside / "secret.prompt"
    secret.write_text("---\nmodel: secret\n---\n")
    for path in ("linked/a", "b", ".git/hooks", f"long {'ü' * 115}/c", f"{'ü' * 119}", "fine"):
        checkout.prompt(path, "One.")
    checkout.folder.mkdir()
    (checkout.folder / "linked").symlink_to(outside)
    (checkout.folder / "b.prompt").symlink_to(secret)
    said = checkout.run("pull", code=1)
    assert "not taken     linked/a.prompt  linked is a link, and links are not followed." in said
    assert "not taken     b.prompt  it is no plain file, and links are not followed" in said
    assert "not taken     .git/hooks.prompt  a part of its name begins with a dot" in said
    assert "new           fine.prompt" in said
    assert secret.read_text() == "---\nmodel: secret\n---\n"
    assert list(outside.iterdir()) == [secret]
    said = checkout.run("push", "--message", "x", code=1)
    assert "b.prompt  it is no plain file" in said
    assert "secret" not in said

    state = json.loads((checkout.folder / STATE).read_text())
    state["files"]["../outside/secret.prompt"] = state["files"]["fine.prompt"]
    (checkout.folder / STATE).write_text(json.dumps(state))
    checkout.delete("fine")
    checkout.run("pull", code=1)
    assert secret.exists(), "a name that leads out of the directory is never followed"
    (checkout.folder / STATE).unlink()
    (checkout.folder / STATE).symlink_to(secret)
    assert f"{STATE} is a link" in checkout.run("pull", code=2)


def test_names_that_only_case_or_composition_tells_apart_are_told(checkout: Checkout) -> None:
    checkout.prompt("Answer", "One.")
    checkout.prompt("answer", "Two.")
    checkout.prompt("other", "Three.")
    said = checkout.run("pull", code=1)
    assert "not taken     Answer.prompt  only upper and lower case tell it from answer.prompt" in said
    assert sorted(checkout.texts()) == [STATE, "other.prompt"]
    checkout.delete("Answer")
    assert "new           answer.prompt" in checkout.run("pull")
    checkout.move("answer", "Answer")
    assert "new           Answer.prompt" in checkout.run("pull"), "renamed in its letters only"

    shutil.copy(checkout.folder / "other.prompt", checkout.folder / "Cafe\u0301.prompt")
    checkout.run("push", "--message", "Composed by the workspace")
    assert checkout.versions("Caf\u00e9")
    assert checkout.run("pull") == checkout.run("push") == "3 unchanged.\n"
    shutil.copy(checkout.folder / "other.prompt", checkout.folder / " blank.prompt")
    os.link(checkout.folder / "other.prompt", os.fsencode(checkout.folder) + b"/\xff.prompt")
    said = checkout.run("push", "--message", "x", code=1)
    assert " blank.prompt  a part of its name begins or ends with a blank" in said
    assert ".prompt  its name has a character that cannot be shown or typed" in said


def test_a_broken_or_foreign_state_is_told(checkout: Checkout) -> None:
    checkout.prompt("p", "One.")
    checkout.run("pull")
    with unit_of_work() as session:
        other = factories.team(session)
        theirs = factories.key(session, other.admin)
    assert "another workspace" in checkout.run("pull", code=2, key=theirs)
    assert "p.prompt" in checkout.texts(), "it is not taken for deleted"
    state = checkout.folder / STATE
    text = state.read_text()
    state.write_text(text.replace(' "workspace"', '<<<<<<< mine\n "workspace"'))
    assert f"{STATE}, line " in checkout.run("push", code=2)
    state.write_text('{"files": {"p.prompt": 3}, "workspace": null}')
    assert "is not what pull writes" in checkout.run("pull", code=2)


def test_who_may_not_write_is_told_before_anything_else(checkout: Checkout) -> None:
    checkout.prompt("p", "One.")
    checkout.run("pull")
    checkout.edit("p.prompt", "One.", "Two.")
    with unit_of_work() as session:
        viewer = factories.key(session, checkout.admin, Role.VIEWER)
    assert "403" in checkout.run("push", "--message", "x", code=2, key=viewer)
    assert "make one in Settings, API keys" in checkout.run("push", "--message", "x", code=2, key="whet_no")
    missing = subprocess.run(
        checkout.command("pull"), env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    assert (missing.returncode, "Set WHETSTONE_URL" in missing.stderr) == (2, True)


@pytest.mark.parametrize("after", [1, 20])
def test_what_is_killed_in_the_middle_goes_on(checkout: Checkout, after: int) -> None:
    names = [f"n{number:02}" for number in range(60)]
    for name in names:
        checkout.prompt(name, "One.")
    _killed_at(checkout, ["pull"], lambda: len(list(checkout.folder.glob("*.prompt"))) >= after)
    checkout.run("pull")
    assert {f"{name}.prompt" for name in names} | {STATE} == checkout.texts().keys()
    for name in names:
        checkout.edit(f"{name}.prompt", "One.", "# Two.\n  Two.")
    _killed_at(checkout, ["push", "--message", "Two"], lambda: _sent(names, checkout) >= after)
    checkout.run("push", "--message", "Two")
    assert [len(checkout.versions(name)) for name in names] == [2] * len(names)
    assert checkout.run("push") == checkout.run("pull") == "60 unchanged.\n"


def _sent(names: list[str], checkout: Checkout) -> int:
    return sum(len(checkout.versions(name)) > 1 for name in names)


def _killed_at(checkout: Checkout, words: list[str], reached: Any) -> None:
    with subprocess.Popen(
        checkout.command(*words),
        env=checkout.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        deadline = time.monotonic() + 60
        while not reached() and process.poll() is None:
            assert time.monotonic() < deadline
        process.send_signal(signal.SIGKILL)


def test_two_at_once_do_not_mix(checkout: Checkout) -> None:
    checkout.prompt("p", "One.")
    checkout.run("pull")
    with opened(checkout.folder, make=False):
        assert "Another pull or push works in" in checkout.run("pull", code=2)


@pytest.mark.parametrize(
    "key",
    [
        "../a.prompt", "a/../../b.prompt", "/a.prompt", "a//b.prompt", ".prompt", "a/.prompt", "a.txt", "a", "",
        "a\\b.prompt", "a\x00.prompt", "a\n.prompt", "\udcff.prompt", "a .prompt", " a.prompt", ".git/a.prompt",
        f"{'a' * 250}.prompt",
    ],
)  # fmt: skip
def test_names_that_are_never_written(key: str, tmp_path: Path) -> None:
    assert refusal(key)
    with pytest.raises(FolderError):
        Folder(tmp_path).write(key, "x")
    assert list(tmp_path.iterdir()) == []


def test_twins_are_found_in_folders_too() -> None:
    assert twins(["a/x.prompt", "A/y.prompt", "b.prompt", "B.agent"]) == {
        "a/x.prompt": "A",
        "A/y.prompt": "a",
    }
