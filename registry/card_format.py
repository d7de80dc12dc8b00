"""Rules: a model card as the Hugging Face Hub has it, YAML front matter and Markdown in one `README.md`.

A card is kept as the text it came in: what nobody edits stays byte for byte, also what this product does not
understand (widgets, comments, further keys).
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from registry import card_yaml
from registry.card_yaml import YamlError

#: Bytes of UTF-8 that a card may have.
MAX_BYTES = 200_000

# The Hub's rule: the first line is `---`, and so is the line that ends it.
_FRONT = re.compile(r"\A(\s*---(?:\r\n|\r|\n))(.*?)((?:\r\n|\r|\n)---[ \t]*(?:\r\n|\n|\Z))", re.DOTALL)
_BARE = re.compile(
    r"^([ \t]*(?:- +)?(?:[\w-]+: +)?)(\{\{[^{}\n]{1,100}\}\})([ \t]*(?:#[^\n]*)?)$", re.MULTILINE
)


class CardError(ValueError):
    """The text is no card that can be kept; the message is one sentence."""


@dataclass(frozen=True)
class Card:
    """A card in its parts; `str(card)` is the text it was read from.

    :ivar opening: the line that opens the front matter, `front`: its YAML, `closing`: the line that ends it;
        all empty where the card has none
    :ivar body: the Markdown
    """

    opening: str
    front: str
    closing: str
    body: str

    def __str__(self) -> str:
        return f"{self.opening}{self.front}{self.closing}{self.body}"

    @cached_property
    def document(self) -> card_yaml.Document:
        """The front matter as it was read.

        :raises CardError: it is not YAML that a card may have
        """
        try:
            return card_yaml.read(quoted_placeholders(self.front))
        except YamlError as error:
            raise CardError(str(error)) from None

    @property
    def fields(self) -> dict[str, Any]:
        """The front matter: name -> value."""
        return self.document.data

    @property
    def line_end(self) -> str:
        """What ends the lines of this card."""
        return "\r\n" if "\r\n" in str(self) else "\n"

    def with_fields(self, changes: Mapping[str, Any]) -> "Card":
        """Return the card with entries of its front matter exchanged, added, or (None) removed.

        Every other line of the front matter keeps its bytes; front matter in flow style is written anew.

        :raises CardError: the front matter cannot be read
        """
        front = self.front
        for name, value in changes.items():
            front = _with_field(front, name, value, self.line_end)
        if self.opening or not front:
            return Card(self.opening, front, self.closing, self.body)
        return Card(f"---{self.line_end}", front, f"{self.line_end}---{self.line_end}", self.body)


def parse(text: str) -> Card:
    """Return the parts of a card, without looking into them."""
    found = _FRONT.match(text)
    if found is None:
        return Card("", "", "", text)
    return Card(found[1], found[2], found[3], text[found.end() :])


def decode(content: bytes) -> str:
    """Return the text of a `README.md` file.

    :raises CardError: too long, or not UTF-8
    """
    check_size(len(content))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CardError("The file is not UTF-8 text.") from None


def check_size(count: int) -> None:
    """Refuse a card of more than `MAX_BYTES` bytes.

    :raises CardError: it is longer
    """
    if count > MAX_BYTES:
        raise CardError(f"The card is too long: it has {count} bytes, and at most {MAX_BYTES} are allowed.")


def check_text(text: str) -> None:
    """Refuse what no database or YAML can hold.

    :raises CardError: too long, or characters that are none
    """
    # Counting characters first spares encoding megabytes.
    check_size(len(text))
    try:
        check_size(len(text.encode()))
    except UnicodeEncodeError:
        raise CardError("The card holds characters that are not Unicode.") from None
    if "\0" in text:
        raise CardError("The card holds characters that are not text.")


def with_line_ends_of(base: str, text: str) -> str:
    """Return `text`, as a browser sends it (CRLF), with the line ends that `base` has."""
    unified = text.replace("\r\n", "\n")
    crlf = "\r\n" in base and not re.search(r"(?<!\r)\n", base)
    return unified.replace("\n", "\r\n") if crlf else unified


def digest(text: str) -> str:
    """Return the SHA-256 (64 hex digits) of the text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def quoted_placeholders(front: str) -> str:
    """Return YAML in which a placeholder that stands alone as a value is quoted, so that it can be read."""
    return _BARE.sub(lambda found: f'{found[1]}"{found[2]}"{found[3]}', front)


def _with_field(front: str, name: str, value: Any, line_end: str) -> str:
    document = Card("", front, "", "").document
    entry = f"{_name(name)}:{card_yaml.write(value)}".replace("\n", line_end)
    if document.flow:
        left = {key: kept for key, kept in {**document.data, name: value}.items() if kept is not None}
        whole = (f"{_name(key)}:{card_yaml.write(kept)}" for key, kept in left.items())
        return line_end.join(whole).replace("\r\n", "\n").replace("\n", line_end)
    lines = card_yaml.text_lines(front)
    if name not in document.lines:
        if value is None:
            return front
        joint = line_end if front and not front.endswith("\n") else ""
        return f"{front}{joint}{entry}"
    first, after = document.lines[name]
    rest = lines[after:]
    new = [] if value is None else [entry + (line_end if rest else "")]
    return "".join([*lines[:first], *new, *rest])


def _name(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z][\w-]*", name) else card_yaml.inline(name)
