"""The message catalogues in `locale/`: extracted from the sources, brought up to date, compiled.

Done with Babel instead of GNU gettext, so that a machine needs nothing beyond Python. Templates go through
Django's own `templatize`, the step that `makemessages` puts before xgettext; so both find the same messages.
"""

import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract as extract_messages
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

SOURCES = ("accounts", "audit", "config", "experiments", "lineage", "registry")
TEMPLATES = "templates"

_KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), None),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
_WIDTH = 110


def extract(base: Path) -> Catalog:
    """Return every message that the sources below `base` mark for translation, without translations."""
    catalogue = Catalog(project="Stagegate", fuzzy=False)
    for path, text in _sources(base):
        found = extract_messages("python", io.BytesIO(text.encode()), _KEYWORDS)
        for _line, message, _comments, context in found:
            catalogue.add(message, context=context, locations=[(path.relative_to(base).as_posix(), 0)])
    return catalogue


def read(path: Path) -> Catalog:
    """Return the catalogue in the file `path`, which lies in `<language>/LC_MESSAGES/`."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name)


def update(base: Path) -> list[Path]:
    """Bring every catalogue to what the sources say and return their files.

    New messages come without a translation; what nobody says any more is dropped.
    """
    template = extract(base)
    return [_update(path, template) for path in files(base)]


def build(base: Path) -> list[Path]:
    """Compile every catalogue for gettext and return the files whose content changed."""
    return [target for path in files(base) if _compile(path, target := path.with_suffix(".mo"))]


def untranslated(catalogue: Catalog) -> list[Message]:
    """Return the messages that would be shown in English, or that somebody has yet to confirm."""
    texts = (message for message in catalogue if message.id)
    return [message for message in texts if message.fuzzy or not _is_complete(message)]


def files(base: Path) -> list[Path]:
    """Return the catalogues below `base`, one for each language."""
    return sorted((base / "locale").glob("*/LC_MESSAGES/django.po"))


def _is_complete(message: Message) -> bool:
    return all(message.string) if isinstance(message.string, tuple) else bool(message.string)


def _update(path: Path, template: Catalog) -> Path:
    catalogue = read(path)
    # No guesses: a translation of a similar message would be shown only where somebody had agreed to it.
    catalogue.update(template, no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    with path.open("wb") as file:
        # Files without lines: a message does not change when code above it moves.
        write_po(file, catalogue, width=_WIDTH, sort_by_file=True, include_lineno=False)
    return path


def _compile(path: Path, target: Path) -> bool:
    buffer = io.BytesIO()
    write_mo(buffer, read(path))
    content = buffer.getvalue()
    if target.is_file() and target.read_bytes() == content:
        return False
    target.write_bytes(content)
    return True


def _sources(base: Path) -> Iterator[tuple[Path, str]]:
    """Yield each source with its text as Python: a template's messages, and nothing else of it."""
    for folder in SOURCES:
        for path in sorted((base / folder).rglob("*.py")):
            yield path, path.read_text(encoding="utf-8")
    for path in sorted((base / TEMPLATES).rglob("*.html")):
        # What is not a message has become a run of letters there; its indentation would be an error.
        lines = templatize(path.read_text(encoding="utf-8"), origin=str(path)).splitlines()
        yield path, "\n".join(line.lstrip() for line in lines)
