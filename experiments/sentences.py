"""English sentences in the reader's language.

Rules and adapters know no Django, and what a worker writes is stored before anybody reads it: both speak
English. Every app names the sentences that people get to see, with placeholders, in `known_sentences`. A text
is recognised by them here and said again in the language of the reader. What nobody named stays as it is, the
output of tools above all.

A placeholder `%(name)s` stands for one word (a path, a key), any other for whatever is there; what
`%(problem)s`, `%(subject)s` and `%(error)s` stand for is a sentence, or part of one, itself.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from django.utils.translation import get_language, gettext

_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
_ONE_WORD = "name"
_SENTENCES = ("problem", "subject", "error")
_KEPT = 2048


class _Pattern(NamedTuple):
    """A sentence and what recognises it; `letters` counts what is not placeholder."""

    template: str
    regex: re.Pattern[str]
    letters: int


_exact: set[str] = set()
_patterns: list[_Pattern] = []


def add(templates: Iterable[str]) -> None:
    """Name English sentences, marked by `gettext_noop`, so that `translated` recognises them."""
    for template in templates:
        if not _PLACEHOLDER.search(template):
            _exact.add(template)
        elif all(template != pattern.template for pattern in _patterns):
            _patterns.append(_pattern(template))
    # The one that says most by itself is the one that was meant.
    _patterns.sort(key=lambda pattern: -pattern.letters)
    _line.cache_clear()


def translated(text: str) -> str:
    """Return `text` with each line that is known in the reader's language."""
    language = get_language() or "en"
    if language.startswith("en") or not text:
        return text
    return "\n".join(_line(line, language) for line in text.split("\n"))


def is_known(sentence: str) -> bool:
    """Say whether somebody named `sentence`, so that readers of any language get it in theirs."""
    return sentence in _exact or any(pattern.regex.fullmatch(sentence) for pattern in _patterns)


@lru_cache(maxsize=_KEPT)
def _line(line: str, language: str) -> str:
    """Return one line in `language`, which is the one that is active."""
    if line in _exact:
        return gettext(line)
    for pattern in _patterns:
        match = pattern.regex.fullmatch(line)
        if match is not None:
            return _filled(gettext(pattern.template), match.groupdict(), language)
    return line


def _filled(template: str, values: dict[str, str], language: str) -> str:
    """Return `template` with `values`, of which those that are sentences themselves are translated."""
    for part in _SENTENCES:
        if part in values:
            values[part] = _line(values[part], language)
    return _PLACEHOLDER.sub(lambda found: values[found[1]], template)


def _pattern(template: str) -> _Pattern:
    pieces, end, letters = [], 0, 0
    for found in _PLACEHOLDER.finditer(template):
        literal = template[end : found.start()]
        pieces += [re.escape(literal), rf"(?P<{found[1]}>{r'[^ ]+' if found[1] == _ONE_WORD else '.+?'})"]
        letters += len(literal)
        end = found.end()
    pieces.append(re.escape(template[end:]))
    return _Pattern(template, re.compile("".join(pieces), re.DOTALL), letters + len(template) - end)
