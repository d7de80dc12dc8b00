"""Tables of stages and the files they read and make, as `dvc.yaml`, `dvc.lock` and `.dvc` files say it."""

from django.db import models

from experiments.models import Repository
from lineage.models.history import PipelineSnapshot


class PipelineStage(models.Model):
    """One stage as the files of a commit define and lock it, once for each distinct content.

    A `.dvc` file is a stage without a command. `address` is what DVC calls it: `train`,
    `models/dvc.yaml:train` or `data/raw.dvc`. `parameters` are the values of the last run by file,
    {file: {dotted key: value}}; `definition` holds what else `dvc.yaml` says: {"desc", "params", "metrics",
    "plots", "frozen", "always_changed", "group"}.
    """

    class Kind(models.TextChoices):
        PIPELINE = "pipeline"
        TRACKED = "tracked"
        IMPORT = "import"

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="pipeline_stages")
    digest = models.CharField(max_length=64)
    address = models.CharField(max_length=500)
    # The file that defines it, and its name there.
    file = models.CharField(max_length=500)
    name = models.CharField(max_length=500)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    command = models.TextField(blank=True)
    # Of the last run; empty: never run, or no command.
    locked_command = models.TextField(blank=True)
    is_locked = models.BooleanField(default=False)
    parameters = models.JSONField(default=dict)
    definition = models.JSONField(default=dict)
    # The first commit that has it, see `lineage.commit_order`, and that commit's time.
    first_sha = models.CharField(max_length=64)
    first_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "digest"], name="one_row_per_stage_content"),
        ]
        indexes = [models.Index(fields=["repository", "address"], name="stage_by_address")]

    def __str__(self) -> str:
        return self.address


class SnapshotStage(models.Model):
    """A stage that a snapshot has; `position` is its place in the order in which stages run."""

    snapshot = models.ForeignKey(PipelineSnapshot, on_delete=models.CASCADE, related_name="entries")
    stage = models.ForeignKey(PipelineStage, on_delete=models.CASCADE, related_name="entries")
    position = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["snapshot", "position"]
        constraints = [
            models.UniqueConstraint(fields=["snapshot", "stage"], name="one_entry_per_stage"),
        ]

    def __str__(self) -> str:
        return f"{self.snapshot_id}: {self.stage_id}"


class StageFile(models.Model):
    """A file or folder that a stage reads or makes. Equal hashes join stages, also of two repositories."""

    class Role(models.TextChoices):
        INPUT = "input"
        OUTPUT = "output"

    stage = models.ForeignKey(PipelineStage, on_delete=models.CASCADE, related_name="files")
    role = models.CharField(max_length=10, choices=Role.choices)
    # Relative to the repository; absolute and other addresses as they are.
    path = models.CharField(max_length=500)
    # Hash as DVC writes it, `.dir` at the end for a folder; empty: not known, the stage was never run.
    hash = models.CharField(max_length=128, blank=True)
    algorithm = models.CharField(max_length=20, blank=True)
    size = models.BigIntegerField(null=True, blank=True)
    nfiles = models.PositiveIntegerField(null=True, blank=True)
    # Kept by DVC; otherwise by Git, or by nobody.
    cached = models.BooleanField(default=True)
    # Where an import comes from: {"url", "path", "rev", "rev_lock"}.
    source = models.JSONField(default=dict)

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["hash", "role"], name="stage_file_by_hash"),
            models.Index(fields=["path"], name="stage_file_by_path"),
        ]

    def __str__(self) -> str:
        return self.path
