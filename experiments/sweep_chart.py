"""Rules: the values of a sweep and the best so far, as a Plotly figure. Colours belong to the page."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from django.utils.translation import gettext as _

from experiments import figures

# Up to here every run has a mark of its own on the axis.
_MARKED = 20


def figure(points: Sequence[tuple[int, float]], *, objective: str, smaller: bool) -> str:
    """Return the figure.

    :param points: number and value of the trials that were measured; the values are finite
    :param smaller: whether smaller values are better
    """
    numbers = [number for number, _value in points]
    values = [value for _number, value in points]
    best = list(accumulate(values, min if smaller else max))
    each: dict[str, Any] = {"type": "scatter", "x": numbers, "y": values, "mode": "markers"}
    line = {"shape": "hv", "dash": "dash"}
    traces = [
        {**each, "name": _("each run")},
        {**each, "y": best, "mode": "lines", "line": line, "name": _("best so far")},
    ]
    axis = {"type": "linear", "title": {"text": _("run")}}
    layout = {
        "xaxis": axis | ({"dtick": 1} if len(points) < _MARKED else {}),
        "yaxis": {"type": "linear", "title": {"text": objective}},
        "hovermode": "x unified",
        "showlegend": True,
    }
    return figures.text(traces, layout)
