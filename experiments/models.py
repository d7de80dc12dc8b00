"""Tables of repositories, jobs, and the mirror of MLflow's experiments and runs."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from accounts.models import User


class Repository(models.Model):
    """A Git + DVC repository that an administrator allowed to run. Its mirror lies below the data folder."""

    name = models.CharField(max_length=100, unique=True)
    url = models.CharField(max_length=1000)
    default_ref = models.CharField(max_length=250, blank=True)
    experiment_name = models.CharField(max_length=250)
    description = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=150)
    fetched_at = models.DateTimeField(null=True, blank=True)
    fetch_error = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "repositories"

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("experiments:repository", args=[self.name])


class Commit(models.Model):
    """What the product knows of one commit: enough to offer a run form without touching Git."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="commits")
    sha = models.CharField(max_length=64)
    parents = models.JSONField(default=list)
    subject = models.CharField(max_length=500)
    author = models.CharField(max_length=250)
    committed_at = models.DateTimeField()
    params_text = models.TextField(blank=True)
    pipeline = models.JSONField(default=dict)
    problem = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ["-committed_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "sha"], name="one_row_per_commit"),
        ]

    def __str__(self) -> str:
        return self.sha[:12]


class Ref(models.Model):
    """A branch or tag of a repository, as last fetched."""

    class Kind(models.TextChoices):
        BRANCH = "branch"
        TAG = "tag"

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="refs")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=250)
    commit = models.ForeignKey(Commit, on_delete=models.CASCADE, related_name="refs")

    class Meta:
        ordering = ["kind", "name"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "kind", "name"], name="one_row_per_ref"),
        ]

    def __str__(self) -> str:
        return self.name


class Job(models.Model):
    """One piece of work for a worker. `experiments.jobs` is the sole writer of `state`.

    `attempt` is the fencing token: it grows with every claim, and a worker may write only while the row still
    carries the attempt it claimed.
    """

    kind = models.CharField(max_length=30)
    state = models.CharField(max_length=12, default="queued")
    queue = models.CharField(max_length=30)
    repository = models.ForeignKey(
        Repository, null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs"
    )
    payload = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    # A submission with a key that exists already returns the existing job: submitting is idempotent.
    key = models.CharField(max_length=200, null=True, blank=True, unique=True)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children"
    )
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    submitted_by_name = models.CharField(max_length=150)

    attempt = models.PositiveIntegerField(default=0)
    max_attempts = models.PositiveIntegerField(default=2)
    not_before = models.DateTimeField()
    # How often the job vanished with its worker.
    lost = models.PositiveIntegerField(default=0)
    worker = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_by = models.CharField(max_length=150, blank=True)

    # Steps of the stepper: [{"name", "state": waiting|running|done|skipped|failed, "seconds"}].
    steps = models.JSONField(default=list)
    message = models.CharField(max_length=300, blank=True)

    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["state", "not_before"], name="job_state_time"),
            models.Index(fields=["kind", "state"], name="job_kind_state"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.kind}"

    def get_absolute_url(self) -> str:
        return reverse("experiments:job", args=[self.pk])

    def belongs_to(self, user: User) -> bool:
        """Whether `user` submitted the job."""
        return self.submitted_by_id is not None and self.submitted_by_id == user.pk


class JobLog(models.Model):
    """A batch of consecutive output lines of one attempt. `first_line` counts from 1 over the whole job."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="log")
    attempt = models.PositiveIntegerField()
    first_line = models.PositiveIntegerField()
    lines = models.PositiveIntegerField()
    text = models.TextField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["first_line"]
        constraints = [
            models.UniqueConstraint(fields=["job", "first_line"], name="one_batch_per_line"),
        ]

    def __str__(self) -> str:
        return f"{self.job_id}:{self.first_line}"


class Outbox(models.Model):
    """A job that is to be announced to the workers; written with the job, published by the dispatcher."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="announcements")
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "outbox"
        indexes = [
            models.Index(
                fields=["due_at"], name="outbox_unpublished", condition=Q(published_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"job {self.job_id}"


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
    digest = models.CharField(max_length=64)
    series_digest = models.CharField(max_length=64, blank=True)
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["-started_at", "-pk"]
        indexes = [
            models.Index(fields=["experiment", "-started_at"], name="run_newest_of_experiment"),
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
    """What is better for a metric, and its unit, where somebody said so; else `experiments.metric_goals`."""

    class Direction(models.TextChoices):
        MIN = "min"
        MAX = "max"
        UNKNOWN = "unknown"

    # None: for all experiments that do not say otherwise.
    experiment = models.ForeignKey(
        Experiment, null=True, blank=True, on_delete=models.CASCADE, related_name="metric_goals"
    )
    key = models.CharField(max_length=250)
    direction = models.CharField(max_length=10, choices=Direction.choices)
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
    """All points of one metric of one run, packed: {"step": [...], "time": [ms...], "value": [...]}."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="series")
    key = models.CharField(max_length=250)
    points = models.JSONField(default=dict)
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
