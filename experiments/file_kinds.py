"""Rules: what kind a file of a run is, by its name before it is read, and by its content afterwards.

The name decides how a preview is laid out, the content whether there is one: nothing is shown as an image
because it is called so. No database, no library.
"""

from __future__ import annotations

import re
from enum import StrEnum

# Enough for the longest signature, that of a tar archive.
_HEAD = 512


class Kind(StrEnum):
    """What the name of a file promises."""

    IMAGE = "image"
    MATRIX = "matrix"
    TABLE = "table"
    CONFIG = "config"
    MARKDOWN = "markdown"
    TEXT = "text"
    OTHER = "other"


class Media(StrEnum):
    """What the content of a file is."""

    PNG = "png"
    JPEG = "jpeg"
    GIF = "gif"
    WEBP = "webp"
    TEXT = "text"
    ZIP = "zip"
    GZIP = "gzip"
    TAR = "tar"
    PDF = "pdf"
    PARQUET = "parquet"
    HDF5 = "hdf5"
    NUMPY = "numpy"
    SQLITE = "sqlite"
    PICKLE = "pickle"
    ELF = "elf"
    EMPTY = "empty"
    BINARY = "binary"


IMAGES = frozenset({Media.PNG, Media.JPEG, Media.GIF, Media.WEBP})

_SUFFIXES: dict[Kind, frozenset[str]] = {
    Kind.IMAGE: frozenset({"png", "jpg", "jpeg", "gif", "webp"}),
    Kind.TABLE: frozenset({"csv", "tsv"}),
    Kind.MARKDOWN: frozenset({"md", "markdown"}),
    Kind.CONFIG: frozenset(
        {"yaml", "yml", "json", "toml", "ini", "cfg", "conf", "lock", "env", "properties"}
    ),
    Kind.TEXT: frozenset(
        {
            "txt",
            "log",
            "out",
            "err",
            "py",
            "sh",
            "sql",
            "r",
            "jsonl",
            "ndjson",
            "html",
            "xml",
            "svg",
            "css",
            "js",
        }
    ),
}
_CONFIG_NAMES = re.compile(
    r"MLmodel|requirements[^/]*\.txt|Dockerfile|Makefile|\.?[a-z]*ignore", re.IGNORECASE
)
_MATRIX_NAME = re.compile(r"confusion", re.IGNORECASE)
_MATRIX_SUFFIXES = frozenset({"csv", "tsv"})

_SIGNATURES: tuple[tuple[int, bytes, Media], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", Media.PNG),
    (0, b"\xff\xd8\xff", Media.JPEG),
    (0, b"GIF87a", Media.GIF),
    (0, b"GIF89a", Media.GIF),
    (8, b"WEBP", Media.WEBP),
    (0, b"PK\x03\x04", Media.ZIP),
    (0, b"PK\x05\x06", Media.ZIP),
    (0, b"\x1f\x8b", Media.GZIP),
    (257, b"ustar", Media.TAR),
    (0, b"%PDF-", Media.PDF),
    (0, b"PAR1", Media.PARQUET),
    (0, b"\x89HDF\r\n\x1a\n", Media.HDF5),
    (0, b"\x93NUMPY", Media.NUMPY),
    (0, b"SQLite format 3\x00", Media.SQLITE),
    (0, b"\x7fELF", Media.ELF),
)
# Protocol 2 and later begin so; older ones are text and cannot be told from it.
_PICKLE = re.compile(rb"\x80[\x02-\x05]")


def by_name(path: str) -> Kind:
    """Return what the name of the file at `path` promises."""
    name = path.rpartition("/")[2]
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    if suffix in _MATRIX_SUFFIXES and _MATRIX_NAME.search(name):
        return Kind.MATRIX
    if _CONFIG_NAMES.fullmatch(name):
        return Kind.CONFIG
    return next((kind for kind, suffixes in _SUFFIXES.items() if suffix in suffixes), Kind.OTHER)


def sniffed(data: bytes) -> Media:
    """Return what `data` is, by its first bytes, or text if all of it can be read as such."""
    if not data:
        return Media.EMPTY
    head = data[:_HEAD]
    for start, signature, media in _SIGNATURES:
        if head[start : start + len(signature)] == signature and (media != Media.WEBP or head[:4] == b"RIFF"):
            return media
    if _PICKLE.match(head):
        return Media.PICKLE
    return Media.BINARY if text_of(data) is None else Media.TEXT


def text_of(data: bytes) -> str | None:
    """Return `data` as text: UTF-8, or UTF-16 that says so; None if it is neither."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
