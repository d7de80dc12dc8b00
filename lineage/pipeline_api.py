"""REST interface of pipelines, and of the registry that GTO keeps in tags."""

from typing import Any

from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from experiments.models import Repository
from lineage import access, plot_requests
from lineage.models import GtoEvent, HistoryCommit, StageFile
from lineage.plot_serializers import PlotSerializer
from lineage.reading_api import ReadingSerializer, accepted
from lineage.selectors import gto, pipeline, plots
from lineage.views.plots import image_of


class StageFileSerializer(serializers.ModelSerializer[StageFile]):
    """A file that a stage reads or makes; `hash` is empty where nobody knows it."""

    class Meta:
        model = StageFile
        fields = ["path", "hash", "algorithm", "size", "nfiles", "cached", "source"]
        read_only_fields = fields


class StageDifferenceSerializer(serializers.Serializer[Any]):
    """One difference; `old` or `new` is null where there is nothing on that side."""

    kind = serializers.ChoiceField(choices=["code", "data", "parameter", "command", "input"])
    name = serializers.CharField()
    old = serializers.JSONField(allow_null=True)
    new = serializers.JSONField(allow_null=True)


class StageSerializer(serializers.Serializer[Any]):
    """A stage of the pipeline; `stale`: how the commit differs from what the stage was last run with."""

    address = serializers.CharField(source="stage.address")
    kind = serializers.CharField(source="stage.kind")
    command = serializers.CharField(source="stage.command")
    locked = serializers.BooleanField(source="stage.is_locked")
    parameters = serializers.SerializerMethodField()
    inputs = serializers.SerializerMethodField()
    outputs = serializers.SerializerMethodField()
    stale = StageDifferenceSerializer(many=True)
    circular = serializers.BooleanField(source="in_circle")

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_parameters(self, row: pipeline.StageRow) -> dict[str, Any]:
        """Return name -> value."""
        return dict(row.parameters)

    @extend_schema_field(StageFileSerializer(many=True))
    def get_inputs(self, row: pipeline.StageRow) -> Any:
        """Return what it reads."""
        return StageFileSerializer([one.file for one in row.inputs], many=True).data

    @extend_schema_field(StageFileSerializer(many=True))
    def get_outputs(self, row: pipeline.StageRow) -> Any:
        """Return what it makes."""
        return StageFileSerializer([one.file for one in row.outputs], many=True).data


class StageChangeSerializer(serializers.Serializer[Any]):
    """What became of a stage since the base."""

    address = serializers.CharField(source="stage.address")
    reruns = serializers.BooleanField()
    new = serializers.BooleanField(source="is_new")
    before = serializers.CharField(help_text="its name in the base, if it had another")
    changes = StageDifferenceSerializer(many=True)
    waits_for = serializers.ListField(child=serializers.CharField())


class PipelineSerializer(serializers.Serializer[Any]):
    """The pipeline of a commit, compared with another."""

    commit = serializers.CharField()
    base = serializers.CharField(allow_null=True)
    stages = StageSerializer(many=True)
    complete = serializers.BooleanField(help_text="false: there are more stages; then nothing is compared")
    edges = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    circle = serializers.ListField(child=serializers.CharField())
    comparison = StageChangeSerializer(many=True, allow_null=True)
    removed = serializers.ListField(child=serializers.CharField())
    params = serializers.DictField()
    metrics = serializers.DictField()
    plots = PlotSerializer(many=True)
    unread_plot_files = serializers.IntegerField(help_text="in DVC's cache or remote, not here")
    problems = serializers.ListField(child=serializers.DictField())


class GtoEventSerializer(serializers.ModelSerializer[GtoEvent]):
    """What a tag of GTO says."""

    class Meta:
        model = GtoEvent
        fields = [
            "tag",
            "action",
            "version",
            "stage",
            "number",
            "sha",
            "author",
            "at",
            "message",
            "annotated",
        ]
        read_only_fields = fields


class ArtifactSerializer(serializers.Serializer[Any]):
    """An artifact of GTO's registry, as its tags leave it; `told` is what `dvc.yaml` says of it."""

    name = serializers.CharField()
    told = serializers.DictField()
    versions = serializers.SerializerMethodField()
    stages = serializers.SerializerMethodField()
    events = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_versions(self, artifact: gto.Artifact) -> list[str]:
        """Return the versions that are registered, the newest first."""
        state = artifact.state
        return [one.registered.version for one in state.versions if not one.deregistered] if state else []

    @extend_schema_field(serializers.DictField(child=serializers.CharField()))
    def get_stages(self, artifact: gto.Artifact) -> dict[str, str]:
        """Return stage -> version that is in it."""
        stages = artifact.state.stages if artifact.state else {}
        return {stage: event.version for stage, event in stages.items()}

    @extend_schema_field(GtoEventSerializer(many=True))
    def get_events(self, artifact: gto.Artifact) -> Any:
        """Return all events, the newest first."""
        events: list[GtoEvent] = artifact.state.events if artifact.state else []
        return GtoEventSerializer(events, many=True).data


_SIDES = [
    OpenApiParameter("ref", str, description="branch, tag or commit; the default branch if absent"),
    OpenApiParameter("base", str, description="compared with this; the first parent if absent"),
]


def _sides(
    request: Request, name: str
) -> tuple[access.Viewer, Repository, HistoryCommit, HistoryCommit | None]:
    who, repository = access.repository_for(request._request, name)
    commit = access.commit_of(repository, request.query_params.get("ref", ""))
    asked = request.query_params.get("base", "")
    if commit is None:
        raise Http404
    base = access.commit_of(repository, asked) if asked else pipeline.parent_of(repository, commit)
    if asked and base is None:
        raise Http404
    return who, repository, commit, base


class PipelineView(APIView):
    """The pipeline of a commit."""

    @extend_schema(operation_id="pipeline_retrieve", parameters=_SIDES, responses=PipelineSerializer)
    def get(self, request: Request, name: str) -> Response:
        """Return the stages of a commit, and what changed since another."""
        _who, _repository, commit, base = _sides(request, name)
        found = pipeline.pipeline_of(commit)
        comparison = pipeline.compared(found, base)
        names = [row.stage.address for row in found.rows]
        answer = {
            "commit": commit.sha,
            "base": base.sha if base else None,
            "stages": found.rows,
            "complete": found.complete,
            "edges": [[names[before], names[after]] for before, after in found.pairs],
            "circle": found.circle,
            "comparison": comparison.stages if comparison else None,
            "removed": [one.address for one in comparison.removed] if comparison else [],
            "params": pipeline.values(commit, "params"),
            "metrics": pipeline.values(commit, "metrics"),
            "plots": plots.drawn(commit, base),
            "unread_plot_files": plots.unread_count(commit, base).files,
            "problems": pipeline.problems_of(commit),
        }
        return Response(PipelineSerializer(answer).data)


class PipelinePlots(APIView):
    """The plots of a commit whose files DVC keeps."""

    @extend_schema(
        operation_id="pipeline_plots_read",
        parameters=_SIDES,
        request=None,
        responses={202: OpenApiResponse(ReadingSerializer, description="A job reads the files.")},
    )
    def post(self, request: Request, name: str) -> Response:
        """Have a worker read the files of plots from the cache or the remote."""
        who, repository, commit, base = _sides(request, name)
        return accepted(plot_requests.request(repository, commit, base, user=who.user))


class PlotImage(APIView):
    """An image that is plotted."""

    @extend_schema(responses={(200, "image/*"): OpenApiTypes.BINARY})
    def get(self, request: Request, name: str, oid: str) -> HttpResponse:
        """Send the image that an object of Git or DVC holds."""
        _who, repository = access.repository_for(request._request, name)
        return image_of(repository, oid)


class Gto(APIView):
    """GTO's registry of a repository."""

    @extend_schema(operation_id="gto_list", responses=ArtifactSerializer(many=True))
    def get(self, request: Request, name: str) -> Response:
        """Return every artifact by name."""
        _who, repository = access.repository_for(request._request, name)
        return Response(ArtifactSerializer(gto.registry(repository).artifacts, many=True).data)
