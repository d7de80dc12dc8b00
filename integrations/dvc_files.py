"""Reading ``dvc.yaml`` into records. Pure functions of the text; DVC itself is not needed.

A repository may hold anything, so what does not have the expected shape is either left out (a flag, a label)
or a permanent ``IntegrationError`` that names the place (a stage without a command).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice, product
from typing import Any

from integrations.dvc_plots import stage_plot, top_level_plots
from integrations.dvc_records import (
    Artifact,
    Output,
    ParamSelection,
    Pipeline,
    Plot,
    Stage,
)
from integrations.dvc_shapes import command_of, list_of, mapping_of, text_of, texts_of
from integrations.errors import IntegrationError
from integrations.yaml_text import load_mapping

PIPELINE_FILE = "dvc.yaml"
DEFAULT_PARAMS_FILE = "params.yaml"
MAX_INSTANCES = 1_000  # of one entry; the others are not looked at
MAX_STAGES = 2_000  # of all entries together, instances counted


def read_pipeline(text: str | bytes) -> Pipeline:
    """Parse the text of a ``dvc.yaml``; permanent ``IntegrationError`` if it is not one or is too large."""
    data = load_mapping(text, PIPELINE_FILE)
    entries = {
        str(name): mapping_of(definition, f"stages.{name}")
        for name, definition in mapping_of(data.get("stages"), "stages").items()
    }
    # Before they are made: a few lines can stand for millions.
    if sum(map(_count, entries.values())) > MAX_STAGES:
        raise IntegrationError(
            f"{PIPELINE_FILE} is too large.\nIt stands for more than {MAX_STAGES} stages.", permanent=True
        )
    stages = [stage for name, entry in entries.items() for stage in _instances(name, entry)]
    artifacts = {
        str(name): _artifact(str(name), mapping_of(definition, f"artifacts.{name}"))
        for name, definition in mapping_of(data.get("artifacts"), "artifacts").items()
    }
    return Pipeline(
        stages=tuple(stages),
        artifacts=artifacts,
        plots=top_level_plots(data.get("plots")),
        params=texts_of(data.get("params")),
        metrics=texts_of(data.get("metrics")),
    )


def _count(definition: Mapping[str, Any]) -> int:
    """Return how many stages an entry stands for, without making them."""
    if "foreach" in definition:
        items = definition["foreach"]
        count = len(items) if isinstance(items, dict | list) else 1
    elif isinstance(axes := definition.get("matrix"), dict):
        count = math.prod(len(values) if isinstance(values, list) else 1 for values in axes.values())
    else:
        count = 1
    return min(count, MAX_INSTANCES)


def _instances(name: str, definition: Mapping[str, Any]) -> Iterator[Stage]:
    """Yield the stages that an entry stands for, named as DVC names them."""
    if "foreach" in definition:
        template = mapping_of(definition.get("do"), f"stages.{name}.do")
        keys: Iterable[str] | None = _foreach_keys(definition["foreach"])
    elif "matrix" in definition:
        template = definition
        keys = _matrix_keys(definition["matrix"])
    else:
        yield _stage(name, definition)
        return
    if keys is None:
        yield _stage(name, template, group=name, expanded=False)
        return
    shared: Stage | None = None  # a long template is read once, not a thousand times
    for key in islice(keys, MAX_INSTANCES):
        instance = f"{name}@{key}"
        shared = replace(shared, name=instance) if shared else _stage(instance, template, group=name)
        yield shared


def _foreach_keys(items: Any) -> list[str] | None:
    if isinstance(items, dict):
        return [_name(key) for key in items]
    if not isinstance(items, list):
        return None  # "${...}": known only to DVC
    if any(isinstance(item, dict | list) for item in items):
        return [str(index) for index in range(len(items))]
    return [_name(item) for item in items]


def _matrix_keys(axes: Any) -> Iterator[str] | None:
    if not isinstance(axes, dict) or not all(isinstance(values, list) for values in axes.values()):
        return None
    labelled = [
        [f"{axis}{i}" if isinstance(value, dict | list) else _name(value) for i, value in enumerate(values)]
        for axis, values in axes.items()
    ]
    return ("-".join(labels) for labels in product(*labelled))


def _name(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _stage(name: str, definition: Mapping[str, Any], *, group: str = "", expanded: bool = True) -> Stage:
    cmd = command_of(definition.get("cmd"))
    if not cmd:
        raise IntegrationError(f"{PIPELINE_FILE}: stage {name!r} has no command.", permanent=True)
    return Stage(
        name=name,
        cmd=cmd,
        wdir=text_of(definition.get("wdir")) or ".",
        deps=texts_of(definition.get("deps")),
        outs=_outputs(definition.get("outs")),
        params=_param_selections(definition.get("params")),
        metrics=_outputs(definition.get("metrics")),
        plots=tuple(_stage_plots(definition.get("plots"))),
        desc=text_of(definition.get("desc")),
        frozen=definition.get("frozen") is True,
        always_changed=definition.get("always_changed") is True,
        group=group,
        expanded=expanded,
        templated=_is_templated(definition),
    )


def _outputs(entries: Any) -> tuple[Output, ...]:
    return tuple(
        Output(
            path=path,
            cache=flags.get("cache") is not False,
            persist=flags.get("persist") is True,
            push=flags.get("push") is not False,
            desc=text_of(flags.get("desc")),
        )
        for path, flags in _entries(entries)
    )


def _stage_plots(entries: Any) -> Iterator[Plot]:
    for item in list_of(entries):
        if isinstance(item, str):
            yield stage_plot(item, {})
        elif isinstance(item, dict):
            for path, options in item.items():
                for one in options if isinstance(options, list) else [options]:
                    yield stage_plot(str(path), one if isinstance(one, dict) else {})


def _entries(entries: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield path and flags of entries that are written ``path`` or ``path: {flags}``."""
    for item in list_of(entries):
        if isinstance(item, str):
            yield item, {}
        elif isinstance(item, dict):
            for path, flags in item.items():
                yield str(path), flags if isinstance(flags, dict) else {}


def _param_selections(entries: Any) -> tuple[ParamSelection, ...]:
    keys: dict[str, list[str]] = {}
    for item in list_of(entries):
        if isinstance(item, str):
            keys.setdefault(DEFAULT_PARAMS_FILE, []).append(item)
        elif isinstance(item, dict):
            for file, names in item.items():
                keys.setdefault(str(file), []).extend(texts_of(names))
    return tuple(ParamSelection(file, tuple(names)) for file, names in keys.items())


def _artifact(name: str, entry: Mapping[str, Any]) -> Artifact:
    path = text_of(entry.get("path"))
    if not path:
        raise IntegrationError(f"{PIPELINE_FILE}: artifact {name!r} has no path.", permanent=True)
    meta = entry.get("meta")
    return Artifact(
        path=path,
        type=text_of(entry.get("type")),
        desc=text_of(entry.get("desc")),
        labels=texts_of(entry.get("labels")),
        meta=meta if isinstance(meta, dict) else {},
    )


def _is_templated(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_is_templated(item) for pair in value.items() for item in pair)
    if isinstance(value, list):
        return any(_is_templated(item) for item in value)
    return isinstance(value, str) and "${" in value
