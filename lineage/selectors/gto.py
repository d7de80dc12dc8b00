"""GTO's registry of a repository, as its tags leave it."""

from dataclasses import dataclass
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


def artifacts(repository: Repository) -> list[Artifact]:
    """Return every artifact by name. Three queries."""
    events = list(repository.gto_events.order_by("-at", "-pk")[:MAX_EVENTS])
    found = {state.name: state for state in states(reversed(events))}
    head = commit_of(repository, "")
    told = head.snapshot.artifacts if head and head.snapshot else {}
    return [Artifact(name, found.get(name), told.get(name) or {}) for name in sorted({*found, *told})]
