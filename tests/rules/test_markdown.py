"""Markdown of any origin becomes HTML that can do nothing."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import markdown
from tests.cards import hub_cards

HOSTILE = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><script>alert(1)</script><text>hi</text></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<math><mi xlink:href='javascript:alert(1)'>x</mi></math>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#x6A;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox(1))",
    "[x](file:///etc/passwd)",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=' javascript:alert(1)'>x</a>",
    "<a href='//evil.example'>x</a>",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "![x](https://evil.example/pixel.png)",
    "<iframe src='https://evil.example'></iframe>",
    "<object data='x'></object><embed src='x'>",
    "<form action='/accounts/sign-out/'><button>x</button><input name=a></form>",
    "<style>body{display:none}</style><p style='position:fixed;inset:0'>x</p>",
    "<link rel=stylesheet href=//evil.example/x.css><meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href='//evil.example/'>",
    "<div class='modal' id='main' hx-get='/x' data-dialog='y' onclick='a()'>x</div>",
    "<details ontoggle=alert(1) open>x</details>",
    "<p id=main name=main>x</p>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<textarea><img src=x onerror=alert(1)></textarea>",
    "<template><script>alert(1)</script></template>",
    "<table background='javascript:alert(1)'><tr><td>x</td></tr></table>",
    "[x]: javascript:alert(1)\n\n[x]",
    "<a href='https://a.example' target=_blank rel=opener ping='https://evil.example'>x</a>",
]
ALLOWED_ATTRIBUTES = {
    "href", "title", "rel", "id", "class", "align", "colspan", "rowspan", "start", "open", "tabindex"
}  # fmt: skip
TAG = re.compile(r"<([a-z0-9]+)((?:\s+[a-z-]+=\"[^\"]*\")*)\s*>")


def assert_inert(html: str) -> None:
    """Take every tag apart: known names, known attributes, links that lead where links may lead."""
    rest = re.sub(r"</[a-z0-9]+>", "", html)
    for tag, attributes in TAG.findall(rest):
        assert tag in markdown._TAGS, tag
        for name, value in re.findall(r"([a-z-]+)=\"([^\"]*)\"", attributes):
            assert name in ALLOWED_ATTRIBUTES, name
            if name == "href":
                assert value.startswith(("http://", "https://", "mailto:", "#card-")), value
            if name == "id":
                assert value.startswith("card-")
            if name == "class":
                assert value in ("table-scroll", "image-link", "unknown-placeholder")
    assert "<" not in TAG.sub("", rest)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    "around", ["{}", "# {}", "> {}", "- {}", "|a|\n|-|\n|{}|", "<div>\n\n{}\n\n</div>", "**{}**"]
)
def test_hostile_text_does_nothing(text: str, around: str) -> None:
    assert_inert(markdown.render_card(around.format(text)))
    assert_inert(markdown.render(around.format(text)))


def test_scripts_styles_and_drawings_vanish_with_their_content() -> None:
    for tag in ("script", "style", "svg", "math", "iframe", "object", "template", "textarea"):
        assert "canary" not in markdown.render_card(f"<div><{tag}>canary</{tag}></div>")


def test_html_in_a_comment_is_text() -> None:
    assert markdown.render("<b>x</b> <script>y</script>") == (
        "<p>&lt;b&gt;x&lt;/b&gt; &lt;script&gt;y&lt;/script&gt;</p>\n"
    )


def test_html_in_a_card_counts_where_it_is_harmless() -> None:
    html = markdown.render_card("<table><tr><td rowspan='2'>H<sub>2</sub>O</td></tr></table>")
    assert '<td rowspan="2">H<sub>2</sub>O</td>' in html


def test_links_are_not_followed_for_anybody() -> None:
    html = markdown.render("[a](https://a.example/x?y=1&z=2) https://b.example/c. <https://d.example>")
    assert html.count('rel="nofollow noopener"') == 3
    assert 'href="https://b.example/c"' in html


def test_images_become_links_and_load_nothing() -> None:
    html = markdown.render_card(
        "![Logo](https://a.example/l.png) ![](https://a.example/plot.png) ![x](rel/pic.png)"
    )
    assert "<img" not in html
    assert '<a href="https://a.example/l.png" class="image-link" rel="nofollow noopener">Logo</a>' in html
    assert ">plot.png</a>" in html
    assert "<span>x</span>" in html


def test_a_badge_is_one_link_with_its_words() -> None:
    html = markdown.render_card("[![Build](https://a.example/b.svg)](https://a.example/)")
    assert html.count("<a ") == 1
    assert "<span>Build</span>" in html


def test_headings_go_down_and_can_be_linked_to() -> None:
    html = markdown.render_card("# Top\n\n###### Low\n\n# Top\n\n[there](#top) <h1>Own</h1>")
    assert '<h3 id="card-top">Top</h3>' in html
    assert '<h3 id="card-top-1">Top</h3>' in html
    assert '<h6 id="card-low">Low</h6>' in html
    assert 'href="#card-top"' in html
    assert "<h1" not in html
    assert "<h2" not in html


def test_a_comment_names_nothing_on_the_page() -> None:
    assert "id=" not in markdown.render("# Title")


def test_tables_keep_their_alignment_without_styles() -> None:
    html = markdown.render_card("|a|b|\n|:-|-:|\n|1|2|\n")
    assert "style" not in html
    assert '<td align="right">2</td>' in html
    assert '<div class="table-scroll" tabindex="0">' in html


def test_a_link_without_words_says_where_it_leads() -> None:
    assert ">https://a.example</a>" in markdown.render("[](https://a.example)")


def test_only_unknown_placeholders_outside_of_code_are_marked() -> None:
    html = markdown.render_card("{{ a }} `{{ a }}` {{ b }}", ["{{ a }}"])
    assert html.count('<mark class="unknown-placeholder">{{ a }}</mark>') == 1
    assert "<mark" not in html.replace('<mark class="unknown-placeholder">', "", 1)


@pytest.mark.parametrize("name", hub_cards())
def test_cards_like_those_of_the_hub_are_inert(name: str) -> None:
    assert_inert(markdown.render_card(hub_cards()[name]))


@given(st.text("<>/='\"&;ab \nhref:scriptimgonx[]()!`#*_|-{}", max_size=200))
def test_any_text_is_inert(text: str) -> None:
    assert_inert(markdown.render_card(text))
    assert_inert(markdown.render(text))


@pytest.mark.parametrize(
    "piece",
    ["[", "![", "*a ", "**a*", "`", "` ``", "<", "[a](", "~~a", "> ", "- ", "|", "||\n|-|\n", "<!--", "<b>",
     "<div>", "\n\n<div>\n\n", "<table>", "<details>", "http://a ", "&#x41;", "# a\n", "\u202e", "﷽"],
)  # fmt: skip
def test_hostile_text_is_laid_out_in_time(piece: str) -> None:
    start = time.process_time()
    markdown.render_card(piece * (100_000 // len(piece)))
    assert time.process_time() - start < 8


def test_a_huge_table_is_laid_out_in_time() -> None:
    start = time.process_time()
    markdown.render_card("|a" * 3000 + "|\n" + "|-" * 3000 + "|\n" + "|a|\n" * 20_000)
    assert time.process_time() - start < 8


def test_text_beyond_the_limit_is_shown_as_it_is() -> None:
    html = markdown.render("<b>" + "a" * markdown.MAX_CHARACTERS)
    assert html.startswith('<pre tabindex="0">&lt;b&gt;')


def test_languages_of_every_direction_are_kept() -> None:
    text = "שלום العربية 한국어 👩‍👩‍👧 \u202eabc\u202c"
    assert text in markdown.render_card(text)
