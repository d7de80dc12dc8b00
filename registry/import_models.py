"""Adopts what exists in MLflow and not here: registered models and their versions.

Quick, so that thousands are no burden: one search for the versions of a model, rows in small batches, each in
a transaction of its own. Cut off anywhere it goes on from there. Files are not read here: what was never
hashed is shown as not hashed until a job has done it (`registry.import_job`), which happens by itself for
what was registered a moment ago, and on request for what is older.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils import timezone

from audit import trail
from audit.events import Event
from experiments.models import Run
from experiments.stored_text import text
from integrations.mlflow_records import MODEL_FORMAT_TAG, ModelVersionRecord, RegisteredModelRecord
from registry import (
    import_job,
    import_rules,
    model_names,
    promotion_moves,
    registration,
    run_lineage,
    trail_targets,
)
from registry.metadata import MetadataError, ModelMetadata
from registry.models import ModelVersion, RegisteredModel
from registry.run_metadata import of_plain_run
from registry.semver import MLModelVersion
from registry.stages import Move, Stage

#: Whose doing it is that a version is where it is, as stage events name it.
MLFLOW = "MLflow"
BATCH = 20
#: The files of what was registered in MLflow within this time are hashed without asking.
FRESH = timedelta(hours=1)
#: So many of one model at once; a flood waits for people to ask.
HASHED_AT_ONCE = 20


@dataclass
class Adopted:
    """What one look at a model brought.

    :ivar versions: versions that were adopted
    :ivar problems: English sentences about what was not, or not as MLflow has it
    :ivar complete: whether nothing is left to adopt
    """

    versions: list[ModelVersion] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    complete: bool = True


def adopt(record: RegisteredModelRecord, there: Sequence[ModelVersionRecord], *, deadline: float) -> Adopted:
    """Adopt the versions of one model that are not known here; idempotent.

    :param there: all its versions as MLflow has them
    :param deadline: monotonic seconds; what is left then is done the next time
    """
    adopted = Adopted()
    problem = model_names.problem_of(record.name)
    if problem:
        adopted.problems.append(f"The model {record.name!r} of MLflow is not adopted. {problem}")
        return adopted
    model = _model(record)
    new = _unknown(model, there)
    while new:
        if time.monotonic() > deadline:
            adopted.complete = False
            break
        _batch(model, new, adopted)
        new = new[BATCH:]
    return adopted


def _model(record: RegisteredModelRecord) -> RegisteredModel:
    """Return the row of the model; made with its audit entry if there is none."""
    with transaction.atomic():
        model, created = RegisteredModel.objects.get_or_create(
            name=record.name,
            defaults={
                "description": text(record.description, 2000),
                # Not MLflow's time: what is in a stage before this instant may keep it.
                "created_at": timezone.now(),
                "created_by": MLFLOW,
            },
        )
        if created:
            trail.record(
                Event.MODEL_REGISTERED,
                actor=trail.SYSTEM,
                target=trail_targets.of_model(model),
                data={"imported": True, "mlflow_created_ms": record.creation_time},
            )
    return model


def _unknown(model: RegisteredModel, there: Sequence[ModelVersionRecord]) -> list[ModelVersionRecord]:
    rows = list(model.versions.order_by().values_list("mlflow_version", "run_id", "version"))
    known = {number for number, _, _ in rows if number is not None}
    registered = {(run_id, version) for _, run_id, version in rows}
    return [one for one in there if import_rules.is_adoptable(one, known=known, registered=registered)]


def _batch(model: RegisteredModel, new: Sequence[ModelVersionRecord], adopted: Adopted) -> None:
    """Adopt the first of `new`, with numbers and places that count all of them."""
    with transaction.atomic():
        # As decisions do, before anything else; whoever adopts at the same time has waited here.
        RegisteredModel.objects.select_for_update(no_key=True).get(pk=model.pk)
        left = _unknown(model, new)
        taken = set(model.versions.order_by().values_list("version", flat=True))
        semantic = import_rules.numbers(left, taken)
        places = import_rules.places(
            left,
            since=int(model.created_at.timestamp() * 1000),
            production_is_free=not model.versions.filter(stage=Stage.PRODUCTION).exists(),
        )
        wanted = {one.version for one in new[:BATCH]}
        runs = {run.run_id: run for run in Run.objects.filter(run_id__in=[one.run_id for one in new[:BATCH]])}
        for record in left:
            if record.version in wanted:
                place = places[record.version]
                version = _create(model, record, semantic[record.version], runs.get(record.run_id))
                _record(version, record)
                _put(version, record, place)
                if len(adopted.versions) < HASHED_AT_ONCE and _is_fresh(model, record):
                    import_job.queue(version, user=None)
                adopted.versions.append(version)
                if place.reason not in ("", import_rules.FOUND):
                    adopted.problems.append(f"{version}: {place.reason}")


def _is_fresh(model: RegisteredModel, record: ModelVersionRecord) -> bool:
    """Say whether somebody has just registered it: they mean to go on with it, so its files are hashed."""
    created = _moment(record.creation_time)
    return created > model.created_at or timezone.now() - created < FRESH


def _create(
    model: RegisteredModel, record: ModelVersionRecord, semantic: MLModelVersion, run: Run | None
) -> ModelVersion:
    key = semantic.sort_key
    metadata = _metadata(model.name, semantic, run)
    created = _moment(record.creation_time)
    return ModelVersion.objects.create(
        model=model,
        version=str(semantic),
        major=key.major,
        minor=key.minor,
        patch=key.patch,
        pre_key=key.pre_key.encode("ascii"),
        stage=Stage.DEVELOPMENT,
        stage_since=created,
        key=f"import:{model.pk}:{record.version}",
        run_id=text(record.run_id, 64),
        source=text(record.source, 1000),
        mlflow_version=record.version,
        metadata=metadata.to_dict(),
        fingerprint=metadata.compute_fingerprint(),
        model_format=text(record.tags.get(MODEL_FORMAT_TAG, ""), 30),
        imported=True,
        lineage=run_lineage.of(run) if run else {},
        facts=asdict(registration.facts(run)) if run else {},
        reason=text(record.description, 2000),
        created_at=created,
        created_by=text(run.user, 150) if run and run.user else MLFLOW,
    )


def _metadata(name: str, semantic: MLModelVersion, run: Run | None) -> ModelMetadata:
    """Return what the mirrored run tells; without one, name and number alone."""
    identity = {"model_name": name, "model_version": str(semantic)}
    if run is not None:
        try:
            metadata = of_plain_run(run)
            metadata.model_name, metadata.model_version = name, str(semantic)
        except MetadataError:
            pass
        else:
            return metadata
    return ModelMetadata.from_facts(identity)


def _record(version: ModelVersion, record: ModelVersionRecord) -> None:
    trail.record(
        Event.VERSION_IMPORTED,
        actor=trail.SYSTEM,
        target=trail_targets.of_version(version),
        data={
            "mlflow_version": record.version,
            "mlflow_stage": record.stage,
            "run_id": version.run_id,
            "source": version.source,
            "manifest_digest": version.manifest_digest,
        },
    )


def _put(version: ModelVersion, record: ModelVersionRecord, place: import_rules.Place) -> None:
    if place.stage is Stage.DEVELOPMENT:
        return
    promotion_moves.move(
        version,
        place.stage,
        Move.IMPORT,
        promotion=None,
        actor_name=MLFLOW,
        actor=trail.SYSTEM,
        now=_moment(record.last_update_time or record.creation_time),
        reason=place.reason,
    )


def _moment(milliseconds: int) -> datetime:
    """Return MLflow's time; now where it has none that can be."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, tz=UTC) if milliseconds > 0 else timezone.now()
    except (OverflowError, OSError, ValueError):
        return timezone.now()
