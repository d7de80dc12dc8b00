"""Markdown that people wrote, as HTML that can do nothing: no scripts, no styles, no foreign images.

CommonMark with tables and strike-through; the result passes nh3 last, whatever was done to it before. Links
lead to http, https and mailto addresses or to headings of the same text. Images become links, because the
content security policy loads none from elsewhere and no author of a card is to count who reads it.
"""

from collections.abc import Collection
from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from experiments.markdown_html import ANCHOR, is_deep, rearranged

#: Beyond this, text is shown as it is: nobody reads it, and laying it out takes seconds.
MAX_CHARACTERS = 200_000

# fmt: off
_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "dd", "details",
    "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "kbd",
    "li", "mark", "ol", "p", "pre", "q", "s", "samp", "small", "span", "strong", "sub", "summary", "sup",
    "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul", "var",
}
_GONE_WITH_CONTENT = {
    "script", "style", "svg", "math", "iframe", "object", "embed", "template", "noscript", "textarea",
    "title", "select",
}
# fmt: on
_ALIGN = {"left", "center", "right"}
_COUNTS = {str(number) for number in range(1, 51)}
_SCHEMES = {"http", "https", "mailto"}
_ALLOWED_VALUES = {
    **{tag: {"align": _ALIGN} for tag in ("p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "table", "tr")},
    "td": {"align": _ALIGN, "colspan": _COUNTS, "rowspan": _COUNTS},
    "th": {"align": _ALIGN, "colspan": _COUNTS, "rowspan": _COUNTS},
    "ol": {"start": {str(number) for number in range(1000)}},
    "details": {"open": {""}},
}
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
# What `rearranged` adds; whoever writes it themselves gains nothing.
_OWN_VALUES = {
    **_ALLOWED_VALUES,
    "div": {"align": _ALIGN, "tabindex": {"0"}},
    "pre": {"tabindex": {"0"}},
}
_OWN_CLASSES = {"div": {"table-scroll"}, "a": {"image-link"}, "mark": {"unknown-placeholder"}}


def render(text: str) -> SafeString:
    """Return Markdown of a comment, a note or a file as HTML; HTML in it is shown as text.

    :param text: Markdown of any origin
    """
    return _render(text, False, ())


def render_card(text: str, unknown: Collection[str] = ()) -> SafeString:
    """Return the Markdown of a card as HTML; harmless HTML in it counts (tables, details, `<sub>`).

    Headings go two levels down, since they stand below those of the page, and can be linked to.

    :param unknown: placeholders, with their braces, that are to be marked as errors
    """
    return _render(text, True, tuple(sorted(unknown)))


@lru_cache(maxsize=64)
def _render(text: str, html: bool, unknown: tuple[str, ...]) -> SafeString:
    if len(text) > MAX_CHARACTERS:
        return mark_safe(f'<pre tabindex="0">{nh3.clean_text(text)}</pre>')  # noqa: S308  escaped
    made = _parsers[html].render(text)
    if html and is_deep(made):
        made = _parsers[False].render(text)
    first = nh3.clean(
        made,
        tags=_TAGS | {"img"},
        clean_content_tags=_GONE_WITH_CONTENT,
        attributes={
            "a": {"href", "title"},
            "abbr": {"title"},
            "img": {"src", "alt"},
            # Markdown writes how a column is aligned as a style, which the content security policy refuses.
            **{tag: {"style"} for tag in ("td", "th")},
            **{tag: {"id"} for tag in _HEADINGS},
        },
        tag_attribute_values=_ALLOWED_VALUES,
        attribute_filter=_kept,
        filter_style_properties={"text-align"},
        url_schemes=_SCHEMES,
        link_rel=None,
    )
    arranged = rearranged(first, unknown, shift=2 if html else 3, anchors=html)
    return mark_safe(_last(arranged))  # noqa: S308  sanitised


def _last(text: str) -> str:
    return nh3.clean(
        text,
        tags=_TAGS,
        clean_content_tags=_GONE_WITH_CONTENT,
        attributes={"a": {"href", "title"}, "abbr": {"title"}, **{tag: {"id"} for tag in _HEADINGS}},
        tag_attribute_values=_OWN_VALUES,
        attribute_filter=_kept,
        allowed_classes=_OWN_CLASSES,
        url_schemes=_SCHEMES,
        link_rel="nofollow noopener",
    )


def _kept(tag: str, name: str, value: str) -> str | None:
    """Keep addresses that lead out of here or to a heading, and names of headings that `rearranged` gave."""
    if name in ("href", "src"):
        lower = value.strip().lower()
        known = lower.startswith(("http://", "https://", "mailto:")) or (
            name == "href" and lower.startswith("#")
        )
        return value if known or name == "src" else None
    if name == "id":
        return value if value.startswith(ANCHOR) else None
    return value


def _parser(html: bool) -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": html, "maxNesting": 20}).enable(["table", "strikethrough"])


_parsers = {html: _parser(html) for html in (False, True)}
