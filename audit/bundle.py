"""All that an auditor takes along: entries, checkpoints, public key, verifier, and how to use it."""

import io
import itertools
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from audit import checkpoint_files, standing_alone

ENTRIES = "export.jsonl"
VERIFIER = "verifier.py"
_LINES = 200
_README = """This is the audit trail of Stagegate, or a part of it.

  export.jsonl       the entries, one JSON object a line
  checkpoints.jsonl  signed statements about the trail
  public_key.pem     the key that they are signed with
  verifier.py        says whether all of this is whole

    pip install cryptography
    python verifier.py export.jsonl checkpoints.jsonl public_key.pem

Do not trust verifier and key of this bundle alone: compare both with copies that you got at another time
or by another way. Who could forge the entries could have put another key and verifier beside them.
"""

Parts = Iterator[tuple[str, Iterable[str]]]


def parts(entries: Iterable[str]) -> Parts:
    """Yield name and text of every file of a bundle, `entries` being the lines of the first."""
    yield ENTRIES, entries
    yield checkpoint_files.LINES, (f"{line}\n" for line in checkpoint_files.lines())
    yield checkpoint_files.PUBLIC_KEY, [checkpoint_files.public_keys()]
    yield VERIFIER, [standing_alone.trail()]
    yield "README.txt", [_README]


def into_folder(folder: Path, bundle: Parts) -> None:
    """Write the files of a bundle into a new folder.

    Raises:
        OSError: it is there already, or cannot be written.
    """
    folder.mkdir(parents=True)
    for name, texts in bundle:
        with (folder / name).open("w", encoding="utf-8") as file:
            file.writelines(texts)


def into_zip(path: Path, bundle: Parts) -> None:
    """Write the files of a bundle into a new archive.

    Raises:
        OSError: it is there already, or cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        for chunk in zipped(bundle):
            file.write(chunk)


def zipped(bundle: Parts) -> Iterator[bytes]:
    """Yield the bytes of an archive of the bundle while it is made: nothing of it is kept."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, texts in bundle:
            with archive.open(name, "w", force_zip64=True) as file:
                remaining = iter(texts)
                # Line by line, the archive would be busier with its books than with compressing.
                while part := list(itertools.islice(remaining, _LINES)):
                    file.write("".join(part).encode())
                    yield from sink.taken(at_least=io.DEFAULT_BUFFER_SIZE)
    yield from sink.taken()


class _Sink(io.RawIOBase):
    """Takes what `zipfile` writes until somebody fetches it. It cannot be sought in, as a response cannot."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self._chunks.append(bytes(content))
        self._size += len(content)
        return len(content)

    def taken(self, *, at_least: int = 1) -> Iterator[bytes]:
        if self._size >= at_least:
            yield b"".join(self._chunks)
            self._chunks, self._size = [], 0
