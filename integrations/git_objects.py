"""Reading many objects of a repository through one process of Git, with bounded memory."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from integrations.git_commands import GitError

MAX_BYTES = 10_000_000
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class GitObject:
    """An object: its kind (commit, tree, blob, tag), its size, and its bytes; None where it is too large."""

    kind: str
    size: int
    data: bytes | None


class ObjectReader:
    """Reads objects of the repository at ``path``; a context manager, since it holds a process."""

    def __init__(self, path: Path, env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["git", f"--git-dir={path}", "cat-file", "--batch"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(env),
        )

    def __enter__(self) -> ObjectReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def read(self, name: str, max_bytes: int = MAX_BYTES) -> GitObject | None:
        """Return the object with the full hash ``name``, None if it is not here.

        What is larger than ``max_bytes`` is passed over without being kept. :class:`GitError`: Git ended.
        """
        source, sink = self._pipes()
        try:
            sink.write(name.encode("ascii") + b"\n")
            sink.flush()
            facts = source.readline().split()
        except (OSError, UnicodeEncodeError) as error:
            raise GitError(f"git cat-file failed: {error}", permanent=False) from None
        if len(facts) == 2 and facts[1] == b"missing":
            return None
        if len(facts) != 3:
            raise GitError("git cat-file ended.", permanent=False)
        size = int(facts[2])
        data = None
        if size <= max_bytes:
            data = source.read(size)
        else:
            _pass_over(source, size)
        source.read(1)
        return GitObject(facts[1].decode("ascii"), size, data)

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._process.stdout is None or self._process.stdin is None:
            raise GitError("git cat-file has no pipes.", permanent=False)
        return self._process.stdout, self._process.stdin


def _pass_over(source: IO[bytes], size: int) -> None:
    while size > 0:
        size -= len(source.read(min(size, _CHUNK))) or size
