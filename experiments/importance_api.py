"""REST interface of the importance of parameters."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.request_bodies import RequestBody
from experiments import access, compare_request, importances
from experiments.importances import SCOPES, Question
from experiments.selectors import importances as selectors
from experiments.selectors.importances import Answer


class ImportanceSerializer(serializers.Serializer[Any]):
    """An answer, or how far it is (an `Answer`)."""

    metric = serializers.CharField(source="question.metric")
    of = serializers.CharField(source="question.scope")
    method = serializers.SerializerMethodField()
    runs = serializers.SerializerMethodField(help_text="runs that have the metric")
    job = serializers.IntegerField(source="job.pk", default=None, allow_null=True)
    state = serializers.CharField(
        source="job.state", default="", help_text="of the job; empty: nobody has asked"
    )
    shares = serializers.SerializerMethodField(help_text="parameter -> share, the largest first")
    is_thin = serializers.BooleanField(source="task.is_thin", help_text="too few runs to rely on it")
    constant = serializers.ListField(source="task.constant", child=serializers.CharField())
    unusable = serializers.ListField(source="task.unusable", child=serializers.CharField())

    def get_method(self, _answer: Answer) -> str:
        """Return how it is computed."""
        return importances.METHOD

    def get_runs(self, answer: Answer) -> int:
        """Return how many runs count."""
        return len(answer.task.values)

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_shares(self, answer: Answer) -> dict[str, float]:
        """Return the shares."""
        return dict(answer.shares)


class ImportanceBody(RequestBody):
    """What is to be computed."""

    runs = serializers.ListField(
        child=serializers.CharField(max_length=64), allow_empty=False, max_length=compare_request.MAX_RUNS
    )
    metric = serializers.CharField(max_length=250)
    of = serializers.ChoiceField(
        choices=SCOPES, default="runs", help_text="these runs, or all finished ones of their experiments"
    )


class ImportanceView(APIView):
    """How much each parameter accounts for a metric."""

    @extend_schema(
        operation_id="compare_importance_retrieve",
        parameters=[
            OpenApiParameter("runs", str, required=True, description="run ids, by comma or repeated"),
            OpenApiParameter("metric", str, required=True),
            OpenApiParameter("of", str, enum=SCOPES),
        ],
        responses=ImportanceSerializer,
    )
    def get(self, request: Request) -> Response:
        """Return the shares if they have been computed for these runs as they are now."""
        access.viewer(request._request)
        asked = compare_request.parse(request.query_params.getlist("runs"), {})
        words = request.query_params
        return _answer(importances.question(asked.runs, words.get("metric", ""), words.get("of", "")))

    @extend_schema(
        operation_id="compare_importance_compute",
        request=ImportanceBody,
        responses={202: ImportanceSerializer},
    )
    def post(self, request: Request) -> Response:
        """Have the shares computed by a worker; asking again for the same changes nothing."""
        who = access.viewer(request._request)
        body = ImportanceBody(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        asked = importances.question(given["runs"], given["metric"], given["of"])
        importances.ask(asked, user=who.user)
        return _answer(asked, status=202)


def _answer(asked: Question, status: int = 200) -> Response:
    return Response(ImportanceSerializer(selectors.answer(asked)).data, status=status)
