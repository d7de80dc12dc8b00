"""Tables of the decisions about versions."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from registry.models.versions import ModelVersion


class Promotion(models.Model):
    """A request to move a version to a stage, with the evidence it was asked on."""

    class State(models.TextChoices):
        OPEN = "open"
        APPROVED = "approved"
        APPLIED = "applied"
        CHANGES_REQUESTED = "changes_requested"
        REJECTED = "rejected"
        WITHDRAWN = "withdrawn"
        EXPIRED = "expired"

    class Kind(models.TextChoices):
        REQUEST = "request"
        ROLLBACK = "rollback"
        BYPASS = "bypass"

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="promotions")
    to_stage = models.CharField(max_length=20)
    from_stage = models.CharField(max_length=20)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.REQUEST)
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
    policy = models.ForeignKey(
        "registry.Policy", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)
    # Why MLflow could not be brought to say what was decided; empty while all is well.
    problem = models.CharField(max_length=1000, blank=True)
    # An emergency bypass is looked at afterwards by somebody else.
    followed_up_at = models.DateTimeField(null=True, blank=True)
    followed_up_by = models.CharField(max_length=150, blank=True)
    follow_up = models.TextField(blank=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["state", "opened_at"], name="promotion_waiting")]
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


class Evidence(models.Model):
    """One snapshot of the facts that a promotion was asked on; a newer one makes approvals of it stale."""

    promotion = models.ForeignKey(Promotion, on_delete=models.PROTECT, related_name="snapshots")
    digest = models.CharField(max_length=64)
    facts = models.JSONField()
    at = models.DateTimeField()
    # Who renewed it, and what had changed.
    by_name = models.CharField(max_length=150)
    changed = models.JSONField(default=list)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "evidence"

    def __str__(self) -> str:
        return f"{self.promotion}: {self.digest[:12]}"


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


class Waiver(models.Model):
    """An administrator lets a promotion pass although a gate does not; shown for ever."""

    promotion = models.ForeignKey(Promotion, on_delete=models.PROTECT, related_name="waivers")
    gate = models.CharField(max_length=50)
    reason = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    by_name = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["promotion", "gate"], name="one_waiver_per_gate"),
        ]

    def __str__(self) -> str:
        return f"{self.promotion}: {self.gate} waived by {self.by_name}"


class Comment(models.Model):
    """A remark on a promotion; `anchor` says what it is about (``gate:metrics``, ``metric:val_cer``, ...)."""

    promotion = models.ForeignKey(Promotion, on_delete=models.PROTECT, related_name="comments")
    anchor = models.CharField(max_length=200, blank=True)
    body = models.TextField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    by_name = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.by_name} on {self.promotion}"


class StageEvent(models.Model):
    """One change of a version's stage; together they answer what was where at any instant."""

    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="stage_events")
    from_stage = models.CharField(max_length=20)
    to_stage = models.CharField(max_length=20)
    at = models.DateTimeField()
    by_name = models.CharField(max_length=150)
    reason = models.TextField(blank=True)
    # One of `registry.stages.Move`.
    how = models.CharField(max_length=20, default="promotion")
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
