"""Page-shaped reads of models, versions and promotions, each with a fixed number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from audit.models import AuditEntry
from experiments.metric_goals import goal
from experiments.models import Run
from registry.models import ModelVersion, Promotion, RegisteredModel
from registry.stages import Stage

_SERVING = (Stage.STAGING, Stage.PRODUCTION)


@dataclass
class ModelRow:
    """One model of the list.

    :ivar latest: highest semantic version
    :ivar serving: versions in Production and Staging, Production first
    """

    model: RegisteredModel
    versions: int
    waiting: int
    latest: ModelVersion | None = None
    serving: list[ModelVersion] = field(default_factory=list)

    @property
    def production(self) -> ModelVersion | None:
        """The version in Production."""
        return next((version for version in self.serving if version.stage == Stage.PRODUCTION), None)

    @property
    def measured(self) -> dict[str, float | None]:
        """The metadata of the version in Production, by field."""
        return self.production.metadata if self.production else {}

    @property
    def staging(self) -> list[ModelVersion]:
        """The versions in Staging, the newest there first."""
        return [version for version in self.serving if version.stage == Stage.STAGING]


def model_rows(search: str = "") -> list[ModelRow]:
    """Return the models whose name contains `search`, with what is in their stages. Three queries."""
    waiting = Q(versions__promotions__state=Promotion.State.OPEN)
    models = RegisteredModel.objects.filter(name__icontains=search).annotate(
        version_count=Count("versions", distinct=True),
        waiting_count=Count("versions__promotions", filter=waiting, distinct=True),
    )
    rows = {model.pk: ModelRow(model, model.version_count, model.waiting_count) for model in models}
    serving = ModelVersion.objects.filter(model__in=list(rows), stage__in=_SERVING)
    for version in serving.select_related("model").order_by("stage", "-stage_since"):
        rows[version.model_id].serving.append(version)
    for version in latest_versions(rows):
        rows[version.model_id].latest = version
    return list(rows.values())


def latest_versions(models: Iterable[int]) -> QuerySet[ModelVersion]:
    """Return the highest version of each of `models`: the one that no other of its model exceeds."""
    mine = {name: OuterRef(name) for name in ("major", "minor", "patch", "pre_key")}
    higher = (
        Q(major__gt=mine["major"])
        | Q(major=mine["major"], minor__gt=mine["minor"])
        | Q(major=mine["major"], minor=mine["minor"], patch__gt=mine["patch"])
        | Q(major=mine["major"], minor=mine["minor"], patch=mine["patch"], pre_key__gt=mine["pre_key"])
    )
    exceeding = ModelVersion.objects.filter(higher, model=OuterRef("model"))
    found = ModelVersion.objects.filter(~Exists(exceeding), model__in=list(models))
    return found.select_related("model")


def versions_of(model: RegisteredModel) -> QuerySet[ModelVersion]:
    """Return the versions of `model`, the highest semantic version first."""
    return model.versions.select_related("model").order_by("-major", "-minor", "-patch", "-pre_key", "-pk")


def in_stage(model: RegisteredModel) -> dict[str, list[ModelVersion]]:
    """Return stage -> versions in it now, for Production and Staging; the newest there first. One query."""
    found: dict[str, list[ModelVersion]] = {Stage.PRODUCTION: [], Stage.STAGING: []}
    rows = model.versions.filter(stage__in=_SERVING).select_related("model").order_by("-stage_since")
    for version in rows:
        found[version.stage].append(version)
    return found


def production(model_id: int) -> ModelVersion | None:
    """Return the version in Production, if there is one."""
    return ModelVersion.objects.filter(model=model_id, stage=Stage.PRODUCTION).select_related("model").first()


def promotions() -> QuerySet[Promotion]:
    """Return every promotion with what a list shows of it, newest first."""
    return Promotion.objects.select_related("version__model", "incumbent__model").order_by("-pk")


def open_promotions(model: RegisteredModel | None = None) -> QuerySet[Promotion]:
    """Return the promotions that wait for a decision, the oldest first."""
    waiting = promotions().filter(state=Promotion.State.OPEN).order_by("opened_at")
    return waiting.filter(version__model=model) if model else waiting


def run_of(version: ModelVersion) -> Run | None:
    """Return the mirrored run that `version` was made from, unless MLflow has lost it."""
    return Run.objects.select_related("experiment").filter(run_id=version.run_id).first()


def versions_of_run(run_id: str) -> QuerySet[ModelVersion]:
    """Return the versions that were made from a run, the newest first."""
    return ModelVersion.objects.select_related("model").filter(run_id=run_id).order_by("-created_at")


def entries_about(version: ModelVersion) -> QuerySet[AuditEntry]:
    """Return the audit entries about `version` and its promotions, the oldest first."""
    promotion_ids = [str(number) for number in version.promotions.values_list("pk", flat=True)]
    about = Q(target_kind="version", target_id=str(version))
    about |= Q(target_kind="promotion", target_id__in=promotion_ids)
    return AuditEntry.objects.filter(about, model_name=version.model.name).order_by("sequence")


@dataclass(frozen=True)
class MetricRow:
    """One metric of a version's run beside that of the run behind Production."""

    name: str
    value: float | str
    baseline: float | str | None
    goal: str


def metric_rows(version: ModelVersion, production: ModelVersion | None) -> list[MetricRow]:
    """Return every metric of the version's run. One query."""
    ids = [version.run_id] + ([production.run_id] if production else [])
    runs = {run.run_id: run.metrics for run in Run.objects.filter(run_id__in=ids)}
    theirs = runs.get(production.run_id, {}) if production else {}
    mine = runs.get(version.run_id, {})
    return [MetricRow(name, mine[name], theirs.get(name), goal(name)) for name in sorted(mine)]
