"""Words for the events of the trail, in the language of the reader."""

from collections.abc import Iterator

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.events import Event

Label = str | Promise

GROUPS: dict[str, Label] = {
    "repository": _("Repositories"),
    "job": _("Jobs"),
    "result": _("Results of pipelines"),
    "sweep": _("Sweeps"),
    "run": _("Runs"),
    "goal": _("Goals of metrics"),
    "view": _("Saved views"),
    "model": _("Models"),
    "version": _("Versions"),
    "check": _("Checks"),
    "deployment": _("Deployments"),
    "member": _("Members of models"),
    "drift": _("Drift in MLflow"),
    "card": _("Model cards"),
    "policy": _("Policies"),
    "promotion": _("Promotions"),
    "production": _("Production"),
    "gate": _("Gates"),
    "notice": _("Notices"),
    "session": _("Sign-ins"),
    "permission": _("Permissions"),
    "token": _("API tokens"),
    "user": _("Users"),
    "audit": _("Audit trail"),
    "evidence": _("Evidence"),
    "impact": _("Impact"),
}

EVENTS: dict[Event, Label] = {
    Event.REPOSITORY_CONNECTED: _("Repository connected"),
    Event.REPOSITORY_CHANGED: _("Repository changed"),
    Event.REPOSITORY_FETCHED: _("Repository fetched"),
    Event.REPOSITORY_DISCONNECTED: _("Repository disconnected"),
    Event.JOB_SUBMITTED: _("Job submitted"),
    Event.JOB_STARTED: _("Job started"),
    Event.JOB_SUCCEEDED: _("Job succeeded"),
    Event.JOB_FAILED: _("Job failed"),
    Event.JOB_LOST: _("Job lost"),
    Event.JOB_RETRIED: _("Job retried"),
    Event.JOB_CANCEL_REQUESTED: _("Job asked to stop"),
    Event.JOB_CANCELLED: _("Job cancelled"),
    Event.JOB_PRIORITY_CHANGED: _("Priority of a job changed"),
    Event.RESULT_APPLIED: _("Result applied to a branch"),
    Event.SWEEP_STARTED: _("Sweep started"),
    Event.SWEEP_STOPPED: _("Sweep stopped"),
    Event.SWEEP_RESUMED: _("Sweep resumed"),
    Event.SWEEP_FINISHED: _("Sweep finished"),
    Event.RUN_LOGGED: _("Run logged"),
    Event.GOAL_DECLARED: _("Goals of metrics declared"),
    Event.RUN_EDITED: _("Runs edited"),
    Event.VIEW_SAVED: _("View saved"),
    Event.VIEW_CHANGED: _("View changed"),
    Event.VIEW_DELETED: _("View deleted"),
    Event.MODEL_REGISTERED: _("Model registered"),
    Event.MODEL_CHANGED: _("Model changed"),
    Event.VERSION_REGISTERED: _("Version registered"),
    Event.VERSION_STAGE_CHANGED: _("Stage changed"),
    Event.VERSION_MIRRORED: _("Stage written to MLflow"),
    Event.VERSION_IMPORTED: _("Version imported"),
    Event.VERSION_FINALISED: _("Version made final"),
    Event.CHECK_RECORDED: _("Check recorded"),
    Event.DEPLOYMENT_RECORDED: _("Deployment recorded"),
    Event.DEPLOYMENT_RETIRED: _("Deployment ended"),
    Event.MEMBER_ADDED: _("Member added"),
    Event.MEMBER_REMOVED: _("Member removed"),
    Event.DRIFT_FOUND: _("Drift found"),
    Event.DRIFT_REPAIRED: _("Drift repaired"),
    Event.DRIFT_ACCEPTED: _("Drift accepted"),
    Event.DRIFT_GONE: _("Drift gone"),
    Event.CARD_REVISED: _("Card revised"),
    Event.CARD_SUBMITTED: _("Card submitted"),
    Event.CARD_APPROVED: _("Card approved"),
    Event.CARD_RETURNED: _("Card returned"),
    Event.POLICY_CHANGED: _("Policy changed"),
    Event.PROMOTION_OPENED: _("Promotion requested"),
    Event.PROMOTION_REVIEWED: _("Promotion reviewed"),
    Event.PROMOTION_CHANGES_REQUESTED: _("Changes requested"),
    Event.PROMOTION_APPROVED: _("Promotion approved"),
    Event.PROMOTION_APPLIED: _("Promotion applied"),
    Event.PROMOTION_REJECTED: _("Promotion rejected"),
    Event.PROMOTION_WITHDRAWN: _("Promotion withdrawn"),
    Event.PROMOTION_EXPIRED: _("Promotion expired"),
    Event.PROMOTION_COMMENTED: _("Promotion commented on"),
    Event.PROMOTION_EVIDENCE_RENEWED: _("Evidence renewed"),
    Event.PROMOTION_NOT_APPLIED: _("Promotion not applied"),
    Event.PROMOTION_BYPASSED: _("Promotion rules bypassed"),
    Event.PROMOTION_FOLLOWED_UP: _("Bypass reviewed afterwards"),
    Event.PRODUCTION_ROLLED_BACK: _("Production rolled back"),
    Event.GATE_WAIVED: _("Gate waived"),
    Event.NOTICES_READ: _("Notices read"),
    Event.SESSION_SIGNED_IN: _("Signed in"),
    Event.SESSION_SIGNED_OUT: _("Signed out"),
    Event.SESSION_SIGN_IN_FAILED: _("Sign-in failed"),
    Event.PERMISSION_DENIED: _("Permission denied"),
    Event.TOKEN_CREATED: _("API token created"),
    Event.TOKEN_REVOKED: _("API token revoked"),
    Event.USER_CREATED: _("User created"),
    Event.USER_ROLES_CHANGED: _("Roles changed"),
    Event.USER_PASSWORD_CHANGED: _("Password changed"),
    Event.USER_DEACTIVATED: _("User switched off"),
    Event.USER_REACTIVATED: _("User switched on"),
    Event.USER_PREFERENCES_CHANGED: _("Preferences changed"),
    Event.AUDIT_CHECKPOINTED: _("Audit trail signed"),
    Event.AUDIT_EXPORTED: _("Audit trail exported"),
    Event.EVIDENCE_EXPORTED: _("Evidence bundle exported"),
    Event.IMPACT_EXPORTED: _("Impact exported"),
    Event.VERSION_REPRODUCED: _("Version reproduced"),
}

FAULTS: dict[str, Label] = {
    "altered": _("This entry was altered."),
    "missing": _("This entry is missing."),
    "order": _("This entry does not follow the one before it: one was inserted, removed or exchanged."),
    "unreadable": _("This entry cannot be read."),
    "rewritten": _("The trail was rewritten: up to this entry it is not what a checkpoint has signed."),
    "cut": _("From this entry on the end of the trail is missing."),
    "checkpoint": _("The signed checkpoints are not what was written."),
}

_BAD = {
    Event.JOB_FAILED,
    Event.JOB_LOST,
    Event.PERMISSION_DENIED,
    Event.SESSION_SIGN_IN_FAILED,
    Event.PROMOTION_NOT_APPLIED,
    Event.PROMOTION_REJECTED,
}
_WARN = {
    Event.DRIFT_FOUND,
    Event.GATE_WAIVED,
    Event.PRODUCTION_ROLLED_BACK,
    Event.PROMOTION_BYPASSED,
    Event.USER_DEACTIVATED,
}


def label(event: str) -> Label:
    """Return the words for an event; the event itself where nobody knows it (any more)."""
    return EVENTS[Event(event)] if event in set(Event) else event


def tone(event: str) -> str:
    """Return how much an event is a reason to look: `bad`, `warn` or nothing."""
    return "bad" if event in _BAD else "warn" if event in _WARN else ""


def choices() -> Iterator[tuple[Label, list[tuple[str, Label]]]]:
    """Yield the events by what they are about, each group with the choice of all of it first."""
    for word, title in GROUPS.items():
        events = [event for event in Event if event.partition(".")[0] == word]
        # One alone is its whole group.
        whole: list[tuple[str, Label]] = [(word, _("All: %(group)s") % {"group": title})]
        yield title, (whole if len(events) > 1 else []) + [(str(event), EVENTS[event]) for event in events]
