"""What an evidence bundle is about, read from the database once: it goes nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from accounts.access import permissions_of
from accounts.models import User
from accounts.roles import Permission
from lineage import origin
from lineage.models import Reproduction
from lineage.origin import Origin
from registry import card, selectors
from registry.models import CardRevision, Evidence, ModelVersion, Promotion, StageEvent

_REPORTS = 20
_PROMOTIONS = 200


@dataclass(frozen=True)
class Subject:
    """A version with everything that was decided and found out about it.

    :ivar promotion: the one that the bundle is about; None: the version with all of them
    """

    version: ModelVersion
    promotion: Promotion | None
    promotions: list[Promotion]
    card: CardRevision | None
    reproductions: list[Reproduction]
    stages: list[StageEvent]
    origin: Origin
    refusals: bool

    @property
    def name(self) -> str:
        """What it is called in the manifest."""
        about = f"promotion {self.promotion.pk} of " if self.promotion else ""
        return f"{about}{self.version}"

    def snapshots(self) -> list[Evidence]:
        """Return the evidence of the promotions, the oldest first. One query."""
        return list(Evidence.objects.filter(promotion__in=self.promotions).order_by("pk"))

    def entries(self) -> Any:
        """Return the audit entries about the version and its promotions, as a queryset."""
        return selectors.entries_about(self.version, refusals=self.refusals)


def of(version: ModelVersion, user: User, promotion: Promotion | None = None) -> Subject:
    """Return what a bundle for `user` is about. As many queries for one promotion as for a hundred."""
    wanted = Promotion.objects.filter(pk=promotion.pk) if promotion else version.promotions.all()
    rows = wanted.select_related("version__model", "incumbent__model")
    prefetched = rows.prefetch_related("reviews", "waivers", "comments").order_by("pk")
    return Subject(
        version=version,
        promotion=promotion,
        promotions=list(prefetched[:_PROMOTIONS]),
        card=card.newest(version),
        reproductions=list(version.reproductions.order_by("-pk")[:_REPORTS]),
        stages=list(version.stage_events.order_by("at", "pk")),
        origin=origin.of(version),
        refusals=Permission.AUDIT_READ in permissions_of(user),
    )
