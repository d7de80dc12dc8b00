"""What a cause reached: versions, their stages now and then, their promotions and deployments."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from accounts.access import Person
from lineage.causes import LIMIT, Reached
from lineage.facts import decisions
from lineage.graph import Key
from lineage.long_lists import numbers
from lineage.reach import Reach
from registry import as_of
from registry.access import visible_q
from registry.models import Deployment, ModelVersion, Promotion
from registry.stages import Stage

_ORDER = [Stage.PRODUCTION, Stage.STAGING, Stage.DEVELOPMENT, Stage.ARCHIVED]
_HEAVY = ("manifest", "facts", "inspection", "lineage", "metadata", "bump_reasons")


class Decided(NamedTuple):
    """A promotion with its state at the instant asked about."""

    promotion: Promotion
    state: str


@dataclass(frozen=True)
class ImpactRow:
    """One version that a cause reached.

    :ivar stage: where it is now; `stage_then` where it was at the instant asked about
    :ivar promotions: the newest first
    """

    version: ModelVersion
    stage: str
    stage_then: str
    promotions: list[Decided] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)

    @property
    def serving(self) -> list[Deployment]:
        """The deployments that serve now."""
        return [one for one in self.deployments if one.retired_at is None]


@dataclass(frozen=True)
class Impact:
    """What a cause reached.

    :ivar versions: those that the reader sees, Production first; nothing is read before they are asked for
    :ivar unseen: those that the reader may not see
    :ivar complete: whether everything between the cause and the runs was followed
    :ivar reached: what is between them, and the runs
    """

    versions: "QuerySet[ModelVersion]"
    unseen: "QuerySet[ModelVersion]"
    complete: bool
    reached: Reached
    limits: Reach

    @cached_property
    def hidden(self) -> int:
        """Number of versions, in whatever stage, that the reader may not see. One query."""
        return self.unseen.count()

    @property
    def in_production(self) -> int:
        """How many of them are in Production now. One query."""
        return self.versions.filter(stage=Stage.PRODUCTION).count()

    @property
    def in_production_then(self) -> int:
        """How many of them were in Production at the instant asked about. One query."""
        return self.versions.filter(Q(then=Stage.PRODUCTION)).count()

    @property
    def serving(self) -> int:
        """How many deployments of them serve now. One query."""
        return Deployment.objects.filter(version__in=self.versions.order_by(), retired_at=None).count()


def of(starts: Collection[Key], *, user: Person, at: datetime | None = None, stage: str = "") -> Impact:
    """Return what `starts` reached, as `user` may know it.

    :param at: the instant that is "then", and up to which things count; None: now
    :param stage: only versions that are in this stage now, or were then
    """
    limits = Reach(at, LIMIT, runs=False)
    reached = Reached.of(starts, limits)
    made = reached.versions(ModelVersion.objects.filter(**limits.then("created_at")))
    every = ModelVersion.objects.filter(pk__in=numbers(made))
    seen = visible_q(user, "model")
    # In all stages: the number in one of them would tell where hidden versions are, and when they moved.
    unseen = every.exclude(seen).order_by()
    versions = every.filter(seen).annotate(then=as_of.stage_then(at))
    if stage:
        versions = versions.filter(Q(stage=stage) | Q(then=stage))
    complete = reached.complete and len(made) < LIMIT
    return Impact(_sorted(versions), unseen, complete, reached, limits)


def rows(versions: Iterable[Any], limits: Reach) -> list[ImpactRow]:
    """Return `versions` (of one page of `Impact.versions`) with their decisions. Two queries."""
    found = {row.pk: ImpactRow(row, row.stage, row.then) for row in versions}
    asked = Promotion.objects.filter(version__in=found, **limits.then("opened_at")).defer("evidence")
    for promotion in asked.order_by("-pk"):
        state = decisions.state_then(promotion, limits)
        found[promotion.version_id].promotions.append(Decided(promotion, state))
    served = Deployment.objects.filter(version__in=found, **limits.then("at"))
    for deployment in served.order_by("-at", "-pk"):
        row = found[deployment.version_id]
        deployment.version = row.version
        row.deployments.append(deployment)
    return list(found.values())


def _sorted(versions: "QuerySet[Any]") -> "QuerySet[Any]":
    whens = [When(stage=stage.value, then=Value(place)) for place, stage in enumerate(_ORDER)]
    rank = Case(*whens, default=Value(len(_ORDER)), output_field=IntegerField())
    return (
        versions.annotate(rank=rank)
        .select_related("model")
        .defer(*_HEAVY)
        .order_by("rank", "model__name", "-major", "-minor", "-patch", "-pre_key", "-pk")
    )
