"""Committing the results of a job into a bare repository, without trusting the directory they come from."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from integrations.errors import IntegrationError
from integrations.git_commands import GitError, run_local

RESULT_PREFIX = "stagegate/"
MAX_FILE_BYTES = 50_000_000
MAX_FILES = 2_000
NO_OBJECT = "0" * 40


@dataclass(frozen=True, slots=True)
class Signature:
    """Who commits, and when (timezone-aware; ``None``: now)."""

    name: str
    email: str
    when: datetime | None = None

    def environment(self) -> dict[str, str]:
        for value in (self.name, self.email):
            if not value.strip() or not value.isprintable() or set(value) & set("<>"):
                raise IntegrationError(f"{value!r} cannot be used as a Git identity.", permanent=True)
        seconds = int((self.when or datetime.now(UTC)).timestamp())
        return {
            f"GIT_{role}_{field}": value
            for role in ("AUTHOR", "COMMITTER")
            for field, value in (
                ("NAME", self.name),
                ("EMAIL", self.email),
                ("DATE", f"@{seconds} +0000"),
            )
        }


@dataclass(frozen=True, slots=True)
class ResultFile:
    """One file of a result: path inside the repository, its bytes, and whether it is executable."""

    path: str
    content: bytes
    executable: bool


@dataclass(frozen=True, slots=True)
class Result:
    """The files to commit; of ``directories`` nothing but these files is kept from the parent commit."""

    files: tuple[ResultFile, ...]
    directories: tuple[str, ...]


def collect(workdir: Path, paths: Iterable[str]) -> Result:
    """Read files, and all files below directories, from a working directory in which foreign code ran.

    Links are refused: one that such code put in place of a result would carry any file of this host into the
    commit. Permanent ``IntegrationError`` for links, missing or too large files and paths that lead outside.
    """
    files: dict[str, ResultFile] = {}
    directories = set()
    for path in paths:
        relative = _relative(path)
        for name in _below(workdir, relative):
            files[str(name)] = _read(workdir, name)
            if len(files) > MAX_FILES:
                raise IntegrationError(f"A result may hold at most {MAX_FILES} files.", permanent=True)
        if (workdir / relative).is_dir():
            directories.add(str(relative))
    return Result(tuple(files[name] for name in sorted(files)), tuple(sorted(directories)))


def _relative(path: str) -> PurePosixPath:
    relative = PurePosixPath(path)
    strange = {part.lower() for part in relative.parts} & {"..", ".git"}
    if not relative.parts or relative.is_absolute() or strange or not str(path).isprintable():
        raise IntegrationError(f"{path!r} is not a path inside the repository.", permanent=True)
    return relative


def _below(workdir: Path, name: PurePosixPath) -> Iterator[PurePosixPath]:
    for parent in (name, *name.parents[:-1]):
        if (workdir / parent).is_symlink():
            raise IntegrationError(f"{str(parent)!r} is a link and cannot be committed.", permanent=True)
    path = workdir / name
    if path.is_dir():
        for child in sorted(path.iterdir()):
            yield from _below(workdir, name / child.name)
    elif path.exists():
        yield name
    else:
        raise IntegrationError(f"The result {str(name)!r} does not exist.", permanent=True)


def _read(workdir: Path, name: PurePosixPath) -> ResultFile:
    descriptor = os.open(workdir / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > MAX_FILE_BYTES:
            limit = MAX_FILE_BYTES // 1_000_000
            message = f"{str(name)!r} is not a regular file of at most {limit} MB."
            raise IntegrationError(message, permanent=True)
        return ResultFile(str(name), file.read(MAX_FILE_BYTES), bool(facts.st_mode & stat.S_IXUSR))


def head_of(workdir: Path) -> str:
    """Return the hash that a detached clone is at, read as text: its configuration is not to be trusted."""
    head = workdir / ".git" / "HEAD"
    text = "" if head.is_symlink() or not head.is_file() else head.read_text(errors="replace")[:100].strip()
    if len(text) != len(NO_OBJECT) or set(text) - set("0123456789abcdef"):
        raise IntegrationError("The clone is no longer at one exact commit.", permanent=True)
    return text


def commit_files(
    repository: Path,
    env: Mapping[str, str],
    result: Result,
    message: str,
    *,
    parent: str,
    branch: str,
    signature: Signature,
) -> str:
    """Commit files on top of ``parent`` as the new branch ``branch`` of a bare repository; return the hash.

    If the branch already holds the same tree on the same parent, that commit is returned (a retry). If it
    holds anything else, ``IntegrationError`` (permanent): a result that somebody may refer to never moves.
    """
    reference = f"refs/heads/{branch}"
    tree = _write_tree(repository, env, result, parent)
    existing = _existing(repository, env, reference, tree, parent)
    if existing is None:
        commit = run_local(
            [f"--git-dir={repository}", "commit-tree", tree, "-p", parent, "-F", "-"],
            env={**env, **signature.environment()},
            stdin=message.encode("utf-8"),
        )
        existing = commit.decode("ascii").strip()
        run_local([f"--git-dir={repository}", "update-ref", reference, existing, NO_OBJECT], env=env)
    return existing


def _write_tree(repository: Path, env: Mapping[str, str], result: Result, parent: str) -> str:
    git_dir = f"--git-dir={repository}"
    with tempfile.TemporaryDirectory(prefix="stagegate-index-") as directory:
        index = {**env, "GIT_INDEX_FILE": str(Path(directory) / "index")}
        run_local([git_dir, "read-tree", parent], env=index)
        entries = bytearray()
        if result.directories:
            listed = run_local([git_dir, "ls-files", "-z", "--", *result.directories], env=index)
            for path in listed.split(b"\0")[:-1]:
                entries += b"0 %s\t%s\0" % (NO_OBJECT.encode(), path)
        for file in result.files:
            blob = run_local([git_dir, "hash-object", "-w", "--stdin"], env=env, stdin=file.content)
            mode = "100755" if file.executable else "100644"
            entries += f"{mode} {blob.decode('ascii').strip()}\t{file.path}\0".encode()
        run_local([git_dir, "update-index", "-z", "--index-info"], env=index, stdin=bytes(entries))
        # Git leaves out names that it finds dangerous without calling that an error.
        names = [file.path for file in result.files]
        run_local([git_dir, "ls-files", "--error-unmatch", "--", *names], env=index)
        return run_local([git_dir, "write-tree"], env=index).decode("ascii").strip()


def _existing(repository: Path, env: Mapping[str, str], reference: str, tree: str, parent: str) -> str | None:
    """Return the commit that the branch has, if it is this very result; ``None`` if there is no branch."""
    try:
        answer = run_local(
            [f"--git-dir={repository}", "show", "-s", "--no-notes", "--format=%H %T %P", reference], env=env
        )
    except GitError:
        return None  # if the reason was another one, creating the branch will say so
    commit, *rest = answer.decode("ascii").split()
    if rest != [tree, parent]:
        name = reference.removeprefix("refs/heads/")
        raise IntegrationError(f"The branch {name!r} already holds another result.", permanent=True)
    return commit
