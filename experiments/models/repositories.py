"""Tables of repositories and of what is known of their commits."""

from django.db import models
from django.urls import reverse


class Repository(models.Model):
    """A Git + DVC repository that an administrator allowed to run. Its mirror lies below the data folder."""

    name = models.CharField(max_length=100, unique=True)
    url = models.CharField(max_length=1000)
    default_ref = models.CharField(max_length=250, blank=True)
    experiment_name = models.CharField(max_length=250)
    description = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.CharField(max_length=150)
    fetched_at = models.DateTimeField(null=True, blank=True)
    fetch_error = models.CharField(max_length=1000, blank=True)
    # How many of its pipelines may run at a time; None: as many as there are workers.
    job_limit = models.PositiveSmallIntegerField(null=True, blank=True)
    # Whether a result that is applied to a branch is pushed to where the repository came from.
    push_allowed = models.BooleanField(default=False)
    # What was read of DVC's own experiments: hash of their refs, and what was wrong with all of them.
    experiments_digest = models.CharField(max_length=64, blank=True)
    experiments_error = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "repositories"

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("experiments:repository", args=[self.name])


class Commit(models.Model):
    """What the product knows of one commit: enough to offer a run form without touching Git."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="commits")
    sha = models.CharField(max_length=64)
    parents = models.JSONField(default=list)
    subject = models.CharField(max_length=500)
    author = models.CharField(max_length=250)
    committed_at = models.DateTimeField()
    params_text = models.TextField(blank=True)
    pipeline = models.JSONField(default=dict)
    problem = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ["-committed_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "sha"], name="one_row_per_commit"),
        ]

    def __str__(self) -> str:
        return self.sha[:12]


class Ref(models.Model):
    """A branch or tag of a repository, as last fetched."""

    class Kind(models.TextChoices):
        BRANCH = "branch"
        TAG = "tag"

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="refs")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=250)
    commit = models.ForeignKey(Commit, on_delete=models.CASCADE, related_name="refs")

    class Meta:
        ordering = ["kind", "name"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "kind", "name"], name="one_row_per_ref"),
        ]

    def __str__(self) -> str:
        return self.name


class DvcExperiment(models.Model):
    """An experiment that somebody made with DVC and pushed, as `dvc exp show` says it."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="dvc_experiments")
    name = models.CharField(max_length=250)
    sha = models.CharField(max_length=64)
    # The commit that it started from, and a branch or tag that has it at its tip.
    base_sha = models.CharField(max_length=64)
    branch = models.CharField(max_length=250, blank=True)
    params = models.JSONField(default=dict)
    metrics = models.JSONField(default=dict)
    problem = models.CharField(max_length=1000, blank=True)
    made_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-made_at", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "base_sha", "name"], name="one_row_per_dvc_experiment"
            ),
        ]

    def __str__(self) -> str:
        return self.name
