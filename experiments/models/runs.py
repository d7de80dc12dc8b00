"""Tables of the mirror of MLflow's experiments and runs, and of how people look at them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse


class Experiment(models.Model):
    """Mirror of an MLflow experiment."""

    experiment_id = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=500)
    lifecycle_stage = models.CharField(max_length=10, default="active")
    tags = models.JSONField(default=dict)
    created_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"{reverse('experiments:runs')}?experiment={self.experiment_id}"


class Run(models.Model):
    """Mirror of an MLflow run. `digest` is a hash of what MLflow last said; equal means nothing to write."""

    run_id = models.CharField(max_length=64, unique=True)
    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="runs")
    name = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=12)
    user = models.CharField(max_length=250, blank=True)
    lifecycle_stage = models.CharField(max_length=10, default="active")
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    # Milliseconds from the start to the end; None while one of them is missing.
    duration = models.BigIntegerField(null=True, blank=True)
    artifact_uri = models.CharField(max_length=1000, blank=True)
    params = models.JSONField(default=dict)
    metrics = models.JSONField(default=dict)
    tags = models.JSONField(default=dict)
    # Data sets that it says it used: name, digest, source_type, source, context (`mlflow.log_input`).
    inputs = models.JSONField(default=list)
    digest = models.CharField(max_length=64)
    series_digest = models.CharField(max_length=64, blank=True)
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["-started_at", "-pk"]
        indexes = [
            models.Index(fields=["experiment", "-started_at"], name="run_newest_of_experiment"),
            # With the primary key, which every index has, it tells whether a run counts without reading it.
            models.Index(fields=["experiment", "lifecycle_stage"], name="run_of_experiment"),
            models.Index(fields=["-started_at"], name="run_newest"),
            models.Index(fields=["status"], name="run_status"),
            models.Index(fields=["name", "id"], name="run_by_name"),
            models.Index(fields=["user", "id"], name="run_by_user"),
            models.Index(fields=["duration", "id"], name="run_by_duration"),
            models.Index(fields=["-started_at"], name="run_series_waiting", condition=Q(series_digest="")),
        ]

    def __str__(self) -> str:
        return self.name or self.run_id

    def get_absolute_url(self) -> str:
        return reverse("experiments:run", args=[self.run_id])


class RunMetric(models.Model):
    """The latest value of one metric of one run; narrow, so that sorting by any metric uses one index.

    A value that is not a number (NaN) or not finite has `value` NULL and its text in `Run.metrics`.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="latest")
    key = models.CharField(max_length=250)
    value = models.FloatField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "key"], name="one_value_per_metric")]
        indexes = [models.Index(fields=["key", "value", "run"], name="metric_sorted")]

    def __str__(self) -> str:
        return self.key


class RunParam(models.Model):
    """One parameter of one run, for filters, sorting and groups; `Run.params` has the whole value.

    `value` holds the first characters only, `number` what it says as a number if it says one.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="filter_params")
    key = models.CharField(max_length=250)
    value = models.CharField(max_length=250)
    number = models.FloatField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "key"], name="one_row_per_param")]
        indexes = [
            models.Index(fields=["key", "value", "run"], name="param_text_sorted"),
            models.Index(
                fields=["key", "number", "run"],
                name="param_number_sorted",
                condition=Q(number__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.key


class RunTag(models.Model):
    """One tag of one run, for filters; `Run.tags` has the whole value, `value` its first characters."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="filter_tags")
    key = models.CharField(max_length=250)
    value = models.CharField(max_length=250)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "key"], name="one_row_per_tag")]
        indexes = [models.Index(fields=["key", "value", "run"], name="tag_sorted")]

    def __str__(self) -> str:
        return self.key


class RunInput(models.Model):
    """One data set that a run says it used (`mlflow.log_input`), for lineage; `Run.inputs` has the rest.

    `key` is as `experiments.mirror_values.data_key` has it, the same for all runs that used these data;
    `value` is their name.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="used_data")
    key = models.CharField(max_length=250)
    value = models.CharField(max_length=250)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "key"], name="one_row_per_input")]
        indexes = [models.Index(fields=["key", "run"], name="input_used_by")]

    def __str__(self) -> str:
        return self.value


class SavedView(models.Model):
    """A table of runs as somebody arranged it: the query of its address, under a name."""

    name = models.CharField(max_length=100)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="run_views"
    )
    owner_name = models.CharField(max_length=150)
    # Everybody sees it; otherwise its owner alone.
    shared = models.BooleanField(default=False)
    query = models.CharField(max_length=8000)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="one_view_per_name_and_owner"),
        ]

    def __str__(self) -> str:
        return self.name


class MetricGoal(models.Model):
    """What is better for a metric, and its unit, where somebody said so; else `experiments.metric_goals`.

    `tolerance` is the absolute difference up to which two values count as the same.
    """

    class Direction(models.TextChoices):
        MIN = "min"
        MAX = "max"
        UNKNOWN = "unknown"

    # None: for all experiments that do not say otherwise.
    experiment = models.ForeignKey(
        Experiment, null=True, blank=True, on_delete=models.CASCADE, related_name="metric_goals"
    )
    key = models.CharField(max_length=250)
    # Empty: as its name says.
    direction = models.CharField(max_length=10, choices=Direction.choices, blank=True)
    tolerance = models.FloatField(default=0)
    unit = models.CharField(max_length=30, blank=True)
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=150)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "key"],
                condition=Q(experiment__isnull=False),
                name="one_goal_per_metric",
            ),
            models.UniqueConstraint(
                fields=["key"], condition=Q(experiment__isnull=True), name="one_general_goal_per_metric"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.direction}"


class MetricSeries(models.Model):
    """All points of one metric of one run, packed as `experiments.series` has them."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="series")
    key = models.CharField(max_length=250)
    packed = models.BinaryField()
    length = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "key"], name="one_series_per_metric")]

    def __str__(self) -> str:
        return self.key


class SyncState(models.Model):
    """One row: how the mirror of MLflow is doing; also the lease that lets one synchroniser run at a time."""

    name = models.CharField(max_length=30, unique=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    succeeded_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=1000, blank=True)
    reconciled_at = models.DateTimeField(null=True, blank=True)
    counts = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.name
