"""Page-shaped reads of models, versions and promotions, each with a fixed number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from accounts.access import Person
from audit.events import Event
from audit.models import AuditEntry
from experiments.models import Job, Run
from experiments.selectors.meanings import meanings
from registry import trail_targets
from registry.access import visible_q
from registry.models import ModelVersion, Promotion, RegisteredModel
from registry.stages import Stage
from registry.version_facts import MetricFact, key_metrics

CARD_LIMIT = 2
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
    def metrics(self) -> list[MetricFact]:
        """The key metrics of the version in Production."""
        return key_metrics(self.production) if self.production else []

    @property
    def staging(self) -> list[ModelVersion]:
        """The versions in Staging, the newest there first."""
        return [version for version in self.serving if version.stage == Stage.STAGING]


def models(search: str = "", *, user: Person) -> QuerySet[RegisteredModel]:
    """Return the models whose name contains `search`, by name, of those that `user` sees."""
    # PostgreSQL cannot compare U+0000, and no name has it.
    found = RegisteredModel.objects.filter(name__icontains=search.replace("\0", "")).order_by("name")
    return found.filter(visible_q(user))


def model_rows(found: Iterable[RegisteredModel]) -> list[ModelRow]:
    """Return the given models (those of one page) with what is in their stages. Four queries at most."""
    rows = {model.pk: ModelRow(model, 0, 0) for model in found}
    if not rows:
        return []
    _count(rows)
    serving = _listed().filter(model__in=rows, stage__in=_SERVING)
    for version in serving.order_by("stage", "-stage_since"):
        rows[version.model_id].serving.append(version)
    for version in latest_versions(rows):
        rows[version.model_id].latest = version
    return list(rows.values())


def _count(rows: dict[int, ModelRow]) -> None:
    versions = ModelVersion.objects.filter(model__in=rows).order_by()
    for model, count in versions.values_list("model").annotate(Count("pk")):
        rows[model].versions = count
    waiting = Promotion.objects.filter(state=Promotion.State.OPEN, version__model__in=rows).order_by()
    for model, count in waiting.values_list("version__model").annotate(Count("pk")):
        rows[model].waiting = count


def latest_versions(models: Iterable[int]) -> QuerySet[ModelVersion]:
    """Return the highest version of each of `models`.

    One look into the index by semantic version for each model, however many versions it has.
    """
    newest = _semantic(ModelVersion.objects.filter(model=OuterRef("pk"))).values("pk")[:1]
    highest = RegisteredModel.objects.filter(pk__in=list(models)).values(highest=Subquery(newest))
    return _listed().filter(pk__in=highest)


def _semantic(versions: QuerySet[ModelVersion]) -> QuerySet[ModelVersion]:
    return versions.order_by("-major", "-minor", "-patch", "-pre_key", "-pk")


def _listed() -> QuerySet[ModelVersion]:
    """Versions with what lists show; the manifest alone may be a megabyte."""
    return ModelVersion.objects.select_related("model").defer("manifest", "inspection", "facts", "lineage")


def versions_of(model: RegisteredModel) -> QuerySet[ModelVersion]:
    """Return the versions of `model`, the highest semantic version first."""
    return _semantic(_listed().filter(model=model))


@dataclass(frozen=True)
class StageCard:
    """What is in one stage of a model now.

    :ivar versions: the newest there first, at most `CARD_LIMIT`
    :ivar count: how many are there in all
    """

    stage: str
    versions: list[ModelVersion]
    count: int


def stage_cards(model: RegisteredModel) -> list[StageCard]:
    """Return the stages before the archive, Production first. Four queries."""
    counts = dict(model.versions.order_by().values_list("stage").annotate(Count("pk")))
    return [
        StageCard(
            stage,
            list(_listed().filter(model=model, stage=stage).order_by("-stage_since", "-pk")[:CARD_LIMIT]),
            counts.get(stage, 0),
        )
        for stage in (Stage.PRODUCTION, Stage.STAGING, Stage.DEVELOPMENT)
    ]


def production(model_id: int) -> ModelVersion | None:
    """Return the version in Production, if there is one."""
    return _listed().filter(model=model_id, stage=Stage.PRODUCTION).first()


def serving(*, user: Person) -> QuerySet[ModelVersion]:
    """Return the versions in Production of the models that `user` sees, the newest there first."""
    found = _listed().filter(stage=Stage.PRODUCTION).order_by("-stage_since", "-pk")
    return found.filter(visible_q(user, "model"))


def promotions(*, user: Person) -> QuerySet[Promotion]:
    """Return the promotions that `user` sees with what a list shows of them, newest first."""
    found = Promotion.objects.select_related("version__model", "incumbent__model").order_by("-pk")
    return found.filter(visible_q(user, "version__model"))


def open_promotions(model: RegisteredModel | None = None, *, user: Person) -> QuerySet[Promotion]:
    """Return the promotions that wait for a decision, the oldest first, of those that `user` sees."""
    waiting = promotions(user=user).filter(state=Promotion.State.OPEN).order_by("opened_at")
    return waiting.filter(version__model=model) if model else waiting


def compared_with(promotion: Promotion) -> ModelVersion | None:
    """Return the version beside which the candidate is judged: the one to give way, else that in Production.

    A decided promotion is compared with nothing that came later.
    """
    if promotion.incumbent or promotion.state != Promotion.State.OPEN:
        return promotion.incumbent
    serving = production(promotion.version.model_id)
    return serving if serving and serving.pk != promotion.version_id else None


def run_of(version: ModelVersion) -> Run | None:
    """Return the mirrored run that `version` was made from, unless MLflow has lost it."""
    return Run.objects.select_related("experiment").filter(run_id=version.run_id).first()


def jobs_of(version: ModelVersion) -> list[Job]:
    """Return the jobs that made `version`, in their order: its pipeline (if it had one) and registration."""
    number = str(version.lineage.get("stagegate.job", ""))
    wanted = Q(key=version.key)
    if number.isascii() and number.isdigit() and len(number) < 10:
        wanted |= Q(pk=int(number))
    return list(Job.objects.filter(wanted).defer("result", "payload").order_by("pk")[:2])


def versions_of_run(run_id: str, *, user: Person) -> QuerySet[ModelVersion]:
    """Return the versions that were made from a run and that `user` sees, the newest first."""
    found = _listed().filter(run_id=run_id).order_by("-created_at", "-pk")
    return found.filter(visible_q(user, "model"))


def entries_about(version: ModelVersion, *, refusals: bool) -> QuerySet[AuditEntry]:
    """Return the audit entries about `version` and its promotions, the oldest first.

    :param refusals: also who was refused, which is for those who may read the audit trail
    """
    promotion_ids = [str(number) for number in version.promotions.values_list("pk", flat=True)]
    about = Q(target_kind="version", target_id=trail_targets.version_id(version))
    about |= Q(target_kind="promotion", target_id__in=promotion_ids)
    found = AuditEntry.objects.filter(about, model_name=version.model.name).order_by("sequence")
    return found if refusals else found.exclude(event=Event.PERMISSION_DENIED)


@dataclass(frozen=True)
class MetricRow:
    """One metric of a version's run beside that of the run behind Production.

    A value that is no finite number is text, such as ``NaN``.
    """

    name: str
    value: float | str
    baseline: float | str | None
    goal: str


def metric_rows(version: ModelVersion, production: ModelVersion | None) -> list[MetricRow]:
    """Return every metric of the version's run, with what was declared for its experiment. Two queries.

    Gates do not go by that: whoever asks for a promotion may declare it. They go by the policy.
    """
    ids = [version.run_id] + ([production.run_id] if production else [])
    rows = Run.objects.filter(run_id__in=ids).only("run_id", "experiment_id", "metrics")
    runs = {run.run_id: run for run in rows}
    mine, rival = runs.get(version.run_id), runs.get(production.run_id) if production else None
    if mine is None:
        return []
    theirs = rival.metrics if rival else {}
    known = meanings([mine.experiment_id])
    return [
        MetricRow(name, mine.metrics[name], theirs.get(name), known.of(name, mine.experiment_id).goal)
        for name in sorted(mine.metrics)
    ]
