"""Rules: Plotly figures as JSON. Colours, grid and fonts belong to the page; lines have numbers of colours.

They are written as Plotly's documents and not built of its classes, which check every property again: the
figures of 50 runs and six metrics took 120 ms that way and take 5 so, and a web process keeps 20 MB. Tests
have Plotly check them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from experiments.curves import Axis, Curve, Drawing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Up to here every point is also marked: a curve of eight epochs is eight measurements.
_MARKED = 60
_FAINT = 0.25


def line(
    curve: Curve, name: str, colour: int, *, run: str = "", dash: str = "solid", width: float = 1.75
) -> list[dict[str, Any]]:
    """Return a curve as traces: what was logged, faint, behind it if it is smoothed.

    :param colour: number of a colour of the style sheet
    :param run: what is highlighted together with it, wherever it is
    """
    about = {"type": "scatter", "name": name, "connectgaps": False, "meta": {"colour": colour, "run": run}}
    shape = {"width": width, "dash": dash}
    mode = "lines+markers" if len(curve.x) <= _MARKED and not run else "lines"
    x = packed(curve.x)
    shown = {**about, "x": x, "y": packed(curve.y), "mode": mode, "line": shape}
    if curve.raw is None:
        return [shown]
    raw = {**about, "x": x, "y": packed(curve.raw), "mode": "lines"}
    return [{**raw, "opacity": _FAINT, "hoverinfo": "skip", "showlegend": False, "line": {"width": 1}}, shown]


def layout(how: Drawing, **more: Any) -> dict[str, Any]:
    """Return the layout of curves."""
    return {"xaxis": _x_axis(how.axis), "yaxis": {"type": "log" if how.log else "linear"}, **more}


def text(traces: Sequence[dict[str, Any]], layout: dict[str, Any]) -> str:
    """Return a figure as JSON."""
    return json.dumps({"data": list(traces), "layout": layout}, separators=(",", ":"), allow_nan=False)


def packed(values: NDArray[np.float64]) -> dict[str, str]:
    """Return numbers as Plotly reads them without one being written out: their bytes in base 64."""
    return {"dtype": "f8", "bdata": base64.b64encode(values.astype("<f8").tobytes()).decode()}


def _x_axis(axis: Axis) -> dict[str, Any]:
    if axis == "wall":
        return {"type": "date"}
    return {"type": "linear", "title": {"text": _("step") if axis == "step" else _("seconds")}}
