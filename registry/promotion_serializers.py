"""JSON shapes of promotions, their reviews, comments, waivers and notices."""

from typing import Any

from rest_framework import serializers

from accounts.request_bodies import RequestBody
from experiments import sentences
from registry import bypass, comments, labels, notices, rollback, waivers
from registry.blocking import Reason
from registry.gates.gate import Judged
from registry.models import Comment, Evidence, Notice, Promotion, Review, Waiver
from registry.promotion import COMMENT_LIMIT
from registry.verdict import StaleReview, Verdict


class ReviewSerializer(serializers.ModelSerializer[Review]):
    """One verdict."""

    class Meta:
        model = Review
        fields = ["id", "reviewer_name", "verdict", "comment", "evidence_digest", "at"]
        read_only_fields = fields


class CommentSerializer(serializers.ModelSerializer[Comment]):
    """One remark; `anchor` says what it is about."""

    class Meta:
        model = Comment
        fields = ["id", "anchor", "body", "by_name", "at"]
        read_only_fields = fields


class WaiverSerializer(serializers.ModelSerializer[Waiver]):
    """A gate that an administrator let pass."""

    class Meta:
        model = Waiver
        fields = ["id", "gate", "reason", "by_name", "at"]
        read_only_fields = fields


class EvidenceSerializer(serializers.ModelSerializer[Evidence]):
    """One snapshot of the evidence; `changed` names what differs from the one before."""

    changed = serializers.ListField(child=serializers.CharField())
    evidence = serializers.DictField(source="facts")

    class Meta:
        model = Evidence
        fields = ["digest", "at", "by_name", "changed", "evidence"]
        read_only_fields = fields


class ReasonSerializer(serializers.Serializer[Reason]):
    """One thing that keeps a promotion from being approved."""

    kind = serializers.CharField()
    text = serializers.CharField()
    anchor = serializers.CharField()


class GateSerializer(serializers.Serializer[Judged]):
    """What one gate says."""

    gate = serializers.CharField()
    # Both names mean something else in a field of a form.
    label = serializers.SerializerMethodField()  # type: ignore[assignment]
    required = serializers.BooleanField()  # type: ignore[assignment]
    status = serializers.ChoiceField(source="result.status", choices=["passed", "failed", "pending"])
    reason = serializers.SerializerMethodField()
    value = serializers.CharField(source="result.value")
    threshold = serializers.CharField(source="result.threshold")
    margin = serializers.CharField(source="result.margin")
    rows = serializers.SerializerMethodField()

    def get_label(self, judged: Judged) -> str:
        """Return the words for the gate."""
        return labels.gate(judged.gate)

    def get_reason(self, judged: Judged) -> str:
        """Return the sentence that explains the status."""
        return sentences.translated(judged.result.reason)

    def get_rows(self, judged: Judged) -> list[dict[str, str]]:
        """Return the lines of a gate that looks at several things."""
        return [
            {
                "name": row.name,
                "status": str(row.status),
                "value": row.value,
                "threshold": row.threshold,
                "margin": row.margin,
                "reason": sentences.translated(row.reason),
            }
            for row in judged.result.rows
        ]


class StaleReviewSerializer(serializers.Serializer[StaleReview]):
    """An approval that does not count any more, and what has changed since."""

    review = serializers.IntegerField(source="review.pk")
    reviewer_name = serializers.CharField(source="review.reviewer_name")
    changed = serializers.ListField(child=serializers.CharField())


class VerdictSerializer(serializers.Serializer[Verdict]):
    """Whether the reader can approve, and every reason why not."""

    can_approve = serializers.BooleanField()
    blocking = ReasonSerializer(many=True)
    personal = serializers.CharField(help_text="why the reader cannot decide; empty where they can")
    approvals = serializers.IntegerField()
    approvals_needed = serializers.IntegerField(source="needed")
    changed = serializers.ListField(
        child=serializers.CharField(), help_text="what has changed since the evidence was taken"
    )
    stale_reviews = StaleReviewSerializer(source="stale", many=True)


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
            "kind",
            "model",
            "version",
            "from_stage",
            "to",
            "state",
            "comment",
            "requested_by_name",
            "opened_at",
            "expires_at",
            "decided_at",
            "applied_at",
            "problem",
            "incumbent",
            "evidence_digest",
            "followed_up_at",
            "followed_up_by",
            "follow_up",
        ]
        read_only_fields = fields


class PromotionDetailSerializer(PromotionSerializer):
    """A promotion with its verdict, gates and everything that was said, as the reader meets it."""

    verdict = serializers.SerializerMethodField()
    gates = serializers.SerializerMethodField()
    policy = serializers.SerializerMethodField()
    reviews = ReviewSerializer(many=True)
    waivers = WaiverSerializer(many=True)
    comments = CommentSerializer(many=True)

    class Meta(PromotionSerializer.Meta):
        fields = [
            *PromotionSerializer.Meta.fields,
            "verdict",
            "gates",
            "policy",
            "reviews",
            "waivers",
            "comments",
        ]

    def get_verdict(self, _promotion: Promotion) -> dict[str, Any]:
        """Return whether the reader can approve it, and every reason why not."""
        return VerdictSerializer(self.context["verdict"]).data

    def get_gates(self, _promotion: Promotion) -> list[dict[str, Any]]:
        """Return what every gate of the policy says; of a decided promotion as it was then."""
        return list(GateSerializer(self.context["verdict"].gates, many=True).data)

    def get_policy(self, promotion: Promotion) -> dict[str, Any] | None:
        """Return number and digest of the policy that the evidence was taken under."""
        found: dict[str, Any] | None = promotion.evidence.get("policy")
        return found


class NoticeSerializer(serializers.ModelSerializer[Notice]):
    """One thing that the reader was told."""

    sentence = serializers.SerializerMethodField()
    text = serializers.SerializerMethodField()

    class Meta:
        model = Notice
        fields = ["id", "kind", "promotion", "actor", "sentence", "text", "at", "read_at"]
        read_only_fields = fields

    def get_sentence(self, notice: Notice) -> str:
        """Return what happened."""
        return notices.sentence(notice)

    def get_text(self, notice: Notice) -> str:
        """Return what goes with it: what somebody wrote, or what has changed."""
        return notices.details(notice)


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


class CommentBody(RequestBody):
    """A remark."""

    body = serializers.CharField(max_length=comments.BODY_LIMIT)
    anchor = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class WaiverBody(RequestBody):
    """Which gate is to be waived, and why."""

    gate = serializers.CharField(max_length=50)
    reason = serializers.CharField(max_length=waivers.REASON_LIMIT)


class FollowUpBody(RequestBody):
    """What somebody thinks of a bypass afterwards."""

    comment = serializers.CharField(max_length=bypass.COMMENT_LIMIT)


class RollbackBody(RequestBody):
    """Which version is to serve again, and why."""

    to_version = serializers.CharField(max_length=128)
    reason = serializers.CharField(max_length=rollback.REASON_LIMIT)
    serving = serializers.CharField(
        max_length=128,
        required=False,
        default=None,
        allow_null=True,
        allow_blank=True,
        help_text="the version that you saw in Production; refused if another one is there by now",
    )


class BypassBody(RequestBody):
    """Which version is to be put where without a review, and why."""

    version = serializers.CharField(max_length=128)
    to = serializers.CharField(max_length=20)
    reason = serializers.CharField(max_length=bypass.REASON_LIMIT)


class ReadBody(RequestBody):
    """Which notices were read; without `ids` all of them."""

    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        default=None,
        allow_null=True,
        max_length=500,
    )
