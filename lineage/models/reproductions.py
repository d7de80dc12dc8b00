"""Tables of reproductions: how far a rebuilt metric may be off, and what came of every reproduction."""

from django.db import models
from django.urls import reverse

from registry.models import ModelVersion, RegisteredModel


class ModelTolerance(models.Model):
    """What counts as the same for one model; models without a row have the defaults of `lineage.rebuilt`."""

    model = models.OneToOneField(
        RegisteredModel, primary_key=True, on_delete=models.CASCADE, related_name="tolerance"
    )
    relative = models.FloatField()
    absolute = models.FloatField()
    identical_files = models.BooleanField()
    ignored = models.JSONField(default=list)
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=150)

    def __str__(self) -> str:
        return f"{self.model}: {self.relative:g}"


class Reproduction(models.Model):
    """The signed report of one reproduction of a version; append-only."""

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="reproductions")
    # One report for each job, however often it was tried.
    job = models.BigIntegerField(unique=True)
    verdict = models.CharField(max_length=30)
    passed = models.BooleanField()
    # One sentence, in English as `experiments.sentences` translates it.
    summary = models.CharField(max_length=1000)
    report = models.JSONField()
    # SHA-256 of the report in canonical form, and the signature over it (see `audit.statements`).
    digest = models.CharField(max_length=64)
    key = models.CharField(max_length=16)
    signature = models.CharField(max_length=128)
    at = models.DateTimeField()
    by_name = models.CharField(max_length=150)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.version}: {self.verdict}"

    def get_absolute_url(self) -> str:
        return reverse("lineage:reproduction", args=[self.pk])
