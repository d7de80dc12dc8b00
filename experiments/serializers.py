"""JSON shapes of the REST interface of experiments, runs, repositories and jobs."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.request_bodies import RequestBody
from experiments.job_priority import WORDS
from experiments.job_summary import JobSummary, ref_text
from experiments.launches import MAX_NOTE, MAX_REF
from experiments.models import DvcExperiment, Repository, Run
from experiments.repository_settings import MAX_LIMIT
from experiments.run_columns import Column

_MAX_KEY = 100


class BestSerializer(serializers.Serializer[Any]):
    """The best value of a metric."""

    key = serializers.CharField()
    value = serializers.FloatField()


class ExperimentSerializer(serializers.Serializer[Any]):
    """An experiment of MLflow (a row of `selectors.experiments.rows`)."""

    experiment_id = serializers.CharField(source="experiment.experiment_id")
    name = serializers.CharField(source="experiment.name")
    runs = serializers.IntegerField()
    running = serializers.IntegerField(source="live")
    last_run = serializers.DateTimeField(allow_null=True)
    best = BestSerializer(allow_null=True)


class RunSerializer(serializers.ModelSerializer[Run]):
    """A run as lists show it. A metric that is no finite number is written as its name, such as "NaN"."""

    experiment_id = serializers.CharField(source="experiment.experiment_id")
    experiment = serializers.CharField(source="experiment.name")
    metrics = serializers.SerializerMethodField()
    params = serializers.SerializerMethodField()
    tags = serializers.SerializerMethodField()

    class Meta:
        model = Run
        fields = [
            "run_id",
            "name",
            "experiment_id",
            "experiment",
            "status",
            "user",
            "started_at",
            "ended_at",
            "metrics",
            "params",
            "tags",
        ]
        read_only_fields = fields

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_metrics(self, run: Run) -> dict[str, Any]:
        """Return the latest metrics, or those of the chosen columns."""
        return self._chosen(run.metrics, "metrics")

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_params(self, run: Run) -> dict[str, Any]:
        """Return the parameters, or those of the chosen columns."""
        return self._chosen(run.params, "params")

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_tags(self, run: Run) -> dict[str, Any]:
        """Return the tags, or those of the chosen columns."""
        return self._chosen(run.tags, "tags")

    def _chosen(self, values: dict[str, Any], kind: str) -> dict[str, Any]:
        columns: tuple[Column, ...] = self.context.get("columns", ())
        if not columns:
            return values
        return {one.key: values[one.key] for one in columns if one.kind == kind and one.key in values}


class RepositorySerializer(serializers.ModelSerializer[Repository]):
    """A connected repository."""

    class Meta:
        model = Repository
        fields = [
            "name",
            "url",
            "description",
            "default_ref",
            "experiment_name",
            "created_at",
            "created_by",
            "fetched_at",
            "fetch_error",
            "job_limit",
            "push_allowed",
        ]
        read_only_fields = fields


class DvcExperimentSerializer(serializers.ModelSerializer[DvcExperiment]):
    """An experiment that somebody made with DVC."""

    class Meta:
        model = DvcExperiment
        fields = ["id", "name", "sha", "base_sha", "branch", "params", "metrics", "problem", "made_at"]
        read_only_fields = fields


class StepSerializer(serializers.Serializer[Any]):
    """One step of a job."""

    name = serializers.CharField()
    state = serializers.CharField(help_text="waiting, running, done, skipped or failed")
    seconds = serializers.FloatField(allow_null=True)


class JobSerializer(serializers.Serializer[Any]):
    """A job as lists show it (a `JobSummary`)."""

    id = serializers.IntegerField(source="job.pk")
    kind = serializers.CharField(source="job.kind")
    title = serializers.CharField()
    state = serializers.CharField(source="job.state")
    repository = serializers.CharField(source="job.repository.name", default=None, allow_null=True)
    ref = serializers.SerializerMethodField()
    params = serializers.SerializerMethodField()
    note = serializers.CharField()
    submitted_by = serializers.CharField(source="job.submitted_by_name")
    priority = serializers.CharField(help_text="low, normal or high")
    queue_position = serializers.IntegerField(
        source="place.position", default=None, allow_null=True, help_text="1 is next; null where none waits"
    )
    waits_because = serializers.CharField(source="why")
    attempt = serializers.IntegerField(source="job.attempt")
    max_attempts = serializers.IntegerField(source="job.max_attempts")
    created_at = serializers.DateTimeField(source="job.created_at")
    started_at = serializers.DateTimeField(source="job.started_at", allow_null=True)
    finished_at = serializers.DateTimeField(source="job.finished_at", allow_null=True)
    cancel_requested_at = serializers.DateTimeField(source="job.cancel_requested_at", allow_null=True)
    message = serializers.CharField(source="job.message")
    error = serializers.CharField(source="job.error")
    steps = StepSerializer(source="job.steps", many=True)
    parent_job = serializers.IntegerField(source="job.parent_id", allow_null=True)

    def get_ref(self, summary: JobSummary) -> str:
        """Return the branch, tag or shortened commit that it works on."""
        return ref_text(summary.job.payload)

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_params(self, summary: JobSummary) -> dict[str, Any]:
        """Return the parameters that it sets."""
        overrides = summary.job.payload.get("overrides")
        return overrides if isinstance(overrides, dict) else {}


class JobDetailSerializer(JobSerializer):
    """A job with its result (a `JobSummary`; the context holds the `JobDetail`)."""

    sha = serializers.SerializerMethodField()
    run_id = serializers.SerializerMethodField()
    follow_ups = serializers.SerializerMethodField()
    result = serializers.JSONField(source="job.result")

    def get_sha(self, summary: JobSummary) -> str:
        """Return the commit that it works on."""
        return str(summary.job.payload.get("sha") or "")

    def get_run_id(self, _summary: JobSummary) -> str:
        """Return MLflow's id of the run that it, or a follow-up, logged."""
        return str(self.context["detail"].run_id)

    def get_follow_ups(self, _summary: JobSummary) -> list[int]:
        """Return the jobs that it asked for."""
        return [one.job.pk for one in self.context["detail"].descendants]


class LogSerializer(serializers.Serializer[Any]):
    """Consecutive lines of a log (a `LogLines`)."""

    first = serializers.IntegerField(help_text="number of the first line")
    last = serializers.IntegerField(help_text="ask for what comes after it next time")
    lines = serializers.ListField(child=serializers.CharField())
    more = serializers.BooleanField(help_text="whether there are further lines already")
    ended = serializers.SerializerMethodField(help_text="whether no further line will come")

    def get_ended(self, _lines: Any) -> bool:
        """Return whether the job has ended."""
        return bool(self.context["ended"])


class PriorityBody(RequestBody):
    """Which of the jobs that wait a job is to be."""

    priority = serializers.ChoiceField(choices=list(WORDS))


class ApplyBody(RequestBody):
    """Which branch gets a result."""

    branch = serializers.CharField(max_length=200, help_text="a new name becomes a new branch")
    note = serializers.CharField(max_length=MAX_NOTE, required=False, allow_blank=True, default="")
    key = serializers.CharField(max_length=_MAX_KEY, required=False, help_text="makes it idempotent")


class RepositoryBody(RequestBody):
    """What may be done with a repository; what is left out stays as it is."""

    job_limit = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=MAX_LIMIT)
    push_allowed = serializers.BooleanField(required=False)


class RegisterAsBody(RequestBody):
    """As what the result of a run is to be registered."""

    model = serializers.CharField(max_length=200)
    version = serializers.CharField(max_length=128, required=False)
    reason = serializers.CharField(max_length=2000, required=False)


class JobBody(RequestBody):
    """A job to be submitted."""

    kind = serializers.ChoiceField(choices=["pipeline"])
    repository = serializers.CharField(max_length=100)
    ref = serializers.CharField(
        max_length=MAX_REF,
        required=False,
        allow_blank=True,
        default="",
        help_text="branch, tag or commit; the repository's default if left out",
    )
    params = serializers.DictField(
        child=serializers.JSONField(),
        required=False,
        default=dict,
        help_text="dotted parameter -> value; only those to be changed",
    )
    note = serializers.CharField(max_length=MAX_NOTE, required=False, allow_blank=True, default="")
    register_as = RegisterAsBody(required=False)
    priority = serializers.ChoiceField(choices=list(WORDS), required=False, default="normal")
    key = serializers.CharField(
        max_length=_MAX_KEY,
        required=False,
        help_text="makes the submission idempotent: the same key again returns the same job",
    )
