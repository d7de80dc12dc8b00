"""Compares MLflow with what was decided here, again and again, and adopts what is new there.

MLflow keeps no record of who changed a stage or an alias, and tells nobody. So each pass asks for the list
of registered models, whose times of last change and aliases show which of them have to be read; every few
minutes all are read. What differs becomes a row of drift, never an approval. A model that a job is writing is
left alone, and what was approved and has no job any more gets one.

A pass may be cut off anywhere and starts over the next time.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from experiments.job_states import TERMINAL
from experiments.models import Job
from integrations.errors import IntegrationError
from integrations.mlflow_records import ModelVersionRecord, RegisteredModelRecord
from integrations.mlflow_server import MLflowServer
from registry import (
    drift_records,
    drift_repairs,
    import_models,
    mirror,
    mirror_plan,
    mirror_reading,
    mirror_results,
)
from registry.models import Drift, RegisteredModel
from registry.reconciler_state import State

logger = logging.getLogger(__name__)

#: Seconds that one pass may take; what is left comes first in the next one.
BUDGET = 10.0
#: After an approval without a job that applies it, its job is assumed to have been given up.
ABANDONED = timedelta(seconds=60)
# Times come from several machines.
_MARGIN = timedelta(seconds=5)


@dataclass
class Report:
    """What one pass did.

    :ivar compared: how many models were read
    :ivar opened, closed: rows of drift
    :ivar adopted: versions that are new here
    :ivar problems: English sentences about what could not be adopted or compared
    :ivar complete: whether every model that had to be read was
    """

    compared: int = 0
    opened: list[Drift] = field(default_factory=list)
    closed: list[Drift] = field(default_factory=list)
    adopted: int = 0
    problems: list[str] = field(default_factory=list)
    complete: bool = True


def run() -> None:
    """Do one pass; the chore `reconcile`.

    :raises IntegrationError: MLflow cannot be reached
    """
    for problem in reconcile().problems:
        logger.warning("%s", problem)


def reconcile(*, everything: bool = False, budget: float = BUDGET) -> Report:
    """Do one pass and return what it did.

    :param everything: read every model, whether it seems to have changed or not
    :param budget: seconds after which no further model is begun
    :raises IntegrationError: MLflow cannot be reached; what was compared until then is kept
    """
    server = MLflowServer(settings.MLFLOW_TRACKING_URI)
    there = {record.name: record for record in server.registered_models()}
    state = State.load(everything=everything)
    report, deadline = Report(), time.monotonic() + budget
    try:
        _pass(server, there, state, report, deadline)
    finally:
        state.save(report.complete)
    return report


def _pass(
    server: MLflowServer,
    there: Mapping[str, RegisteredModelRecord],
    state: State,
    report: Report,
    deadline: float,
) -> None:
    ours = set(RegisteredModel.objects.values_list("name", flat=True))
    state.forget(names=ours | there.keys())
    for name in state.in_turn(ours | there.keys()):
        mark = _mark(there.get(name))
        if state.is_known(name, mark):
            continue
        if time.monotonic() > deadline:
            report.complete = False
            return
        try:
            problems = _look(server, name, there.get(name), report, deadline)
        except IntegrationError as error:
            if not error.permanent:
                raise
            problems = [f"{name}: {error.message}"]
        if problems is None:
            state.unknown(name)
        else:
            state.know(name, mark, problems)
            report.problems += problems


def _mark(record: RegisteredModelRecord | None) -> str:
    """Return what changes whenever stages, aliases or versions do: MLflow's own time, and the aliases."""
    if record is None:
        return "gone"
    aliases = ",".join(f"{alias}={number}" for alias, number in sorted(record.aliases.items()))
    return f"{record.last_update_time} {aliases}"


def _look(
    server: MLflowServer, name: str, record: RegisteredModelRecord | None, report: Report, deadline: float
) -> list[str] | None:
    """Adopt and compare one model; return what people should know, or None if it has to be read again."""
    began = timezone.now()
    known = set(_numbers(name))
    versions = server.model_versions(name) if record is not None else ()
    problems, complete = [], True
    if record is not None:
        adopted = import_models.adopt(record, versions, deadline=deadline)
        report.adopted += len(adopted.versions)
        problems, complete = adopted.problems, adopted.complete
        known |= {version.mlflow_version for version in adopted.versions}
    model = RegisteredModel.objects.filter(name=name).first()
    if model is None:
        return problems
    report.compared += 1
    compared = _compare(model, versions, began=began, known=known, report=report)
    return problems if compared and complete else None


def _compare(
    model: RegisteredModel,
    there: Sequence[ModelVersionRecord],
    *,
    began: datetime,
    known: set[int | None],
    report: Report,
) -> bool:
    """Record what differs; False if the model has to be read again because it was being written meanwhile."""
    with transaction.atomic():
        # As decisions do, before anything else.
        RegisteredModel.objects.select_for_update(no_key=True).get(pk=model.pk)
        if _is_being_written(model, began):
            return False
        reading = mirror_reading.read(model, lambda promotion: bool(promotion.problem))
        missing = mirror_plan.missing(reading.wanted, there)
        if not missing <= known:  # registered after MLflow was asked
            return False
        for number, version in reading.versions.items():
            mirror_results.note(version, mirror_results.lost(number) if number in missing else "")
        opened, closed = drift_records.update(model, reading, there)
        drift_repairs.request(model)
    report.opened += opened
    report.closed += closed
    return True


def _is_being_written(model: RegisteredModel, began: datetime) -> bool:
    """Say whether a job writes `model`, or has since `began`.

    What was approved and has no job any more, because MLflow was away for too long, gets one.
    """
    if mirror.under_way(model).exists():
        return True
    ended = Job.objects.filter(kind="apply", state__in=TERMINAL, finished_at__gte=began - _MARGIN)
    if ended.filter(payload__model=model.name).exists():
        return True
    waiting = [one for one in mirror_reading.waiting(model) if not one.problem]
    waiting = [one for one in waiting if one.version.mlflow_version is not None]
    for promotion in waiting:
        if (promotion.decided_at or promotion.opened_at) < began - ABANDONED:
            mirror.again(model, user=None, promotion=promotion)
    return bool(waiting)


def _numbers(name: str) -> list[int | None]:
    model = RegisteredModel.objects.filter(name=name).first()
    return list(model.versions.order_by().values_list("mlflow_version", flat=True)) if model else []
