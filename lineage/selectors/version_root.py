"""Beside the graph of a version: what to compare it with, and when its stage changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lineage.node_ids import Kind, NodeId
from registry.models import ModelVersion, StageEvent

_OTHERS = 200
_CHANGES = 8
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Other:
    """Another version of the same model, by the id of its node.

    :ivar is_likely: whether it is what one most likely compares with
    """

    id: str
    version: str
    is_likely: bool


@dataclass(frozen=True)
class StageChange:
    """A change of the version's stage, and the last instant before it as an address names it."""

    event: StageEvent
    before: str


@dataclass(frozen=True)
class VersionRoot:
    """A version, the others of its model in semantic order, and when its stage changed, the newest first."""

    version: ModelVersion
    others: list[Other]
    changes: list[StageChange]


def of(pk: int) -> VersionRoot:
    """Return what is offered beside the graph of the version with primary key `pk`. Three queries."""
    version = ModelVersion.objects.select_related("model").only("version", "model__name").get(pk=pk)
    newest_first = list(version.model.versions.values_list("version", flat=True)[: _OTHERS + 1])
    events = StageEvent.objects.filter(version=pk).select_related("promotion").order_by("-at", "-pk")
    changes = events.defer("promotion__evidence")[:_CHANGES]
    return VersionRoot(
        version, _others(version, newest_first), [StageChange(event, _before(event.at)) for event in changes]
    )


def _others(version: ModelVersion, newest_first: list[str]) -> list[Other]:
    others = [number for number in newest_first if number != version.version]
    place = newest_first.index(version.version) if version.version in newest_first else 0
    # The one before it, and of the first the one after it.
    likely = others[min(place, len(others) - 1)] if others else ""
    return [
        Other(str(NodeId(Kind.VERSION, number, path=version.model.name)), number, number == likely)
        for number in others
    ]


def _before(at: datetime) -> str:
    return (at - _INSTANT).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
