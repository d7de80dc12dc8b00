"""A graph as a page draws it: cards, the boxes they lie in, and the lines between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from lineage import facts, graph, grouping, layout, nesting, node_cards
from lineage.graph import Direction, Graph, Key
from lineage.grouping import Folded
from lineage.layout import Box, Layout
from lineage.node_cards import Card, Links
from lineage.reach import Reach

WIDTH, HEIGHT = 196, 60


@dataclass(frozen=True)
class Drawing:
    """What a page shows of a graph.

    :ivar root: the node it is about
    :ivar placed: every card with the place of its box
    :ivar upstream: what it came from, nested; `downstream` what came of it
    :ivar cycle: titles of nodes that came from each other, which cannot be drawn from left to right
    :ivar total: nodes there are within the depth, those in groups included
    """

    root: Card
    placed: list[tuple[Card, Box]]
    layout: Layout
    upstream: list[Card] = field(default_factory=list)
    downstream: list[Card] = field(default_factory=list)
    cycle: list[str] = field(default_factory=list)
    total: int = 0
    complete: bool = True

    @property
    def goes_on(self) -> bool:
        """Whether there is more beyond any of its nodes than the depth asked for shows."""
        return any(card.goes_on for card, _ in self.placed)


def draw(found: Graph, limits: Reach, links: Links, opened: Iterable[str] = ()) -> Drawing:
    """Return the drawing of a graph. Three queries at most for each kind of node that is shown."""
    folded = grouping.fold(found, opened)
    straight, cycle = graph.without_cycles(folded.edges)
    edges = graph.without_shortcuts(straight)
    cards = _cards(found, folded, limits, links)
    numbers = {key: card.number for key, card in cards.items()}
    pairs = sorted((numbers[edge.source], numbers[edge.target]) for edge in edges)
    places = layout.arrange(len(cards), tuple(pairs), WIDTH, HEIGHT)
    hung = nesting.stragglers(folded.edges, folded.depths) | nesting.parents(edges, found.root, folded.depths)
    also = nesting.others(edges, found.root, hung)
    children = list(node_cards.nested(cards, nesting.shallow(hung), also))
    return Drawing(
        cards[found.root],
        list(zip(cards.values(), places.boxes, strict=True)),
        places,
        [card for card in children if card.way == Direction.UPSTREAM],
        [card for card in children if card.way == Direction.DOWNSTREAM],
        [cards[key].title for key in cycle],
        len(found.nodes),
        found.complete,
    )


def _cards(found: Graph, folded: Folded, limits: Reach, links: Links) -> dict[Key, Card]:
    """Return the cards of what is shown, the root first, then by distance."""
    told = facts.of((found.nodes[key] for key in folded.shown), limits)
    above = graph.ancestors(folded.edges, found.root)
    titles = Counter((one.kind, one.title) for one in told.values())
    cards: dict[Key, Card] = {}
    order = [*(key for key in folded.shown if key in told), *folded.groups]
    for number, key in enumerate(sorted(order, key=lambda key: folded.depths[key])):
        hops = folded.depths[key]
        way = "" if not hops else Direction.UPSTREAM.value if key in above else Direction.DOWNSTREAM.value
        group = folded.groups.get(key)
        if group is not None:
            is_first = group.parent not in folded.groups
            cards[key] = node_cards.group(number, group, links, way=way, hops=hops, is_met_first=is_first)
        else:
            one, goes_on = told[key], key in found.open_ends
            is_unique = titles[one.kind, one.title] == 1
            cards[key] = node_cards.node(
                number, one, links, way=way, hops=hops, goes_on=goes_on, is_unique=is_unique
            )
    return cards
