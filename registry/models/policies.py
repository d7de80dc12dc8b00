"""Table of the policies that promotions follow."""

from django.db import models
from django.db.models import Q

from registry.models.versions import RegisteredModel


class Policy(models.Model):
    """One state of the rules for promotions of a model to a stage; append-only, the highest number counts.

    Without a model: the default of this installation for that stage.
    """

    model = models.ForeignKey(
        RegisteredModel, null=True, blank=True, on_delete=models.PROTECT, related_name="policies"
    )
    to_stage = models.CharField(max_length=20)
    number = models.PositiveIntegerField()
    # See `registry.policy_rules.Rules`.
    rules = models.JSONField()
    reason = models.CharField(max_length=2000, blank=True)
    at = models.DateTimeField()
    by_name = models.CharField(max_length=150)

    class Meta:
        ordering = ["-number"]
        verbose_name_plural = "policies"
        constraints = [
            models.UniqueConstraint(
                fields=["model", "to_stage", "number"],
                condition=Q(model__isnull=False),
                name="one_policy_per_number",
            ),
            # Two NULLs are not equal to a database.
            models.UniqueConstraint(
                fields=["to_stage", "number"],
                condition=Q(model__isnull=True),
                name="one_default_policy_per_number",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model or 'default'} to {self.to_stage} #{self.number}"
