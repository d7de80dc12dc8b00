"""JSON shapes of one run, its files, and how it is made again."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from experiments.models import Run
from experiments.selectors.run_frame import Frame
from experiments.serializers import RunSerializer


class InputSerializer(serializers.Serializer[Any]):
    """A data set that a run says it used (`mlflow.log_input`)."""

    name = serializers.CharField()
    digest = serializers.CharField()
    source_type = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    context = serializers.CharField(  # type: ignore[assignment]
        help_text="what for, such as training; empty where it was not said"
    )


class RunDetailSerializer(RunSerializer):
    """A run with everything that the mirror has of it (the context holds its `Frame`).

    Tags and note are those that MLflow has; `pending_jobs` are writing what will change.
    """

    inputs = InputSerializer(many=True)
    note = serializers.SerializerMethodField()
    archived = serializers.SerializerMethodField()
    parent = serializers.SerializerMethodField(  # type: ignore[assignment]
        help_text="run id of the run that it is nested in"
    )
    children = serializers.SerializerMethodField(help_text="how many runs are nested in it")
    files = serializers.SerializerMethodField(help_text="how many files it has; null while nobody has looked")
    job = serializers.SerializerMethodField()
    repository = serializers.SerializerMethodField()
    pending_jobs = serializers.SerializerMethodField()
    mlflow_url = serializers.SerializerMethodField()

    class Meta(RunSerializer.Meta):
        fields = [
            *RunSerializer.Meta.fields,
            *("lifecycle_stage", "artifact_uri", "inputs", "note", "archived"),
            *("parent", "children", "files", "job", "repository", "pending_jobs", "mlflow_url"),
        ]
        read_only_fields = fields

    @property
    def _frame(self) -> Frame:
        found: Frame = self.context["frame"]
        return found

    def get_note(self, run: Run) -> str:
        """Return what was written about it, in Markdown."""
        return str(run.tags.get("mlflow.note.content", ""))

    def get_archived(self, run: Run) -> bool:
        """Return whether tables leave it out unless asked for."""
        return "stagegate.archived" in run.tags

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_parent(self, run: Run) -> str | None:
        """Return the id of its parent run."""
        return str(run.tags.get("mlflow.parentRunId") or "") or None

    def get_children(self, _run: Run) -> int:
        """Return the number of its child runs."""
        return self._frame.children

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_files(self, _run: Run) -> int | None:
        """Return the number of its files."""
        return self._frame.files

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_job(self, _run: Run) -> int | None:
        """Return the number of the job that made it."""
        return self._frame.job.pk if self._frame.job else None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_repository(self, _run: Run) -> str | None:
        """Return the connected repository that it came from."""
        return self._frame.repository.name if self._frame.repository else None

    @extend_schema_field(serializers.ListField(child=serializers.IntegerField()))
    def get_pending_jobs(self, _run: Run) -> list[int]:
        """Return the jobs that are writing changes of tags and note to MLflow."""
        return [job.pk for job in self._frame.edits.waiting]

    @extend_schema_field(OpenApiTypes.URI)
    def get_mlflow_url(self, _run: Run) -> str:
        """Return MLflow's own page of it."""
        return self._frame.mlflow_url


class RunFileSerializer(serializers.Serializer[Any]):
    """A file of a run (a row of `RunFile`)."""

    path = serializers.CharField()
    size = serializers.IntegerField(allow_null=True, help_text="null where the storage does not tell")
    kind = serializers.CharField(help_text="what its name promises")
    state = serializers.CharField(help_text="listed, asked, there, large or failed")
    problem = serializers.CharField(help_text="why its content could not be read")
    media = serializers.CharField(help_text="what its content is, once it was read")


class ListingSerializer(serializers.Serializer[Any]):
    """The files of a run, as far as they are known (a `RunFiles`).

    While `waiting` is true a worker is reading: ask again in a second.
    """

    waiting = serializers.BooleanField(source="waits")
    read_at = serializers.DateTimeField(source="listing.read_at", default=None, allow_null=True)
    problem = serializers.CharField(help_text="why the listing could not be read the last time")
    complete = serializers.BooleanField(
        source="listing.complete", default=True, help_text="false where MLflow has more than are listed here"
    )
    left_out = serializers.IntegerField(
        source="listing.left_out", default=0, help_text="entries whose names cannot be used"
    )
    count = serializers.IntegerField(source="listing.count", default=0)
    size = serializers.IntegerField(source="listing.size", default=0, help_text="bytes of all of them")
    files = RunFileSerializer(many=True, source="files_page")


class RunFileContentSerializer(RunFileSerializer):
    """A file with its content, where it is there (context: `data`, bytes or None)."""

    waiting = serializers.BooleanField(help_text="whether a worker is reading it: ask again in a second")
    text = serializers.CharField(allow_null=True, help_text="the content, if it is text")
    base64 = serializers.CharField(allow_null=True, help_text="the content, if it is something else")


class ReproductionStepSerializer(serializers.Serializer[Any]):
    """Something to do, and the commands that do it."""

    title = serializers.CharField()
    commands = serializers.ListField(child=serializers.CharField())
    note = serializers.CharField()


class ReproductionSerializer(serializers.Serializer[Any]):
    """How a run is made again (a `Reproduction`)."""

    exact = serializers.BooleanField(
        source="is_exact", help_text="whether the steps lead to the same code, data and parameters"
    )
    steps = ReproductionStepSerializer(many=True)
    missing = serializers.ListField(child=serializers.CharField(), help_text="what the run does not tell")
