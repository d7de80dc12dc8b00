"""REST interface of models, versions and promotions: the operations and selectors of the pages, as JSON."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import permissions_of, signed_in
from registry import access, as_of, inbox, promotion, registration, selectors, verdict
from registry.models import ModelVersion, Promotion
from registry.serializers import (
    FileSerializer,
    ModelSerializer,
    ProductionSerializer,
    PromotionBody,
    PromotionDetailSerializer,
    PromotionQuery,
    PromotionSerializer,
    QueuedJobSerializer,
    RegistrationBody,
    ReviewBody,
    StageEventSerializer,
    VersionSerializer,
)


class Models(generics.ListAPIView[Any]):
    """Registered models with what is in their stages now."""

    serializer_class = ModelSerializer

    @extend_schema(parameters=[OpenApiParameter("q", str, description="part of the name")])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the registered models by name."""
        page = self.paginate_queryset(selectors.models(request.query_params.get("q", "")))
        return self.get_paginated_response(ModelSerializer(selectors.model_rows(page or []), many=True).data)


class Model(APIView):
    """One registered model."""

    @extend_schema(responses=ModelSerializer)
    def get(self, request: Request, name: str) -> Response:
        """Return one registered model."""
        return Response(ModelSerializer(selectors.model_rows([access.get_model(name)])[0]).data)


class Versions(generics.ListAPIView[ModelVersion]):
    """Versions of a model."""

    serializer_class = VersionSerializer

    def get_queryset(self) -> QuerySet[ModelVersion]:
        """Return the versions, the highest semantic version first."""
        if getattr(self, "swagger_fake_view", False):
            return ModelVersion.objects.none()
        return selectors.versions_of(access.get_model(self.kwargs["name"]))

    @extend_schema(request=RegistrationBody, responses={202: QueuedJobSerializer})
    def post(self, request: Request, name: str) -> Response:
        """Queue the registration of a run as a version of this model."""
        body = RegistrationBody(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        run = access.get_run(given["run_id"])
        job = registration.register(
            run,
            name,
            user=signed_in(request._request),
            version=given["version"],
            bump=given.get("bump", ""),
            reason=given["reason"],
        )
        return Response(QueuedJobSerializer(job).data, status=202)


class Version(APIView):
    """One version."""

    @extend_schema(responses=VersionSerializer)
    def get(self, request: Request, name: str, version: str) -> Response:
        """Return one version, named by its semantic version or by MLflow's integer."""
        return Response(VersionSerializer(access.get_version(name, version)).data)


class VersionMetadata(APIView):
    """The metadata of one version."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, name: str, version: str) -> Response:
        """Return all fields of the metadata; `unrecorded` names those that nobody filled in."""
        return Response(access.get_version(name, version).metadata)


class VersionFiles(APIView):
    """The artifact manifest of one version."""

    @extend_schema(responses=FileSerializer(many=True))
    def get(self, request: Request, name: str, version: str) -> Response:
        """Return the artifacts as they were hashed at registration, by path."""
        return Response(FileSerializer(access.get_version(name, version).manifest, many=True).data)


class VersionHistory(APIView):
    """The stage events of one version."""

    @extend_schema(responses=StageEventSerializer(many=True))
    def get(self, request: Request, name: str, version: str) -> Response:
        """Return every change of stage, the oldest first."""
        events = access.get_version(name, version).stage_events.order_by("at", "pk")
        return Response(StageEventSerializer(events, many=True).data)


class Production(APIView):
    """What serves, or served."""

    @extend_schema(
        parameters=[
            OpenApiParameter("at", OpenApiTypes.DATETIME, description="with time zone; now if absent")
        ],
        responses=ProductionSerializer,
    )
    def get(self, request: Request, name: str) -> Response:
        """Return what was in Production at an instant, by whom, and on which evidence."""
        found = as_of.production(access.get_model(name), _instant(request.query_params.get("at")))
        return Response(ProductionSerializer(found).data)


def _instant(text: str | None) -> Any:
    if not text:
        return timezone.now()
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or timezone.is_naive(moment):
        example = "2026-01-31T09:30:00Z"
        raise ValidationError({"at": _("Write an instant with its time zone, such as %s.") % example})
    return moment


_PROMOTION_FILTERS = [
    OpenApiParameter("state", str, enum=[*Promotion.State.values]),
    OpenApiParameter("waiting_for_me", bool, description="only those that the reader may decide about"),
]


@extend_schema_view(get=extend_schema(parameters=_PROMOTION_FILTERS))
class Promotions(generics.ListAPIView[Promotion]):
    """Promotions, newest first."""

    serializer_class = PromotionSerializer

    def get_queryset(self) -> QuerySet[Promotion]:
        """Return the promotions that the query asks for."""
        if getattr(self, "swagger_fake_view", False):
            return Promotion.objects.none()
        asked = PromotionQuery(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        rows = selectors.promotions()
        if asked.validated_data["waiting_for_me"]:
            user = signed_in(self.request._request)
            rows = inbox.needs_review_by(user, permissions_of(user))
        state = asked.validated_data["state"]
        return rows.filter(state=state) if state else rows

    @extend_schema(request=PromotionBody, responses={201: PromotionSerializer})
    def post(self, request: Request) -> Response:
        """Ask for a version to be moved to a stage."""
        body = PromotionBody(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        version = access.get_version(given["model"], given["version"])
        user = signed_in(request._request)
        opened = promotion.open_for(version, given["to"], user=user, comment=given["comment"])
        return Response(PromotionSerializer(opened).data, status=201)


class PromotionDetail(APIView):
    """One promotion."""

    @extend_schema(responses=PromotionDetailSerializer)
    def get(self, request: Request, number: int) -> Response:
        """Return one promotion with its verdict, as the reader meets it."""
        return Response(_detail(request, number))


class Reviews(APIView):
    """Verdicts on a promotion."""

    @extend_schema(request=ReviewBody, responses={201: PromotionDetailSerializer})
    def post(self, request: Request, number: int) -> Response:
        """Give a verdict on the evidence with this digest."""
        body = ReviewBody(data=request.data)
        body.is_valid(raise_exception=True)
        user = signed_in(request._request)
        promotion.review(access.get_promotion(number), user=user, **body.validated_data)
        return Response(_detail(request, number), status=201)


class Withdrawal(APIView):
    """Taking a request back."""

    @extend_schema(request=None, responses=PromotionDetailSerializer)
    def post(self, request: Request, number: int) -> Response:
        """Withdraw a promotion that is not decided yet."""
        promotion.withdraw(access.get_promotion(number), user=signed_in(request._request))
        return Response(_detail(request, number))


def _detail(request: Request, number: int) -> Any:
    found = access.get_promotion(number)
    user = signed_in(request._request)
    context = {"verdict": verdict.of(found, user, permissions_of(user))}
    return PromotionDetailSerializer(found, context=context).data
