"""Tables of jobs, their output, and their announcements."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from accounts.models import User
from experiments.models.repositories import Repository


class Priority(models.IntegerChoices):
    """Which of the jobs that wait comes first."""

    LOW = -1
    NORMAL = 0
    HIGH = 1


class Job(models.Model):
    """One piece of work for a worker. `experiments.jobs` is the sole writer of `state`.

    `attempt` is the fencing token: it grows with every claim, and a worker may write only while the row still
    carries the attempt it claimed.
    """

    kind = models.CharField(max_length=30)
    state = models.CharField(max_length=12, default="queued")
    queue = models.CharField(max_length=30)
    priority = models.SmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
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
