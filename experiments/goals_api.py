"""REST interface of what metrics mean: directions, units, tolerances."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.request_bodies import RequestBody
from experiments import access, goal_declarations
from experiments.goal_declarations import MAX_UNIT
from experiments.metric_meaning import Declared, Source
from experiments.models import MetricGoal
from experiments.selectors import meanings
from experiments.selectors.meanings import MeaningRow

_DIRECTION = {"": "unknown"}


class MeaningSerializer(serializers.Serializer[Any]):
    """What one metric means (a `MeaningRow`)."""

    key = serializers.CharField()
    direction = serializers.SerializerMethodField(help_text="which values are better: min, max or unknown")
    unit = serializers.CharField(source="meaning.unit")
    tolerance = serializers.FloatField(
        source="meaning.tolerance", help_text="absolute difference up to which two values are the same"
    )
    declared_for = serializers.ChoiceField(
        source="meaning.source", choices=[str(one) for one in Source], help_text="where this is from"
    )

    def get_direction(self, row: MeaningRow) -> str:
        """Return which values are better."""
        return _DIRECTION.get(row.meaning.goal, str(row.meaning.goal))


class DeclaredBody(RequestBody):
    """What is declared of one metric."""

    direction = serializers.ChoiceField(
        choices=MetricGoal.Direction.values,
        required=False,
        default="",
        help_text="left out: as the name of the metric says",
    )
    unit = serializers.CharField(max_length=MAX_UNIT, required=False, allow_blank=True, default="")
    tolerance = serializers.FloatField(min_value=0, required=False, default=0.0)


class GoalsBody(RequestBody):
    """The metrics that are to change; null takes back what was declared."""

    metrics = serializers.DictField(child=DeclaredBody(allow_null=True), allow_empty=False)


class Goals(APIView):
    """What the metrics of one experiment mean."""

    @extend_schema(operation_id="experiments_metrics_list", responses=MeaningSerializer(many=True))
    def get(self, request: Request, experiment_id: str) -> Response:
        """List the metrics with their directions, units and tolerances."""
        return _listed(request, experiment_id)

    @extend_schema(
        operation_id="experiments_metrics_declare", request=GoalsBody, responses=MeaningSerializer(many=True)
    )
    def patch(self, request: Request, experiment_id: str) -> Response:
        """Declare directions, units and tolerances of some metrics."""
        return _declared(request, experiment_id)


class GeneralGoals(APIView):
    """What metrics mean in all experiments that do not say otherwise."""

    @extend_schema(operation_id="metrics_list", responses=MeaningSerializer(many=True))
    def get(self, request: Request) -> Response:
        """List the metrics with their directions, units and tolerances."""
        return _listed(request, "")

    @extend_schema(operation_id="metrics_declare", request=GoalsBody, responses=MeaningSerializer(many=True))
    def patch(self, request: Request) -> Response:
        """Declare directions, units and tolerances of some metrics."""
        return _declared(request, "")


def _listed(request: Request, experiment_id: str) -> Response:
    _who, experiment = access.experiment_for(request._request, experiment_id)
    return Response(MeaningSerializer(meanings.table(experiment), many=True).data)


def _declared(request: Request, experiment_id: str) -> Response:
    who, experiment = access.experiment_for(request._request, experiment_id)
    body = GoalsBody(data=request.data)
    body.is_valid(raise_exception=True)
    declared = {key: Declared(**(one or {})) for key, one in body.validated_data["metrics"].items()}
    goal_declarations.declare(experiment, declared, user=who.user)
    return Response(MeaningSerializer(meanings.table(experiment), many=True).data)
