"""What our database wants MLflow to say of one model at this moment."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from registry import drift_rules
from registry.mirror_plan import Left, Wanted
from registry.models import Drift, ModelVersion, Promotion, RegisteredModel, StageEvent
from registry.stages import Move, Stage

_Place = tuple[str, datetime]


@dataclass(frozen=True)
class Reading:
    """What our database said at one moment.

    :ivar approved: promotions that wait to be applied and are not held back, the oldest first
    :ivar superseded: those of them whose version has moved on since
    :ivar versions: MLflow's number -> version
    :ivar wanted: what MLflow should say
    :ivar left: what a person accepted as MLflow says it
    :ivar decided: whether anything was ever decided here, so that the aliases are ours
    """

    approved: tuple[Promotion, ...]
    superseded: frozenset[int]
    versions: Mapping[int, ModelVersion]
    wanted: tuple[Wanted, ...]
    left: Left
    decided: bool


def waiting(model: RegisteredModel) -> list[Promotion]:
    """Return the promotions of `model` that were approved and that MLflow does not show yet, oldest first."""
    found = Promotion.objects.filter(version__model=model, state=Promotion.State.APPROVED)
    return list(found.select_related("version__model").order_by("pk"))


def read(model: RegisteredModel, is_held: Callable[[Promotion], bool]) -> Reading:
    """Return what MLflow should say of `model` now.

    :param is_held: whether an approved promotion must not be applied (yet). What it moved is then wanted
        where it was before, the version that it replaced included, as if it had not been decided.
    """
    # Before the stages, which hold every decision that is read here.
    approved = waiting(model)
    versions = list(model.versions.select_related("model").order_by("pk"))
    places: dict[int, _Place] = {one.pk: (one.stage, one.stage_since) for one in versions}
    kept, superseded = [], set()
    for promotion in reversed(approved):
        if places[promotion.version_id][0] != promotion.to_stage:
            superseded.add(promotion.pk)
            if promotion.problem or promotion.version.mlflow_version is None:
                continue
        elif promotion.version.mlflow_version is None or is_held(promotion):
            _take_back(promotion, places)
            continue
        kept.append(promotion)
    numbered = {one.mlflow_version: one for one in versions if one.mlflow_version is not None}
    return Reading(
        approved=tuple(reversed(kept)),
        superseded=frozenset(superseded),
        versions=numbered,
        wanted=tuple(_wanted(numbered, places)),
        left=left_alone(model),
        decided=_decisions(model).exists(),
    )


def _wanted(versions: Mapping[int, ModelVersion], places: Mapping[int, _Place]) -> Iterator[Wanted]:
    for number, version in versions.items():
        stage, since = places[version.pk]
        yield Wanted(number, Stage(stage), since)


def left_alone(model: RegisteredModel) -> Left:
    """Return what somebody accepted since the last decision about `model`."""
    accepted = accepted_drifts(model).values_list("kind", "mlflow_version", "found")
    return Left(
        frozenset((number, found) for kind, number, found in accepted if kind == Drift.Kind.STAGE),
        frozenset(drift_rules.pointed(found) for kind, _, found in accepted if kind == Drift.Kind.ALIAS),
    )


def accepted_drifts(model: RegisteredModel) -> QuerySet[Drift]:
    """Return the drifts of `model` that somebody accepted and that no decision has overtaken."""
    accepted = Drift.objects.filter(model=model, state=Drift.State.ACCEPTED)
    last = _decisions(model).order_by("-at").values_list("at", flat=True).first()
    return accepted.filter(ended_at__gt=last) if last else accepted


def _decisions(model: RegisteredModel) -> QuerySet[StageEvent]:
    return StageEvent.objects.filter(version__model=model).exclude(how=Move.IMPORT)


def _take_back(promotion: Promotion, places: dict[int, _Place]) -> None:
    """Put what `promotion` moved back where it was, unless it has moved on."""
    for event in promotion.stage_events.select_related("version"):
        if places[event.version_id][0] == event.to_stage:
            earlier = StageEvent.objects.filter(version=event.version_id, pk__lt=event.pk)
            since = earlier.order_by("-pk").values_list("at", flat=True).first()
            places[event.version_id] = (event.from_stage, since or event.version.created_at)
