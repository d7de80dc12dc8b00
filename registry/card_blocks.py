"""Rules: where prose, code, HTML and comments stand in the Markdown of a card."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_TICKS = re.compile(r"`+")
_HTML_HEADING = re.compile(r"<h([1-6])\b[^>]{0,500}>([^\r\n]{0,500}?)</h\1>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]{0,500}>")


class Place(StrEnum):
    """What a piece of Markdown is."""

    PROSE = "prose"
    CODE = "code"
    HTML = "html"
    COMMENT = "comment"


@dataclass(frozen=True)
class Piece:
    """A piece of the source; all pieces in their order are the source."""

    text: str
    place: Place


@dataclass(frozen=True)
class Heading:
    """A heading: its level (1 to 6), its words, its first line and the line after it."""

    level: int
    title: str
    line: int
    end: int


def lines(markdown: str) -> list[str]:
    """Return the lines with their ends, cut where Markdown cuts."""
    return _LINE.findall(markdown)


@lru_cache(maxsize=32)
def pieces(markdown: str) -> tuple[Piece, ...]:
    """Return the source cut into prose, code, HTML and HTML comments."""
    source = lines(markdown)
    found: list[Piece] = []
    at = 0
    for token in _tokens(markdown):
        place = {"fence": Place.CODE, "code_block": Place.CODE, "html_block": Place.HTML}.get(token.type)
        if place is None or token.map is None or token.map[0] < at:
            continue
        found += _of_prose("".join(source[at : token.map[0]]))
        text = "".join(source[token.map[0] : token.map[1]])
        found += [Piece(text, place)] if place is Place.CODE else _without_comments(text, Place.HTML)
        at = token.map[1]
    return (*found, *_of_prose("".join(source[at:])))


@lru_cache(maxsize=32)
def headings(markdown: str) -> tuple[Heading, ...]:
    """Return the headings, those in HTML included, in their order."""
    tokens = _tokens(markdown)
    found = []
    for token, after in zip(tokens, [*tokens, None][1:], strict=True):
        if token.type == "heading_open" and token.map and after:
            found.append(Heading(int(token.tag[1]), after.content, token.map[0], token.map[1]))
        elif token.type == "html_block" and token.map:
            found += _in_html(token)
    return tuple(found)


def without_comments(markdown: str) -> str:
    """Return the source without HTML comments; one that is never closed takes the rest away."""
    return "".join(
        piece.text for piece in _without_comments(markdown, Place.PROSE) if piece.place != "comment"
    )


def _in_html(token: Token) -> Iterator[Heading]:
    for offset, line in enumerate(lines(token.content)):
        for found in _HTML_HEADING.finditer(line):
            start = (token.map or [0])[0] + offset
            yield Heading(int(found[1]), _TAG.sub("", found[2]), start, start + 1)


@lru_cache(maxsize=32)
def _tokens(markdown: str) -> list[Token]:
    return _parser.parse(markdown)


def _of_prose(text: str) -> list[Piece]:
    found = []
    for piece in _without_comments(text, Place.PROSE):
        found += _code_apart(piece.text) if piece.place is Place.PROSE else [piece]
    return found


def _without_comments(text: str, place: Place) -> list[Piece]:
    found, at = [], 0
    while (start := text.find("<!--", at)) >= 0:
        end = text.find("-->", start + 4)
        end = len(text) if end < 0 else end + 3
        found += [Piece(text[at:start], place), Piece(text[start:end], Place.COMMENT)]
        at = end
    return [piece for piece in [*found, Piece(text[at:], place)] if piece.text]


def _code_apart(text: str) -> list[Piece]:
    """Cut at code spans: the next run of backticks that is as long closes one, before a blank line."""
    found, at = [], 0
    runs = list(_TICKS.finditer(text))
    later: dict[int, list[int]] = {}
    for number in reversed(range(len(runs))):
        later.setdefault(len(runs[number][0]), []).append(number)
    next_run = 0
    for number, run in enumerate(runs):
        same = later[len(run[0])]
        while same and same[-1] <= number:
            same.pop()
        if number < next_run or not same:
            continue
        end = runs[same[-1]].end()
        if _has_blank_line(text, run.end(), end):
            continue
        found += [Piece(text[at : run.start()], Place.PROSE), Piece(text[run.start() : end], Place.CODE)]
        at, next_run = end, same[-1] + 1
    return [piece for piece in [*found, Piece(text[at:], Place.PROSE)] if piece.text]


_BLANK = re.compile(r"\n[ \t]*\r?\n")


def _has_blank_line(text: str, start: int, end: int) -> bool:
    # Nobody writes code spans of thousands of characters; looking through all of them would be quadratic.
    return end - start > 2000 or bool(_BLANK.search(text, start, end))


_parser = MarkdownIt("commonmark", {"html": True, "maxNesting": 20}).enable("table")
# Blocks are enough.
_parser.core.ruler.enableOnly(["normalize", "block"])
