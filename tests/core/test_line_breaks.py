"""Line breaks in templates: what is nothing, what is a space, and what is kept."""

import pytest
from jinja2 import Environment, TemplateSyntaxError

from app.core.line_breaks import LineBreaks

JINJA = Environment(extensions=[LineBreaks], autoescape=True)


def shown(source: str, **context: object) -> str:
    return JINJA.from_string(source).render(**context)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<ul>\n  <li>a</li>\n  <li>b</li>\n</ul>\n", "<ul><li>a</li><li>b</li></ul>"),
        ("<p>\n  {{ x }}\n</p>", "<p>1</p>"),
        ("{{ x }}\n{{ x }}", "11"),
        ("<p>\n  {% if x %}\n    <b>yes</b>\n  {% endif %}\n</p>", "<p><b>yes</b></p>"),
        ("{# why #}\n<p></p>", "<p></p>"),
        ("<b>a</b> <i>b</i>", "<b>a</b> <i>b</i>"),
    ],
)
def test_between_tags_and_expressions_a_line_break_is_nothing(source, expected):
    assert shown(source, x=1) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<p>one\n   two</p>", "<p>one two</p>"),
        ("<p>see\n  <a>this</a></p>", "<p>see <a>this</a></p>"),
        ("<a>this</a>\n  too", "<a>this</a> too"),
        ("{{ x }}\n  rows", "1 rows"),
        ("1 < 2\nso", "1 < 2 so"),
        ('<a\n  href="/x"\n  class="y">z</a>', '<a href="/x" class="y">z</a>'),
        ("<a{% if x %}\n  hidden{% endif %}>z</a>", "<a hidden>z</a>"),
        ('<pre\n  class="y">\n z\n</pre>', '<pre class="y">\n z\n</pre>'),
    ],
)
def test_beside_words_and_between_attributes_a_line_break_is_one_space(source, expected):
    assert shown(source, x=1) == expected


@pytest.mark.parametrize(
    "source",
    [
        "<pre>\na\n  b</pre>",
        '<pre class="code">a\n</pre>',
        "<textarea>\n\na\n</textarea>",
        "<script>\nlet a = 1;\nlet b = 2;\n</script>",
        '<a title="one\ntwo">z</a>',
    ],
)
def test_what_is_shown_as_it_stands_is_kept(source):
    assert shown(source) == source


def test_attributes_stay_apart_around_statements():
    source = "<input{% if x %} checked{% endif %}\n  {% if y %}required{% endif %}\n  {{ z }}>"

    assert shown(source, x=True, y=True, z="autofocus").split() == [
        "<input", "checked", "required", "autofocus>",
    ]  # fmt: skip


def test_strings_of_an_expression_may_hold_tags_and_braces():
    source = "<p\n  title=\"{{ '>' }}\">\n  {{ '%}\n<b>' }}\n</p>"

    assert shown(source) == '<p title="&gt;">%}\n&lt;b&gt;</p>'


def test_an_error_names_its_line():
    with pytest.raises(TemplateSyntaxError) as raised:
        JINJA.from_string("<p>\n  one\n</p>\n<p>\n  {% if %}\n</p>")

    assert raised.value.lineno == 5


def test_a_long_template_without_an_end_is_read_at_once():
    source = '<p title="' + '{{ x }} "a" ' * 20_000

    assert shown(source, x=1).startswith("<p title")
