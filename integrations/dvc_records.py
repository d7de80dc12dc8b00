"""What ``dvc.yaml`` and ``dvc.lock`` say, as frozen records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Output:
    """A file or directory that a stage makes. ``cache``: kept by DVC rather than by Git."""

    path: str
    cache: bool = True
    persist: bool = False
    push: bool = True
    desc: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a plot: the file, and its columns; ``None`` where DVC chooses."""

    path: str
    x: str | None
    y: str | None


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot of a stage or of the whole pipeline. ``cache`` is about the file of a stage's plot."""

    name: str
    series: tuple[Series, ...]
    title: str = ""
    x_label: str = ""
    y_label: str = ""
    template: str = ""
    cache: bool = True


@dataclass(frozen=True, slots=True)
class ParamSelection:
    """Keys of a parameter file on which a stage depends; no keys: on the whole file."""

    file: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of ``dvc.yaml``. Paths are relative to ``wdir``.

    A ``foreach`` or ``matrix`` stage becomes one record for each instance (``group`` is the name they share)
    when the instances are written out; if they are computed, one record stands for all and ``expanded`` is
    false. ``templated``: something in it still holds ``${...}``.
    """

    name: str
    cmd: str
    wdir: str = "."
    deps: tuple[str, ...] = ()
    outs: tuple[Output, ...] = ()
    params: tuple[ParamSelection, ...] = ()
    metrics: tuple[Output, ...] = ()
    plots: tuple[Plot, ...] = ()
    desc: str = ""
    frozen: bool = False
    always_changed: bool = False
    group: str = ""
    expanded: bool = True
    templated: bool = False


@dataclass(frozen=True, slots=True)
class Artifact:
    """An entry of ``artifacts``: what a path is, for people and registries."""

    path: str
    type: str = ""
    desc: str = ""
    labels: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A whole ``dvc.yaml``."""

    stages: tuple[Stage, ...] = ()
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    plots: tuple[Plot, ...] = ()
    params: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LockedFile:
    """A dependency or output as of the last run. ``md5`` ends in ``.dir`` for directories.

    ``size`` is in bytes, ``nfiles`` is set for directories. ``hash_name`` is ``md5``, or ``md5-dos2unix``
    for entries written by DVC 2. External files have no ``md5`` but a ``checksum``, which their storage calls
    ``checksum_name`` (an ``etag``).
    """

    path: str
    md5: str | None
    size: int | None
    nfiles: int | None
    hash_name: str
    checksum: str = ""
    checksum_name: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where ``dvc import`` got a file from: a repository and its revision, as named and as it was then."""

    url: str
    rev: str = ""
    rev_lock: str = ""


@dataclass(frozen=True, slots=True)
class Tracked:
    """A ``.dvc`` file. Paths are relative to ``wdir``.

    Before DVC 1.0 it was also the file of a stage: then it has a ``cmd``. ``uncached`` are the outputs that
    belong to Git, ``metrics`` those that are metrics. ``origin`` is set for an import from a repository.
    """

    outs: tuple[LockedFile, ...]
    deps: tuple[LockedFile, ...] = ()
    cmd: str = ""
    wdir: str = "."
    desc: str = ""
    frozen: bool = False
    uncached: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class LockedStage:
    """A stage as of its last run: the command, what it read and made, and the parameters by file."""

    cmd: str
    deps: tuple[LockedFile, ...]
    params: Mapping[str, Mapping[str, Any]]
    outs: tuple[LockedFile, ...]


@dataclass(frozen=True, slots=True)
class Lock:
    """A whole ``dvc.lock``."""

    stages: Mapping[str, LockedStage]
