"""Table of where versions serve."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from registry.models.versions import ModelVersion


class Deployment(models.Model):
    """A version began to serve in an environment, as whoever deployed it said; retired when it ended.

    A stage is a decision, a deployment a fact: `registry.deployments` is the sole writer.
    """

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="deployments")
    environment = models.CharField(max_length=100)
    url = models.CharField(max_length=1000, blank=True)
    note = models.CharField(max_length=2000, blank=True)
    # When it began and ended to serve; the other times are when we were told.
    at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    recorded_by_name = models.CharField(max_length=150)
    retired_by_name = models.CharField(max_length=150, blank=True)
    # The deployment that took its place; None where somebody only ended it.
    replaced_by = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="replaced"
    )

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["version", "-at"], name="deployment_of_version"),
            models.Index(
                fields=["environment"], name="deployment_live", condition=Q(retired_at__isnull=True)
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["version", "environment", "at"], name="one_deployment_each_time"),
            models.CheckConstraint(
                condition=Q(retired_at__isnull=True) | Q(retired_at__gte=models.F("at")),
                name="deployment_ends_after_it_began",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} in {self.environment}"
