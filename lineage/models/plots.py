"""Tables of the plots that commits describe, and of the content of their files."""

from django.db import models

from experiments.models import Repository


class CommitPlots(models.Model):
    """The plots of a commit; commits that have the same, with the same files, share a row.

    `plots` is as `lineage.plot_records.as_json` has it, `files` as `files_as_json` there. `digest` is that of
    what the commit says: what came of reading files that DVC keeps is in `files` and does not change it.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)
    plots = models.JSONField(default=list)
    files = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "digest"], name="one_row_per_plots"),
        ]

    def __str__(self) -> str:
        return self.digest[:12]


class PlotFile(models.Model):
    """The content of an object of Git or DVC that is plotted.

    `packed` is text as `lineage.plot_records.packed` has it, or an image as it is, of the kind `media`.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="+")
    oid = models.CharField(max_length=64)
    size = models.PositiveIntegerField(help_text="bytes of `packed`")
    packed = models.BinaryField()
    media = models.CharField(max_length=10, blank=True, help_text="of an image, such as png")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repository", "oid"], name="one_row_per_plot_file"),
        ]

    def __str__(self) -> str:
        return self.oid[:12]
