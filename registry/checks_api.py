"""REST interface of what jobs found out about the artifacts of versions."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import signed_in
from registry import access, checks
from registry.models import CheckResult
from registry.serializers import QueuedJobSerializer

_SHOWN = 50


class CheckSerializer(serializers.ModelSerializer[CheckResult]):
    """One result. It counts as long as the version has the artifacts with `manifest_digest`."""

    class Meta:
        model = CheckResult
        fields = ["kind", "passed", "summary", "details", "manifest_digest", "at", "job"]
        read_only_fields = fields


class VersionChecks(APIView):
    """What jobs found out about the artifacts of one version."""

    @extend_schema(responses=CheckSerializer(many=True))
    def get(self, request: Request, name: str, version: str) -> Response:
        """Return the newest results, the newest first; of each kind the first one counts."""
        found = access.get_version(name, version, user=signed_in(request._request))
        return Response(CheckSerializer(found.checks.order_by("-pk")[:_SHOWN], many=True).data)

    @extend_schema(request=None, responses={202: QueuedJobSerializer})
    def post(self, request: Request, name: str, version: str) -> Response:
        """Queue a job that verifies the artifacts and runs the smoke test once more."""
        user = signed_in(request._request)
        job = checks.run(access.get_version(name, version, user=user), user=user)
        return Response(QueuedJobSerializer(job).data, status=202)
