"""REST interface of drift: the operations of the page, as JSON."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import signed_in
from accounts.request_bodies import RequestBody
from registry import access, drift, drift_selectors, import_job, mirror
from registry.conflicts import ConflictError
from registry.drift_access import get_drift
from registry.models import Drift


class DriftSerializer(serializers.ModelSerializer[Drift]):
    """One difference between what was decided and what MLflow says."""

    model = serializers.CharField(source="model.name")
    version = serializers.CharField(source="version.version", default=None, allow_null=True)
    repairable = serializers.SerializerMethodField()

    class Meta:
        model = Drift
        fields = [
            "id",
            "model",
            "version",
            "mlflow_version",
            "kind",
            "expected",
            "found",
            "state",
            "repairable",
            "seen_at",
            "ended_at",
            "ended_by",
            "reason",
        ]
        read_only_fields = fields

    def get_repairable(self, row: Drift) -> bool:
        """Return whether the product can set it in MLflow again."""
        return drift.is_repairable(row)


class DriftQuery(serializers.Serializer[Any]):
    """Which drift a list shows; further keys belong to its pages."""

    state = serializers.ChoiceField(choices=Drift.State.values, required=False, default="", allow_blank=True)
    model = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class AcceptanceBody(RequestBody):
    """Why it may stay as it is."""

    reason = serializers.CharField(max_length=drift.REASON_LIMIT)


class ApplyJobSerializer(serializers.Serializer[Any]):
    """The job that does it."""

    job = serializers.IntegerField(source="pk")
    state = serializers.CharField()


_FILTERS = [
    OpenApiParameter("state", str, enum=[*Drift.State.values]),
    OpenApiParameter("model", str, description="name of a registered model"),
]


@extend_schema_view(get=extend_schema(parameters=_FILTERS))
class Drifts(generics.ListAPIView[Drift]):
    """Drift, newest first."""

    serializer_class = DriftSerializer

    def get_queryset(self) -> QuerySet[Drift]:
        """Return the drift that the query asks for."""
        if getattr(self, "swagger_fake_view", False):
            return Drift.objects.none()
        asked = DriftQuery(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        state, model = asked.validated_data["state"], asked.validated_data["model"]
        rows = drift_selectors.drifts(signed_in(self.request._request))
        rows = rows.filter(state=state) if state else rows
        return rows.filter(model__name=model) if model else rows


class Repair(APIView):
    """Repairing drift."""

    @extend_schema(request=None, responses={202: ApplyJobSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Have MLflow say again what was decided; the drift is repaired when the job has succeeded."""
        user = signed_in(request._request)
        job = drift.repair(get_drift(pk, user=user), user=user)
        return Response(ApplyJobSerializer(job).data, status=202)


class Acceptance(APIView):
    """Accepting drift."""

    @extend_schema(request=AcceptanceBody, responses=DriftSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Leave MLflow as it is until the next decision about the model; it approves nothing."""
        user = signed_in(request._request)
        found = get_drift(pk, user=user)
        body = AcceptanceBody(data=request.data)
        body.is_valid(raise_exception=True)
        accepted = drift.accept(found, user=user, reason=body.validated_data["reason"])
        return Response(DriftSerializer(accepted).data)


class Application(APIView):
    """Applying an approved promotion once more."""

    @extend_schema(request=None, responses={202: ApplyJobSerializer})
    def post(self, request: Request, number: int) -> Response:
        """Verify the artifacts anew and have MLflow show the promotion."""
        user = signed_in(request._request)
        job = mirror.retry(access.get_promotion(number, user=user), user=user)
        return Response(ApplyJobSerializer(job).data, status=202)


class Hashing(APIView):
    """Hashing the files of an adopted version."""

    @extend_schema(request=None, responses={202: ApplyJobSerializer})
    def post(self, request: Request, name: str, version: str) -> Response:
        """Queue the job that hashes the files; 409 if they are hashed already."""
        user = signed_in(request._request)
        job = import_job.request(access.get_version(name, version, user=user), user=user)
        if job is None:
            raise ConflictError(_("The files of this version are hashed already."))
        return Response(ApplyJobSerializer(job).data, status=202)
