"""REST interface of reproductions and of the tolerance of models."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import signed_in
from accounts.request_bodies import RequestBody
from lineage import reproduction, reproduction_page
from lineage.models import Reproduction
from lineage.rebuilt import NOT_COMPARED, Tolerance, tolerance_data
from registry import access
from registry.serializers import QueuedJobSerializer


class VersionReproductionSerializer(serializers.ModelSerializer[Reproduction]):
    """What came of one reproduction."""

    id = serializers.IntegerField(source="pk")

    class Meta:
        model = Reproduction
        fields = ["id", "verdict", "passed", "summary", "digest", "at", "by_name", "job"]
        read_only_fields = fields


class ReportSerializer(VersionReproductionSerializer):
    """The same with the signed report: `signature` (Ed25519) is over its canonical JSON (RFC 8785)."""

    model = serializers.CharField(source="version.model.name")
    version = serializers.CharField(source="version.version")
    report = serializers.DictField()

    class Meta(VersionReproductionSerializer.Meta):
        fields = [
            *VersionReproductionSerializer.Meta.fields,
            "model",
            "version",
            "report",
            "key",
            "signature",
        ]
        read_only_fields = fields


class ToleranceSerializer(serializers.Serializer[Any]):
    """How far rebuilt versions of a model may be from the recorded ones."""

    relative = serializers.FloatField()
    absolute = serializers.FloatField()
    identical_files = serializers.BooleanField()
    ignored = serializers.ListField(child=serializers.CharField())


class ToleranceBody(RequestBody):
    """The tolerance from now on."""

    relative = serializers.FloatField()
    absolute = serializers.FloatField()
    identical_files = serializers.BooleanField(required=False, default=False)
    ignored = serializers.ListField(
        child=serializers.CharField(), required=False, default=list(NOT_COMPARED), max_length=50
    )


class VersionReproductions(APIView):
    """What came of rebuilding one version."""

    @extend_schema(responses=VersionReproductionSerializer(many=True))
    def get(self, request: Request, name: str, version: str) -> Response:
        """Return the newest reproductions, the newest first."""
        found = access.get_version(name, version, user=signed_in(request._request))
        return Response(VersionReproductionSerializer(reproduction_page.newest(found), many=True).data)

    @extend_schema(request=None, responses={202: QueuedJobSerializer})
    def post(self, request: Request, name: str, version: str) -> Response:
        """Queue a job that rebuilds the version and compares; the one under way, if there is one."""
        user = signed_in(request._request)
        job = reproduction.request(access.get_version(name, version, user=user), user=user)
        return Response(QueuedJobSerializer(job).data, status=202)


class ReproductionReport(APIView):
    """One reproduction."""

    @extend_schema(responses=ReportSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """Return a reproduction with its signed report."""
        return Response(ReportSerializer(reproduction_page.get(pk, user=signed_in(request._request))).data)


class ModelTolerance(APIView):
    """The tolerance of one model."""

    @extend_schema(responses=ToleranceSerializer)
    def get(self, request: Request, name: str) -> Response:
        """Return what counts as the same."""
        model = access.get_model(name, user=signed_in(request._request))
        return Response(tolerance_data(reproduction.tolerance_of(model)))

    @extend_schema(request=ToleranceBody, responses=ToleranceSerializer)
    def put(self, request: Request, name: str) -> Response:
        """Set what counts as the same."""
        body = ToleranceBody(data=request.data)
        body.is_valid(raise_exception=True)
        user = signed_in(request._request)
        model = access.get_model(name, user=user)
        given: dict[str, Any] = body.validated_data
        wanted = Tolerance(**{**given, "ignored": tuple(given["ignored"])})
        reproduction.set_tolerance(model, wanted, user=user)
        return Response(tolerance_data(wanted))
