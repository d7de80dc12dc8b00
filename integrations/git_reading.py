"""Reading references, commits and files of a bare repository as typed records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Literal

from integrations.errors import IntegrationError
from integrations.git_commands import GitError, run_local

FULL_HASH = re.compile(r"[0-9a-f]{40}")
ABBREVIATED_HASH = re.compile(r"[0-9a-f]{4,40}", re.IGNORECASE)
MAX_REFERENCES = 5_000
MAX_COMMITS = 1_000
MAX_FILE_BYTES = 10_000_000
LONGEST_NAME = 255
LONGEST_SUBJECT = 500


@dataclass(frozen=True, slots=True)
class Ref:
    """A branch or tag: short name, the commit it leads to (never a tag object), and that commit's date."""

    name: str
    kind: Literal["branch", "tag"]
    sha: str
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit; dates are in UTC."""

    sha: str
    parents: tuple[str, ...]
    author: str
    authored_at: datetime
    committed_at: datetime
    subject: str


class GitReader:
    """Read access to the bare repository at ``path``; ``env`` is the whole environment of the commands."""

    def __init__(self, path: Path, env: Mapping[str, str]) -> None:
        self.path = path
        self.env = dict(env)

    def refs(self, limit: int = MAX_REFERENCES) -> list[Ref]:
        """Return branches and tags on commits, newest commit first, at most ``limit``."""
        pieces = ("%(refname)", "%(objecttype)", "%(objectname)", "%(committerdate:unix)")
        peeled = ("%(*objecttype)", "%(*objectname)", "%(*committerdate:unix)")
        answer = self._text(
            "for-each-ref",
            f"--count={limit}",
            "--sort=-creatordate",
            "--format=" + "%00".join((*pieces, *peeled)),
            "refs/heads/",
            "refs/tags/",
        )
        found = [_ref(line.split("\0")) for line in answer.split("\n") if line]
        return sorted((ref for ref in found if ref), key=lambda ref: ref.committed_at, reverse=True)

    def default_branch(self) -> str:
        """Return the branch that upstream's HEAD names, else ``main``, ``master`` or the first there is.

        Permanent ``IntegrationError`` if there is no branch yet.
        """
        head = self._text("symbolic-ref", "HEAD").removeprefix("refs/heads/")
        for name in (head, "main", "master"):
            if self._has_reference(f"refs/heads/{name}"):
                return name
        branches = sorted(ref.name for ref in self.refs() if ref.kind == "branch")
        if branches:
            return branches[0]
        raise IntegrationError("The repository has no branch yet.", permanent=True)

    def resolve(self, ref: str) -> str:
        """Return the full hash of the commit that a branch, a tag or a (shortened) hash names, in this order.

        Permanent ``IntegrationError`` if there is none, if a shortened hash fits several, or if ``ref`` is an
        expression (``main~1``), an option or holds control characters.
        """
        if ref.isprintable() and not ref.startswith("-") and 0 < len(ref) <= LONGEST_NAME:
            candidates = [f"refs/heads/{ref}", f"refs/tags/{ref}"]
            names = [name for name in candidates if self._is_well_formed(name)]
            if ABBREVIATED_HASH.fullmatch(ref):
                names.append(ref.lower())
            for name in names:
                sha = self._commit_of(name)
                if sha:
                    return sha
            if ref.lower() in names and self._git("rev-parse", f"--disambiguate={ref}").count(b"\n") > 1:
                raise IntegrationError(f"{ref!r} is the beginning of several hashes.", permanent=True)
        raise IntegrationError(f"There is no branch, tag or commit {ref[:LONGEST_NAME]!r}.", permanent=True)

    def exists(self, sha: str) -> bool:
        """Whether the full hash names a commit that is here."""
        return FULL_HASH.fullmatch(sha) is not None and self._commit_of(sha) == sha

    def require(self, sha: str) -> None:
        """Permanent ``IntegrationError`` unless :meth:`exists`."""
        if not self.exists(sha):
            raise IntegrationError(f"There is no commit {sha[:LONGEST_NAME]!r}.", permanent=True)

    def log(self, sha: str, limit: int = 50) -> list[Commit]:
        """Return the commit ``sha`` and its ancestors, newest first, at most ``limit`` (1 to 1,000)."""
        self.require(sha)
        count = max(1, min(limit, MAX_COMMITS))
        fields = "%H%x00%P%x00%an%x00%at%x00%ct%x00%s"
        answer = self._text("log", "-z", f"--max-count={count}", "--no-notes", f"--format={fields}", sha)
        parts = answer.split("\0")
        return [_commit(parts[start : start + 6]) for start in range(0, len(parts) - 5, 6)]

    def read_file(self, sha: str, path: str, *, max_bytes: int = MAX_FILE_BYTES) -> bytes | None:
        """Return a file's bytes at a commit, or ``None`` if there is no regular file of that name.

        Permanent ``IntegrationError`` if the commit is unknown or the file is larger than ``max_bytes``.
        """
        self.require(sha)
        name = PurePosixPath(path)
        if name.is_absolute() or ".." in name.parts or not name.parts or "\0" in path:
            return None
        listed = self._git("ls-tree", "-z", "-l", "--full-tree", sha, "--", str(name))
        facts = listed.partition(b"\t")[0].split()
        if len(facts) != 4 or facts[1] != b"blob" or facts[0] == b"120000":
            return None
        if int(facts[3]) > max_bytes:
            raise IntegrationError(f"{path!r} is larger than {max_bytes} bytes.", permanent=True)
        return self._git("cat-file", "blob", facts[2].decode("ascii"))

    def _commit_of(self, name: str) -> str:
        try:
            return self._text("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        except GitError as error:
            if error.output and "expected commit type" not in error.output:
                raise  # quiet means: no output if there is simply no such object
            return ""

    def _has_reference(self, name: str) -> bool:
        return self._is_well_formed(name) and bool(self._commit_of(name))

    def _is_well_formed(self, name: str) -> bool:
        try:
            self._git("check-ref-format", name)
        except GitError as error:
            if error.output:
                raise
            return False
        return True

    def _text(self, *arguments: str) -> str:
        return self._git(*arguments).decode("utf-8", errors="replace").rstrip("\n")

    def _git(self, *arguments: str) -> bytes:
        return run_local([f"--git-dir={self.path}", *arguments], env=self.env)


def _ref(fields: list[str]) -> Ref | None:
    name, object_type, sha, seconds, peeled_type, peeled_sha, peeled_seconds = fields
    if object_type == "tag":
        object_type, sha, seconds = peeled_type, peeled_sha, peeled_seconds
    if object_type != "commit":
        return None
    if name.startswith("refs/heads/"):
        return Ref(name.removeprefix("refs/heads/"), "branch", sha, moment(seconds))
    return Ref(name.removeprefix("refs/tags/"), "tag", sha, moment(seconds))


def _commit(fields: list[str]) -> Commit:
    sha, parents, author, authored, committed, subject = fields
    subject = subject[:LONGEST_SUBJECT]
    return Commit(sha, tuple(parents.split()), author, moment(authored), moment(committed), subject)


def moment(seconds: str) -> datetime:
    """Return the time that Git wrote as seconds; the beginning of time for what is none."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(
            0, UTC
        )  # Git stores any number; a date nobody has is not worth a failure
