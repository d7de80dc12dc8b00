"""What was in Production at an instant, answered from the stage events.

A model's last event up to that instant that touches Production decides: either it brought a version there, or
it took the last one away.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, F, Func, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.expressions import Combinable
from django.db.models.sql.compiler import SQLCompiler

from registry.models import ModelVersion, Promotion, RegisteredModel, Review, StageEvent
from registry.stages import Move, Stage

# Of a version only what is shown: a manifest or a set of metadata may be a megabyte.
_HEAVY = [f"version__{name}" for name in ("manifest", "facts", "lineage", "metadata", "inspection")]
_APPROVED = (Promotion.State.APPROVED, Promotion.State.APPLIED)


@dataclass(frozen=True)
class Serving:
    """What served at one instant, and how it had come there.

    :ivar at: the instant
    :ivar model: whose Production it is
    :ivar version: None if nothing was in Production then
    :ivar since: when it had come there
    :ivar until: when it left; None while it serves
    :ivar until_by: who made it leave
    :ivar until_how: one of `registry.stages.Move`, as `how`
    :ivar how: one of `registry.stages.Move`: promotion, rollback, import, ...; None with `version`
    :ivar by: who brought it there
    :ivar reason: why, in their words
    :ivar promotion: number of the decision; an imported version has none
    :ivar promotion_kind: one of `Promotion.Kind`
    :ivar evidence_digest: of the evidence that was decided on
    :ivar artifact_digest: of the artifacts as they were hashed
    :ivar approved_by: whose approvals counted; of a rollback: of the request that had brought it there before
    :ivar approved_in: number of the promotion that these approvals belong to
    """

    at: datetime
    model: RegisteredModel
    version: ModelVersion | None = None
    since: datetime | None = None
    until: datetime | None = None
    until_by: str | None = None
    until_how: str | None = None
    how: str | None = None
    by: str | None = None
    reason: str | None = None
    promotion: int | None = None
    promotion_kind: str | None = None
    evidence_digest: str | None = None
    artifact_digest: str | None = None
    approved_by: tuple[str, ...] = ()
    approved_in: int | None = None


def production(model: RegisteredModel, at: datetime) -> Serving:
    """Return what was in Production of `model` at `at`. Six queries at most."""
    return productions([model], at)[0]


def productions(models: Iterable[RegisteredModel], at: datetime) -> list[Serving]:
    """Return what was in Production of each of `models` at `at`, in their order. Six queries at most."""
    asked = list(models)
    last = _touching(version__model=OuterRef("pk"), at__lte=at).order_by("-at", "-pk").values("pk")[:1]
    deciding = RegisteredModel.objects.filter(pk__in=[model.pk for model in asked])
    pks = deciding.order_by().annotate(event=Subquery(last)).values_list("event", flat=True)
    arrivals = list(_arrivals().filter(pk__in=[pk for pk in pks if pk is not None]))
    found = {serving.model.pk: serving for serving in _servings(arrivals, at)}
    return [found.get(model.pk) or Serving(at, model) for model in asked]


class _StageThen(Func):
    """The stage of a version at an instant: its own if it did not move since, else what its events say.

    The look-up is written out: composing it of expressions takes Django longer than the database needs to
    answer, and a page of a graph asks it several times.
    """

    output_field = CharField()
    template = (
        "CASE WHEN %(since)s <= %%s THEN %(stage)s"
        ' ELSE COALESCE((SELECT "to_stage" FROM "registry_stageevent"'
        ' WHERE "version_id" = %(key)s AND "at" <= %%s ORDER BY "at" DESC, "id" DESC LIMIT 1), %%s) END'
    )

    def __init__(self, at: datetime) -> None:
        super().__init__(F("pk"), F("stage"), F("stage_since"))
        self.at = at

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_: Any
    ) -> tuple[str, list[Any]]:
        """Return the expression; a version that had no event yet was where all begin."""
        key, stage, since = (compiler.compile(one)[0] for one in self.get_source_expressions())
        at = connection.ops.adapt_datetimefield_value(self.at)
        sql = self.template % {"key": key, "stage": stage, "since": since}
        return sql, [at, at, Stage.DEVELOPMENT.value]


def stage_then(at: datetime | None) -> Combinable:
    """Return an expression for the stage in which a row of `ModelVersion` was at `at`; None: is now."""
    return F("stage") if at is None else _StageThen(at)


def arrivals(model: RegisteredModel) -> QuerySet[StageEvent]:
    """Return the events that brought a version of `model` to Production, the newest first."""
    return _arrivals().filter(version__model=model).order_by("-at", "-pk")


def periods(events: Iterable[StageEvent], at: datetime) -> list[Serving]:
    """Return the times in Production that begin with `events` (of `arrivals`). Three queries at most.

    :param at: the present
    """
    return list(_servings(list(events), at))


def _touching(**wanted: object) -> QuerySet[StageEvent]:
    touches = Q(to_stage=Stage.PRODUCTION) | Q(from_stage=Stage.PRODUCTION)
    return StageEvent.objects.filter(touches, **wanted)


def _arrivals() -> QuerySet[StageEvent]:
    """Events that brought a version to Production, with their decisions and approvals."""
    approvals = Review.objects.filter(
        verdict=Review.Verdict.APPROVE, evidence_digest=F("promotion__evidence_digest")
    )
    rows = StageEvent.objects.filter(to_stage=Stage.PRODUCTION)
    rows = rows.select_related("version__model", "promotion").defer(*_HEAVY, "promotion__evidence")
    counted = Prefetch("promotion__reviews", approvals.order_by("at", "pk"), to_attr="counted")
    return rows.prefetch_related(counted)


def _servings(arrivals: list[StageEvent], at: datetime) -> Iterable[Serving]:
    if not arrivals:
        return
    departures = _departures(arrivals)
    before = _approved_before([event for event in arrivals if event.how == Move.ROLLBACK])
    for event in arrivals:
        yield _serving(event, departures.get(event.pk), before.get(event.pk), at)


def _serving(
    event: StageEvent, departure: StageEvent | None, before: Promotion | None, at: datetime
) -> Serving:
    decision = event.promotion
    approved = before or decision
    names = _approvers(approved)
    return Serving(
        at=at,
        model=event.version.model,
        version=event.version,
        since=event.at,
        until=departure.at if departure else None,
        until_by=departure.by_name if departure else None,
        until_how=departure.how if departure else None,
        how=event.how,
        by=event.by_name,
        reason=event.reason,
        promotion=decision.pk if decision else None,
        promotion_kind=decision.kind if decision else None,
        evidence_digest=decision.evidence_digest if decision else None,
        artifact_digest=event.version.manifest_digest or None,
        approved_by=names,
        approved_in=approved.pk if approved and names else None,
    )


def _departures(arrivals: list[StageEvent]) -> dict[int, StageEvent]:
    """Return, by the number of each arrival, the event that ended it, where one did. One or two queries."""
    later = Q(at__gt=OuterRef("at")) | Q(at=OuterRef("at"), pk__gt=OuterRef("pk"))
    leaving = StageEvent.objects.filter(later, version=OuterRef("version"), from_stage=Stage.PRODUCTION)
    ends = StageEvent.objects.filter(pk__in=[event.pk for event in arrivals]).order_by()
    ends = ends.annotate(end=Subquery(leaving.order_by("at", "pk").values("pk")[:1]))
    by_arrival = {pk: end for pk, end in ends.values_list("pk", "end") if end is not None}
    events = StageEvent.objects.in_bulk(by_arrival.values()) if by_arrival else {}
    return {pk: events[end] for pk, end in by_arrival.items()}


def _approved_before(rollbacks: list[StageEvent]) -> dict[int, Promotion]:
    """Return, by the number of each rollback, the request that had brought its version to Production."""
    if not rollbacks:
        return {}
    requests = Promotion.objects.filter(
        version__in={event.version_id for event in rollbacks},
        to_stage=Stage.PRODUCTION,
        kind=Promotion.Kind.REQUEST,
        state__in=_APPROVED,
    )
    approvals = Review.objects.filter(
        verdict=Review.Verdict.APPROVE, evidence_digest=F("promotion__evidence_digest")
    )
    rows = requests.defer("evidence").order_by("decided_at", "pk")
    counted = Prefetch("reviews", approvals.order_by("at", "pk"), to_attr="counted")
    found: dict[int, Promotion] = {}
    for request in rows.prefetch_related(counted):
        for event in rollbacks:
            if (
                event.version_id == request.version_id
                and request.decided_at
                and request.decided_at <= event.at
            ):
                found[event.pk] = request
    return found


def _approvers(promotion: Promotion | None) -> tuple[str, ...]:
    reviews: list[Review] = getattr(promotion, "counted", [])
    return tuple(dict.fromkeys(review.reviewer_name for review in reviews))
