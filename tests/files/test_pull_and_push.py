"""`./whetstone pull` and `push` against a real server, run by a Python that has none of our packages."""

import json

from app.core.access import Role
from app.core.database import unit_of_work
from app.files import deployments, service
from app.files.models import File
from tests import factories
from tests.files.checkout import STATE, Checkout


def test_what_was_pulled_is_pushed_as_nothing(checkout: Checkout) -> None:
    checkout.prompt("support/answer", "Say it: {{question}}")
    checkout.prompt("support/answer", "Say it shortly: {{question}}")
    checkout.prompt("Grüße & Küsse/“eins”: a?*", "x\n\n  y\r\nz\t</user>", temperature=0.3)
    for number in range(104):
        checkout.prompt(f"many/number {number:03}", "{{a}}")
    with unit_of_work() as session:
        factories.agent(session, checkout.admin, "helper")
        factories.dataset(session, checkout.admin, path="rows")
        viewer = factories.key(session, checkout.admin, Role.VIEWER)

    said = checkout.run("pull", key=viewer)
    assert said.endswith("107 new.\n")
    before = checkout.texts()
    assert len(before) == 108
    assert "Say it shortly" in before["support/answer.prompt"], "the newest, not what runs"
    assert "helper.agent" in before
    assert {"support/answer.prompt", "Grüße & Küsse/“eins”: a?*.prompt"} < before.keys()
    state = json.loads(before[STATE])
    assert list(state["files"]) == sorted(state["files"])
    assert checkout.key not in before[STATE]
    assert viewer not in before[STATE]

    assert checkout.run("push", key=viewer) == "107 unchanged.\n"
    assert checkout.run("pull") == "107 unchanged.\n"
    assert checkout.texts() == before
    assert len(checkout.versions("support/answer")) == 2
    (checkout.folder / STATE).unlink()
    assert checkout.run("push").endswith("107 unchanged.\n")
    assert checkout.texts() == before, "what is remembered is found out again"


def test_files_that_include_each_other_are_sent_in_any_order(checkout: Checkout) -> None:
    checkout.prompt("z", "old")
    checkout.run("pull")
    for name, includes in (("a", "b"), ("b", "c"), ("c", "z"), ("d", "none")):
        text = f'---\nmodel: gpt-4o\n---\n\n<user>\n  {{{{ include("{includes}") }}}}\n</user>\n'
        (checkout.folder / f"{name}.prompt").write_text(text)
    said = checkout.run("push", "--message", "Shared", code=1)
    assert "nothing is at this path" in said
    assert said.endswith("1 not taken, 3 sent, 1 unchanged.\n")


def test_what_changed_here_is_sent_with_its_reason(checkout: Checkout) -> None:
    first = checkout.prompt("support/answer", "Say it.")
    checkout.run("pull")
    checkout.edit("support/answer.prompt", "Say it.", "Say it in one line.")
    (checkout.folder / "support" / "new.agent").write_text("---\nmodel: gpt-4o\nmax_iterations: 2\n---\n")

    planned = checkout.run("push", "--dry-run")
    assert "to send       support/answer.prompt  a new version\n" in planned
    assert "to send       support/new.agent  a new file\n" in planned
    assert "--message why 2 files changed" in checkout.run("push", code=2)
    assert len(checkout.versions("support/answer")) == 1
    assert "v2" in checkout.run("push", "--message", "Shorter", "--path", "support/answer.prompt")
    newest, _ = checkout.versions("support/answer")
    assert (newest.note, newest.parent_id) == ("Shorter", first.id)
    assert checkout.run("push", "--message", "An agent").endswith("1 sent, 1 unchanged.\n")
    assert [each.spec["max_iterations"] for each in checkout.versions("support/new")] == [2]
    assert checkout.run("push") == checkout.run("pull") == "2 unchanged.\n"

    path = checkout.folder / "support" / "answer.prompt"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert checkout.run("push") == "2 unchanged.\n", "a checkout with other line ends changes nothing"
    path.write_text(path.read_text("utf-8-sig").replace("model:", "# cheap\nmodel:"))
    assert "it says the same as v2" in checkout.run("push"), "a comment is no version"
    assert len(checkout.versions("support/answer")) == 2


def test_content_that_was_there_before_makes_no_version_and_stays_here(checkout: Checkout) -> None:
    checkout.prompt("p", "One.")
    checkout.prompt("p", "Two.")
    checkout.run("pull")
    checkout.edit("p.prompt", "Two.", "One.")
    said = checkout.run("push", "--message", "Back to the first")
    assert "v1 says this already: no version was made, v2 stays the newest" in said
    assert checkout.run("push") == checkout.run("pull") == "1 unchanged.\n"
    assert "One." in checkout.texts()["p.prompt"]
    checkout.prompt("p", "Three.")
    assert "changed       p.prompt  v3" in checkout.run("pull")


def test_what_changed_on_both_sides_is_shown_and_left_as_it_is(checkout: Checkout) -> None:
    for name in ("a", "b", "c"):
        checkout.prompt(name, "One.")
    checkout.run("pull")
    for name in ("a", "b"):
        checkout.edit(f"{name}.prompt", "One.", f"Mine of {name}.")
        checkout.prompt(name, f"Theirs of {name}.\x1b[2J")
    checkout.prompt("c", "Theirs of c.")
    mine = checkout.texts()["a.prompt"]

    said = checkout.run("pull", code=1)
    assert "CONFLICT      a.prompt  changed here, and in the workspace: v2 by Ada Admin\n" in said
    assert "-  Mine of a.\n+  Theirs of a.�[2J\n" in said
    assert "changed       c.prompt  v2" in said, "others go on"
    assert said.endswith("1 changed, 2 in conflict.\n")
    assert checkout.texts()["a.prompt"] == mine
    said = checkout.run("push", "--message", "Mine", code=1)
    assert "-  Mine of b.\n+  Theirs of b.�[2J\n" in said
    assert len(checkout.versions("a")) == 2, "nothing was sent over theirs"

    assert "none" in checkout.run("pull", "--ours", "none", code=2)
    settled = checkout.run("pull", "--theirs", "a.prompt", "--ours", "b")
    assert "changed       a.prompt  v2" in settled
    assert "kept          b.prompt" in settled
    assert "Theirs of a." in checkout.texts()["a.prompt"]
    assert "v3" in checkout.run("push", "--message", "Mine")
    assert "Mine of b." in str(checkout.versions("b")[0].spec)

    checkout.edit("a.prompt", "Theirs", "Mine again")
    checkout.prompt("a", "Theirs again.")
    checkout.run("push", "--message", "x", code=1)
    assert "v4" in checkout.run("push", "--message", "Over theirs", "--ours")
    checkout.edit("a.prompt", "Mine again", "Something")
    checkout.prompt("a", "The last.")
    assert "v5" in checkout.run("push", "--theirs")
    assert "The last." in checkout.texts()["a.prompt"]
    assert checkout.run("push") == "3 unchanged.\n"


def test_the_same_change_on_both_sides_is_none(checkout: Checkout) -> None:
    checkout.prompt("a", "One.")
    checkout.run("pull")
    checkout.edit("a.prompt", "One.", "Two.")
    checkout.edit("a.prompt", "model:", "# mine\nmodel:")
    checkout.prompt("a", "Two.")
    assert checkout.run("pull") == "1 unchanged.\n"
    assert "# mine" in checkout.texts()["a.prompt"]
    assert checkout.run("push") == "1 unchanged.\n"


def test_what_was_deleted_is_told_and_lost_nowhere(checkout: Checkout) -> None:
    for name in ("there", "changed here", "here", "here and changed", "moved"):
        checkout.prompt(f"d/{name}", "One.")
    checkout.run("pull")
    checkout.edit("d/changed here.prompt", "One.", "Mine.")
    (checkout.folder / "d" / "here.prompt").unlink()
    (checkout.folder / "d" / "here and changed.prompt").unlink()
    checkout.prompt("d/here and changed", "Two.")
    checkout.delete("d/there")
    checkout.delete("d/changed here")
    checkout.move("d/moved", "e/moved")

    said = checkout.run("pull", code=1)
    assert "removed       d/there.prompt  it was deleted in the workspace" in said
    assert "CONFLICT      d/changed here.prompt  changed here, and it was deleted in the workspace" in said
    assert "deleted here  d/here.prompt  still in the workspace" in said
    assert "CONFLICT      d/here and changed.prompt  deleted here, and changed in the workspace: v2" in said
    assert "removed       d/moved.prompt  it lies at e/moved.prompt in the workspace" in said
    assert sorted(checkout.texts()) == [STATE, "d/changed here.prompt", "e/moved.prompt"]

    said = checkout.run("push", "--message", "x", code=1)
    assert "CONFLICT      d/changed here.prompt  changed here, and deleted there" in said
    assert "deleted here  d/here.prompt  still in the workspace: push deletes nothing there" in said
    assert len(checkout.versions("d/here")) == 1
    assert "v1" in checkout.run("push", "--message", "Made anew", "--ours", "d/changed here")
    checkout.run("pull", "--theirs", "d")
    assert {"d/here.prompt", "d/here and changed.prompt"} < checkout.texts().keys()


def test_a_directory_of_an_environment(checkout: Checkout) -> None:
    first = checkout.prompt("p", "One.")
    checkout.prompt("p", "Two.")
    checkout.prompt("q", "One.")
    checkout.run("pull", "--environment", "production")
    assert "One." in checkout.texts()["p.prompt"]
    checkout.edit("p.prompt", "One.", "Mine.")
    assert "v3" in checkout.run("push", "--message", "From what runs")
    assert checkout.run("pull", "--environment", "production") == "2 unchanged.\n", "v1 still runs"
    newest = checkout.versions("p")[0]
    with unit_of_work() as session:
        file = session.get(File, first.file_id)
        assert file is not None
        place = deployments.get_environment(session, checkout.admin, "production")
        deployments.deploy(session, checkout.admin, file, newest, place)
        other = service.get_file_by_path(session, checkout.admin, "q")
        deployments.undeploy(session, checkout.admin, other, place)
    said = checkout.run("pull", "--environment", "production")
    assert "kept          q.prompt  nothing of it runs in production any more" in said
    assert {"p.prompt", "q.prompt"} < checkout.texts().keys()
    assert "nowhere" in checkout.run("pull", "--environment", "nowhere", code=2)


def test_another_order_of_properties_is_sent_and_comes_back(checkout: Checkout) -> None:
    names = ["reason", "ok"]
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
    output = {"type": "json_schema", "json_schema": {"name": "verdict", "schema": schema}}
    checkout.prompt("judge", "Judge it.", response_format=output)
    checkout.run("pull")
    text = (checkout.folder / "judge.prompt").read_text()
    assert text.index("reason") < text.index("ok")
    turned = text.replace("reason", "?").replace("ok", "reason").replace("?", "ok")
    (checkout.folder / "judge.prompt").write_text(turned)
    assert "v2" in checkout.run("push", "--message", "The verdict first")
    found = [
        list(v.spec["response_format"]["json_schema"]["schema"]["properties"])
        for v in checkout.versions("judge")
    ]
    assert found == [names[::-1], names]
    assert checkout.run("pull") == "1 unchanged.\n"
