"""Table of what people are told."""

from django.conf import settings
from django.db import models

from registry.models.promotions import Promotion


class Notice(models.Model):
    """One thing that a person is told: in the product, and by e-mail where they have an address."""

    class Kind(models.TextChoices):
        REVIEW_WANTED = "review_wanted"
        REMINDER = "reminder"
        REVIEWED = "reviewed"
        DECIDED = "decided"
        APPLIED = "applied"
        EVIDENCE_CHANGED = "evidence_changed"
        EXPIRED = "expired"
        ROLLED_BACK = "rolled_back"
        BYPASSED = "bypassed"
        COMMENTED = "commented"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    promotion = models.ForeignKey(Promotion, on_delete=models.CASCADE, related_name="notices")
    # Who brought it about, and what they wrote.
    actor = models.CharField(max_length=150, blank=True)
    text = models.CharField(max_length=1000, blank=True)
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    mailed_at = models.DateTimeField(null=True, blank=True)
    mail_attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["user", "read_at"], name="notice_unread"),
            models.Index(fields=["mailed_at", "mail_attempts"], name="notice_to_mail"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.user}"
