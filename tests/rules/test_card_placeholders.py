"""Placeholders: filled where they stand, as text and nothing else."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from experiments import markdown
from registry import card_blocks
from registry.card_format import parse
from registry.card_placeholders import fill
from tests.cards import hub_cards


def test_a_value_stands_where_its_name_stood() -> None:
    assert fill(
        "CER {{ metrics.val_cer }}, {{version}}", {"metrics.val_cer": 0.0123456, "version": "1.2.0"}
    ).text == ("CER 0.01235, 1.2.0")


def test_what_nobody_knows_stays_and_is_named_once() -> None:
    filled = fill("{{ a }} {{ a }} {{ b.c }} {{ d | default(1) }}", {"a": None})
    assert filled.text == "{{ a }} {{ a }} {{ b.c }} {{ d | default(1) }}"
    assert filled.unknown == ("a", "b.c", "d | default(1)")
    assert filled.marks == ("{{ a }}", "{{ b.c }}", "{{ d | default(1) }}")


def test_code_keeps_double_braces_that_are_not_ours() -> None:
    text = "`{{ prompt }}` and\n\n```\n{{ .System }} {{ version }}\n```\n"
    filled = fill(text, {"version": "1.0.0"})
    assert filled.unknown == ()
    assert filled.text == text.replace("{{ version }}", "1.0.0")


def test_comments_are_left_alone() -> None:
    filled = fill("<!-- {{ version }} {{ x }} -->", {"version": "1"})
    assert filled.text == "<!-- {{ version }} {{ x }} -->"
    assert filled.unknown == ()


def test_a_value_is_not_looked_through_for_placeholders() -> None:
    filled = fill("{{ a }}", {"a": "{{ b }}", "b": "secret"})
    assert "secret" not in filled.text
    assert "{{ b }}" in markdown.render_card(filled.text)


@pytest.mark.parametrize(
    "value",
    [
        "<img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "**b** _i_ `c` ~~d~~ | e | $f$",
        "# heading",
        "- item",
        "1. item",
        "---",
        "> quote",
        "&lt;&amp;",
        "line\n\n# break",
        "{% raw %}{{ x.__class__ }}",
    ],
)
def test_a_value_means_nothing_to_markdown(value: str) -> None:
    html = markdown.render_card(fill("{{ v }}", {"v": value}).text)
    shown = html.removeprefix("<p>").removesuffix("</p>\n")
    assert "<" not in shown
    expected = " ".join(value.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert shown.strip() == expected


def test_a_value_in_a_table_stays_in_its_cell() -> None:
    html = markdown.render_card(fill("|a|b|\n|-|-|\n|{{ v }}|x|\n", {"v": "1|2"}).text)
    assert "<td>1|2</td>" in html
    assert html.count("<td") == 2


def test_a_value_in_html_stays_text() -> None:
    html = markdown.render_card(fill("<table><td>{{ v }}</td></table>\n", {"v": "<b>&x"}).text)
    assert "<td>&lt;b&gt;&amp;x</td>" in html


FRONT = """---
number: {{ metrics.a }}
quoted: "{{ metrics.a }}"
words: {{ name }} of {{ version }}
also: '{{ name }}'
block: |
  first {{ name }}
  second
lost: {{ nothing }}
---
"""


def test_values_in_the_head_keep_their_kind_and_cannot_leave_their_place() -> None:
    front = FRONT.replace("words: {{", 'words: "{{').replace("}}\nalso", '}}"\nalso')
    filled = fill(front, {"metrics.a": 0.123456789, "name": 'x: "y"\nlicense: evil', "version": "1.0.0"})
    assert yaml.safe_load(parse(filled.text).front) == {
        "number": 0.123456789,
        "quoted": 0.123456789,
        "words": 'x: "y" license: evil of 1.0.0',
        "also": 'x: "y"\nlicense: evil',
        "block": 'first x: "y" license: evil\nsecond\n',
        "lost": "{{ nothing }}",
    }
    assert filled.unknown == ("nothing",)


@pytest.mark.parametrize("name", hub_cards())
def test_a_card_without_our_placeholders_is_not_touched(name: str) -> None:
    text = hub_cards()[name]
    filled = fill(text, {"version": "1.0.0", "model": "m"})
    assert filled.text == text
    assert filled.unknown == ()


@given(st.text("`~{}<!->a\n \r*_|#", max_size=200))
def test_the_pieces_are_the_text(text: str) -> None:
    assert "".join(piece.text for piece in card_blocks.pieces(text)) == text


@given(st.text(max_size=60))
def test_any_value_is_shown_as_it_is(value: str) -> None:
    html = markdown.render_card(fill("a {{ v }} z", {"v": value}).text)
    assert "<a" not in html
    assert "<img" not in html
    assert html.count("<") == 2
