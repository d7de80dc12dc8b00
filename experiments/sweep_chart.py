"""Rules: the values of a sweep and the best so far, as a Plotly figure. Colours belong to the page."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _


def figure(points: Sequence[tuple[int, float]], *, objective: str, smaller: bool) -> str:
    """Return the figure.

    :param points: number and value of the trials that were measured
    :param smaller: whether smaller values are better
    """
    import plotly.graph_objects as go  # 20 MB that only charts need

    numbers = [number for number, _value in points]
    values = [value for _number, value in points]
    best: list[float] = []
    for value in values:
        best.append((min if smaller else max)(value, best[-1] if best else value))
    drawn = go.Figure(
        [
            go.Scatter(x=numbers, y=values, name=_("each run"), mode="markers"),
            go.Scatter(
                x=numbers, y=best, name=_("best so far"), mode="lines", line={"shape": "hv", "dash": "dash"}
            ),
        ],
        layout={
            "xaxis": {
                "type": "linear",
                "title": {"text": _("run")},
                "dtick": 1 if len(points) < 20 else None,
            },
            "yaxis": {"type": "linear", "title": {"text": objective}},
            "hovermode": "x unified",
            "showlegend": True,
        },
    )
    drawn.layout.template = None
    return str(drawn.to_json())
