"""Nodes as pages and drawings show them: words, links, and what a screen reader says."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lineage import graph_words, node_ids
from lineage.facts import Fact, Told
from lineage.graph import Key
from lineage.grouping import Group
from lineage.node_ids import Kind
from registry import labels as registry_labels

_TITLE, _NOTE, _MARK = 23, 28, 8


@dataclass(frozen=True)
class Card:
    """One node or group.

    :ivar number: within the page, the root is 0
    :ivar href: what a click on it shows: the graph with it as root, or with more of its group
    :ivar page: its own page; empty: none
    :ivar way: ``upstream`` or ``downstream`` of the root; empty: the root
    :ivar goes_on: whether there is more beyond it
    :ivar spoken: the whole of it in words
    :ivar mark: beginning of its hash, where another one on the page has the same title
    :ivar children: what hangs from it in the nested list
    :ivar also: what a line joins it to that hangs from another there
    """

    number: int
    kind: Kind
    icon: str
    word: str
    title: str
    note: str
    href: str
    spoken: str
    page: str = ""
    way: str = ""
    stage: str = ""
    state: str = ""
    is_group: bool = False
    gone: bool = False
    hidden: bool = False
    goes_on: bool = False
    mark: str = ""
    facts: tuple[tuple[str, Fact], ...] = ()
    children: list[Card] = field(default_factory=list, compare=False)
    also: list[Card] = field(default_factory=list, compare=False)

    @property
    def short_title(self) -> str:
        """The title as it fits into a box."""
        return fitting(self.title, _TITLE)

    @property
    def short_note(self) -> str:
        """The note as it fits into a box."""
        return fitting(self.note, _NOTE)


def fitting(text: str, width: int) -> str:
    """Return `text` cut to `width` columns; characters of East Asia take two."""
    columns = 0
    for place, character in enumerate(text):
        columns += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if columns > width:
            return f"{text[: max(place - 1, 1)].rstrip()}…"
    return text


@dataclass(frozen=True)
class Links:
    """Makes the addresses of a page's graphs.

    :ivar rooted: address of the graph of a node
    :ivar opened: address of this graph with more of a group
    """

    rooted: Callable[[str], str]
    opened: Callable[[str], str]


def node(
    number: int, told: Told, links: Links, *, way: str, hops: int, goes_on: bool, is_unique: bool
) -> Card:
    """Return the card of a node.

    :param is_unique: whether no other node on the page has its title
    """
    word = str(graph_words.KINDS[told.kind])
    title = graph_words.hidden() if told.hidden else told.title
    mark = "" if is_unique or not told.id else node_ids.parse(told.id).name[:_MARK]
    parts = [" ".join(filter(None, (word, title, mark))), told.note]
    parts += [registry_labels.stage(told.stage)] if told.stage else []
    parts += [_distance(way, hops)] if way else [_("root of this graph")]
    parts += [_("goes on beyond these hops")] if goes_on else []
    return Card(
        number,
        told.kind,
        "lock-closed" if told.hidden else graph_words.ICONS[told.kind],
        word,
        title,
        _("you may not see more of it") if told.hidden else told.note,
        "" if told.hidden else links.rooted(told.id),
        ", ".join(part for part in parts if part),
        told.url,
        way,
        told.stage,
        told.state,
        gone=told.gone,
        hidden=told.hidden,
        goes_on=goes_on,
        mark=mark,
        facts=tuple((graph_words.fact(fact.name), fact) for fact in told.facts),
    )


def group(number: int, found: Group, links: Links, *, way: str, hops: int, is_met_first: bool) -> Card:
    """Return the card of a group.

    :param is_met_first: whether what is before it is there itself; else opening that shows this one
    """
    title = graph_words.more(found.kind, len(found.members))
    words = [title, _distance(way, hops)]
    words += [_("show more of them")] if is_met_first else []
    return Card(
        number,
        found.kind,
        graph_words.ICONS[found.kind],
        str(graph_words.KINDS[found.kind]),
        title,
        _("show more of them") if is_met_first else _("of the group before"),
        links.opened(found.name) if is_met_first else "",
        ", ".join(words),
        way=way,
        is_group=True,
    )


def _distance(way: str, hops: int) -> str:
    words = (
        ngettext("%(count)s hop upstream", "%(count)s hops upstream", hops)
        if way == "upstream"
        else ngettext("%(count)s hop downstream", "%(count)s hops downstream", hops)
    )
    return words % {"count": hops}


def nested(
    cards: Mapping[Key, Card], parents: Mapping[Key, Key], also: Iterable[tuple[Key, Key]] = ()
) -> Iterator[Card]:
    """Hang every card below its parent; yield those that hang from the root.

    :param also: cards and what else they are joined to
    """
    for key, card in cards.items():
        if key in parents:
            cards[parents[key]].children.append(card)
    for near, far in also:
        cards[near].also.append(cards[far])
    root = next(iter(cards.values()))
    yield from root.children
