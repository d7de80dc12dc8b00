"""Tables of evidence bundles that were made: kept for a while, so that nobody makes the same one twice."""

from django.conf import settings
from django.db import models
from django.urls import reverse

from registry.models import ModelVersion, Promotion


class EvidenceBundle(models.Model):
    """A signed archive about a version or a promotion, as one person may know it.

    :ivar facts: what it tells, as `lineage.evidence_records.digest` says it
    """

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="bundles")
    promotion = models.ForeignKey(Promotion, null=True, on_delete=models.CASCADE, related_name="bundles")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="bundles")
    facts = models.CharField(max_length=64)
    # One bundle for each job, however often it was tried.
    job = models.BigIntegerField(unique=True)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["reader", "version", "facts"], name="bundle_of_reader")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("lineage:bundle", args=[self.pk])

    @property
    def name(self) -> str:
        """The name of its file."""
        part = f"-promotion-{self.promotion_id}" if self.promotion_id else ""
        return f"evidence-{self.version.model.name}-{self.version.version}{part}.zip"


class BundleChunk(models.Model):
    """A stretch of the bytes of a bundle; in the database, because web server and workers share no disk."""

    bundle = models.ForeignKey(EvidenceBundle, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["bundle", "number"], name="one_chunk_per_number")]

    def __str__(self) -> str:
        return f"{self.bundle_id}:{self.number}"
