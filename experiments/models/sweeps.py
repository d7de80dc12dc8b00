"""Tables of sweeps: many runs of one pipeline with parameters out of a space."""

from django.conf import settings
from django.db import models
from django.urls import reverse

from experiments.models.jobs import Job, Priority
from experiments.models.repositories import Commit, Repository


class Sweep(models.Model):
    """A search for good parameters. `experiments.sweeps` and `sweep_progress` are the writers of `state`."""

    class Method(models.TextChoices):
        GRID = "grid"
        RANDOM = "random"
        GUIDED = "guided"

    class State(models.TextChoices):
        RUNNING = "running"
        STOPPED = "stopped"
        FINISHED = "finished"

    class Direction(models.TextChoices):
        MIN = "min"
        MAX = "max"

    name = models.CharField(max_length=100)
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="sweeps")
    commit = models.ForeignKey(Commit, on_delete=models.CASCADE, related_name="sweeps")
    ref = models.CharField(max_length=250)
    ref_kind = models.CharField(max_length=10)
    method = models.CharField(max_length=10, choices=Method.choices)
    # Parameter -> what it may be, as `sweep_space.Dimension` says it.
    space = models.JSONField(default=dict)
    seed = models.BigIntegerField()
    objective = models.CharField(max_length=250)
    direction = models.CharField(max_length=3, choices=Direction.choices)
    # How many trials there are to be, and how many of them may wait or run at a time.
    count = models.PositiveIntegerField()
    width = models.PositiveSmallIntegerField()
    priority = models.SmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    # What a person should know about it, such as a metric that no trial has; English.
    problem = models.CharField(max_length=1000, blank=True)
    # A submission with a key that exists already returns the existing sweep.
    key = models.CharField(max_length=200, null=True, blank=True, unique=True)
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    submitted_by_name = models.CharField(max_length=150)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("experiments:sweep-page", args=[self.pk])


class Trial(models.Model):
    """One set of parameters of a sweep, and the pipeline job that tries it."""

    class Outcome(models.TextChoices):
        MEASURED = "measured"
        UNMEASURED = "unmeasured"
        FAILED = "failed"
        CANCELLED = "cancelled"

    sweep = models.ForeignKey(Sweep, on_delete=models.CASCADE, related_name="trials")
    number = models.PositiveIntegerField()
    params = models.JSONField(default=dict)
    # Grows when it is begun again after its sweep was stopped: each time is a job of its own.
    round = models.PositiveSmallIntegerField(default=1)
    job = models.OneToOneField(Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="trial")
    # Empty until its job has ended.
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True)
    value = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["sweep", "number"], name="one_trial_per_number"),
        ]

    def __str__(self) -> str:
        return f"{self.sweep_id}/{self.number}"
