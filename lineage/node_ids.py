"""Rules: what the nodes of the lineage graph are called. No database, no Django.

    data:<repository>:<path>@<md5>      commit:<repository>@<sha>      stage:<repository>:<name>@<sha>
    run:<mlflow run id>                 version:<model>@<semver>       promotion:<id>    deployment:<id>

Each part is percent-encoded (RFC 3986; `/` and `+` stay), so that separators within a name are none. A
repository or a path that nobody knows is empty: `commit:@<sha>`, `data::@<md5>`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, unquote

LONGEST = 2_000


class Kind(StrEnum):
    """What a node is."""

    DATA = "data"
    COMMIT = "commit"
    STAGE = "stage"
    RUN = "run"
    VERSION = "version"
    PROMOTION = "promotion"
    DEPLOYMENT = "deployment"


class NodeIdError(ValueError):
    """The text is no id of a node; the message says why."""


# Parts of the id by kind: the separators are `:` before a path and `@` before the name.
_PLACED = {Kind.DATA, Kind.STAGE}
_NAMED = {Kind.COMMIT, Kind.VERSION}
_NAMES = {
    Kind.DATA: re.compile(r"[^\s@]{1,250}"),
    Kind.COMMIT: re.compile(r"[0-9a-f]{4,64}", re.ASCII),
    Kind.STAGE: re.compile(r"[0-9a-f]{4,64}", re.ASCII),
    Kind.RUN: re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII),
    # A plus that nobody encoded arrives as a space.
    Kind.VERSION: re.compile(r"[0-9A-Za-z.+-]{1,128}", re.ASCII),
    Kind.PROMOTION: re.compile(r"[1-9][0-9]{0,17}", re.ASCII),
    Kind.DEPLOYMENT: re.compile(r"[1-9][0-9]{0,17}", re.ASCII),
}
_LONGEST_REPOSITORY = 100
_LONGEST_PATH = 500
_BROKEN_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class NodeId:
    """One node.

    :ivar name: the hash, SHA, run id, semantic version or number
    :ivar repository: of data, commits and stages; empty: nobody knows
    :ivar path: of data its path, of a stage its name, of a version its model; empty: nobody knows
    """

    kind: Kind
    name: str
    repository: str = ""
    path: str = ""

    def __str__(self) -> str:
        name = _encoded(self.name)
        if self.kind in _PLACED:
            return f"{self.kind}:{_encoded(self.repository)}:{_encoded(self.path)}@{name}"
        if self.kind is Kind.COMMIT:
            return f"{self.kind}:{_encoded(self.repository)}@{name}"
        if self.kind is Kind.VERSION:
            return f"{self.kind}:{_encoded(self.path)}@{name}"
        return f"{self.kind}:{name}"


def parse(text: str) -> NodeId:
    """Return the node that `text` names; it need not exist.

    :raises NodeIdError: it is no id: a kind that is none, a part that is missing, badly encoded, too long or
        holds a character that no such name has
    """
    if len(text) > LONGEST:
        raise NodeIdError("This id is too long.")
    word, colon, rest = text.partition(":")
    if not colon or word not in set(Kind):
        raise NodeIdError("An id begins with the kind of the node, such as version:<model>@<version>.")
    kind = Kind(word)
    repository, path, name = _parts(kind, rest)
    name = name.replace(" ", "+") if kind is Kind.VERSION else name
    if not _NAMES[kind].fullmatch(name) or not name.isprintable():
        raise NodeIdError(f"This is no {_WORDS[kind]}.")
    _check(kind, repository, path)
    return NodeId(kind, name, repository, path)


_WORDS = {
    Kind.DATA: "hash of data",
    Kind.COMMIT: "commit",
    Kind.STAGE: "commit",
    Kind.RUN: "id of a run",
    Kind.VERSION: "semantic version",
    Kind.PROMOTION: "number of a promotion",
    Kind.DEPLOYMENT: "number of a deployment",
}


def _parts(kind: Kind, rest: str) -> tuple[str, str, str]:
    """Return repository, path and name, decoded."""
    if kind not in _PLACED and kind not in _NAMED:
        return "", "", _decoded(rest)
    place, at, name = rest.rpartition("@")
    if not at:
        raise NodeIdError("This id has no @.")
    if kind in _NAMED:
        whole = _decoded(place)
        return (whole, "", _decoded(name)) if kind is Kind.COMMIT else ("", whole, _decoded(name))
    repository, colon, path = place.partition(":")
    if not colon:
        raise NodeIdError("This id names no repository.")
    return _decoded(repository), _decoded(path), _decoded(name)


def _check(kind: Kind, repository: str, path: str) -> None:
    if kind in (Kind.STAGE, Kind.VERSION) and not path:
        raise NodeIdError("This id names nothing before the @.")
    if len(repository) > _LONGEST_REPOSITORY or len(path) > _LONGEST_PATH:
        raise NodeIdError("This id is too long.")
    if not (repository + path).isprintable():
        raise NodeIdError("This id holds a character that no name has.")


def _encoded(part: str) -> str:
    return quote(part, safe="/+")


def _decoded(part: str) -> str:
    if _BROKEN_PERCENT.search(part):
        raise NodeIdError("A percent sign in an id is followed by two hexadecimal digits.")
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise NodeIdError("This id is not UTF-8.") from None
