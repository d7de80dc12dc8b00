"""REST interface of comparisons: the selectors of the page."""

import math
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from experiments import access, compare_request, compare_rows
from experiments.compare_request import CompareRequest, Rows
from experiments.selectors import compare as selectors
from experiments.selectors.compare import Compared, Comparison
from experiments.serializers import RunSerializer

_FEWEST = 2


class ComparedSerializer(serializers.Serializer[Any]):
    """One of the runs (a `Compared`)."""

    run_id = serializers.CharField(source="run.run_id")
    name = serializers.CharField(source="run.name")
    experiment_id = serializers.CharField(source="run.experiment.experiment_id")
    experiment = serializers.CharField(source="run.experiment.name")
    status = serializers.CharField(source="run.status")
    started_at = serializers.DateTimeField(source="run.started_at", allow_null=True)
    is_baseline = serializers.BooleanField()
    is_deleted = serializers.BooleanField()
    production = serializers.SerializerMethodField(
        help_text="model and version in Production that was made from it"
    )

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_production(self, one: Compared) -> str | None:
        """Return the version in production that was made from it."""
        return one.production.label if one.production else None


class CellSerializer(serializers.Serializer[Any]):
    """What one run has in a row (a `Cell`). A number that is not finite is written as its name."""

    value = serializers.SerializerMethodField()
    differs = serializers.BooleanField(help_text="from the baseline")
    delta = serializers.FloatField(allow_null=True)
    verdict = serializers.CharField(help_text="better, worse, same, unjudged or empty")
    step = serializers.IntegerField(allow_null=True)

    @extend_schema_field(OpenApiTypes.ANY)
    def get_value(self, cell: Any) -> Any:
        """Return the value as JSON has it."""
        if not isinstance(cell.value, float) or math.isfinite(cell.value):
            return cell.value
        return "NaN" if math.isnan(cell.value) else "Infinity" if cell.value > 0 else "-Infinity"


class RowSerializer(serializers.Serializer[Any]):
    """One fact of every run: its cells are in the order of the runs."""

    section = serializers.ChoiceField(source="row.section", choices=compare_rows.SECTIONS)
    key = serializers.CharField(source="row.key")
    differs = serializers.BooleanField(source="row.differs")
    direction = serializers.CharField(source="row.meaning.goal", default="", help_text="min, max or empty")
    unit = serializers.CharField(source="row.meaning.unit", default="")
    tolerance = serializers.FloatField(source="row.meaning.tolerance", default=0.0)
    cells = CellSerializer(many=True)


class OfferSerializer(serializers.Serializer[Any]):
    """A run in production that is not among the runs."""

    run_id = serializers.CharField()
    version = serializers.CharField(source="label")


class RunComparisonSerializer(serializers.Serializer[Any]):
    """A page of the table of compared runs."""

    runs = ComparedSerializer(many=True)
    baseline = serializers.CharField(help_text="id of the run that the others are compared with")
    offered = OfferSerializer(many=True, help_text="runs in production that could be compared, too")
    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = RowSerializer(many=True)


class CompareView(GenericAPIView[Any]):
    """Runs beside each other."""

    serializer_class = RunSerializer

    @extend_schema(
        operation_id="compare_retrieve",
        parameters=[
            OpenApiParameter("runs", str, required=True, description="2 to 100 ids, by comma or repeated"),
            OpenApiParameter("baseline", str, description="by default the run in Production, else the first"),
            OpenApiParameter("point", str, enum=compare_request.POINTS, description="of a metric's history"),
            OpenApiParameter("rows", str, enum=["different", "all"], description="all by default"),
            OpenApiParameter("q", str, description="part of the names of rows"),
        ],
        responses=RunComparisonSerializer,
    )
    def get(self, request: Request) -> Response:
        """Compare runs: metrics, parameters, tags, each with its difference to the baseline."""
        who = access.viewer(request._request)
        asked = _asked(request)
        found = selectors.compare(asked, who.user)
        _check(asked, found)
        only: Rows = "different" if asked.rows == "different" else "all"
        rows: Any = compare_rows.shown(found.rows, only=only, search=asked.search)[0]
        page: Any = self.paginate_queryset(rows)
        listed = RowSerializer(selectors.lines(found, page), many=True)
        answer = self.get_paginated_response(listed.data)
        answer.data = {
            "runs": ComparedSerializer(found.runs, many=True).data,
            "baseline": found.baseline.run.run_id if found.baseline else "",
            "offered": OfferSerializer(found.offered, many=True).data,
            **answer.data,
        }
        return answer


def _asked(request: Request) -> CompareRequest:
    words = {name: str(value) for name, value in request.query_params.items()}
    for name, choices in (("point", compare_request.POINTS), ("rows", ("different", "all"))):
        if words.get(name) and words[name] not in choices:
            raise ValidationError({name: _("Choose one of: %s.") % ", ".join(choices)})
    return compare_request.parse(request.query_params.getlist("runs"), words)


def _check(asked: CompareRequest, found: Comparison) -> None:
    """Refuse what the page would only name: a program cannot read notes."""
    if found.unknown:
        names = ", ".join(found.unknown[:10])
        raise ValidationError({"runs": _("These runs are not known: %(names)s.") % {"names": names}})
    if asked.left_out or len(found.runs) < _FEWEST:
        limits = {"fewest": _FEWEST, "most": compare_request.MAX_RUNS}
        raise ValidationError({"runs": _("Name %(fewest)d to %(most)d runs.") % limits})
    if found.lost_baseline:
        raise ValidationError({"baseline": _("The baseline is not among the runs.")})
