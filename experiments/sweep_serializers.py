"""JSON shapes of sweeps."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.request_bodies import RequestBody
from experiments.launches import MAX_REF
from experiments.models import Sweep
from experiments.selectors.sweeps import SweepDetail
from experiments.sweep_plan import MAX_SEED, MAX_TRIALS, MAX_WIDTH, Asked

_PRIORITIES = ["high", "normal", "low"]
_MAX_KEY = 100


class SweepBody(RequestBody):
    """A sweep to be started."""

    repository = serializers.CharField(max_length=100)
    ref = serializers.CharField(max_length=MAX_REF, required=False, allow_blank=True, default="")
    space = serializers.DictField(
        child=serializers.JSONField(),
        help_text='dotted parameter -> {"value": x}, {"values": [x, y]}, {"low": 1e-4, "high": 0.1, "log": '
        'true} with "step" if wanted, or a text such as "1..9 step 2"',
    )
    method = serializers.ChoiceField(choices=Sweep.Method.choices)
    objective = serializers.CharField(max_length=250, help_text="name of a metric of the pipeline")
    direction = serializers.ChoiceField(
        choices=Sweep.Direction.choices,
        required=False,
        allow_blank=True,
        default="",
        help_text="which values are better; as declared for the metric if left out",
    )
    count = serializers.IntegerField(
        min_value=1, max_value=MAX_TRIALS, required=False, allow_null=True, default=None
    )
    seed = serializers.IntegerField(
        min_value=0, max_value=MAX_SEED, required=False, allow_null=True, default=None
    )
    width = serializers.IntegerField(
        min_value=1, max_value=MAX_WIDTH, required=False, default=2, help_text="how many at a time"
    )
    name = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")
    priority = serializers.ChoiceField(choices=_PRIORITIES, required=False, default="normal")
    key = serializers.CharField(
        max_length=_MAX_KEY,
        required=False,
        help_text="makes the start idempotent: the same key again returns the same sweep",
    )

    def asked(self) -> Asked:
        """Return what a valid body asks for."""
        given = self.validated_data
        return Asked(**{name: given[name] for name in given if name not in ("repository", "key")})


class StopBody(RequestBody):
    """How a sweep is stopped."""

    cancel = serializers.BooleanField(
        required=False, default=False, help_text="cancel the jobs that wait or run, too"
    )


class PlanSerializer(serializers.Serializer[Any]):
    """What a sweep would do (a `Plan`)."""

    count = serializers.IntegerField(help_text="how many runs")
    total = serializers.IntegerField(
        allow_null=True, help_text="how many sets of parameters there are; null if there is no end to them"
    )
    seed = serializers.IntegerField()
    commit = serializers.CharField(source="target.commit.sha")
    direction = serializers.CharField(source="asked.direction")
    points = serializers.ListField(
        child=serializers.JSONField(), help_text="the sets; empty for a guided search, which finds them"
    )


class SweepSerializer(serializers.ModelSerializer[Sweep]):
    """A sweep as lists show it."""

    repository = serializers.CharField(source="repository.name")
    commit = serializers.CharField(source="commit.sha")
    ended = serializers.SerializerMethodField()
    best = serializers.SerializerMethodField()

    class Meta:
        model = Sweep
        fields = [
            "id",
            "name",
            "repository",
            "ref",
            "commit",
            "method",
            "space",
            "seed",
            "objective",
            "direction",
            "count",
            "width",
            "state",
            "problem",
            "submitted_by_name",
            "created_at",
            "ended_at",
            "ended",
            "best",
        ]
        read_only_fields = fields

    def get_ended(self, sweep: Any) -> int:
        """Return how many trials are done."""
        return int(sweep.ended_count)

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_best(self, sweep: Any) -> float | None:
        """Return the best value so far."""
        best: float | None = sweep.low if sweep.direction == Sweep.Direction.MIN else sweep.high
        return best


class TrialSerializer(serializers.Serializer[Any]):
    """One trial (a `TrialRow`)."""

    number = serializers.IntegerField(source="trial.number")
    params = serializers.JSONField(source="trial.params")
    job = serializers.IntegerField(source="trial.job_id", allow_null=True)
    state = serializers.CharField(help_text="state of its job; empty before there is one")
    outcome = serializers.CharField(source="trial.outcome")
    value = serializers.FloatField(source="trial.value", allow_null=True)
    run_id = serializers.CharField(source="run.run_id", default=None, allow_null=True)
    is_best = serializers.BooleanField()


class SweepDetailSerializer(SweepSerializer):
    """A sweep with its trials (the context holds the `SweepDetail`)."""

    trials = serializers.SerializerMethodField()

    class Meta(SweepSerializer.Meta):
        fields = [*SweepSerializer.Meta.fields, "trials"]
        read_only_fields = fields

    @property
    def _detail(self) -> SweepDetail:
        found: SweepDetail = self.context["detail"]
        return found

    def get_ended(self, _sweep: Any) -> int:
        """Return how many trials are done."""
        return self._detail.ended

    @extend_schema_field(serializers.FloatField(allow_null=True))
    def get_best(self, _sweep: Any) -> float | None:
        """Return the best value so far."""
        return self._detail.best.trial.value if self._detail.best else None

    @extend_schema_field(TrialSerializer(many=True))
    def get_trials(self, _sweep: Any) -> Any:
        """Return the trials in their order."""
        return TrialSerializer(self._detail.trials, many=True).data
