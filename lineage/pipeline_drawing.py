"""Rules: where the boxes of a pipeline stand, and the lines between them. No database, no markup.

Columns from left to right: a stage stands right of everything it waits for. Within a column stages stand near
those they are joined with (the barycentre heuristic of Sugiyama, 1981), which avoids most crossings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lineage import pipeline_graph

MAX_BOXES = 150
WIDTH, HEIGHT = 190, 46
_GAP_X, _GAP_Y, _MARGIN = 64, 18, 8
_SWEEPS = 4


@dataclass(frozen=True)
class Box:
    """A stage in the drawing, by its place in the list; pixels from the top left corner."""

    place: int
    x: int
    y: int

    @property
    def middle(self) -> int:
        """Half of its height down."""
        return self.y + HEIGHT // 2


@dataclass(frozen=True)
class Drawing:
    """Boxes, and lines as the `d` of an SVG path with the places that they join."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[tuple[int, int, str], ...]


def draw(count: int, pairs: Sequence[tuple[int, int]]) -> Drawing | None:
    """Return the drawing of `count` stages; None if there are none, or too many to be looked at.

    :param pairs: who makes what for whom; circles are drawn as they come
    """
    if not 0 < count <= MAX_BOXES:
        return None
    columns = _columns(count, pairs)
    at = {
        place: Box(place, _MARGIN + column * (WIDTH + _GAP_X), _MARGIN + row * (HEIGHT + _GAP_Y))
        for column, places in enumerate(columns)
        for row, place in enumerate(places)
    }
    rows = max(len(places) for places in columns)
    return Drawing(
        width=2 * _MARGIN + len(columns) * WIDTH + (len(columns) - 1) * _GAP_X,
        height=2 * _MARGIN + rows * HEIGHT + (rows - 1) * _GAP_Y,
        boxes=tuple(at[place] for place in range(count)),
        lines=tuple((before, after, _line(at[before], at[after])) for before, after in pairs),
    )


def _columns(count: int, pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    order = pipeline_graph.order(count, pairs)
    turn = {place: number for number, place in enumerate(order.sequence)}
    forwards = sorted(
        (pair for pair in pairs if turn[pair[0]] < turn[pair[1]]), key=lambda pair: turn[pair[0]]
    )
    column = dict.fromkeys(range(count), 0)
    for place in order.sequence:
        for before, after in forwards:
            if before == place:
                column[after] = max(column[after], column[place] + 1)
    columns: list[list[int]] = [[] for _ in range(max(column.values()) + 1)]
    for place in order.sequence:
        columns[column[place]].append(place)
    return _untangled(columns, forwards)


def _untangled(columns: list[list[int]], pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    joined: dict[int, list[int]] = {}
    for before, after in pairs:
        joined.setdefault(after, []).append(before)
        joined.setdefault(before, []).append(after)
    for _ in range(_SWEEPS):
        row = {place: float(number) for places in columns for number, place in enumerate(places)}
        middle = {place: sum(row[one] for one in near) / len(near) for place, near in joined.items()}
        for places in columns:
            places.sort(key=lambda place: middle.get(place, row[place]))
    return columns


def _line(start: Box, end: Box) -> str:
    x, y, to_x, to_y = start.x + WIDTH, start.middle, end.x, end.middle
    bend = max(_GAP_X // 2, abs(to_x - x) // 2)
    return f"M {x} {y} C {x + bend} {y} {to_x - bend} {to_y} {to_x} {to_y}"
