"""JSON shapes of runs in groups."""

from typing import Any

from rest_framework import serializers

from experiments.run_groups import Grouping


class MeasureSerializer(serializers.Serializer[Any]):
    """One metric in one group (a `Measure`)."""

    count = serializers.IntegerField(source="summary.count", help_text="runs that have it as a finite number")
    mean = serializers.FloatField(source="summary.mean")
    spread = serializers.FloatField(
        source="summary.spread", allow_null=True, help_text="standard deviation of the sample (n - 1)"
    )
    low = serializers.FloatField(source="summary.low")
    high = serializers.FloatField(source="summary.high")
    direction = serializers.CharField(source="goal", help_text="min, max, or empty where it is not known")
    best = serializers.CharField(help_text="id of the run with the best value; empty where none can be told")


class GroupSerializer(serializers.Serializer[Any]):
    """Runs that have the same values (a `Group`)."""

    values = serializers.ListField(child=serializers.CharField(), help_text="in the order of the keys")
    count = serializers.IntegerField()
    query = serializers.CharField(help_text="filter that finds its runs; empty where none can")
    measures = MeasureSerializer(many=True, help_text="in the order of the metrics; null where no run has it")


class GroupingSerializer(serializers.Serializer[Any]):
    """The largest groups of some runs, the best first (a `Grouping`)."""

    keys = serializers.SerializerMethodField()
    metrics = serializers.SerializerMethodField()
    groups = GroupSerializer(many=True)
    more = serializers.BooleanField(help_text="whether there are smaller groups that are left out")

    def get_keys(self, found: Grouping) -> list[str]:
        """Return what they are grouped by."""
        return [column.name for column in found.keys]

    def get_metrics(self, found: Grouping) -> list[str]:
        """Return which metrics are measured."""
        return [column.key for column in found.metrics]
