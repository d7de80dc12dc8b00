"""Tables of the history of repositories: every commit, and each distinct content of its files once."""

from django.db import models

from experiments.models import Repository
from lineage.models.plots import CommitPlots
from lineage.node_ids import Kind, NodeId


class PipelineSnapshot(models.Model):
    """What all DVC files of a commit say; commits that say the same share a row.

    Its stages are `PipelineStage`, through `SnapshotStage`. `problems` are the files that could not be read:
    [{"path", "message"}]. `artifacts` is that section of `dvc.yaml`, as `experiments.pipeline_summary` keeps
    it.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="snapshots")
    digest = models.CharField(max_length=64)
    stages: "models.ManyToManyField[models.Model, models.Model]" = models.ManyToManyField(
        "lineage.PipelineStage", through="lineage.SnapshotStage", related_name="snapshots"
    )
    artifacts = models.JSONField(default=dict)
    problems = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "digest"], name="one_row_per_snapshot"),
        ]

    def __str__(self) -> str:
        return self.digest[:12]


class CommitInputs(models.Model):
    """What of a commit's tree lies in Git and matters to its stages; commits that have the same share a row.

    `params` and `metrics` are {file: {dotted key: value}}, `code` is {path: object id} of the dependencies of
    stages that Git keeps, files and folders alike.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)
    params = models.JSONField(default=dict)
    metrics = models.JSONField(default=dict)
    code = models.JSONField(default=dict)
    problems = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "digest"], name="one_row_per_inputs"),
        ]

    def __str__(self) -> str:
        return self.digest[:12]


class HistoryCommit(models.Model):
    """One commit that a branch or tag reaches, or once reached. `lineage.history_index` is the sole writer.

    `snapshot` is None where the commit has no DVC file, `plots` where they have not been read, in rows from
    before they were. Rows appear ancestors first.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="history")
    sha = models.CharField(max_length=64)
    parents = models.JSONField(default=list)
    subject = models.CharField(max_length=500)
    author = models.CharField(max_length=250)
    committed_at = models.DateTimeField()
    snapshot = models.ForeignKey(
        PipelineSnapshot, null=True, blank=True, on_delete=models.SET_NULL, related_name="commits"
    )
    inputs = models.ForeignKey(
        CommitInputs, null=True, blank=True, on_delete=models.SET_NULL, related_name="commits"
    )
    plots = models.ForeignKey(
        CommitPlots, null=True, blank=True, on_delete=models.SET_NULL, related_name="commits"
    )

    class Meta:
        ordering = ["-committed_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "sha"], name="one_row_of_history_per_commit"),
        ]
        indexes = [
            models.Index(fields=["sha"], name="history_sha"),
            models.Index(fields=["repository", "-committed_at", "-id"], name="history_newest"),
            models.Index(fields=["snapshot", "committed_at"], name="history_of_snapshot"),
        ]

    def __str__(self) -> str:
        return self.sha[:12]

    @property
    def node(self) -> str:
        """Its id in the lineage graph."""
        return str(NodeId(Kind.COMMIT, self.sha, self.repository.name))


class HistoryState(models.Model):
    """How far the index of a repository's history is, and what it left out."""

    repository = models.OneToOneField(
        Repository, primary_key=True, on_delete=models.CASCADE, related_name="history_state"
    )
    indexed_at = models.DateTimeField(null=True, blank=True)
    commits = models.PositiveIntegerField(default=0)
    # Commits beyond the limit, oldest ones, that are not read.
    left_out = models.PositiveIntegerField(default=0)
    # Tags that look like GTO's and are not well-formed.
    malformed_tags = models.PositiveIntegerField(default=0)
    # Of branches and tags then; the same now: nothing is to be done. See `lineage.refs_digest`.
    refs_digest = models.CharField(max_length=64, blank=True)
    error = models.CharField(max_length=1000, blank=True)

    def __str__(self) -> str:
        return f"{self.repository}: {self.commits} commits"
