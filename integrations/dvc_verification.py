"""Hashing what is in the working directory and comparing it with ``dvc.lock``.

DVC checks files out of its cache without looking into them, and then believes its own records. Here every
byte is read. The format of directory hashes is DVC's: the MD5 of the JSON list of ``md5`` and ``relpath`` of
all files, sorted by path, followed by ``.dir`` (dvc_data/hashfile/tree.py).
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from integrations.dvc_files import PIPELINE_FILE, read_pipeline
from integrations.dvc_records import Lock, LockedFile, Pipeline, Stage
from integrations.errors import IntegrationError

CHUNK_BYTES = 1 << 20
LEGACY_HASH = "md5-dos2unix"
NEVER_HASHED = frozenset({".git", ".hg", ".dvc"})  # by DVC's default patterns
HASH_NAMES = ("md5", LEGACY_HASH)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A file or directory that is not what ``dvc.lock`` says.

    ``kind``: ``changed`` (``found`` is the hash it has), ``missing``, or ``unverifiable``: outside of the
    repository, without a hash in the lock, not readable, or in a directory known only to DVC.
    """

    stage: str
    path: str
    expected: str
    found: str
    kind: Literal["changed", "missing", "unverifiable"]


def verify_outputs(
    path: Path,
    lock: Lock,
    *,
    deps: bool = False,
    pipeline: Pipeline | None = None,
    ignored: Callable[[Collection[str]], Collection[str]] = lambda _: (),
    should_stop: Callable[[], bool] = lambda: False,
) -> list[Mismatch]:
    """Return everything below ``path`` that differs from ``lock``; an empty list means: exactly as recorded.

    Stages that ``dvc.yaml`` no longer has do not count.

    Parameters
    ----------
    path:
        Directory of ``dvc.yaml`` and ``dvc.lock``.
    deps:
        Check what the stages read, too: a tampered cache can deliver wrong input data.
    pipeline:
        Gives the stages' working directories; read from ``dvc.yaml`` by default.
    ignored:
        Is given paths relative to ``path`` and returns those that ``.dvcignore`` excludes; asked only about
        directories that differ at first sight (see :meth:`DVCPipelineManager.ignored`).
    should_stop:
        Asked once for every megabyte; ``True`` raises a non-permanent ``IntegrationError``.
    """
    if pipeline is None:
        pipeline = read_pipeline((path / PIPELINE_FILE).read_bytes())
    check = _Check(path, ignored, should_stop)
    found: dict[tuple[str, str], Mismatch] = {}
    for name, locked in lock.stages.items():
        stage = _stage_of(pipeline, name)
        if stage is None:
            continue
        for file in (*locked.outs, *(locked.deps if deps else ())):
            mismatch = check.compare(name, stage.wdir, file)
            if mismatch is not None:
                found.setdefault((mismatch.path, mismatch.expected), mismatch)
    return list(found.values())


def _stage_of(pipeline: Pipeline, name: str) -> Stage | None:
    """Return the stage that a name in the lock belongs to; ``None`` if it is left from an older pipeline."""
    for stage in pipeline.stages:
        if stage.name == name or (stage.group and name.startswith(f"{stage.group}@")):
            return stage
    return None


class _Check:
    """Compares one entry at a time, hashing each path only once."""

    def __init__(
        self,
        root: Path,
        ignored: Callable[[Collection[str]], Collection[str]],
        should_stop: Callable[[], bool],
    ) -> None:
        self.root = root
        self.ignored = ignored
        self.should_stop = should_stop
        self.hashes: dict[tuple[Path, str], str] = {}

    def compare(self, stage: str, directory: str, file: LockedFile) -> Mismatch | None:
        expected = file.md5 or ""
        relative = PurePosixPath(os.path.normpath(PurePosixPath(directory, file.path)))
        outside = relative.is_absolute() or ".." in relative.parts or "://" in file.path
        unknown = not expected or file.hash_name not in HASH_NAMES or "${" in directory
        if outside or unknown:
            return Mismatch(stage, file.path, expected, "", "unverifiable")
        target = self.root / relative
        if not target.exists():
            return Mismatch(stage, str(relative), expected, "", "missing")
        try:
            found = self._hash(target, file.hash_name)
            if found != expected and target.is_dir():
                found = self._hash_tree(target, file.hash_name, self._excluded(target))
        except OSError as error:
            return Mismatch(stage, str(relative), expected, error.strerror or "unreadable", "unverifiable")
        return None if found == expected else Mismatch(stage, str(relative), expected, found, "changed")

    def _hash(self, target: Path, hash_name: str) -> str:
        known = self.hashes.get((target, hash_name))
        if known is None:
            hash_one = self._hash_tree if target.is_dir() else self._hash_file
            known = self.hashes[target, hash_name] = hash_one(target, hash_name)
        return known

    def _hash_tree(self, directory: Path, hash_name: str, excluded: Collection[str] = ()) -> str:
        entries = [
            {"md5": self._hash_file(directory / name, hash_name), "relpath": name}
            for name in _names(directory)
            if name not in excluded
        ]
        entries.sort(key=lambda entry: entry["relpath"])
        listing = json.dumps(entries, sort_keys=True).encode("utf-8")
        return hashlib.md5(listing, usedforsecurity=False).hexdigest() + ".dir"

    def _hash_file(self, target: Path, hash_name: str) -> str:
        known = self.hashes.get((target, hash_name))
        if known is not None:
            return known
        if not stat.S_ISREG(target.stat().st_mode):
            raise OSError(0, "not a regular file")
        if hash_name == LEGACY_HASH:
            known = _legacy_hash(target)
        else:
            digest = hashlib.md5(usedforsecurity=False)
            with target.open("rb") as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    if self.should_stop():
                        raise IntegrationError("The verification was cancelled.", permanent=False)
                    digest.update(chunk)
            known = digest.hexdigest()
        self.hashes[target, hash_name] = known
        return known

    def _excluded(self, directory: Path) -> set[str]:
        prefix = directory.relative_to(self.root).as_posix() + "/"
        names = self.ignored([prefix + name for name in _names(directory)])
        return {name.removeprefix(prefix) for name in names}


def _names(directory: Path) -> Iterator[str]:
    """Yield the paths of all files below a directory, without following links to other directories."""
    for parent, folders, files in os.walk(directory):
        folders[:] = [folder for folder in folders if folder not in NEVER_HASHED]
        for file in files:
            if file == ".git":
                continue
            yield Path(parent, file).relative_to(directory).as_posix()


def _legacy_hash(target: Path) -> str:
    """Return DVC 2's hash, which reads some line ends of what looks like text in another way."""
    from dvc_data.hashfile.hash import file_md5  # only where a lock of DVC 2 asks for it

    return str(file_md5(str(target), name=LEGACY_HASH))
