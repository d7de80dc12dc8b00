"""REST interface of the lineage graph and of impacts: what the pages show, as JSON."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import signed_in
from experiments import sentences
from lineage import asked_causes, asked_graphs, collect, comparison, impact, node_ids, roots, serializers
from lineage.asked_causes import CauseError
from lineage.graph import Direction, Graph
from lineage.node_ids import Kind, NodeId, NodeIdError
from lineage.reach import Reach
from lineage.views.comparison import version_named
from registry import access
from registry.as_of_api import instant
from registry.stages import Stage

_AT = OpenApiParameter(
    "at", OpenApiTypes.DATETIME, description="with time zone, not in the future; now if absent"
)
_NODE = OpenApiParameter("node", str, required=True, description="such as version:receipt-ocr@1.2.0")
_GRAPH = [
    OpenApiParameter("direction", str, enum=[*Direction], default=Direction.BOTH),
    OpenApiParameter("depth", int, default=collect.DEPTH, description=f"at most {collect.DEEPEST}"),
    _AT,
]


class Lineage(APIView):
    """The lineage graph of any node."""

    @extend_schema(parameters=[_NODE, *_GRAPH], responses=serializers.GraphSerializer)
    def get(self, request: Request) -> Response:
        """Return what a node came from and what came of it, now or as of an instant."""
        text = request.query_params.get("node", "")
        return Response(_graph(request, _named(text)))


class VersionLineage(APIView):
    """The lineage graph of a version."""

    @extend_schema(parameters=_GRAPH, responses=serializers.GraphSerializer)
    def get(self, request: Request, name: str, version: str) -> Response:
        """Return what a version came from and what came of it, now or as of an instant."""
        found = access.get_version(name, version, user=signed_in(request._request))
        return Response(_graph(request, NodeId(Kind.VERSION, found.version, path=found.model.name)))


class Impact(generics.ListAPIView[Any]):
    """What a cause reached."""

    serializer_class = serializers.ImpactSerializer

    @extend_schema(
        parameters=[
            OpenApiParameter("node", str, description="data, a commit, a stage or a run"),
            OpenApiParameter("path", str, description="instead of a node: every version of this path"),
            OpenApiParameter("repository", str, description="with `path`: of this repository only"),
            OpenApiParameter("stage", str, enum=[*Stage], description="only what is there now, or was then"),
            _AT,
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the versions that a cause reached, Production first, with their promotions and deployments.

        A commit reaches every version whose commit contains it. `hidden` counts versions of restricted models
        that you may not see, whatever `stage` says.
        """
        user, at = signed_in(request._request), _instant(request)
        try:
            cause = asked_causes.of(request.query_params, user=user)
        except CauseError as error:
            raise ValidationError({"node": str(error)}) from error
        if cause is None:
            raise ValidationError({"node": _("Name a node or a path.")})
        stage = request.query_params.get("stage", "")
        if stage and stage not in set(Stage):
            raise ValidationError({"stage": _("There is no such stage.")})
        found = impact.of(cause.keys, user=user, at=at, stage=stage)
        page = self.paginate_queryset(found.versions) or []
        rows = serializers.ImpactSerializer(impact.rows(page, found.limits), many=True).data
        answer = self.get_paginated_response(rows)
        answer.data |= {"hidden": found.hidden, "complete": found.complete}
        return answer


class LineageComparison(APIView):
    """Which input changed between two versions."""

    @extend_schema(
        parameters=[
            OpenApiParameter("a", str, required=True, description="id of its node, or model@version"),
            OpenApiParameter("b", str, required=True, description="the same, or a version of the same model"),
        ],
        responses=serializers.ComparisonSerializer,
    )
    def get(self, request: Request) -> Response:
        """Return the data, commits, parameters, commands and environment of two versions side by side."""
        user = signed_in(request._request)
        first, second = request.query_params.get("a", ""), request.query_params.get("b", "")
        try:
            one = version_named(first, "", user=user)
            other = version_named(second, one.model.name, user=user)
        except NodeIdError as error:
            raise ValidationError({"a": sentences.translated(str(error))}) from error
        return Response(serializers.ComparisonSerializer(comparison.of(one, other)).data)


def _named(text: str) -> NodeId:
    try:
        return node_ids.parse(text)
    except NodeIdError as error:
        raise ValidationError({"node": sentences.translated(str(error))}) from error


def _instant(request: Request) -> datetime | None:
    return instant(request) if request.query_params.get("at") else None


def _graph(request: Request, node: NodeId) -> dict[str, Any]:
    user, at = signed_in(request._request), _instant(request)
    direction, depth = request.query_params.get("direction", ""), request.query_params.get("depth", "")
    if direction and direction not in set(Direction):
        raise ValidationError({"direction": _("There is no such direction.")})
    hops = asked_graphs.depth_of(depth) if depth else collect.DEPTH
    if hops is None:
        raise ValidationError({"depth": _("A number of hops, please.")})
    limits = Reach.of(user, at)
    way = Direction(direction) if direction else Direction.BOTH
    root = roots.find(node, user=user)
    found: Graph = collect.around(root, user=user, direction=way, depth=hops, at=at, limits=limits)
    return serializers.graph(found, limits, direction=way, depth=hops)
