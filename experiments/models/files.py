"""Tables of the files of runs: what lies beside a run in MLflow, and the small contents that were asked for.

A cache with limits, not a mirror: rows come when somebody looks, and go when others need the room.
"""

from django.db import models
from django.db.models import Q


class RunListing(models.Model):
    """What is known of the files of one run, and whether somebody waits for more.

    :ivar asked_at: since when somebody waits for it to be read; None while nobody does
    :ivar renew: whether contents that are there are to be forgotten when it is read
    :ivar final: whether the run had ended when it was read, so that nothing is expected to change
    :ivar left_out: how many files it has besides those that are listed: too many, or with unusable names
    :ivar problem: why the last attempt to read it failed, in words; empty if it did not
    """

    run = models.OneToOneField("experiments.Run", on_delete=models.CASCADE, related_name="listing")
    asked_at = models.DateTimeField(null=True, blank=True)
    renew = models.BooleanField(default=False)
    read_at = models.DateTimeField(null=True, blank=True)
    final = models.BooleanField(default=False)
    count = models.PositiveIntegerField(default=0)
    size = models.BigIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0)
    complete = models.BooleanField(default=True)
    problem = models.CharField(max_length=1000, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["asked_at"], name="listing_asked", condition=Q(asked_at__isnull=False)),
            models.Index(fields=["used_at"], name="listing_by_use"),
        ]

    def __str__(self) -> str:
        return f"files of run {self.run_id}"


class RunFile(models.Model):
    """One file of one run.

    :ivar size: bytes; None where the storage does not tell
    :ivar kind: what its name promises (`file_kinds.Kind`)
    :ivar media: what its content is (`file_kinds.Media`), once it was read
    :ivar facts: what else was seen in it, such as width and height
    :ivar held: bytes that are kept
    """

    class State(models.TextChoices):
        LISTED = "listed"
        ASKED = "asked"
        THERE = "there"
        LARGE = "large"
        FAILED = "failed"

    run = models.ForeignKey("experiments.Run", on_delete=models.CASCADE, related_name="files")
    # As long as an index row of PostgreSQL can hold in any script.
    path = models.CharField(max_length=500)
    size = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=10)
    state = models.CharField(max_length=10, choices=State.choices, default=State.LISTED)
    problem = models.CharField(max_length=1000, blank=True)
    media = models.CharField(max_length=20, blank=True)
    facts = models.JSONField(default=dict)
    held = models.PositiveIntegerField(default=0)
    asked_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["run", "path"], name="one_row_per_file_of_run")]
        indexes = [
            models.Index(fields=["run", "kind", "path"], name="run_files_of_kind"),
            models.Index(fields=["asked_at"], name="run_file_asked", condition=Q(state="asked")),
            models.Index(fields=["used_at", "held"], name="run_file_by_use", condition=Q(held__gt=0)),
        ]

    def __str__(self) -> str:
        return self.path

    @property
    def name_in_folder(self) -> str:
        """The end of its path."""
        return self.path.rpartition("/")[2]


class RunFileContent(models.Model):
    """The bytes of one file, apart from its row, so that lists do not read them."""

    file = models.OneToOneField(RunFile, on_delete=models.CASCADE, primary_key=True, related_name="content")
    data = models.BinaryField()

    def __str__(self) -> str:
        return f"content of file {self.pk}"
