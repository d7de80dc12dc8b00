"""Rules: what changed between the pipelines of two commits, and hence which stages run again. No database.

A stage runs again if its command, a parameter it reads, a file of the repository it reads, or data that
nobody makes changed, or if a stage runs again whose output it reads. Files of the repository are compared by
what Git has, data by DVC's hashes, parameters by their values: what a commit has counts, not what was run
there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lineage import pipeline_graph
from lineage.pipeline_graph import Node

CODE, DATA, PARAMETER, COMMAND, INPUT = "code", "data", "parameter", "command", "input"
PIPELINE = "pipeline"


@dataclass(frozen=True)
class Stage:
    """A stage of one commit. `inputs` and `outputs` are path -> hash, empty where nobody knows it.

    :ivar watched: the parameters it reads: file -> keys; no keys: the whole file
    :ivar locked: their values at its last run
    """

    address: str
    kind: str = PIPELINE
    command: str = ""
    locked_command: str = ""
    is_locked: bool = False
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    watched: Mapping[str, Sequence[str]] = field(default_factory=dict)
    locked: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    frozen: bool = False
    always_changed: bool = False


@dataclass(frozen=True)
class State:
    """A commit: its stages in running order, object ids of files in Git, and values of parameters by file."""

    stages: Sequence[Stage] = ()
    code: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One difference; `old` or `new` is None where there is nothing on that side."""

    kind: str
    name: str
    old: Any = None
    new: Any = None

    @property
    def is_folder(self) -> bool:
        """Whether it is data, and a folder on both sides."""
        return self.kind == DATA and all(str(one).endswith(".dir") for one in (self.old, self.new))


@dataclass(frozen=True)
class StageChange:
    """What became of a stage.

    :ivar before: its address in the other commit, if it has another name there
    :ivar waits_for: stages that run again and make what it reads
    :ivar reruns: whether it runs again, for whatever reason
    :ivar has_other_outputs: whether the files of the commits name other paths or hashes of what it makes
    """

    stage: Stage
    is_new: bool
    before: str = ""
    changes: tuple[Change, ...] = ()
    waits_for: tuple[str, ...] = ()
    reruns: bool = False
    has_other_outputs: bool = False


@dataclass(frozen=True)
class Comparison:
    """Two commits: every stage of the new one in running order, and the stages that are gone."""

    stages: tuple[StageChange, ...]
    removed: tuple[Stage, ...]

    @property
    def reruns(self) -> list[StageChange]:
        """The stages that run again."""
        return [one for one in self.stages if one.reruns]


def edges(stages: Sequence[Stage]) -> list[tuple[int, int]]:
    """Return who makes what for whom, as places in `stages`."""
    return pipeline_graph.edges([Node(list(stage.inputs), list(stage.outputs)) for stage in stages])


def compare(old: State, new: State) -> Comparison:
    """Say what changed from `old` to `new`."""
    partners = dict(_partners(old.stages, new.stages))
    made, data = _made(new.stages), {side: _data(state) for side, state in (("old", old), ("new", new))}
    found = []
    for stage in new.stages:
        partner = partners.get(stage.address)
        changes = tuple(_changes(stage, partner, old, new, made, data)) if partner else ()
        found.append((stage, partner, changes))
    direct = {
        at
        for at, (stage, partner, changes) in enumerate(found)
        if _runs(stage) and (partner is None or changes or stage.always_changed)
    }
    pairs = edges(new.stages)
    again = {at for at in pipeline_graph.downstream(direct, pairs) if _runs(new.stages[at])}
    makers: dict[int, list[str]] = {}
    for before, after in pairs:
        if before in again:
            makers.setdefault(after, []).append(new.stages[before].address)
    stages = tuple(
        StageChange(
            stage=stage,
            is_new=partner is None,
            before=partner.address if partner and partner.address != stage.address else "",
            changes=changes,
            waits_for=tuple(makers.get(at, ())) if at in again else (),
            reruns=at in again,
            has_other_outputs=partner is not None and _has_other_outputs(partner, stage),
        )
        for at, (stage, partner, changes) in enumerate(found)
    )
    kept = {partner.address for partner in partners.values()}
    return Comparison(stages, tuple(stage for stage in old.stages if stage.address not in kept))


def stale(stage: Stage, state: State) -> list[Change]:
    """Return how a commit differs from what its stage was last run with, as far as DVC's hashes tell.

    Files of the repository are left out: Git and DVC hash them differently.
    """
    if stage.kind != PIPELINE or not stage.is_locked:
        return []
    found = []
    if stage.command != stage.locked_command:
        found.append(Change(COMMAND, "", stage.locked_command, stage.command))
    made = {path: value for one in state.stages for path, value in one.outputs.items()}
    found += [
        Change(DATA, path, value, made[path])
        for path, value in stage.inputs.items()
        if value and made.get(path) and made[path] != value
    ]
    for file, values in stage.locked.items():
        there = state.params.get(file)
        if there is not None:
            found += _value_changes(file, values, {key: _value(there, key) for key in values})
    return found


def _has_other_outputs(before: Stage, stage: Stage) -> bool:
    if set(before.outputs) != set(stage.outputs):
        return True
    pairs = ((before.outputs[path], value) for path, value in stage.outputs.items())
    return any(old and new and old != new for old, new in pairs)


def _runs(stage: Stage) -> bool:
    return stage.kind == PIPELINE and not stage.frozen


def _partners(old: Sequence[Stage], new: Sequence[Stage]) -> Iterator[tuple[str, Stage]]:
    """Yield address -> the same stage before: of that name, else a free one that makes or does the same."""
    there = {stage.address: stage for stage in old}
    names = {stage.address for stage in new}
    free = [stage for stage in old if stage.address not in names]
    for stage in new:
        partner = there.get(stage.address)
        if partner is None:
            partner = next((one for one in free if _is_same(one, stage)), None)
            if partner is not None:
                free.remove(partner)
        if partner is not None:
            yield stage.address, partner


def _is_same(one: Stage, other: Stage) -> bool:
    hashes = {value for value in one.outputs.values() if value} & set(other.outputs.values())
    paths = bool(one.outputs) and set(one.outputs) == set(other.outputs)
    return one.kind == other.kind and (bool(hashes) or paths or (one.command == other.command != ""))


def _made(stages: Sequence[Stage]) -> set[str]:
    return {path for stage in stages if stage.kind == PIPELINE for path in stage.outputs}


def _data(state: State) -> dict[str, str]:
    """Return path -> hash of the data that .dvc files track."""
    return {
        path: value
        for stage in state.stages
        if stage.kind != PIPELINE
        for path, value in stage.outputs.items()
    }


def _changes(
    stage: Stage, before: Stage, old: State, new: State, made: set[str], data: Mapping[str, Mapping[str, str]]
) -> Iterator[Change]:
    if stage.command != before.command:
        yield Change(COMMAND, "", before.command, stage.command)
    for path in dict.fromkeys([*before.inputs, *stage.inputs]):
        if path not in stage.inputs or path not in before.inputs:
            gone = path not in stage.inputs
            yield Change(INPUT, path, path if gone else None, None if gone else path)
        elif path in old.code or path in new.code:
            if old.code.get(path) != new.code.get(path):
                yield Change(CODE, path, old.code.get(path), new.code.get(path))
        elif path not in made:
            yield from _data_change(path, before, stage, data)
    for file in dict.fromkeys([*before.watched, *stage.watched]):
        yield from _value_changes(file, _watched(before, old, file), _watched(stage, new, file))


def _data_change(
    path: str, before: Stage, stage: Stage, data: Mapping[str, Mapping[str, str]]
) -> Iterator[Change]:
    values = (
        _hash_of(path, data["old"]) or before.inputs.get(path),
        _hash_of(path, data["new"]) or stage.inputs.get(path),
    )
    if values[0] and values[1] and values[0] != values[1]:
        yield Change(DATA, path, *values)


def _hash_of(path: str, data: Mapping[str, str]) -> str:
    """Return the hash of the tracked data at `path`, or of that which holds it."""
    return next((data[one] for one in (path, *pipeline_graph.folders(path)) if one in data), "")


def _watched(stage: Stage, state: State, file: str) -> dict[str, Any]:
    """Return what a stage sees of a parameters file; of one that cannot be read what it saw last."""
    if file not in stage.watched:
        return {}
    there = state.params.get(file)
    if there is None:
        return dict(stage.locked.get(file, {}))
    keys = stage.watched[file]
    return {key: _value(there, key) for key in keys} if keys else dict(there)


def _value(values: Mapping[str, Any], key: str) -> Any:
    """Return the value of a dotted key, or everything below it."""
    if key in values:
        return values[key]
    below = {name: value for name, value in values.items() if name.startswith(f"{key}.")}
    return below or None


def _value_changes(file: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    before, after = dict(_flat(old, "")), dict(_flat(new, ""))
    return [
        Change(PARAMETER, key if file == "params.yaml" else f"{file}:{key}", before.get(key), after.get(key))
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    ]


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield dotted key and value, however deep a section was written: `dvc.lock` nests what it records."""
    for key, value in values.items():
        name = key if not prefix or key.startswith(prefix) else f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _flat(value, f"{name}.")
        else:
            yield name, value
