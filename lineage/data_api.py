"""REST interface of data versions: the selectors and operations of their pages."""

from typing import Any

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lineage import access, listings
from lineage.models import DataVersion
from lineage.reading_api import ReadingSerializer, accepted
from lineage.selectors import data as selectors
from lineage.selectors import data_uses

_DIGITS = 18


class DataVersionSerializer(serializers.ModelSerializer[DataVersion]):
    """One content of one path; `node` is its id in the lineage graph."""

    repository = serializers.CharField(source="repository.name")
    node = serializers.CharField()

    class Meta:
        model = DataVersion
        fields = [
            "id",
            "node",
            "repository",
            "path",
            "hash",
            "algorithm",
            "size",
            "nfiles",
            "kind",
            "stage",
            "first_sha",
            "first_at",
            "author",
            "message",
        ]
        read_only_fields = fields


class StageUseSerializer(serializers.Serializer[Any]):
    """A stage that makes or reads the content."""

    repository = serializers.CharField()
    address = serializers.CharField()
    kind = serializers.CharField()
    shapes = serializers.IntegerField()
    first_sha = serializers.CharField()
    last_sha = serializers.CharField()


class UsesSerializer(serializers.Serializer[Any]):
    """Who uses a content; lists hold the newest, counts tell of all."""

    makers = StageUseSerializer(many=True)
    readers = StageUseSerializer(many=True)
    commits = serializers.SerializerMethodField()
    commit_count = serializers.IntegerField()
    runs = serializers.SerializerMethodField()
    run_count = serializers.IntegerField()
    commit_runs = serializers.SerializerMethodField()
    commit_run_count = serializers.IntegerField()
    versions = serializers.SerializerMethodField()
    version_count = serializers.IntegerField()
    elsewhere = DataVersionSerializer(many=True)

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_commits(self, uses: data_uses.Uses) -> list[str]:
        """Return node ids."""
        return [one.node for one in uses.commits]

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_runs(self, uses: data_uses.Uses) -> list[str]:
        """Return MLflow's ids of the runs that were made from it."""
        return [run.run_id for run in uses.runs]

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_commit_runs(self, uses: data_uses.Uses) -> list[str]:
        """Return those of other runs that name a commit that has it."""
        return [run.run_id for run in uses.commit_runs]

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_versions(self, uses: data_uses.Uses) -> list[str]:
        """Return model and version."""
        return [str(version) for version in uses.versions]


class DataVersionDetailSerializer(DataVersionSerializer):
    """A version of data, and who uses its content in all repositories."""

    uses = serializers.SerializerMethodField()

    class Meta(DataVersionSerializer.Meta):
        fields = [*DataVersionSerializer.Meta.fields, "uses"]
        read_only_fields = fields

    @extend_schema_field(UsesSerializer)
    def get_uses(self, row: DataVersion) -> Any:
        """Return who uses it."""
        return UsesSerializer(data_uses.uses(row, user=self.context["user"])).data


class FileChangeSerializer(serializers.Serializer[Any]):
    """A file that differs."""

    kind = serializers.ChoiceField(choices=["added", "removed", "modified", "moved"])
    path = serializers.CharField()
    before = serializers.CharField(help_text="where it was, if it moved")


class ChangesSerializer(serializers.Serializer[Any]):
    """Two versions compared. `listed` is false where the lists of files are not known; `reasons` say why.

    `count` is of all changes, `changes` are those of the page.
    """

    old = DataVersionSerializer()
    new = DataVersionSerializer()
    listed = serializers.BooleanField()
    reasons = serializers.DictField(child=serializers.CharField())
    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    changes = FileChangeSerializer(many=True)


class DataVersions(generics.ListAPIView[DataVersion]):
    """Versions of the data of a repository."""

    serializer_class = DataVersionSerializer

    @extend_schema(
        parameters=[
            OpenApiParameter("q", str, description="part of the path, or beginning of the hash"),
            OpenApiParameter("path", str, description="exactly this path"),
            OpenApiParameter("kind", str, enum=DataVersion.Kind.values),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the versions that pass the filters, the newest first."""
        _who, repository = access.repository_for(request._request, kwargs["name"])
        asked = request.query_params
        rows = selectors.found(repository, asked.get("q", ""), asked.get("kind", ""))
        if "path" in asked:
            rows = rows.filter(path=asked["path"])
        page = self.paginate_queryset(rows.select_related("repository").order_by("-first_at", "-pk"))
        return self.get_paginated_response(DataVersionSerializer(page, many=True).data)


class DataVersionView(APIView):
    """One version of data."""

    @extend_schema(operation_id="data_retrieve", responses=DataVersionDetailSerializer)
    def get(self, request: Request, name: str, pk: int) -> Response:
        """Return a version of data and who uses its content."""
        who, row = access.data_for(request._request, name, pk)
        return Response(DataVersionDetailSerializer(row, context={"user": who.user}).data)


class DataChanges(generics.GenericAPIView[DataVersion]):
    """Two versions of data compared file by file."""

    serializer_class = ChangesSerializer
    _SIDES = [OpenApiParameter(name, OpenApiTypes.INT, required=True) for name in ("old", "new")]
    _PAGE = [OpenApiParameter(name, OpenApiTypes.INT) for name in ("page", "page_size")]

    @extend_schema(
        operation_id="data_changes_retrieve", parameters=[*_SIDES, *_PAGE], responses=ChangesSerializer
    )
    def get(self, request: Request, name: str) -> Response:
        """Compare two versions, as far as their lists of files are known; a page of what differs."""
        _who, old, new = self._asked(request, name)
        found = listings.compared(old, new)
        page = self.get_paginated_response(self.paginate_queryset(found.changes or [])).data
        answer = {
            "old": old,
            "new": new,
            "listed": found.changes is not None,
            "reasons": {one.hash: one.reason for one in found.failures},
            **page,
            "changes": page["results"],
        }
        return Response(ChangesSerializer(answer).data)

    @extend_schema(
        operation_id="data_changes_read",
        parameters=_SIDES,
        request=None,
        responses={202: OpenApiResponse(ReadingSerializer, description="A job reads the lists.")},
    )
    def post(self, request: Request, name: str) -> Response:
        """Have a worker read the lists of files of two versions from the cache or the remote."""
        who, old, new = self._asked(request, name)
        return accepted(listings.request([old, new], user=who.user))

    def _asked(self, request: Request, name: str) -> tuple[access.Viewer, DataVersion, DataVersion]:
        sides = [request.query_params.get(side, "") for side in ("old", "new")]
        if not all(side.isdecimal() and len(side) <= _DIGITS for side in sides):
            access.viewer(request._request)
            raise Http404
        (who, old), (_same, new) = (access.data_for(request._request, name, int(side)) for side in sides)
        return who, old, new
