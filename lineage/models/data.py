"""Tables of data versions and of the files in them."""

from django.db import models

from experiments.models import Repository
from lineage import node_ids
from lineage.node_ids import NodeId


class DataVersion(models.Model):
    """One content of one path of a repository: a tracked data set, an import, or an output of a stage.

    Stages use it by its hash (`StageFile`), whatever the path and the repository.
    """

    class Kind(models.TextChoices):
        TRACKED = "tracked"
        OUTPUT = "output"
        IMPORT = "import"
        # An output of a stage that Git keeps, not DVC: metrics, plots, small tables.
        IN_GIT = "in_git"

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="data_versions")
    path = models.CharField(max_length=500)
    # As DVC writes it, `.dir` at the end for a folder.
    hash = models.CharField(max_length=128)
    # md5, md5-dos2unix (DVC 2 and older), etag, checksum ...
    algorithm = models.CharField(max_length=20, default="md5")
    # Bytes; None where the file does not say.
    size = models.BigIntegerField(null=True, blank=True)
    # Of a folder.
    nfiles = models.PositiveIntegerField(null=True, blank=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    # Address of the stage or .dvc file that had it first.
    stage = models.CharField(max_length=500, blank=True)
    # The first commit that has it, see `lineage.commit_order`, with its time, author and subject.
    first_sha = models.CharField(max_length=64)
    first_at = models.DateTimeField()
    author = models.CharField(max_length=250)
    message = models.CharField(max_length=500)

    class Meta:
        ordering = ["repository", "path", "-first_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "path", "hash"], name="one_row_per_data_version"),
        ]
        indexes = [
            models.Index(fields=["hash"], name="data_by_hash"),
            models.Index(fields=["repository", "-first_at", "-id"], name="data_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.path}@{self.hash[:12]}"

    @property
    def node(self) -> str:
        """Its id in the lineage graph."""
        return str(NodeId(node_ids.Kind.DATA, self.hash, self.repository.name, self.path))

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of files."""
        return self.hash.endswith(".dir")


class FileListing(models.Model):
    """The files of a folder's version, as a worker read them from the cache or the remote."""

    class State(models.TextChoices):
        LISTED = "listed"
        UNREACHABLE = "unreachable"
        TOO_LARGE = "too_large"

    hash = models.CharField(max_length=128, unique=True)
    state = models.CharField(max_length=12, choices=State.choices)
    # Compressed JSON: [[path, hash], ...] in the order of paths.
    packed = models.BinaryField(default=b"")
    files = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=500, blank=True)
    read_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.hash}: {self.state}"
