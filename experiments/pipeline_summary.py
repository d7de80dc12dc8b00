"""Rules: what is kept of a pipeline (`dvc.yaml`), as JSON. No database, no I/O.

    {"stages": [{"name", "desc", "cmd", "deps": [path], "outs": [path], "params": [key],
                 "metrics": [path], "plots": [{"path", "x", "y", "title", "template"}],
                 "uncached": [path]}],
     "artifacts": {name: {"path", "type", "desc", "labels"}},
     "plots": [{"path", "x", "y", "title", "template"}]}

Stages are in the order in which they run. Paths are relative to the repository. `uncached` are the outputs
that belong to Git rather than to DVC. A key of another parameters file than `params.yaml` is written
``file:key``.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from experiments.stored_text import text
from integrations.dvc_files import DEFAULT_PARAMS_FILE
from integrations.dvc_records import Pipeline, Plot, Stage

MAX_STAGES = 200
MAX_PATHS = 500
MAX_TEXT = 1_000


def summary(pipeline: Pipeline) -> dict[str, Any]:
    """Return what is kept of a pipeline; long lists and texts are cut."""
    return {
        "stages": [_stage(stage) for stage in in_running_order(pipeline.stages[:MAX_STAGES])],
        "artifacts": {
            text(name, MAX_TEXT): {
                "path": text(place(".", artifact.path), MAX_TEXT),
                "type": text(artifact.type, MAX_TEXT),
                "desc": text(artifact.desc, MAX_TEXT),
                "labels": _cut(iter(artifact.labels)),
            }
            for name, artifact in list(pipeline.artifacts.items())[:MAX_PATHS]
        },
        "plots": [one for plot in pipeline.plots[:MAX_PATHS] for one in _plot(".", plot)],
    }


def in_running_order(stages: Sequence[Stage]) -> list[Stage]:
    """Return the stages so that each comes after those whose outputs it reads; else as in the file.

    Stages that wait for each other in a circle, which DVC refuses to run, come last.
    """
    exactly: dict[str, set[str]] = {}
    below: dict[str, set[str]] = {}
    for stage in stages:
        for out in outputs(stage):
            exactly.setdefault(out, set()).add(stage.name)
            for folder in _folders(out):
                below.setdefault(folder, set()).add(stage.name)
    waiting: dict[str, set[str]] = {}
    for stage in stages:
        names = waiting.setdefault(stage.name, set())
        for needed in (place(stage.wdir, dep) for dep in stage.deps):
            names |= below.get(needed, set())
            for path in (needed, *_folders(needed)):
                names |= exactly.get(path, set())
        names.discard(stage.name)
    ordered: list[Stage] = []
    left = list(stages)
    while left:
        ready = next((stage for stage in left if not waiting[stage.name]), left[0])
        left.remove(ready)
        ordered.append(ready)
        for names in waiting.values():
            names.discard(ready.name)
    return ordered


def outputs(stage: Stage) -> tuple[str, ...]:
    """Return the paths of everything that a stage makes."""
    paths = [out.path for out in (*stage.outs, *stage.metrics)]
    paths += [series.path for plot in stage.plots for series in plot.series]
    return tuple(place(stage.wdir, path) for path in paths)


def uncached(stage: Stage) -> tuple[str, ...]:
    """Return the paths of the outputs of a stage that are kept in Git."""
    paths = [out.path for out in (*stage.outs, *stage.metrics) if not out.cache]
    paths += [series.path for plot in stage.plots if not plot.cache for series in plot.series]
    return tuple(place(stage.wdir, path) for path in paths)


def place(folder: str, path: str) -> str:
    """Return a path of a stage as a path of the repository; absolute ones and URLs stay as they are."""
    return path if "://" in path else posixpath.normpath(posixpath.join(folder, path))


def _folders(path: str) -> Iterator[str]:
    """Return the folders that hold a path, the nearest first."""
    folder = posixpath.dirname(path)
    while folder not in ("", "/"):
        yield folder
        folder = posixpath.dirname(folder)


def _stage(stage: Stage) -> dict[str, Any]:
    return {
        "name": text(stage.name, MAX_TEXT),
        "desc": text(stage.desc, MAX_TEXT),
        "cmd": text(stage.cmd, MAX_TEXT),
        "deps": _cut(place(stage.wdir, dep) for dep in stage.deps),
        "outs": _cut(place(stage.wdir, out.path) for out in stage.outs),
        "params": _cut(_param_keys(stage)),
        "metrics": _cut(place(stage.wdir, out.path) for out in stage.metrics),
        "plots": [one for plot in stage.plots[:MAX_PATHS] for one in _plot(stage.wdir, plot)],
        "uncached": _cut(iter(uncached(stage))),
    }


def _param_keys(stage: Stage) -> Iterator[str]:
    for selection in stage.params:
        prefix = "" if selection.file == DEFAULT_PARAMS_FILE else f"{selection.file}:"
        yield from (f"{prefix}{key}" for key in selection.keys or ("",))


def _plot(folder: str, plot: Plot) -> Iterator[dict[str, str]]:
    for series in plot.series[:MAX_PATHS]:
        yield {
            "path": text(place(folder, series.path), MAX_TEXT),
            "x": text(series.x or "", MAX_TEXT),
            "y": text(series.y or "", MAX_TEXT),
            "title": text(plot.title, MAX_TEXT),
            "template": text(plot.template, MAX_TEXT),
        }


def _cut(texts: Iterator[str]) -> list[str]:
    return [text(one, MAX_TEXT) for one in islice(texts, MAX_PATHS)]
