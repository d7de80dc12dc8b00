"""What a walk may see and how much: whose eyes, as of when, how many rows at most."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from django.db.models import QuerySet

from accounts.access import Person
from lineage.graph import Edge, Key, Link, Node
from lineage.node_ids import Kind
from registry.access import visible_q
from registry.models import RegisteredModel
from registry.stages import Stage

#: Hashes of an empty file and an empty folder: the same everywhere, so they join nothing.
NOTHING = frozenset({"d41d8cd98f00b204e9800998ecf8427e", "d751713988987e9331980363e24189ce.dir"})

GIT_TAGS = ("git_commit", "mlflow.source.git.commit")
BASE_TAG = "git_base_commit"
DATA_TAG = "dataset_hash"
#: On runs of our own pipelines: their commit's `dvc.lock` is of that very run.
JOB_TAG = "stagegate.job"

_WEIGHTS = {Stage.PRODUCTION: 40, Stage.STAGING: 30, Stage.DEVELOPMENT: 10, Stage.ARCHIVED: 5}
DEPLOYED = 35
DECIDED = 8


@dataclass(frozen=True)
class Reach:
    """Limits of a walk.

    :ivar at: as of when; None: now
    :ivar limit: rows at most that one query brings
    :ivar runs: whether runs are read; what impacts are found through them is asked in one piece
    :ivar hidden: models of which the reader may know no more than that there is a version
    """

    at: datetime | None = None
    limit: int = 2_000
    hidden: frozenset[int] = field(default_factory=frozenset)
    runs: bool = True

    @classmethod
    def of(cls, user: Person, at: datetime | None = None, limit: int = 2_000) -> Self:
        """Return the reach of `user`. At most two queries."""
        rows = RegisteredModel.objects.filter(restricted=True).exclude(visible_q(user)).order_by()
        return cls(at, limit, frozenset(rows.values_list("pk", flat=True)))

    def then(self, column: str) -> dict[str, datetime]:
        """Return the condition that what `column` tells had happened."""
        return {} if self.at is None else {f"{column}__lte": self.at}

    def read(self, rows: "QuerySet[Any, Any]") -> tuple[list[Any], bool]:
        """Return the rows of a query, `limit` at most, and whether these are all."""
        found = list(rows[: self.limit + 1])
        return found[: self.limit], len(found) <= self.limit

    def version(self, pk: int, model: int, created_at: datetime, stage: str) -> Node:
        """Return the node of a version."""
        hidden = model in self.hidden
        weight = 0 if hidden else _WEIGHTS.get(Stage(stage), 0)
        return Node(Key(Kind.VERSION, str(pk)), created_at, weight, hidden)


@dataclass
class Found:
    """Links that a step has found, and whether they are all; `told` is of `lineage.upstream`."""

    links: list[Link] = field(default_factory=list)
    complete: bool = True
    told: set[Key] = field(default_factory=set)

    def above(self, node: Node, near: Key) -> None:
        """Add `node`, from which `near` came."""
        self.links.append(Link(Edge(node.key, near), node))

    def below(self, node: Node, near: Key) -> None:
        """Add `node`, which came from `near`."""
        self.links.append(Link(Edge(near, node.key), node))


def data(value: str) -> Node | None:
    """Return the node of data with a hash; None for a hash that joins nothing."""
    value = value.strip()
    good = value and value not in NOTHING and value.isprintable() and not set(value) & set(" @")
    return Node(Key(Kind.DATA, value)) if good else None


def commit(value: str) -> Node | None:
    """Return the node of a commit; None for what is no whole SHA."""
    sha = value.strip().lower()
    whole = len(sha) in (40, 64) and not set(sha) - set("0123456789abcdef")
    return Node(Key(Kind.COMMIT, sha)) if whole else None


def values(keys: Iterable[Key], kind: Kind) -> list[str]:
    """Return the values of the keys of one kind."""
    return [key.value for key in keys if key.kind is kind]
