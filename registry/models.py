"""Tables of registered models, their versions, and the decisions about them."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse


class RegisteredModel(models.Model):
    """A named line of model versions. The name is also the registered model's name in MLflow."""

    name = models.CharField(max_length=200, unique=True)
    description = models.CharField(max_length=2000, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("registry:model", args=[self.name])


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


class Promotion(models.Model):
    """A request to move a version to a stage, with the evidence it was asked on."""

    class State(models.TextChoices):
        OPEN = "open"
        APPROVED = "approved"
        APPLIED = "applied"
        CHANGES_REQUESTED = "changes_requested"
        REJECTED = "rejected"
        WITHDRAWN = "withdrawn"

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="promotions")
    to_stage = models.CharField(max_length=20)
    from_stage = models.CharField(max_length=20)
    state = models.CharField(max_length=20, choices=State.choices, default=State.OPEN)
    comment = models.TextField(blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    requested_by_name = models.CharField(max_length=150)
    opened_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)
    incumbent = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="challenged_by"
    )
    evidence = models.JSONField(default=dict)
    evidence_digest = models.CharField(max_length=64)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "to_stage"],
                condition=Q(state="open"),
                name="one_open_promotion_per_target",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} to {self.to_stage}"

    def get_absolute_url(self) -> str:
        return reverse("registry:promotion", args=[self.pk])


class Review(models.Model):
    """One person's verdict on a promotion, bound to the evidence that person saw."""

    class Verdict(models.TextChoices):
        APPROVE = "approve"
        REQUEST_CHANGES = "request_changes"
        REJECT = "reject"

    promotion = models.ForeignKey(Promotion, on_delete=models.PROTECT, related_name="reviews")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    reviewer_name = models.CharField(max_length=150)
    verdict = models.CharField(max_length=20, choices=Verdict.choices)
    comment = models.TextField(blank=True)
    evidence_digest = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.reviewer_name}: {self.verdict}"


class StageEvent(models.Model):
    """One change of a version's stage; together they answer what was where at any instant."""

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="stage_events")
    from_stage = models.CharField(max_length=20)
    to_stage = models.CharField(max_length=20)
    at = models.DateTimeField()
    by_name = models.CharField(max_length=150)
    reason = models.TextField(blank=True)
    promotion = models.ForeignKey(
        Promotion, null=True, blank=True, on_delete=models.PROTECT, related_name="stage_events"
    )

    class Meta:
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["version", "at"], name="stage_event_time")]
        constraints = [
            models.CheckConstraint(condition=~Q(from_stage=F("to_stage")), name="stage_event_is_a_change"),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.from_stage} -> {self.to_stage}"
