"""The closed list of what the trail can say. A new kind of state change starts with a new line here."""

from enum import StrEnum


class Event(StrEnum):
    """What happened, as `noun.verb`. A value is in the hash chain: it may be added, never renamed."""

    REPOSITORY_CONNECTED = "repository.connected"
    REPOSITORY_CHANGED = "repository.changed"
    REPOSITORY_FETCHED = "repository.fetched"
    REPOSITORY_DISCONNECTED = "repository.disconnected"

    JOB_SUBMITTED = "job.submitted"
    JOB_STARTED = "job.started"
    JOB_SUCCEEDED = "job.succeeded"
    JOB_FAILED = "job.failed"
    JOB_LOST = "job.lost"
    JOB_RETRIED = "job.retried"
    JOB_CANCEL_REQUESTED = "job.cancel_requested"
    JOB_CANCELLED = "job.cancelled"

    RUN_LOGGED = "run.logged"
    GOAL_DECLARED = "goal.declared"

    MODEL_REGISTERED = "model.registered"
    MODEL_CHANGED = "model.changed"
    VERSION_REGISTERED = "version.registered"
    VERSION_STAGE_CHANGED = "version.stage_changed"
    VERSION_MIRRORED = "version.mirrored"
    VERSION_IMPORTED = "version.imported"
    VERSION_FINALISED = "version.finalised"
    CHECK_RECORDED = "check.recorded"
    DEPLOYMENT_RECORDED = "deployment.recorded"
    DEPLOYMENT_RETIRED = "deployment.retired"
    MEMBER_ADDED = "member.added"
    MEMBER_REMOVED = "member.removed"
    DRIFT_FOUND = "drift.found"
    DRIFT_REPAIRED = "drift.repaired"
    DRIFT_ACCEPTED = "drift.accepted"
    DRIFT_GONE = "drift.gone"
    CARD_REVISED = "card.revised"
    CARD_SUBMITTED = "card.submitted"
    CARD_APPROVED = "card.approved"
    CARD_RETURNED = "card.returned"
    POLICY_CHANGED = "policy.changed"

    PROMOTION_OPENED = "promotion.opened"
    PROMOTION_REVIEWED = "promotion.reviewed"
    PROMOTION_CHANGES_REQUESTED = "promotion.changes_requested"
    PROMOTION_APPROVED = "promotion.approved"
    PROMOTION_APPLIED = "promotion.applied"
    PROMOTION_REJECTED = "promotion.rejected"
    PROMOTION_WITHDRAWN = "promotion.withdrawn"
    PROMOTION_EXPIRED = "promotion.expired"
    PROMOTION_COMMENTED = "promotion.commented"
    PROMOTION_EVIDENCE_RENEWED = "promotion.evidence_renewed"
    PROMOTION_NOT_APPLIED = "promotion.not_applied"
    PROMOTION_BYPASSED = "promotion.bypassed"
    PROMOTION_FOLLOWED_UP = "promotion.followed_up"
    PRODUCTION_ROLLED_BACK = "production.rolled_back"
    GATE_WAIVED = "gate.waived"
    NOTICES_READ = "notice.read"

    SESSION_SIGNED_IN = "session.signed_in"
    SESSION_SIGNED_OUT = "session.signed_out"
    SESSION_SIGN_IN_FAILED = "session.sign_in_failed"
    PERMISSION_DENIED = "permission.denied"
    TOKEN_CREATED = "token.created"  # noqa: S105  an event's name, no secret
    TOKEN_REVOKED = "token.revoked"  # noqa: S105  an event's name, no secret
    USER_CREATED = "user.created"
    USER_ROLES_CHANGED = "user.roles_changed"
    USER_PASSWORD_CHANGED = "user.password_changed"  # noqa: S105  an event's name, no secret
    USER_DEACTIVATED = "user.deactivated"
    USER_REACTIVATED = "user.reactivated"
    USER_PREFERENCES_CHANGED = "user.preferences_changed"

    AUDIT_CHECKPOINTED = "audit.checkpointed"
    AUDIT_EXPORTED = "audit.exported"
