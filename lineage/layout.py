"""Where the boxes and lines of a graph lie: layers from left to right, by Graphviz.

Pure: the same boxes and edges give the same places, so that they are kept.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

_INCH = 72
#: Between layers, between the boxes of one, and around it all, in pixels.
GAP, SPACE, MARGIN = 44, 16, 10
_KEPT = 128

# Graphviz keeps its state in globals, and the web server has threads.
_graphviz = threading.Lock()


@dataclass(frozen=True)
class Box:
    """Where a box lies: its upper left corner."""

    x: float
    y: float


@dataclass(frozen=True)
class Line:
    """An edge from one box to another by their numbers, and its path as SVG writes it."""

    source: int
    target: int
    path: str


@dataclass(frozen=True)
class Layout:
    """A graph as it is drawn, in pixels."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


@lru_cache(maxsize=_KEPT)
def arrange(count: int, edges: tuple[tuple[int, int], ...], width: int, height: int) -> Layout:
    """Return the places of `count` boxes of one size and of the lines between them.

    :param edges: pairs of numbers of boxes, from left to right; without cycles
    """
    if not count:
        return Layout(0, 0, (), ())
    # Here, so that a process that draws nothing does not load it.
    import pygraphviz

    drawing = pygraphviz.AGraph(directed=True, strict=True)
    drawing.graph_attr.update(
        rankdir="LR", ranksep=str(GAP / _INCH), nodesep=str(SPACE / _INCH), splines="spline"
    )
    drawing.node_attr.update(
        shape="box", fixedsize="true", width=str(width / _INCH), height=str(height / _INCH), label=""
    )
    drawing.edge_attr.update(arrowhead="none", tailport="e", headport="w")
    for number in range(count):
        drawing.add_node(str(number))
    for source, target in edges:
        drawing.add_edge(str(source), str(target))
    with _graphviz:
        drawing.layout(prog="dot")
    return _read(drawing, count, width, height)


def _read(drawing: object, count: int, width: int, height: int) -> Layout:
    _left, _bottom, right, top = (float(one) for one in _attribute(drawing.graph_attr, "bb").split(","))  # type: ignore[attr-defined]

    def place(text: str) -> tuple[float, float]:
        x, y = text.split(",")
        # Graphviz counts from the bottom.
        return round(float(x) + MARGIN, 1), round(top - float(y) + MARGIN, 1)

    centres = [place(_attribute(drawing.get_node(str(number)).attr, "pos")) for number in range(count)]  # type: ignore[attr-defined]
    boxes = tuple(Box(round(x - width / 2, 1), round(y - height / 2, 1)) for x, y in centres)
    lines = tuple(
        Line(int(edge[0]), int(edge[1]), _path([place(one) for one in _attribute(edge.attr, "pos").split()]))
        for edge in drawing.edges()  # type: ignore[attr-defined]
    )
    return Layout(round(right + 2 * MARGIN), round(top + 2 * MARGIN), boxes, lines)


def _attribute(attributes: object, name: str) -> str:
    return str(attributes[name])  # type: ignore[index]


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Return a Bézier curve as SVG writes it; Graphviz gives the start and three points for each part."""
    start, *rest = points
    return f"M{start[0]:g} {start[1]:g}C" + " ".join(f"{x:g} {y:g}" for x, y in rest)
