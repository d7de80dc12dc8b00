"""REST interface of what was in Production at an instant."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import signed_in
from experiments import sentences
from registry import access, as_of, instants, selectors
from registry.serializers import VersionSerializer

_AT = OpenApiParameter(
    "at", OpenApiTypes.DATETIME, description="with time zone, not in the future; now if absent"
)


class ServingSerializer(serializers.Serializer[Any]):
    """What was in Production at an instant: since when, until when, by whom, approved by whom, on what."""

    at = serializers.DateTimeField()
    model = serializers.CharField(source="model.name")
    version = serializers.CharField(source="version.version", default=None, allow_null=True)
    since = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True, help_text="null while it serves")
    until_by = serializers.CharField(allow_null=True)
    until_how = serializers.CharField(allow_null=True)
    how = serializers.CharField(allow_null=True, help_text="promotion, rollback, bypass or import")
    by = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    promotion = serializers.IntegerField(allow_null=True)
    evidence_digest = serializers.CharField(allow_null=True)
    artifact_digest = serializers.CharField(allow_null=True)
    approved_by = serializers.ListField(child=serializers.CharField())
    approved_in = serializers.IntegerField(
        allow_null=True, help_text="the promotion that the approvals belong to; of a rollback an earlier one"
    )


class ProductionSerializer(ServingSerializer):
    """What was in Production of one model, with the whole version."""

    version = VersionSerializer(allow_null=True)  # type: ignore[assignment]


class Production(APIView):
    """What serves, or served."""

    @extend_schema(parameters=[_AT], responses=ProductionSerializer)
    def get(self, request: Request, name: str) -> Response:
        """Return what was in Production at an instant, by whom, and on which evidence."""
        model = access.get_model(name, user=signed_in(request._request))
        return Response(ProductionSerializer(as_of.production(model, instant(request))).data)


class Productions(generics.ListAPIView[Any]):
    """What serves, or served, of every model."""

    serializer_class = ServingSerializer

    @extend_schema(parameters=[_AT, OpenApiParameter("q", str, description="part of the name")])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the models by name with what was in Production of each at an instant."""
        at = instant(request)
        found = selectors.models(request.query_params.get("q", ""), user=signed_in(request._request))
        page = self.paginate_queryset(found) or []
        return self.get_paginated_response(ServingSerializer(as_of.productions(page, at), many=True).data)


def instant(request: Request) -> datetime:
    """Return the instant that the query asks about; now if it names none.

    :raises ValidationError: under `at`: it is not one that can be asked about
    """
    text = request.query_params.get("at", "")
    now = timezone.now()
    if not text:
        return now
    try:
        return instants.parse(text, now=now)
    except instants.InstantError as error:
        raise ValidationError({"at": sentences.translated(str(error))}) from error
