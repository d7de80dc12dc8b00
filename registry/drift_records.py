"""Rows of drift: opened and closed as MLflow is compared, inside the caller's transaction.

The caller holds the lock of the model's row, so that two who compare do not see the same difference twice.
"""

from collections.abc import Sequence

from django.utils import timezone

from accounts import access
from audit import trail
from audit.events import Event
from experiments.models import Job
from experiments.stored_text import text
from integrations.mlflow_records import ModelVersionRecord
from registry.drift_rules import REPAIRABLE, Difference, differences
from registry.mirror_reading import Reading
from registry.models import Drift, ModelVersion, RegisteredModel

_LONGEST = 1000
_LONGEST_NAME = 200
_Key = tuple[int, str, str]


def found_in(reading: Reading, there: Sequence[ModelVersionRecord]) -> list[Difference]:
    """Return every difference between what our database says and what MLflow said."""
    sources = {number: version.source for number, version in reading.versions.items()}
    return differences(reading.wanted, sources, there, left=reading.left, decided=reading.decided)


def update(
    model: RegisteredModel, reading: Reading, there: Sequence[ModelVersionRecord]
) -> tuple[list[Drift], list[Drift]]:
    """Open a row for every new difference and close those that have disappeared, each with its audit entry.

    :returns: the rows that were opened, and those that were closed
    """
    current = {_key(one): one for one in found_in(reading, there)}
    closed = []
    for drift in Drift.objects.filter(model=model, state=Drift.State.OPEN).select_related("model"):
        one = current.get(_key_of(drift))
        if one is not None and text(one.found, _LONGEST) == drift.found:
            del current[_key_of(drift)]
        elif end(drift, Drift.State.GONE, actor=trail.SYSTEM):
            closed.append(drift)
    new = [one for one in current.values() if not _accepted_for_good(model, one)]
    return [_open(model, one, reading.versions.get(one.number)) for one in new], closed


def put_right(
    model: RegisteredModel, job: Job, reading: Reading, there: Sequence[ModelVersionRecord], *, changed: bool
) -> None:
    """Close the rows that an apply job has repaired.

    :param changed: whether the job wrote anything; if not, only what it was asked to repair is its merit
    """
    remaining = {_key(one) for one in found_in(reading, there)}
    asked = set(job.payload.get("drifts", ()))
    rows = Drift.objects.filter(model=model, state=Drift.State.OPEN, kind__in=REPAIRABLE)
    for drift in rows.select_related("model"):
        if _key_of(drift) in remaining or not (changed or drift.pk in asked):
            continue
        person = job.submitted_by if drift.pk in asked else None
        actor = access.actor(person) if person else trail.SYSTEM
        end(drift, Drift.State.REPAIRED, actor=actor, data={"job": job.pk})


def end(
    drift: Drift, state: str, *, actor: trail.Actor, reason: str = "", data: dict[str, object] | None = None
) -> bool:
    """Bring an open row to its end with its audit entry; False if somebody else was faster."""
    ended = Drift.objects.filter(pk=drift.pk, state=Drift.State.OPEN).update(
        state=state, ended_at=timezone.now(), ended_by=actor.name, reason=reason
    )
    if ended:
        event = {
            Drift.State.GONE.value: Event.DRIFT_GONE,
            Drift.State.REPAIRED.value: Event.DRIFT_REPAIRED,
            Drift.State.ACCEPTED.value: Event.DRIFT_ACCEPTED,
        }[state]
        facts = {**facts_of(drift), **({"reason": reason} if reason else {}), **(data or {})}
        trail.record(event, actor=actor, target=target(drift), data=facts)
    return bool(ended)


def target(drift: Drift) -> trail.Target:
    """Return `drift` as the trail names it."""
    model = drift.model.name
    short = model if len(model) <= _LONGEST_NAME else f"{model[: _LONGEST_NAME - 1]}…"
    return trail.Target("drift", str(drift.pk), f"{short}: MLflow version {drift.mlflow_version}", model)


def facts_of(drift: Drift) -> dict[str, object]:
    """Return what the trail says of `drift`."""
    return {
        "mlflow_version": drift.mlflow_version,
        "kind": drift.kind,
        "expected": drift.expected,
        "found": drift.found,
    }


def _open(model: RegisteredModel, one: Difference, version: ModelVersion | None) -> Drift:
    drift = Drift.objects.create(
        model=model,
        version=version,
        mlflow_version=one.number,
        kind=one.aspect.value,
        expected=text(one.expected, _LONGEST),
        found=text(one.found, _LONGEST),
        seen_at=timezone.now(),
    )
    name = {"version": version.version} if version else {}
    trail.record(
        Event.DRIFT_FOUND, actor=trail.SYSTEM, target=target(drift), data={**facts_of(drift), **name}
    )
    return drift


def _accepted_for_good(model: RegisteredModel, one: Difference) -> bool:
    """Say whether somebody accepted what no promotion will change: a source, a version that is gone."""
    if one.aspect in REPAIRABLE:
        return False
    return Drift.objects.filter(
        model=model,
        state=Drift.State.ACCEPTED,
        mlflow_version=one.number,
        kind=one.aspect.value,
        expected=text(one.expected, _LONGEST),
        found=text(one.found, _LONGEST),
    ).exists()


def _key(one: Difference) -> _Key:
    return one.number, one.aspect.value, text(one.expected, _LONGEST)


def _key_of(drift: Drift) -> _Key:
    return drift.mlflow_version, drift.kind, drift.expected
