"""JSON shapes of the registry's REST interface."""

from typing import Any

from rest_framework import serializers

from accounts.request_bodies import RequestBody
from registry.models import ModelVersion, Promotion, Review, StageEvent
from registry.promotion import COMMENT_LIMIT
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
        fields = ["from_stage", "to_stage", "at", "by_name", "reason", "promotion"]
        read_only_fields = fields


class ReviewSerializer(serializers.ModelSerializer[Review]):
    """One verdict."""

    class Meta:
        model = Review
        fields = ["id", "reviewer_name", "verdict", "comment", "evidence_digest", "at"]
        read_only_fields = fields


class PromotionSerializer(serializers.ModelSerializer[Promotion]):
    """A promotion as lists show it."""

    model = serializers.CharField(source="version.model.name")
    version = serializers.CharField(source="version.version")
    to = serializers.CharField(source="to_stage")
    incumbent = serializers.CharField(source="incumbent.version", default=None, allow_null=True)

    class Meta:
        model = Promotion
        fields = [
            "id",
            "model",
            "version",
            "from_stage",
            "to",
            "state",
            "comment",
            "requested_by_name",
            "opened_at",
            "decided_at",
            "applied_at",
            "incumbent",
            "evidence_digest",
        ]
        read_only_fields = fields


class PromotionDetailSerializer(PromotionSerializer):
    """A promotion with its verdict and reviews, as the reader meets it."""

    verdict = serializers.SerializerMethodField()
    reviews = ReviewSerializer(many=True)

    class Meta(PromotionSerializer.Meta):
        fields = [*PromotionSerializer.Meta.fields, "verdict", "reviews"]

    def get_verdict(self, promotion: Promotion) -> dict[str, Any]:
        """Return whether the reader can approve it, and every reason why not."""
        found = self.context["verdict"]
        return {
            "can_approve": found.can_approve,
            "blocking": list(found.blocking),
            "personal": found.personal,
            "approvals": found.approvals,
            "approvals_needed": found.needed,
        }


class ProductionSerializer(serializers.Serializer[Any]):
    """What was in Production at an instant, who put it there, and on which evidence."""

    version = VersionSerializer(allow_null=True)
    at = serializers.DateTimeField()
    since = serializers.DateTimeField(allow_null=True)
    by = serializers.CharField(allow_null=True)
    promotion = serializers.IntegerField(allow_null=True)
    evidence_digest = serializers.CharField(allow_null=True)
    approved_by = serializers.ListField(child=serializers.CharField())


class RegistrationBody(RequestBody):
    """Which run becomes which version."""

    run_id = serializers.CharField(max_length=64)
    version = serializers.CharField(max_length=128, required=False, default="")
    bump = serializers.ChoiceField(choices=["major", "minor", "patch"], required=False)
    reason = serializers.CharField(max_length=REASON_LIMIT, required=False, default="", allow_blank=True)


class PromotionBody(RequestBody):
    """Which version is to go where."""

    model = serializers.CharField(max_length=200)
    version = serializers.CharField(max_length=128)
    to = serializers.CharField(max_length=20)
    comment = serializers.CharField(max_length=COMMENT_LIMIT, required=False, default="", allow_blank=True)


class PromotionQuery(serializers.Serializer[Any]):
    """Which promotions a list shows; further keys belong to its pages."""

    state = serializers.ChoiceField(
        choices=Promotion.State.values, required=False, default="", allow_blank=True
    )
    waiting_for_me = serializers.BooleanField(required=False, default=False)


class ReviewBody(RequestBody):
    """A verdict on the evidence that the reviewer saw."""

    verdict = serializers.ChoiceField(choices=Review.Verdict.choices)
    evidence_digest = serializers.CharField(max_length=64)
    comment = serializers.CharField(max_length=COMMENT_LIMIT, required=False, default="", allow_blank=True)


class QueuedJobSerializer(serializers.Serializer[Any]):
    """The job that does what was asked."""

    job = serializers.IntegerField(source="pk")
    state = serializers.CharField()
    model = serializers.CharField(source="payload.model")
    version = serializers.CharField(source="payload.version")
