"""Rules: the shape of what is told of a node. No database, no Django."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from lineage.node_ids import Kind

_STANDING = {"stage", "state"}


@dataclass(frozen=True)
class Fact:
    """One fact.

    :ivar name: stable, for programs; `lineage.graph_words` has the words
    :ivar form: how it is shown: ``text``, ``digest``, ``time``, ``size``, ``number``, ``metric``, ``list``,
        ``stage``, ``promotion``, ``data_kind``, ``promotion_kind``
    """

    name: str
    value: Any
    form: str = "text"


@dataclass(frozen=True)
class Told:
    """What is told of one node.

    :ivar id: as `lineage.node_ids` writes it; empty where the reader may not know it
    :ivar title: what it is called
    :ivar note: one line below that
    :ivar url: its own page; empty: it has none
    :ivar stage: of a version, as of then
    :ivar state: of a run, promotion or deployment, as of then
    :ivar gone: it is only known by name: deleted, or never seen here
    :ivar hidden: the reader may not know more than that it is there
    """

    kind: Kind
    id: str
    title: str
    note: str = ""
    url: str = ""
    at: datetime | None = None
    stage: str = ""
    state: str = ""
    gone: bool = False
    hidden: bool = False
    facts: Sequence[Fact] = field(default_factory=tuple)

    @property
    def known(self) -> dict[str, Any]:
        """The facts by name, those without a value left out."""
        return {fact.name: fact.value for fact in self.facts if fact.value not in (None, "", [], ())}

    def as_of(self, at: datetime | None) -> "Told":
        """Return what is told as of `at` (None: now): before it existed, it stood nowhere."""
        if at is None or self.at is None or self.at <= at:
            return self
        note = "" if self.state else self.note
        rest = tuple(fact for fact in self.facts if fact.name not in _STANDING)
        return replace(self, note=note, stage="", state="", facts=rest)


def facts(*told: Fact) -> tuple[Fact, ...]:
    """Return the facts that have a value."""
    return tuple(fact for fact in told if fact.value not in (None, "", [], ()))
