"""Tables of registered models, their versions, and the decisions about them."""

from registry.models.cards import CardRevision
from registry.models.deployments import Deployment
from registry.models.drifts import Drift
from registry.models.notices import Notice
from registry.models.policies import Policy
from registry.models.promotions import Comment, Evidence, Promotion, Review, StageEvent, Waiver
from registry.models.versions import CheckResult, Member, MirrorLease, ModelVersion, RegisteredModel

__all__ = [
    "CardRevision",
    "CheckResult",
    "Comment",
    "Deployment",
    "Drift",
    "Evidence",
    "Member",
    "MirrorLease",
    "ModelVersion",
    "Notice",
    "Policy",
    "Promotion",
    "RegisteredModel",
    "Review",
    "StageEvent",
    "Waiver",
]
