"""Rearranges cleaned HTML: images to links, headings down, tables and code that can be scrolled."""

import re
from collections.abc import Collection
from html import escape
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

#: Before the names of headings, so that they cannot meet a name of the page.
ANCHOR = "card-"

_URL = re.compile(r"https?://[^\s<>\"'`]{1,2000}")
_URL_END = ".,;:!?)]}*_"
_ALIGN = re.compile(r"text-align:\s*(left|center|right)")
_VOID = {"br", "hr", "col", "img"}
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")
_TEXT_LENGTH = 80


def rearranged(html: str, unknown: Collection[str] = (), *, shift: int = 0, anchors: bool = True) -> str:
    """Return cleaned HTML rearranged; clean it again afterwards.

    :param unknown: placeholders, with their braces, to be marked outside of code
    :param shift: by how many levels headings go down
    :param anchors: whether headings get names
    """
    work = _Rearranging(unknown, shift, anchors)
    work.feed(html)
    work.close()
    return "".join(work.parts)


def is_deep(html: str, limit: int = 200) -> bool:
    """Say whether tags are nested (or left open) more than `limit` deep, which takes a browser seconds."""
    depth = 0
    for found in _TAG.finditer(html):
        if found[2].lower() not in _VOID:
            depth += -1 if found[1] else 1
        if depth > limit:
            return True
    return False


def slug(title: str) -> str:
    """Return the name of a heading as GitHub and the Hub make it."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


class _Rearranging(HTMLParser):
    """Writes what it reads, but for what is to change. Its input is well-formed, since nh3 wrote it."""

    def __init__(self, unknown: Collection[str], shift: int, anchors: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._shift, self._anchors = shift, anchors
        self._unknown = re.compile("|".join(map(re.escape, unknown))) if unknown else None
        self._links: list[int] = []  # where the texts of the open links begin
        self._code = 0
        self._heading: tuple[int, list[str]] | None = None
        self._names: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Write a tag, or what stands for it."""
        given = {name: value or "" for name, value in attrs}
        if tag == "img":
            self._image(given)
            return
        if tag in ("code", "pre"):
            self._code += 1
        if tag == "pre":
            given["tabindex"] = "0"
        if tag == "table":
            self.parts.append('<div class="table-scroll" tabindex="0">')
        if "style" in given:
            found = _ALIGN.search(given.pop("style"))
            if found:
                given["align"] = found[1]
        if tag == "a" and given.get("href", "").startswith("#"):
            given["href"] = f"#{ANCHOR}{slug(unquote(given['href'][1:]))}"
        if _is_heading(tag):
            self._heading = (len(self.parts), [])
        self.parts.append(_opening(self._level(tag), given))
        if tag == "a":
            self._links.append(len(self.parts))

    def handle_endtag(self, tag: str) -> None:
        """Close a tag, with what only its end tells."""
        if tag in _VOID:
            return
        if tag in ("code", "pre"):
            self._code = max(0, self._code - 1)
        if tag == "a" and self._links:
            self._name_link(self._links.pop())
        if _is_heading(tag):
            self._name_heading(self._level(tag))
        self.parts.append(f"</{self._level(tag)}>")
        if tag == "table":
            self.parts.append("</div>")

    def handle_data(self, data: str) -> None:
        """Write text: addresses become links, unknown placeholders are marked."""
        if self._heading is not None:
            self._heading[1].append(data)
        if self._code:
            self.parts.append(escape(data))
        elif self._links:
            self.parts.append(self._marked(data))
        else:
            self.parts.append(self._linked(data))

    def _image(self, given: dict[str, str]) -> None:
        address = given.get("src", "")
        name = given.get("alt", "").strip() or _file_name(address) or "image"
        reachable = address.lower().startswith(("http://", "https://"))
        if self._links or not reachable:
            self.parts.append(f"<span>{escape(name)}</span>")
            return
        self.parts.append(f'<a href="{escape(address)}" class="image-link">{escape(name)}</a>')

    def _linked(self, data: str) -> str:
        pieces, end = [], 0
        for found in _URL.finditer(data):
            address = found[0].rstrip(_URL_END)
            pieces.append(self._marked(data[end : found.start()]))
            pieces.append(f'<a href="{escape(address)}">{escape(address)}</a>')
            end = found.start() + len(address)
        return "".join([*pieces, self._marked(data[end:])])

    def _marked(self, data: str) -> str:
        if self._unknown is None:
            return escape(data)
        pieces, end = [], 0
        for found in self._unknown.finditer(data):
            marked = f'<mark class="unknown-placeholder">{escape(found[0])}</mark>'
            pieces += [escape(data[end : found.start()]), marked]
            end = found.end()
        return "".join([*pieces, escape(data[end:])])

    def _name_link(self, start: int) -> None:
        """Give a link without text its address as text: a link must say where it leads."""
        inner = "".join(part for part in self.parts[start:] if not part.startswith("<"))
        if not inner.strip() and "<span>" not in "".join(self.parts[start:]):
            found = re.search(r'href="([^"]*)"', self.parts[start - 1])
            self.parts.append(found[1][:_TEXT_LENGTH] if found else "…")

    def _name_heading(self, level: str) -> None:
        if self._heading is None:
            return
        place, texts = self._heading
        self._heading = None
        name = slug("".join(texts))
        if not (name and self._anchors):
            return
        count = self._names[name] = self._names.get(name, -1) + 1
        unique = f"{name}-{count}" if count else name
        opening = self.parts[place]
        self.parts[place] = f'<{level} id="{escape(ANCHOR + unique)}"{opening[len(level) + 1 :]}'

    def _level(self, tag: str) -> str:
        return f"h{min(6, int(tag[1]) + self._shift)}" if _is_heading(tag) else tag


def _is_heading(tag: str) -> bool:
    return len(tag) == 2 and tag[0] == "h" and tag[1] in "123456"


def _opening(tag: str, attributes: dict[str, str]) -> str:
    written = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
    return f"<{tag}{written}>"


def _file_name(address: str) -> str:
    try:
        path = urlsplit(address).path
    except ValueError:
        return ""
    return "" if address.lower().startswith("data:") else unquote(path.rpartition("/")[2])[:_TEXT_LENGTH]
