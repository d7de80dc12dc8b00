"""The table of GTO's registry in Git tags."""

from django.db import models

from experiments.models import Repository


class GtoEvent(models.Model):
    """One Git tag that GTO reads: a version of an artifact registered, or its stage assigned, or undone."""

    class Action(models.TextChoices):
        REGISTER = "register"
        DEREGISTER = "deregister"
        ASSIGN = "assign"
        UNASSIGN = "unassign"
        CREATE = "create"
        DEPRECATE = "deprecate"

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="gto_events")
    tag = models.CharField(max_length=250)
    artifact = models.CharField(max_length=250)
    action = models.CharField(max_length=12, choices=Action.choices)
    # `v1.2.0`; of a stage event the version that was registered on the same commit.
    version = models.CharField(max_length=250, blank=True)
    stage = models.CharField(max_length=250, blank=True)
    number = models.PositiveBigIntegerField(null=True, blank=True)
    sha = models.CharField(max_length=64)
    # Who made the tag and when; of a tag without its own date, the commit's.
    author = models.CharField(max_length=250)
    at = models.DateTimeField()
    message = models.CharField(max_length=500, blank=True)
    annotated = models.BooleanField(default=False)

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "tag"], name="one_event_per_tag"),
        ]
        indexes = [models.Index(fields=["sha"], name="gto_by_commit")]

    def __str__(self) -> str:
        return self.tag
