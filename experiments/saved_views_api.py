"""REST interface of the saved views of the table of runs."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.request_bodies import RequestBody
from experiments import access, saved_views
from experiments.models import SavedView
from experiments.selectors import saved_views as selectors


class SavedViewSerializer(serializers.ModelSerializer[SavedView]):
    """One saved view."""

    owner = serializers.CharField(source="owner_name")

    class Meta:
        model = SavedView
        fields = ["id", "name", "owner", "shared", "query", "created_at", "changed_at"]
        read_only_fields = fields


class SavedViewBody(RequestBody):
    """An arrangement of the table of runs."""

    name = serializers.CharField(max_length=saved_views.MAX_NAME)
    query = serializers.CharField(
        max_length=saved_views.MAX_QUERY, allow_blank=True, help_text="as in the address of the table"
    )
    shared = serializers.BooleanField(required=False, default=False)


class SavedViewPatch(RequestBody):
    """What changes of a view."""

    name = serializers.CharField(max_length=saved_views.MAX_NAME, required=False)
    query = serializers.CharField(max_length=saved_views.MAX_QUERY, required=False, allow_blank=True)
    shared = serializers.BooleanField(required=False)


class SavedViews(generics.ListAPIView[SavedView]):
    """Saved views of the table of runs."""

    serializer_class = SavedViewSerializer

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the reader's own views and those that others share, by name."""
        who = access.viewer(request._request)
        page = self.paginate_queryset(selectors.visible(who.user))
        return self.get_paginated_response(SavedViewSerializer(page, many=True).data)

    @extend_schema(request=SavedViewBody, responses={201: SavedViewSerializer})
    def post(self, request: Request) -> Response:
        """Keep an arrangement under a name."""
        who = access.viewer(request._request)
        body = SavedViewBody(data=request.data)
        body.is_valid(raise_exception=True)
        view = saved_views.create(**body.validated_data, user=who.user)
        return Response(SavedViewSerializer(view).data, status=201)


class SavedViewView(APIView):
    """One saved view."""

    @extend_schema(operation_id="run_views_retrieve", responses=SavedViewSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """Return one view."""
        _who, view = access.saved_view_for(request._request, pk)
        return Response(SavedViewSerializer(view).data)

    @extend_schema(request=SavedViewPatch, responses=SavedViewSerializer)
    def patch(self, request: Request, pk: int) -> Response:
        """Rename, rearrange, share a view or keep it for oneself."""
        who, view = access.saved_view_for(request._request, pk)
        body = SavedViewPatch(data=request.data)
        body.is_valid(raise_exception=True)
        changed = saved_views.change(view, user=who.user, **body.validated_data)
        return Response(SavedViewSerializer(changed).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Forget a view."""
        who, view = access.saved_view_for(request._request, pk)
        saved_views.delete(view, user=who.user)
        return Response(status=204)
