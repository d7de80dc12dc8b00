"""Rules: a pipeline as `pipeline_summary` keeps it, put together for reading. No database, no markup."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from experiments.parameter_changes import parameters_of
from experiments.value_text import value_text


@dataclass(frozen=True)
class StagePath:
    """A file or folder; `made_by` is the stage it comes from, empty if none of the pipeline makes it."""

    path: str
    made_by: str = ""


@dataclass(frozen=True)
class StageParameter:
    """A parameter that a stage reads, with the commit's value as text; None for a whole section."""

    key: str
    value: str | None


@dataclass(frozen=True)
class StageOutline:
    """One stage. Its outputs are without metrics and plots."""

    name: str
    desc: str
    cmd: str
    deps: list[StagePath]
    params: list[StageParameter]
    outs: list[str]
    metrics: list[str]
    plots: list[str]

    @property
    def source_count(self) -> int:
        """How many of its dependencies no stage makes."""
        return sum(not dep.made_by for dep in self.deps)

    @property
    def has_made(self) -> bool:
        """Whether it reads what another stage makes."""
        return self.source_count < len(self.deps)


@dataclass(frozen=True)
class Artifact:
    """Something that the pipeline makes and the repository gives a name, such as a model."""

    name: str
    type: str
    desc: str
    labels: list[str]
    path: StagePath


@dataclass(frozen=True)
class Outline:
    """A pipeline; its stages are in the order in which they run."""

    stages: list[StageOutline]
    artifacts: list[Artifact]

    @property
    def models(self) -> list[str]:
        """Names under which the repository calls something a model."""
        return [artifact.name for artifact in self.artifacts if artifact.type == "model"]


def outline(pipeline: Mapping[str, Any], params_text: str = "") -> Outline:
    """Return what `Commit.pipeline` says, with the values of the parameters that the stages read."""
    kept = [stage for stage in _list(pipeline.get("stages")) if isinstance(stage, dict)]
    makers = dict(_makers(kept))
    values = {one.key: value_text(one.default) for one in parameters_of(params_text)}
    artifacts = pipeline.get("artifacts")
    return Outline(
        stages=[_stage(stage, makers, values) for stage in kept],
        artifacts=[
            _artifact(str(name), artifact, makers)
            for name, artifact in (artifacts if isinstance(artifacts, dict) else {}).items()
            if isinstance(artifact, dict)
        ],
    )


def _stage(stage: Mapping[str, Any], makers: Mapping[str, str], values: Mapping[str, str]) -> StageOutline:
    return StageOutline(
        name=str(stage.get("name", "")),
        desc=str(stage.get("desc", "")),
        cmd=str(stage.get("cmd", "")),
        deps=[_path(path, makers) for path in _texts(stage, "deps")],
        params=[StageParameter(key, values.get(key)) for key in _texts(stage, "params")],
        outs=_texts(stage, "outs"),
        metrics=_texts(stage, "metrics"),
        plots=_plots(stage),
    )


def _artifact(name: str, artifact: Mapping[str, Any], makers: Mapping[str, str]) -> Artifact:
    return Artifact(
        name=name,
        type=str(artifact.get("type", "")),
        desc=str(artifact.get("desc", "")),
        labels=_texts(artifact, "labels"),
        path=_path(str(artifact.get("path", "")), makers),
    )


def _makers(stages: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for stage in stages:
        for path in (*_texts(stage, "outs"), *_texts(stage, "metrics"), *_plots(stage)):
            yield path, str(stage.get("name", ""))


def _path(path: str, makers: Mapping[str, str]) -> StagePath:
    """Return `path` with the stage that makes it or a folder it lies in."""
    made_by, folder = makers.get(path, ""), path
    while not made_by and "/" in folder:
        folder = folder.rpartition("/")[0]
        made_by = makers.get(folder, "")
    return StagePath(path, made_by)


def _plots(stage: Mapping[str, Any]) -> list[str]:
    paths = [str(plot.get("path", "")) for plot in _list(stage.get("plots")) if isinstance(plot, dict)]
    return list(dict.fromkeys(paths))


def _texts(stage: Mapping[str, Any], name: str) -> list[str]:
    return [str(one) for one in _list(stage.get(name))]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
