"""The audit entry: one row per thing that happened, chained by hashes and never changed."""

from typing import Any, NoReturn

from django.db import models

from audit import chain


class AppendOnlyError(Exception):
    """Somebody tried to change or remove an audit entry. Database triggers refuse the same."""


class AuditEntries(models.QuerySet["AuditEntry"]):
    """Queries of the trail; every bulk write is refused."""

    def update(self, **_fields: Any) -> NoReturn:
        """Refused."""
        raise AppendOnlyError("audit entries cannot be changed")

    def delete(self) -> NoReturn:
        """Refused."""
        raise AppendOnlyError("audit entries cannot be deleted")

    def bulk_create(self, *_args: Any, **_options: Any) -> NoReturn:
        """Refused: `audit.trail.record` is the only writer, because it keeps the chain."""
        raise AppendOnlyError("audit entries are written by audit.trail only")

    def bulk_update(self, *_args: Any, **_options: Any) -> NoReturn:
        """Refused."""
        raise AppendOnlyError("audit entries cannot be changed")


class AuditEntry(models.Model):
    """One entry. Actor and target are text, so it stays readable when both are long gone."""

    sequence = models.BigIntegerField(primary_key=True)  # 1, 2, 3 ... without a gap
    at = models.DateTimeField(db_index=True)
    event = models.CharField(max_length=64, db_index=True)
    actor_id = models.CharField(max_length=64, db_index=True)
    actor_name = models.CharField(max_length=200)
    target_kind = models.CharField(max_length=40)
    target_id = models.CharField(max_length=200)
    target_name = models.CharField(max_length=300)
    model_name = models.CharField(max_length=255, blank=True, db_index=True)
    data = models.JSONField(default=dict, blank=True)
    prev_hash = models.CharField(max_length=64, unique=True)
    hash = models.CharField(max_length=64, unique=True)

    objects = AuditEntries.as_manager()

    class Meta:
        ordering = ["sequence"]
        verbose_name_plural = "audit entries"
        # With the number behind it, an index also gives the newest entries without sorting all that match.
        indexes = [
            models.Index(fields=["target_kind", "target_id"], name="audit_target"),
            models.Index(fields=["actor_name", "sequence"], name="audit_person"),
            models.Index(fields=["event", "sequence"], name="audit_event"),
            models.Index(fields=["model_name", "sequence"], name="audit_model"),
        ]
        constraints = [models.CheckConstraint(condition=models.Q(sequence__gte=1), name="audit_from_one")]

    def __str__(self) -> str:
        return f"{self.sequence} {self.event} {self.target_name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert a new entry.

        Raises:
            AppendOnlyError: the entry is in the database already.
        """
        if not self._state.adding:
            raise AppendOnlyError("audit entries cannot be changed")
        super().save(*args, **kwargs | {"force_insert": True})

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        """Refused."""
        raise AppendOnlyError("audit entries cannot be deleted")

    def link(self) -> chain.Link:
        """Return the row as a plain record, the form that is hashed and exported."""
        return chain.Link(
            sequence=self.sequence,
            at=self.at,
            event=self.event,
            actor_id=self.actor_id,
            actor_name=self.actor_name,
            target_kind=self.target_kind,
            target_id=self.target_id,
            target_name=self.target_name,
            model_name=self.model_name,
            data=self.data,
            prev_hash=self.prev_hash,
            hash=self.hash,
        )


class TrailStatus(models.Model):
    """What the last verification of the trail found, for the page; one row. Proof is in the checkpoints."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    # How far the verification that is under way has come; it starts over once it has reached the end.
    sequence = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default=chain.GENESIS)
    looked_at = models.DateTimeField(null=True)
    # The last time the end was reached without a fault, and which entry that was.
    whole_at = models.DateTimeField(null=True)
    whole_to = models.BigIntegerField(default=0)
    fault_kind = models.CharField(max_length=20, blank=True)
    fault_sequence = models.BigIntegerField(null=True)
    fault_reason = models.TextField(blank=True)
    checkpoint_sequence = models.BigIntegerField(default=0)
    checkpoint_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="audit_one_status")]

    def __str__(self) -> str:
        return self.fault_kind or f"whole to {self.whole_to}"
