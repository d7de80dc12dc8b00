"""What an evidence bundle is about, read from the database once: it goes nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from accounts.access import permissions_of
from accounts.models import User
from accounts.roles import Permission
from audit.events import Event
from audit.models import AuditEntry
from lineage import origin
from lineage.models import EvidenceBundle, Reproduction
from lineage.origin import Origin
from registry import card, selectors
from registry.models import CardRevision, Deployment, Evidence, ModelVersion, Promotion, StageEvent
from registry.version_facts import CategoryFacts, recorded_categories

#: Rows of a kind that one report holds; it says how many more there are.
PROMOTIONS = 200
REPRODUCTIONS = 20
DEPLOYMENTS = 200


@dataclass(frozen=True)
class Subject:
    """A version with everything that was decided and found out about it.

    :ivar reader: who reads it, and whose permissions therefore count
    :ivar promotion: the one that it is about; None: the version with all of them
    :ivar card: the revision that the evidence of the promotion names; of a version the newest
    :ivar left_out: kind of rows -> how many older ones are not here, where there are any
    :ivar entry: number of the newest entry of the trail about it
    :ivar news: the same, not counting that somebody took evidence along
    """

    version: ModelVersion
    reader: User
    promotion: Promotion | None
    promotions: list[Promotion]
    card: CardRevision | None
    reproductions: list[Reproduction]
    deployments: list[Deployment]
    stages: list[StageEvent]
    origin: Origin
    left_out: Mapping[str, int]
    refusals: bool
    entry: int
    news: int

    @property
    def name(self) -> str:
        """What it is called in the manifest."""
        about = f"promotion {self.promotion.pk} of " if self.promotion else ""
        return f"{about}{self.version}"

    @property
    def file_name(self) -> str:
        """What the file of a bundle about it is called."""
        return EvidenceBundle(version=self.version, promotion=self.promotion).name

    def metadata(self) -> list[CategoryFacts]:
        """Return the seven categories of metadata, with what nobody recorded."""
        return recorded_categories(self.version)

    def snapshots(self) -> list[Evidence]:
        """Return the evidence of the promotions, the oldest first. One query."""
        return list(Evidence.objects.filter(promotion__in=self.promotions).order_by("pk"))

    def entries(self) -> QuerySet[AuditEntry]:
        """Return the audit entries about the version and its promotions, up to the newest one then."""
        return selectors.entries_about(self.version, refusals=self.refusals).filter(sequence__lte=self.entry)


def of(version: ModelVersion, user: User, promotion: Promotion | None = None) -> Subject:
    """Return what a bundle for `user` is about. As many queries for one promotion as for a hundred."""
    refusals = Permission.AUDIT_READ in permissions_of(user)
    entry, news = newest_entries(version, refusals=refusals)
    wanted = Promotion.objects.filter(pk=promotion.pk) if promotion else version.promotions.all()
    rows = wanted.select_related("version__model", "incumbent__model")
    left_out: dict[str, int] = {}
    served = version.deployments.select_related("replaced_by__version__model").order_by("-pk")
    return Subject(
        version=version,
        reader=user,
        promotion=promotion,
        promotions=_newest(
            rows.prefetch_related("reviews", "waivers", "comments"), PROMOTIONS, "promotions", left_out
        ),
        card=_card(version, promotion),
        reproductions=_newest(version.reproductions.all(), REPRODUCTIONS, "reproductions", left_out)[::-1],
        deployments=_newest(served, DEPLOYMENTS, "deployments", left_out),
        stages=list(version.stage_events.order_by("at", "pk")),
        origin=origin.of(version),
        left_out=left_out,
        refusals=refusals,
        entry=entry,
        news=news,
    )


def newest_entries(version: ModelVersion, *, refusals: bool) -> tuple[int, int]:
    """Return the number of the newest entry about `version`, and of the newest that tells anything of it.

    That somebody took evidence along tells nothing of the version. Three queries.
    """
    about = selectors.entries_about(version, refusals=refusals).order_by("-sequence")
    newest = about.values_list("sequence", flat=True)
    return newest.first() or 0, newest.exclude(event=Event.EVIDENCE_EXPORTED).first() or 0


def _newest(rows: QuerySet[Any], most: int, name: str, left_out: dict[str, int]) -> list[Any]:
    """Return the newest `most` of `rows`, the oldest first, and note how many there are besides."""
    found = list(rows.order_by("-pk")[: most + 1])
    if len(found) > most:
        left_out[name] = rows.count() - most
    return found[:most][::-1]


def _card(version: ModelVersion, promotion: Promotion | None) -> CardRevision | None:
    """Return the revision that the evidence names: what reviewers saw need not be the newest any more."""
    if promotion is None:
        return card.newest(version)
    named = (promotion.evidence.get("card") or {}).get("number", 0)
    return CardRevision.objects.filter(version=version, number=named).first()
