"""JSON shapes of models and versions."""

from typing import Any

from rest_framework import serializers

from accounts.request_bodies import RequestBody
from registry.models import ModelVersion, StageEvent
from registry.registration import REASON_LIMIT


class VersionSerializer(serializers.ModelSerializer[ModelVersion]):
    """A version as lists show it."""

    model = serializers.CharField(source="model.name")
    bump_reasons = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = ModelVersion
        fields = [
            "model",
            "version",
            "stage",
            "stage_since",
            "mlflow_version",
            "run_id",
            "source",
            "fingerprint",
            "manifest_digest",
            "model_format",
            "bump",
            "required_bump",
            "bump_reasons",
            "reason",
            "created_at",
            "created_by",
        ]
        read_only_fields = fields


class ModelSerializer(serializers.Serializer[Any]):
    """A registered model with what is in its stages now (a row of `selectors.model_rows`)."""

    name = serializers.CharField(source="model.name")
    description = serializers.CharField(source="model.description")
    created_at = serializers.DateTimeField(source="model.created_at")
    created_by = serializers.CharField(source="model.created_by")
    versions = serializers.IntegerField()
    waiting_promotions = serializers.IntegerField(source="waiting")
    latest = serializers.CharField(source="latest.version", default=None, allow_null=True)
    production = serializers.CharField(source="production.version", default=None, allow_null=True)
    staging = serializers.SerializerMethodField()

    def get_staging(self, row: Any) -> list[str]:
        """Return the versions in Staging, the newest there first."""
        return [version.version for version in row.staging]


class FileSerializer(serializers.Serializer[Any]):
    """One artifact."""

    path = serializers.CharField()
    size = serializers.IntegerField(help_text="bytes")
    sha256 = serializers.CharField()


class StageEventSerializer(serializers.ModelSerializer[StageEvent]):
    """One change of stage."""

    class Meta:
        model = StageEvent
        fields = ["from_stage", "to_stage", "at", "by_name", "reason", "how", "promotion"]
        read_only_fields = fields


class RegistrationBody(RequestBody):
    """Which run becomes which version."""

    run_id = serializers.CharField(max_length=64)
    version = serializers.CharField(max_length=128, required=False, default="")
    bump = serializers.ChoiceField(choices=["major", "minor", "patch", "candidate"], required=False)
    reason = serializers.CharField(max_length=REASON_LIMIT, required=False, default="", allow_blank=True)


class QueuedJobSerializer(serializers.Serializer[Any]):
    """The job that does what was asked."""

    job = serializers.IntegerField(source="pk")
    state = serializers.CharField()
    model = serializers.CharField(source="payload.model")
    version = serializers.CharField(source="payload.version")
