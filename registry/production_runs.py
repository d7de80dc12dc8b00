"""Tells `experiments` which runs are in production, for comparisons with them."""

from collections.abc import Collection

from django.db.models import Q

from accounts.access import Person
from experiments.models import Run
from experiments.production_runs import ProductionRun
from registry import access
from registry.models import ModelVersion
from registry.stages import Stage

_MOST = 10


def find(user: Person, runs: Collection[Run]) -> list[ProductionRun]:
    """Return the runs behind the Production versions of the models that `runs` belong to. Two queries.

    A model belongs to runs of which versions of it were made, then to runs of the experiment of its name (as
    a registration proposes), then to runs of the experiment that its production is from.
    """
    ids = [run.run_id for run in runs]
    made = ModelVersion.objects.filter(run_id__in=ids).order_by().values("model")
    names = {run.experiment.name for run in runs}
    beside = (
        Run.objects.filter(experiment__in={run.experiment_id for run in runs}).order_by().values("run_id")
    )
    versions = ModelVersion.objects.filter(
        access.visible_q(user, "model"),
        Q(model__in=made) | Q(model__name__in=names) | Q(run_id__in=beside),
        stage=Stage.PRODUCTION,
    )
    found = list(versions.select_related("model").order_by("model__name")[:_MOST])
    found.sort(key=lambda version: (version.run_id not in ids, version.model.name not in names))
    return [
        ProductionRun(version.run_id, f"{version.model.name} {version.version}", version.get_absolute_url())
        for version in found
    ]
