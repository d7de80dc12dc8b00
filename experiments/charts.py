"""Rules: curves of metrics as Plotly figures, as JSON. Colours, grid and fonts belong to the page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from experiments import figures
from experiments.curves import Drawing, curve
from experiments.run_columns import TELLING
from experiments.series import Series

# `train_loss` and `val_loss` belong into one picture.
_SPLIT = re.compile(r"^(train|training|val|valid|validation|test|eval|dev)[_/.\- ]", re.IGNORECASE)


@dataclass(frozen=True)
class Group:
    """Metrics that are drawn together: the same thing, measured on different parts of the data."""

    name: str
    keys: tuple[str, ...]

    @property
    def title(self) -> str:
        """What people call it: a single metric by its own name."""
        return self.keys[0] if len(self.keys) == 1 else self.name


def groups(keys: Iterable[str]) -> list[Group]:
    """Return metrics grouped by what they measure, the telling ones first, then by name."""
    found: dict[str, list[str]] = {}
    for key in sorted(keys):
        found.setdefault(_SPLIT.sub("", key), []).append(key)
    made = [Group(name, tuple(members)) for name, members in found.items()]
    return sorted(made, key=lambda group: (_rank(group), group.name.startswith("system/"), group.name))


def figure(group: Group, series: Mapping[str, Series], how: Drawing = Drawing()) -> str:  # noqa: B008 - frozen
    """Return the figure of one group as JSON.

    :param series: metric -> its points
    :param how: its ``relative`` axis counts from the first point of the group
    """
    start = min((int(one.time[0]) for one in series.values() if len(one)), default=0)
    drawn = [key for key in group.keys if key in series]
    traces = [
        trace
        for colour, key in enumerate(drawn)
        for trace in figures.line(curve(series[key], how, start=start), key, colour)
    ]
    wide = len(group.keys) > 1
    return figures.text(traces, figures.layout(how, hovermode="x unified", showlegend=wide))


def _rank(group: Group) -> int:
    return min((TELLING.index(key) for key in group.keys if key in TELLING), default=len(TELLING))
