"""What people wrote about one promotion, reviews and waivers, in one query."""

from datetime import datetime
from typing import Any

from django.db.models import CharField, QuerySet, Value
from django.db.models.functions import Cast

from registry.models import Promotion, Review, Waiver

_REVIEW, _WAIVER = "review", "waiver"


def prefetch(promotion: Promotion) -> None:
    """Read the reviews and waivers of `promotion`, so that asking it for them costs nothing more."""
    reviews: list[Review] = []
    waivers: list[Waiver] = []
    for kind, pk, person, name, what, text, digest, at in _rows(promotion):
        if kind == _REVIEW:
            reviews.append(_review(promotion, pk, person, name, what, text, digest, at))
        else:
            waivers.append(_waiver(promotion, pk, person, name, what, text, at))
    _keep(promotion, "reviews", Review.objects.none(), sorted(reviews, key=lambda one: (one.at, one.pk)))
    _keep(promotion, "waivers", Waiver.objects.none(), sorted(waivers, key=lambda one: one.pk))


def _rows(promotion: Promotion) -> list[tuple[Any, ...]]:
    reviews = Review.objects.filter(promotion=promotion).order_by()
    waivers = Waiver.objects.filter(promotion=promotion).order_by()
    nothing = Cast(Value(""), CharField(max_length=64))
    columns = (
        _word(_REVIEW),
        "pk",
        "reviewer",
        "reviewer_name",
        "verdict",
        "comment",
        "evidence_digest",
        "at",
    )
    return list(
        reviews.values_list(*columns).union(
            waivers.values_list(_word(_WAIVER), "pk", "by", "by_name", "gate", "reason", nothing, "at"),
            all=True,
        )
    )


def _word(text: str) -> Any:
    # PostgreSQL wants to know what a bare literal is.
    return Cast(Value(text), CharField(max_length=20))


def _review(
    promotion: Promotion,
    pk: int,
    person: int | None,
    name: str,
    what: str,
    text: str,
    digest: str,
    at: datetime,
) -> Review:
    return _loaded(
        Review(
            pk=pk,
            promotion=promotion,
            reviewer_id=person,
            reviewer_name=name,
            verdict=what,
            comment=text,
            evidence_digest=digest,
            at=at,
        )
    )


def _waiver(
    promotion: Promotion, pk: int, person: int | None, name: str, what: str, text: str, at: datetime
) -> Waiver:
    return _loaded(
        Waiver(pk=pk, promotion=promotion, by_id=person, by_name=name, gate=what, reason=text, at=at)
    )


def _loaded(row: Any) -> Any:
    row._state.adding = False
    row._state.db = "default"
    return row


def _keep(promotion: Promotion, name: str, rows: QuerySet[Any], found: list[Any]) -> None:
    """Keep `found` where Django keeps what it has prefetched."""
    rows._result_cache = found
    rows._prefetch_done = True  # type: ignore[attr-defined]
    promotion.__dict__.setdefault("_prefetched_objects_cache", {})[name] = rows
