"""The two ways in which ``dvc.yaml`` describes plots, read into one record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from integrations.dvc_records import Plot, Series


def stage_plot(path: str, options: Mapping[str, Any]) -> Plot:
    """Return the plot of a stage's output: one file, one column for each axis."""
    return _plot(path, (Series(path, _text(options.get("x")), _text(options.get("y"))),), options)


def top_level_plots(entries: Any) -> tuple[Plot, ...]:
    """Return the plots of the list under ``plots``, whose columns may come from several files."""
    found = []
    for item in entries if isinstance(entries, list) else []:
        if isinstance(item, str):
            found.append(stage_plot(item, {}))
        elif isinstance(item, dict):
            for name, options in item.items():
                chosen = options if isinstance(options, dict) else {}
                found.append(_plot(str(name), tuple(_series(str(name), chosen)), chosen))
    return tuple(found)


def _series(name: str, options: Mapping[str, Any]) -> Iterator[Series]:
    """Yield one line for each y column; without a file of its own a column belongs to the plot's name."""
    x, y = options.get("x"), options.get("y")
    columns = y if isinstance(y, dict) else {name: y}
    for path, chosen in columns.items():
        x_column = x.get(path, next(iter(x.values()), None)) if isinstance(x, dict) else x
        for column in chosen if isinstance(chosen, list) else [chosen]:
            yield Series(str(path), _text(x_column), _text(column))


def _plot(name: str, series: tuple[Series, ...], options: Mapping[str, Any]) -> Plot:
    return Plot(
        name=name,
        series=series,
        title=_text(options.get("title")) or "",
        x_label=_text(options.get("x_label")) or "",
        y_label=_text(options.get("y_label")) or "",
        template=_text(options.get("template")) or "",
        cache=options.get("cache") is not False,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
