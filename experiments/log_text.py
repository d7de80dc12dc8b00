"""Rules: how output of programs becomes lines that a page can show. No database, no Django."""

import re

MAX_CHARACTERS = 2_000
# Longer than what is kept, because control sequences are taken out first; bounds the work on one line.
_READ_CHARACTERS = 4 * MAX_CHARACTERS

# ECMA-48: control sequences, control strings up to their terminator, and two-character escapes.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]"
)
# Control characters, and those that turn the direction of text: a line must not look like another one.
_CONTROLS = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")


def lines(text: str) -> list[str]:
    """Return the lines of `text`, each cleaned; an end of line at its end begins no further line."""
    return [clean(line) for line in text.removesuffix("\n").split("\n")]


def clean(line: str) -> str:
    """Return one line without colours, control characters and lone surrogates, cut to `MAX_CHARACTERS`.

    Of a line that is rewritten by carriage returns, the last state is kept, as on a terminal.
    """
    last = line.rstrip("\r").rpartition("\r")[2]
    text = _CONTROLS.sub("", _ESCAPES.sub("", last[:_READ_CHARACTERS]))
    text = _SURROGATES.sub("\ufffd", text)
    if len(text) <= MAX_CHARACTERS and len(last) <= _READ_CHARACTERS:
        return text
    return f"{text[:MAX_CHARACTERS]} … [line cut]"
