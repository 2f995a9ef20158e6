"""Compiled templates are kept beside the data, and are only ever a way to be quicker."""

import gc
import html
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.settings import get_settings
from app.core.templating import CompiledTemplates, environment, fragment


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The settings have this home, and no template is loaded yet."""
    loaded = environment()
    monkeypatch.setenv("WHETSTONE_HOME", str(tmp_path))
    get_settings.cache_clear()
    environment.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    get_settings.cache_clear()
    environment.cache_clear()
    environment().filters.update(loaded.filters)


def _text() -> str:
    environment.cache_clear()
    return environment().get_template("components/icons.html").module.__name__


def test_a_template_is_compiled_once(home: Path) -> None:
    first = _text()
    [kept] = (home / "templates").glob("*.compiled")
    assert (home / "templates").stat().st_mode & 0o777 == 0o700
    before = kept.stat().st_mtime_ns
    assert _text() == first
    assert kept.stat().st_mtime_ns == before


@pytest.mark.parametrize("content", [b"", b"no code", bytes(range(256)), None])
def test_a_file_that_is_broken_is_made_anew(home: Path, content: bytes | None) -> None:
    """None: it broke off."""
    first = _text()
    [kept] = (home / "templates").glob("*.compiled")
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2] if content is None else content)
    assert _text() == first
    assert kept.read_bytes() == whole


def test_another_version_of_a_template_is_compiled_itself(home: Path) -> None:
    _text()
    [kept] = (home / "templates").glob("*.compiled")
    assert kept.exists()
    cache = environment().bytecode_cache
    assert isinstance(cache, CompiledTemplates)
    filename = environment().get_template("components/icons.html").filename
    assert cache.get_bucket(environment(), "components/icons.html", filename, "another source").code is None


def test_pages_need_no_place_to_keep_them(home: Path) -> None:
    (home / "templates").write_text("a file, not a folder")
    assert _text()
    cache = environment().bytecode_cache
    assert isinstance(cache, CompiledTemplates)
    assert cache.folder is None


def test_settings_are_not_read_before_a_template_is_asked_for() -> None:
    """Modules are imported before whoever runs them has said what the settings are."""
    said = "import app.main; from app.core.settings import get_settings; print(get_settings.cache_info().currsize)"
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


def test_the_title_of_a_page_is_parted_from_the_name() -> None:
    page = environment().from_string('{% extends "layouts/main.html" %}{% block title %}Files{% endblock %}')
    assert "<title>Files · Whetstone</title>" in page.render()


def test_content_that_a_form_carries_along_keeps_its_order() -> None:
    carried = (
        environment()
        .from_string("{{ said|tojson|forceescape }}")
        .render(said={"b": 1, "a": {"d": 1, "c": 2}})
    )
    assert html.unescape(carried) == '{"b": 1, "a": {"d": 1, "c": 2}}'


class Shown:
    """Something that a page is made of."""

    state, work, active = "completed", (), ()


def test_what_a_page_was_made_of_is_let_go_without_the_garbage_collector() -> None:
    """Its macros know the context that knows them: a page of 10,000 rows would be looked through in somebody's request."""
    shown, principal = Shown(), Shown()
    held = [weakref.ref(one) for one in (shown, principal)]
    gc.collect()
    gc.disable()
    try:
        said = fragment("evaluations/report_state.html", view=shown, principal=principal, csrf="")
        del shown, principal
        assert not [one() for one in held if one() is not None]
        assert said
    finally:
        gc.enable()
