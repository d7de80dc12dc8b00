"""REST interface of how a repository is kept up to date: the schedule, and the webhook."""

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.request_bodies import RequestBody
from lineage import access, updates
from lineage.models import UpdatePlan


class UpdatePlanSerializer(serializers.ModelSerializer[UpdatePlan]):
    """When a repository is fetched by itself."""

    webhook = serializers.SerializerMethodField()

    class Meta:
        model = UpdatePlan
        fields = ["minutes", "next_at", "webhook", "hook_made_at", "hook_made_by", "hook_used_at"]
        read_only_fields = fields

    def get_webhook(self, plan: UpdatePlan) -> bool:
        """Return whether it has a webhook."""
        return bool(plan.hook_nonce)


class ScheduleBody(RequestBody):
    """How often a repository is fetched."""

    minutes = serializers.IntegerField(allow_null=True, help_text="null: not by itself")


class SecretSerializer(serializers.Serializer[Any]):
    """A new webhook; the secret is told this once."""

    address = serializers.CharField()
    secret = serializers.CharField()


class Updates(APIView):
    """The schedule of a repository."""

    @extend_schema(operation_id="updates_retrieve", responses=UpdatePlanSerializer)
    def get(self, request: Request, name: str) -> Response:
        """Return when the repository is fetched by itself."""
        _who, repository = access.repository_for(request._request, name)
        return Response(UpdatePlanSerializer(updates.plan_of(repository)).data)

    @extend_schema(operation_id="updates_change", request=ScheduleBody, responses=UpdatePlanSerializer)
    def put(self, request: Request, name: str) -> Response:
        """Have the repository fetched every so many minutes, or not any more."""
        who, repository = access.repository_for(request._request, name)
        body = ScheduleBody(data=request.data)
        body.is_valid(raise_exception=True)
        plan = updates.schedule(repository, minutes=body.validated_data["minutes"], user=who.user)
        return Response(UpdatePlanSerializer(plan).data)


class Hook(APIView):
    """The webhook of a repository."""

    @extend_schema(operation_id="hook_make", request=None, responses={201: SecretSerializer})
    def post(self, request: Request, name: str) -> Response:
        """Make a webhook, or a new secret for the one that is there."""
        who, repository = access.repository_for(request._request, name)
        secret = updates.make_hook(repository, user=who.user)
        address = request.build_absolute_uri(reverse("lineage:push", args=[name]))
        headers = {"Cache-Control": "no-store"}
        return Response({"address": address, "secret": secret}, status=201, headers=headers)

    @extend_schema(operation_id="hook_remove", responses={204: None})
    def delete(self, request: Request, name: str) -> Response:
        """Take the webhook away."""
        who, repository = access.repository_for(request._request, name)
        updates.remove_hook(repository, user=who.user)
        return Response(status=204)
