"""Rules: what a line of a program's output is about. No database, no Django."""

import re
from typing import Literal

Level = Literal["", "stage", "warning", "error"]

# Programs put a time, and brackets, before the word that says how bad it is.
_PREFIX = re.compile(r"(?:\d(?:[\d\-/:., +]|T(?=\d)|Z\b)*)?[\[(| ]*")
_ERROR = re.compile(
    r"Traceback \(most recent call last\)|(?:ERROR|CRITICAL|FATAL)\b|(?:fatal|error): "
    r"|[\w.]*(?:Error|Exception)(?:: |$)|Segmentation fault|Killed$|Out of memory"
)
_WARNING = re.compile(r"WARN(?:ING)?\b|warning: ")
# DVC says which stage begins or was left out, and repeats the stage's command after "> ".
_STAGE = re.compile(r"Running stage |Stage '[^']*' (?:didn't change|is cached)|> \S")
# Texts of which a line with an error has at least one: a cheap question to a database.
ERROR_WORDS = (
    "Traceback (most",
    "ERROR",
    "CRITICAL",
    "FATAL",
    "fatal: ",
    "error: ",
    "Error",
    "Exception",
    "Segmentation fault",
    "Killed",
    "Out of memory",
)


def level_of(line: str) -> Level:
    """Return what `line` is about; the empty text for ordinary output."""
    prefix = _PREFIX.match(line)
    text = line[prefix.end() :] if prefix else line
    if _ERROR.match(text):
        return "error"
    if _WARNING.match(text) or "Warning: " in text:
        return "warning"
    return "stage" if _STAGE.match(text) else ""
