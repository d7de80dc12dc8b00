"""Table of model cards."""

from django.conf import settings
from django.db import models

from registry.models.versions import ModelVersion


class CardRevision(models.Model):
    """One state of a version's model card; append-only but for its approval, the highest number counts."""

    class State(models.TextChoices):
        DRAFT = "draft"
        IN_REVIEW = "in_review"
        APPROVED = "approved"

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="card_revisions")
    number = models.PositiveIntegerField()
    # README.md as the Hugging Face Hub has it: YAML front matter, then Markdown, placeholders unfilled.
    text = models.TextField()
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=20, choices=State.choices, default=State.DRAFT)
    summary = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    by_name = models.CharField(max_length=150)
    at = models.DateTimeField()
    decided_by_name = models.CharField(max_length=150, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["version", "number"], name="one_card_revision_per_number"),
        ]

    def __str__(self) -> str:
        return f"{self.version} card #{self.number}"
