"""Which cause an impact is asked of: a node by its id, or a path of a repository."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from accounts.access import Person
from experiments import sentences
from lineage import causes, facts, graph_words, node_ids, node_search, roots
from lineage.facts import Told
from lineage.graph import Key
from lineage.node_ids import Kind, NodeIdError
from lineage.reach import Reach

KINDS = frozenset({Kind.DATA, Kind.COMMIT, Kind.STAGE, Kind.RUN})
_LONGEST_PATH = 500


class CauseError(ValueError):
    """The query names no cause; the message says why."""


@dataclass(frozen=True)
class AskedCause:
    """A cause.

    :ivar query: names it in an address
    :ivar told: what is told of its node; None: it is a path
    """

    keys: tuple[Key, ...]
    query: dict[str, str]
    title: str
    word: str
    note: str = ""
    told: Told | None = None

    @property
    def short(self) -> str:
        """A name for a file."""
        return "".join(one if one.isalnum() and one.isascii() else "-" for one in self.title)[:60]


def of(query: Mapping[str, Any], *, user: Person) -> AskedCause | None:
    """Return the cause that a query names: `node`, or `path` and perhaps `repository`; None: none yet.

    :raises CauseError: it is none
    :raises Http404: there is no such node
    """
    if text := str(query.get("node", "")).strip():
        return _node(text, user)
    if path := str(query.get("path", "")).strip():
        return _path(path[:_LONGEST_PATH], str(query.get("repository", "")).strip())
    return None


def choices(text: str, *, user: Person) -> list[AskedCause]:
    """Return the causes that a search may mean."""
    found = [_of_told(told) for told in node_search.find(text, user=user) if told.kind in KINDS]
    with contextlib.suppress(CauseError):
        found.insert(0, _path(text, ""))
    return found


def _node(text: str, user: Person) -> AskedCause:
    try:
        node = node_ids.parse(text)
    except NodeIdError as error:
        raise CauseError(sentences.translated(str(error))) from error
    if node.kind not in KINDS:
        raise CauseError(_("Ask what data, a commit, a stage or a run reached."))
    root = roots.find(node, user=user)
    return _of_told(facts.of([root], Reach())[root.key], root.key)


def _of_told(told: Told, key: Key | None = None) -> AskedCause:
    keys = (key,) if key else ()
    word = str(graph_words.KINDS[told.kind])
    return AskedCause(keys, {"node": told.id}, told.title, word, told.note, told)


def _path(path: str, repository: str) -> AskedCause:
    keys = tuple(causes.of_path(path, repository))
    if not keys:
        raise CauseError(_("No data lies there, and no stage reads or makes it: %(path)s") % {"path": path})
    query = {"path": path, **({"repository": repository} if repository else {})}
    return AskedCause(keys, query, path, _("Every version of a path"), repository)
