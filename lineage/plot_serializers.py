"""JSON shapes of the plots of a commit."""

import math
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from experiments.confusion_matrix import Matrix
from lineage.plot_drawing import Line, Look, Points

_POINTS = serializers.ListField(
    child=serializers.ListField(child=serializers.FloatField(allow_null=True), min_length=2, max_length=2),
    allow_null=True,
    help_text="[x, y]; y is null where there is a gap",
)


class PlotLineSerializer(serializers.Serializer[Any]):
    """A column of a plot, and what it was in the base."""

    name = serializers.CharField()
    path = serializers.CharField()
    x = serializers.CharField(source="x_name", help_text="column from left to right; empty: rows are counted")
    points = serializers.SerializerMethodField()
    before = serializers.SerializerMethodField()

    @extend_schema_field(_POINTS)
    def get_points(self, line: Line) -> Any:
        """Return the points of the commit."""
        return _pairs(line.points)

    @extend_schema_field(_POINTS)
    def get_before(self, line: Line) -> Any:
        """Return the points of the base; null: it has none, or the same content."""
        return _pairs(line.before) if line.before else None


class ConfusionSerializer(serializers.Serializer[Any]):
    """A confusion matrix: a row for what is true, a column for what was predicted."""

    labels = serializers.ListField(child=serializers.CharField())
    counts = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ListField(child=serializers.ListField(child=serializers.FloatField())))
    def get_counts(self, matrix: Matrix) -> list[list[float]]:
        """Return the counts by row."""
        return [[cell.count for cell in cells] for _label, cells, _sum in matrix.rows]


class PictureSerializer(serializers.Serializer[Any]):
    """An image by the object that holds it, to be had below `pipeline/images/`."""

    path = serializers.CharField()
    object = serializers.CharField(source="oid")
    before = serializers.CharField(help_text="that of the base; empty: it has none, or the same")


class PlotNoteSerializer(serializers.Serializer[Any]):
    """Why a file is not, or not wholly, drawn; without a path it is about the whole plot."""

    path = serializers.CharField(allow_blank=True)
    message = serializers.CharField()


class PlotSerializer(serializers.Serializer[Any]):
    """A plot of `dvc.yaml`, with what is kept of its data."""

    name = serializers.CharField(source="record.name")
    title = serializers.CharField(source="record.title")
    template = serializers.CharField(source="record.template")
    look = serializers.ChoiceField(choices=[str(look) for look in Look])
    files = serializers.ListField(source="record.paths", child=serializers.CharField())
    lines = PlotLineSerializer(many=True)
    matrix = ConfusionSerializer(allow_null=True)
    matrix_before = ConfusionSerializer(allow_null=True)
    images = PictureSerializer(many=True)
    unchanged = serializers.BooleanField(source="is_same", help_text="the base has the same content")
    notes = PlotNoteSerializer(many=True)
    notes_before = PlotNoteSerializer(many=True, help_text="the same about the base")


def _pairs(points: Points) -> list[list[float | None]]:
    return [[x, None if math.isnan(y) else y] for x, y in zip(points.x, points.y, strict=True)]
