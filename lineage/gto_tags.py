"""Rules: the registry that GTO keeps in Git tags (https://dvc.org/doc/gto). No database.

    model@v1.2.0      a version is registered         model@v1.2.0!   and taken back
    model#prod#3      the third event puts the        model#prod!#4   and the fourth takes it out
                      version of this commit into prod
    model@deprecated  the artifact is not to be used any more

In tags a folder stands before the name with `=` in place of `:` (`models=churn@v1.0.0`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

REGISTER, DEREGISTER, ASSIGN, UNASSIGN = "register", "deregister", "assign", "unassign"
CREATE, DEPRECATE = "create", "deprecate"
_NAME = r"[a-zA-Z0-9](?:[a-zA-Z0-9_/-]*[a-zA-Z0-9])?"
_SEMVER = (
    r"v(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)"
    r"(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
_TAG = re.compile(
    rf"(?P<artifact>(?:[a-zA-Z0-9_./-]+=)?{_NAME})"
    rf"(?:(?:\#(?P<stage>{_NAME})|@(?P<version>{_SEMVER}))(?P<cancel>!?)|@(?P<word>deprecated|created))"
    r"(?:\#(?P<number>[0-9]{1,18}))?"
)
_WORDS = {"deprecated": DEPRECATE, "created": CREATE}


@dataclass(frozen=True)
class ParsedTag:
    """What a tag says; `version` has its `v`."""

    artifact: str
    action: str
    version: str = ""
    stage: str = ""
    number: int | None = None


# A tag with its time: has `artifact`, `action`, `version`, `stage` and `at`, such as a row of `GtoEvent`.
E = TypeVar("E", bound=Any)


@dataclass
class VersionState(Generic[E]):
    """A version of an artifact: the event that registered it, and the stages that it is in now."""

    registered: E
    deregistered: E | None = None
    stages: dict[str, E] = field(default_factory=dict)


@dataclass
class ArtifactState(Generic[E]):
    """An artifact: its versions, the newest first, who is in each stage, and all events, the newest first."""

    name: str
    versions: list[VersionState[E]] = field(default_factory=list)
    stages: dict[str, E] = field(default_factory=dict)
    events: list[E] = field(default_factory=list)
    deprecated: E | None = None


def parse(tag: str) -> ParsedTag | None:
    """Return what the name of a tag says; None if GTO would not read it."""
    found = _TAG.fullmatch(tag)
    if found is None:
        return None
    cancelled = bool(found["cancel"])
    if found["stage"]:
        action = UNASSIGN if cancelled else ASSIGN
    elif found["version"]:
        action = DEREGISTER if cancelled else REGISTER
    else:
        action = _WORDS[found["word"]]
    number = int(found["number"]) if found["number"] else None
    artifact = found["artifact"].replace("=", ":")
    return ParsedTag(artifact, action, found["version"] or "", found["stage"] or "", number)


def looks_like_one(tag: str) -> bool:
    """Say whether somebody seems to have meant a tag for GTO."""
    return "@" in tag or "#" in tag


def states(events: Iterable[E]) -> list[ArtifactState[E]]:
    """Return every artifact as its events leave it, by name.

    As GTO sees it (`gto/base.py`, `Artifact.get_vstages` by time): a version is in the stages that it was
    assigned to and not taken out of since, and of several versions in a stage the one that was assigned last
    is who has it. One that was taken back is in none.

    :param events: in the order of time
    """
    found: dict[str, list[E]] = defaultdict(list)
    for event in events:
        found[event.artifact].append(event)
    return [_state(name, found[name]) for name in sorted(found)]


def _state(name: str, events: list[E]) -> ArtifactState[E]:
    versions: dict[str, VersionState[E]] = {}
    assigned: dict[tuple[str, str], E] = {}
    deprecated: E | None = None
    for event in events:
        if event.action in (REGISTER, DEREGISTER):
            _register(versions, event)
        elif event.action == ASSIGN:
            assigned.pop((event.stage, event.version), None)  # so that the order is that of time
            assigned[event.stage, event.version] = event
        elif event.action == UNASSIGN:
            _unassign(assigned, event)
        else:
            deprecated = event if event.action == DEPRECATE else None
    stages: dict[str, E] = {}
    for (stage, version), event in assigned.items():
        known = versions.get(version)
        if known is None or known.deregistered is None:
            stages[stage] = event
    for stage, event in stages.items():
        if event.version in versions:
            versions[event.version].stages[stage] = event
    return ArtifactState(name, list(versions.values())[::-1], stages, events[::-1], deprecated)


def _register(versions: dict[str, VersionState[E]], event: E) -> None:
    known = versions.get(event.version)
    if event.action == REGISTER and known is None:
        versions[event.version] = VersionState(event)
    elif event.action == REGISTER and known is not None:
        known.registered, known.deregistered = event, None
    elif known is not None:
        known.deregistered = event


def _unassign(assigned: dict[tuple[str, str], E], event: E) -> None:
    if event.version:
        assigned.pop((event.stage, event.version), None)
        return
    for key in [key for key in assigned if key[0] == event.stage]:
        del assigned[key]
