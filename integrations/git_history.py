"""The whole history of a repository: every commit that a branch or tag reaches, and the tags themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from integrations.git_commands import run_local
from integrations.git_objects import ObjectReader
from integrations.git_reading import LONGEST_SUBJECT, GitReader, moment

MAX_TAGS = 10_000
_FIELDS = "%H%x00%T%x00%P%x00%an%x00%ct%x00%s"
_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A commit with the tree it stands for."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: str
    committed_at: datetime
    subject: str


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag on a commit. Author and time are the tag's own if it is annotated, else those of the commit."""

    name: str
    sha: str
    author: str
    at: datetime
    message: str
    annotated: bool


class GitHistory:
    """Read access to the history behind ``reader``."""

    def __init__(self, reader: GitReader) -> None:
        self._reader = reader

    def reachable(self, limit: int) -> tuple[list[str], int]:
        """Return the newest ``limit`` commits of all branches and tags, ancestors first, and how many are."""
        answer = self._git("rev-list", "--topo-order", "--branches", "--tags").decode("ascii").split()
        return answer[:limit][::-1], len(answer)

    def entries(self, shas: Sequence[str]) -> list[HistoryEntry]:
        """Return these commits, in this order."""
        if not shas:
            return []
        arguments = ("log", "-z", "--no-walk=unsorted", "--no-notes", f"--format={_FIELDS}", "--stdin")
        answer = self._git(*arguments, stdin="\n".join(shas).encode("ascii"))
        parts = answer.decode("utf-8", errors="replace").split("\0")
        return [_entry(parts[start : start + 6]) for start in range(0, len(parts) - 5, 6)]

    def tags(self) -> list[Tag]:
        """Return the tags that lead to commits, at most :data:`MAX_TAGS`, the newest."""
        fields = ("refname:strip=2", "objecttype", "objectname", "taggername", "taggerdate:unix")
        peeled = ("*objecttype", "*objectname", "authorname", "committerdate:unix", "contents:subject")
        answer = self._git(
            "for-each-ref",
            f"--count={MAX_TAGS}",
            "--sort=-creatordate",
            "--format=" + "%00".join(f"%({name})" for name in (*fields, *peeled)),
            "refs/tags/",
        ).decode("utf-8", errors="replace")
        return list(_tags(answer.split("\n")))

    def objects(self) -> ObjectReader:
        """Return a reader of its objects; use it in a ``with`` statement."""
        return ObjectReader(self._reader.path, self._reader.env)

    def _git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        command = [f"--git-dir={self._reader.path}", *arguments]
        return run_local(command, env=self._reader.env, stdin=stdin, time_limit=_SECONDS)


def _entry(fields: list[str]) -> HistoryEntry:
    sha, tree, parents, author, seconds, subject = fields
    return HistoryEntry(sha, tree, tuple(parents.split()), author, moment(seconds), subject[:LONGEST_SUBJECT])


def _tags(lines: list[str]) -> Iterator[Tag]:
    for line in lines:
        fields = line.split("\0")
        if len(fields) != 10:
            continue
        name, kind, sha, tagger, tagged, peeled_kind, peeled, author, committed, message = fields
        message = message[:LONGEST_SUBJECT]
        if kind == "tag" and peeled_kind == "commit":
            yield Tag(name, peeled, tagger, moment(tagged), message, annotated=True)
        elif kind == "commit":
            yield Tag(name, sha, author, moment(committed), message, annotated=False)
