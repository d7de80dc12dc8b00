"""Table of what somebody changed in MLflow behind our back."""

from django.db import models
from django.db.models import Q

from registry.models.versions import ModelVersion, RegisteredModel


class Drift(models.Model):
    """One difference between what our database decided and what MLflow says; see `registry.reconciler`."""

    class Kind(models.TextChoices):
        STAGE = "stage"
        ALIAS = "alias"
        SOURCE = "source"
        MISSING = "missing"

    class State(models.TextChoices):
        OPEN = "open"
        REPAIRED = "repaired"
        ACCEPTED = "accepted"
        GONE = "gone"

    model = models.ForeignKey(RegisteredModel, on_delete=models.CASCADE, related_name="drifts")
    version = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.CASCADE, related_name="drifts"
    )
    mlflow_version = models.PositiveIntegerField()
    kind = models.CharField(max_length=20, choices=Kind.choices)
    expected = models.CharField(max_length=1000, blank=True)
    found = models.CharField(max_length=1000, blank=True)
    state = models.CharField(max_length=20, choices=State.choices, default=State.OPEN)
    seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=150, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["state"], name="drift_state")]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "mlflow_version", "kind", "expected"],
                condition=Q(state="open"),
                name="one_open_drift_per_fact",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} version {self.mlflow_version}: {self.kind} {self.expected} -> {self.found}"
