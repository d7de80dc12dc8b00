"""GTO's registry of a repository, as its tags leave it, and what it says of single commits."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from experiments.models import Repository
from lineage.access import commit_of
from lineage.gto_tags import ArtifactState, states
from lineage.models import GtoEvent

MAX_EVENTS = 5_000


@dataclass(frozen=True)
class Artifact:
    """An artifact of the registry, of `dvc.yaml`, or of both; `told` is what `dvc.yaml` says of it now."""

    name: str
    state: ArtifactState[GtoEvent] | None
    told: dict[str, Any]


@dataclass(frozen=True)
class Registry:
    """The artifacts by name, and how many of the oldest events they are told without."""

    artifacts: list[Artifact]
    left_out: int


def registry(repository: Repository) -> Registry:
    """Return every artifact of a repository. Four queries."""
    events = list(repository.gto_events.order_by("-at", "-pk")[: MAX_EVENTS + 1])
    left_out = repository.gto_events.count() - MAX_EVENTS if len(events) > MAX_EVENTS else 0
    found = {state.name: state for state in states(reversed(events[:MAX_EVENTS]))}
    head = commit_of(repository, "")
    told = head.snapshot.artifacts if head and head.snapshot else {}
    artifacts = [Artifact(name, found.get(name), told.get(name) or {}) for name in sorted({*found, *told})]
    return Registry(artifacts, left_out)


def of_commits(
    shas: Collection[str], *, repository: Repository | None = None, at: datetime | None = None
) -> dict[str, list[str]]:
    """Return what GTO says of commits by SHA, such as `model@v1.2.0 (prod)`. One query.

    :param repository: whose tags count; None: all
    :param at: as of then
    """
    here = GtoEvent.objects.filter(sha__in=shas)
    # Not correlated: what is read beyond need is small, a look per event would not be.
    rows = GtoEvent.objects.filter(
        repository__in=here.values("repository"), artifact__in=here.values("artifact")
    )
    if repository is not None:
        rows = rows.filter(repository=repository)
    if at is not None:
        rows = rows.filter(at__lte=at)
    grouped: dict[int, list[GtoEvent]] = defaultdict(list)
    for row in reversed(rows.order_by("-at", "-pk")[:MAX_EVENTS]):
        grouped[row.repository_id].append(row)
    found: dict[str, list[str]] = defaultdict(list)
    for events in grouped.values():
        for sha, text in _texts(events):
            if sha in shas and text not in found[sha]:
                found[sha].append(text)
    return dict(found)


def _texts(events: list[GtoEvent]) -> list[tuple[str, str]]:
    """Return SHA and text of each version that stands, and of each commit that is in a stage without one."""
    found = []
    for state in states(events):
        for version in state.versions[::-1]:
            if version.deregistered is None:
                name = f"{state.name}@{version.registered.version}"
                found.append((version.registered.sha, _named(name, version.stages)))
        plain: dict[str, list[str]] = defaultdict(list)
        for stage, event in state.stages.items():
            if not event.version:
                plain[event.sha].append(stage)
        found += [(sha, _named(state.name, stages)) for sha, stages in plain.items()]
    return found


def _named(name: str, stages: Collection[str]) -> str:
    return f"{name} ({', '.join(sorted(stages))})" if stages else name
