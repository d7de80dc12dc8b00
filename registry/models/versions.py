"""Tables of registered models and their versions."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse


class RegisteredModel(models.Model):
    """A named line of model versions. The name is also the registered model's name in MLflow."""

    name = models.CharField(max_length=200, unique=True)
    description = models.CharField(max_length=2000, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    # Seen by its members, administrators and auditors only.
    restricted = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("registry:model", args=[self.name])


class Member(models.Model):
    """A person's part in one model, besides what their roles let them do; see `registry.access`."""

    class Part(models.TextChoices):
        OWNER = "owner"
        REVIEWER = "reviewer"

    model = models.ForeignKey(RegisteredModel, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    part = models.CharField(max_length=20, choices=Part.choices)

    class Meta:
        ordering = ["model", "part", "user"]
        constraints = [
            models.UniqueConstraint(fields=["model", "user", "part"], name="one_membership_per_part"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.part} of {self.model}"


class MirrorLease(models.Model):
    """Which attempt of which job writes a model to MLflow now, see `registry.mirror_lease`."""

    model = models.OneToOneField(
        RegisteredModel, primary_key=True, on_delete=models.CASCADE, related_name="mirror_lease"
    )
    job = models.BigIntegerField()
    attempt = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.model}: job {self.job}"


class ModelVersion(models.Model):
    """One semantic version of a model: an MLflow run's model with everything needed to rebuild it."""

    model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="versions")
    version = models.CharField(max_length=128)
    major = models.BigIntegerField()
    minor = models.BigIntegerField()
    patch = models.BigIntegerField()
    # Binary, because text collations of databases differ and bytes compare the same everywhere.
    pre_key = models.BinaryField(max_length=600)
    # `registry.promotion` is the sole writer of `stage`.
    stage = models.CharField(max_length=20, default="Development")
    stage_since = models.DateTimeField()

    # The key makes registration idempotent: a retried job finds its version instead of making a second one.
    key = models.CharField(max_length=200, unique=True)
    run_id = models.CharField(max_length=64, db_index=True)
    source = models.CharField(max_length=1000)
    mlflow_version = models.PositiveIntegerField(null=True, blank=True)
    mlflow_problem = models.CharField(max_length=1000, blank=True)

    metadata = models.JSONField(default=dict)
    fingerprint = models.CharField(max_length=12, blank=True)
    manifest = models.JSONField(default=list)
    manifest_digest = models.CharField(max_length=64, blank=True)
    model_format = models.CharField(max_length=30, blank=True)
    # Static inspection of the model files, see `registry.inspection`; empty: never inspected.
    inspection = models.JSONField(default=dict)
    # The release candidate that this version made final, on the same artifacts.
    finalises = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="finalised_as"
    )
    # Found in MLflow, not registered here.
    imported = models.BooleanField(default=False)
    lineage = models.JSONField(default=dict)
    # What the next version is compared with, see `registry.bump.VersionFacts`.
    facts = models.JSONField(default=dict)

    bump = models.CharField(max_length=10, blank=True)
    bump_reasons = models.JSONField(default=list)
    required_bump = models.CharField(max_length=10, blank=True)
    reason = models.CharField(max_length=2000, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)

    class Meta:
        ordering = ["model", "-major", "-minor", "-patch", "-pre_key", "-pk"]
        indexes = [
            models.Index(fields=["model", "-major", "-minor", "-patch", "-pre_key"], name="version_semantic"),
            models.Index(fields=["stage"], name="version_stage"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["model", "version"], name="one_row_per_version"),
            models.UniqueConstraint(
                fields=["model"], condition=Q(stage="Production"), name="one_production_version_per_model"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model}@{self.version}"

    def get_absolute_url(self) -> str:
        return reverse("registry:version", args=[self.model.name, self.version])

    @property
    def commit(self) -> str:
        """The Git commit that it was made from, as its run or its metadata tell it; empty if neither does."""
        return str(self.lineage.get("git_commit") or self.metadata.get("git_commit") or "")


class CheckResult(models.Model):
    """What a job found out about a version's artifacts; append-only, the newest of a kind counts."""

    class Kind(models.TextChoices):
        ARTIFACTS = "artifacts"
        SMOKE_TEST = "smoke_test"
        REPRODUCTION = "reproduction"

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="checks")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    passed = models.BooleanField()
    # One sentence, in English as `experiments.sentences` translates it.
    summary = models.CharField(max_length=1000)
    details = models.JSONField(default=dict)
    # Digest of the artifact manifest that was looked at: a result about other bytes does not count.
    manifest_digest = models.CharField(max_length=64)
    at = models.DateTimeField()
    job = models.BigIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["version", "kind", "-id"], name="check_newest")]

    def __str__(self) -> str:
        return f"{self.version} {self.kind}: {'passed' if self.passed else 'failed'}"
