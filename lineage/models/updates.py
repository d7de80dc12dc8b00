"""The table of when a repository is fetched without anybody asking."""

from django.db import models

from experiments.models import Repository


class UpdatePlan(models.Model):
    """When a repository is fetched by itself: every so many minutes, and when its host reports a change."""

    repository = models.OneToOneField(
        Repository, primary_key=True, on_delete=models.CASCADE, related_name="update_plan"
    )
    # None: not by the clock.
    minutes = models.PositiveIntegerField(null=True, blank=True)
    next_at = models.DateTimeField(null=True, blank=True)
    # The secret of the webhook is derived from this and the installation's key; empty: there is no webhook.
    hook_nonce = models.CharField(max_length=64, blank=True)
    hook_made_at = models.DateTimeField(null=True, blank=True)
    hook_made_by = models.CharField(max_length=150, blank=True)
    hook_used_at = models.DateTimeField(null=True, blank=True)
    # A delivery came too soon after the one before: the next round of the chore fetches.
    hook_waiting = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.repository}: every {self.minutes} minutes"
