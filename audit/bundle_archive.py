"""Rules: whether the archive of an evidence bundle is the same to every program that unpacks it.

No database; part of the verifier. A zip file can hold more than its list of members says, two members that
one file system takes for one, and names that lead out of the folder.
"""

from __future__ import annotations

import stat
import struct
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterator

_MOST_MEMBERS = 50_000
_LARGEST_IN_ALL = 1_000_000_000  # bytes, unpacked
_DESCRIPTOR = 24  # bytes at most behind a member that was written without seeking; a hidden one takes more
_LOCAL_HEADER = 30
_ENCRYPTED = 1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def check_archive(archive: zipfile.ZipFile) -> Iterator[str]:
    """Yield what would let two programs find two different things in the archive."""
    members = archive.infolist()
    if len(members) > _MOST_MEMBERS or sum(one.file_size for one in members) > _LARGEST_IN_ALL:
        yield "the archive: it is too large"
    names = Counter(one.filename for one in members)
    yield from (f"{name}: it is in the bundle more than once" for name, count in names.items() if count > 1)
    alike = Counter(_folded(name) for name in names)
    yield from (
        f"{name}: another member differs by its spelling only" for name in names if alike[_folded(name)] > 1
    )
    for one in members:
        if not _is_plain(one.filename):
            yield f"{one.filename!r}: it is no name of a file in the bundle"
        if not _is_plain_file(one):
            yield f"{one.filename}: it is no plain file"
    if archive.comment or not _is_seamless(archive, members):
        yield "the archive: it holds bytes that belong to no member"


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _is_plain(name: str) -> bool:
    steps = name.split("/")
    odd = any(step in ("", ".", "..") or step != step.strip(" .") for step in steps)
    return not odd and name.isprintable() and not set(name) & set('\\:*?"<>|')


def _is_plain_file(one: zipfile.ZipInfo) -> bool:
    is_file = stat.S_IFMT(one.external_attr >> 16) in (0, stat.S_IFREG)
    return is_file and one.compress_type in _METHODS and not one.flag_bits & _ENCRYPTED


def _is_seamless(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> bool:
    """Say whether one member follows the other, from the first byte to the list of members."""
    end = 0
    for one in sorted(members, key=lambda one: one.header_offset):
        if not 0 <= one.header_offset - end <= (_DESCRIPTOR if end else 0):
            return False
        end = _end(archive, one)
    return 0 <= archive.start_dir - end <= _DESCRIPTOR


def _end(archive: zipfile.ZipFile, one: zipfile.ZipInfo) -> int:
    file = archive.fp
    if file is None:
        raise ValueError("the archive is closed")
    file.seek(one.header_offset + _LOCAL_HEADER - 4)
    name, extra = struct.unpack("<HH", file.read(4))
    return int(one.header_offset + _LOCAL_HEADER + name + extra + one.compress_size)
