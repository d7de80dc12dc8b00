"""Rules: what a pipeline job says about its run: parameters, metrics, the lock, its inputs. No database.

Everything is JSON that both databases can keep.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from experiments.parameters import read_parameters
from experiments.pipeline_summary import outputs, place
from experiments.stored_text import text
from integrations.dvc_records import Lock, LockedFile, LockedStage, Pipeline

MAX_METRICS = 1_000


def flat_params(params_text: str) -> dict[str, Any]:
    """Return the parameters of a file, dotted name -> value; a list is one value.

    :raises ParametersFileError: the file cannot be read
    """
    return {text(one.key): stored(one.default) for one in read_parameters(params_text)}


def flat_metrics(files: Mapping[str, Any], order: Iterable[str]) -> dict[str, float | str]:
    """Return the numbers of all metrics files by their name within the file, dotted where nested.

    :param files: path -> content
    :param order: paths in the order in which their stages run: of two equal names the later one counts
    """
    ranks = {path: rank for rank, path in enumerate(order)}
    found: dict[str, float | str] = {}
    for path in sorted(files, key=lambda path: (ranks.get(path, -1), path)):
        found.update(_numbers(files[path], ""))
    return dict(list(found.items())[:MAX_METRICS])


def lock_summary(lock: Lock) -> dict[str, Any]:
    """Return `dvc.lock` as JSON: stage -> command, what it read and made, parameters, digest of it all."""
    return {text(name): _locked_stage(stage) for name, stage in lock.stages.items()}


def inputs(lock: Lock, pipeline: Pipeline, tracked: Iterable[str]) -> list[dict[str, Any]]:
    """Return the data that the pipeline started from: read by a stage, made by none, and kept by DVC.

    :param tracked: paths for which there is a ``.dvc`` file
    """
    made = {out for stage in pipeline.stages for out in outputs(stage)}
    folders = {stage.name: stage.wdir for stage in pipeline.stages}
    data = set(tracked)
    found: dict[str, dict[str, Any]] = {}
    for name, stage in lock.stages.items():
        for dep in stage.deps:
            path = place(folders.get(name, "."), dep.path)
            if dep.md5 and not _covered(path, made) and _covered(path, data):
                found[path] = {**_file(dep), "path": text(path)}
    return [found[path] for path in sorted(found)]


def dataset_hash(found: list[dict[str, Any]]) -> str | None:
    """Return the hash of the input data: DVC's own if there is one input, else one over all of them."""
    if not found:
        return None
    if len(found) == 1:
        return str(found[0]["md5"])
    lines = "".join(f"{one['md5']}  {one['path']}\n" for one in found)
    return hashlib.md5(lines.encode(), usedforsecurity=False).hexdigest()


def model_stage(pipeline: Pipeline) -> str | None:
    """Return the stage that trains: the one whose output the model artifact is, else one called `train`."""
    models = [place(".", one.path) for one in pipeline.artifacts.values() if one.type == "model"]
    for stage in pipeline.stages:
        if any(_covered(model, set(outputs(stage))) for model in models):
            return stage.name
    return next((stage.name for stage in pipeline.stages if stage.name == "train"), None)


def stored(value: Any) -> Any:
    """Return a value of YAML or JSON as both databases can keep it: no NaN, no NUL, no dates."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, Mapping):
        return {text(str(key)): stored(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [stored(one) for one in value]
    return text(str(value))


def _number(value: float) -> float | str:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    # Longer integers are not the same number everywhere that JSON is read.
    return value if isinstance(value, float) or abs(value) <= 2**53 else str(value)


def _numbers(content: Any, prefix: str) -> Iterator[tuple[str, float | str]]:
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield from _numbers(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(content, int | float) and not isinstance(content, bool) and prefix:
        yield text(prefix), _number(content)


def _covered(path: str, places: set[str]) -> bool:
    """Return whether a path is one of `places`, or inside or around one."""
    return any(path == one or path.startswith(f"{one}/") or one.startswith(f"{path}/") for one in places)


def _locked_stage(stage: LockedStage) -> dict[str, Any]:
    found = {
        "cmd": text(stage.cmd),
        "deps": [_file(one) for one in stage.deps],
        "params": stored(stage.params),
        "outs": [_file(one) for one in stage.outs],
    }
    canonical = json.dumps(found, sort_keys=True, separators=(",", ":"))
    return {**found, "digest": hashlib.sha256(canonical.encode()).hexdigest()}


def _file(one: LockedFile) -> dict[str, Any]:
    return {"path": text(one.path), "md5": one.md5, "size": one.size, "nfiles": one.nfiles}
