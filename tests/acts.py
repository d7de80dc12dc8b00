"""Every act that an address takes: how to do it validly, what the trail says of it, and who may.

The one table behind the tests of permissions and of the trail. Whoever adds an address that changes something
adds a line to `ACTS`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role
from audit.events import Event
from registry.models import Member, RegisteredModel
from tests import act_calls as calls
from tests import experiment_calls as lab
from tests.act_calls import MODEL, Call
from tests.people import make_user
from tests.versions import make_model

# Personas by what they hold: a role, or the role of a viewer and a part in the model.
_ROLES = {
    "nobody": None,
    "viewer": Role.VIEWER,
    "engineer": Role.ENGINEER,
    "reviewer": Role.REVIEWER,
    "auditor": Role.AUDITOR,
    "administrator": Role.ADMINISTRATOR,
    "owner": Role.VIEWER,
    "model reviewer": Role.VIEWER,
}
_PARTS = {"owner": "owner", "model reviewer": "reviewer"}
PERSONAS = frozenset(_ROLES)
MEMBERS = frozenset(_PARTS)
#: Who sees the model when it is restricted.
SEEING = MEMBERS | {"administrator", "auditor"}

SIGNED_IN = PERSONAS
LOOKING = PERSONAS - {"nobody"}
ENGINEERS = frozenset({"engineer", "administrator"})
READERS = ENGINEERS | {"reviewer", "auditor"}
OWNERS = ENGINEERS | {"owner"}
REVIEWERS = frozenset({"reviewer", "administrator", "model reviewer"})
KEEPERS = REVIEWERS | {"owner"}
REBUILDERS = OWNERS | REVIEWERS | {"auditor"}
MANAGERS = frozenset({"administrator", "owner"})
ADMINISTRATORS = frozenset({"administrator"})


@dataclass(frozen=True)
class Act:
    """One thing that an address takes.

    :ivar route: name of the address
    :ivar who: the personas that may do it to a model which is not restricted
    :ivar event: what the trail says of it; None: it changes nothing
    :ivar prepare: makes what is needed for `user` to do it, and returns what to send
    :ivar on_model: whether it is about `MODEL`, so that parts count, and restriction
    :ivar by_stranger: whether it is done by somebody who is not signed in
    """

    route: str
    who: frozenset[str]
    event: Event | None
    prepare: Callable[[User], Call]
    method: str = "POST"
    on_model: bool = True
    by_stranger: bool = False

    @property
    def is_rest(self) -> bool:
        """Whether it is done over REST."""
        return self.route.startswith("api-")

    def send(self, client: Client, call: Call) -> HttpResponse:
        """Do it."""
        address = reverse(self.route, args=call.arguments) + call.query
        for value in call.data.values():
            if isinstance(value, SimpleUploadedFile):  # sent before, perhaps
                value.seek(0)
        if not self.is_rest:
            return client.post(address, call.data, headers=dict(call.headers))  # type: ignore[return-value]
        return client.generic(self.method, address, json.dumps(dict(call.data)), "application/json")  # type: ignore[return-value]


def make_persona(name: str) -> User:
    """Create a person who holds what the persona `name` holds."""
    role = _ROLES[name]
    user = make_user(*([role] if role else []))
    if name in _PARTS:
        Member.objects.create(model=make_model(MODEL), user=user, part=_PARTS[name])
    return user


def restrict() -> None:
    """Keep `MODEL` from those who have no part in it, without a trace."""
    RegisteredModel.objects.filter(name=MODEL).update(restricted=True)


ACTS: tuple[Act, ...] = (
    Act("registry:members", MANAGERS, Event.MEMBER_ADDED, calls.newcomer),
    Act("api-members", MANAGERS, Event.MEMBER_ADDED, calls.newcomer),
    Act("registry:remove-member", MANAGERS, Event.MEMBER_REMOVED, calls.member),
    Act("api-member", MANAGERS, Event.MEMBER_REMOVED, calls.member, "DELETE"),
    Act("registry:restrict", MANAGERS, Event.MODEL_CHANGED, calls.restriction),
    Act("api-members", MANAGERS, Event.MODEL_CHANGED, calls.restriction_rest, "PATCH"),
    Act("registry:edit-policy", ADMINISTRATORS, Event.POLICY_CHANGED, calls.policy, on_model=False),
    Act("registry:edit-model-policy", ADMINISTRATORS, Event.POLICY_CHANGED, calls.model_policy),
    Act(
        "api-policy",
        ADMINISTRATORS,
        Event.POLICY_CHANGED,
        lambda _: Call(("Production",), calls.POLICY_BODY),
        "PUT",
        on_model=False,
    ),
    Act(
        "api-model-policy",
        ADMINISTRATORS,
        Event.POLICY_CHANGED,
        lambda _: Call((make_model(MODEL).name, "Production"), calls.POLICY_BODY),
        "PUT",
    ),
    Act("registry:version-card-start", OWNERS, Event.CARD_REVISED, calls.no_card),
    Act("registry:version-card-edit", OWNERS, Event.CARD_REVISED, calls.no_card),
    Act("registry:version-card-preview", LOOKING, None, calls.no_card),
    Act("registry:version-card-import", OWNERS, Event.CARD_REVISED, calls.upload),
    Act("registry:version-card-submit", OWNERS, Event.CARD_SUBMITTED, calls.card("draft")),
    Act("registry:version-card-approve", REVIEWERS, Event.CARD_APPROVED, calls.card("in_review")),
    Act("registry:version-card-return", REVIEWERS, Event.CARD_RETURNED, calls.card("in_review")),
    Act("api-version-card", OWNERS, Event.CARD_REVISED, calls.card_body, "PUT"),
    Act("api-version-card-submit", OWNERS, Event.CARD_SUBMITTED, calls.card_rest("draft")),
    Act("api-version-card-approve", REVIEWERS, Event.CARD_APPROVED, calls.card_rest("in_review")),
    Act(
        "api-version-card-return",
        REVIEWERS,
        Event.CARD_RETURNED,
        calls.card_rest("in_review", reason="More."),
    ),
    Act("registry:register", OWNERS, Event.JOB_SUBMITTED, calls.registration),
    Act("api-versions", OWNERS, Event.JOB_SUBMITTED, calls.registration_rest),
    Act("registry:finalise", OWNERS, Event.JOB_SUBMITTED, calls.candidate),
    Act("api-finalise", OWNERS, Event.JOB_SUBMITTED, calls.finalise_rest),
    Act("registry:inspect-version", OWNERS, Event.JOB_SUBMITTED, calls.existing),
    Act("api-inspection", OWNERS, Event.JOB_SUBMITTED, calls.existing),
    Act("registry:hash-version", OWNERS, Event.JOB_SUBMITTED, calls.adopted),
    Act("api-hash", OWNERS, Event.JOB_SUBMITTED, calls.adopted),
    Act("registry:version-checks", OWNERS, Event.JOB_SUBMITTED, calls.existing),
    Act("api-version-checks", OWNERS, Event.JOB_SUBMITTED, calls.existing),
    Act("registry:deployments", OWNERS, Event.DEPLOYMENT_RECORDED, calls.deployment),
    Act("api-deployments", OWNERS, Event.DEPLOYMENT_RECORDED, calls.deployment),
    Act("registry:retire-deployment", OWNERS, Event.DEPLOYMENT_RETIRED, calls.served_somewhere),
    Act("api-retire-deployment", OWNERS, Event.DEPLOYMENT_RETIRED, calls.served_somewhere),
    Act("lineage:reproductions", REBUILDERS, Event.JOB_SUBMITTED, calls.existing),
    Act("api-version-reproductions", REBUILDERS, Event.JOB_SUBMITTED, calls.existing),
    Act("lineage:version-evidence", LOOKING, Event.EVIDENCE_EXPORTED, calls.existing),
    Act("api-version-bundle", LOOKING, Event.EVIDENCE_EXPORTED, calls.existing),
    Act("lineage:promotion-evidence", LOOKING, Event.EVIDENCE_EXPORTED, calls.waiting),
    Act("api-promotion-bundle", LOOKING, Event.EVIDENCE_EXPORTED, calls.waiting),
    Act("lineage:tolerance", OWNERS, Event.MODEL_CHANGED, calls.tolerance),
    Act("api-tolerance", OWNERS, Event.MODEL_CHANGED, calls.tolerance_rest, "PUT"),
    Act("registry:open-promotion", OWNERS, Event.PROMOTION_OPENED, calls.request),
    Act("api-promotions", OWNERS, Event.PROMOTION_OPENED, calls.request_rest),
    Act("registry:review", REVIEWERS, Event.PROMOTION_REVIEWED, calls.verdict),
    Act("api-reviews", REVIEWERS, Event.PROMOTION_REVIEWED, calls.verdict),
    Act("registry:withdraw", ADMINISTRATORS, Event.PROMOTION_WITHDRAWN, calls.waiting),
    Act("api-withdraw", ADMINISTRATORS, Event.PROMOTION_WITHDRAWN, calls.waiting),
    Act("registry:comment", LOOKING, Event.PROMOTION_COMMENTED, calls.remark),
    Act("api-comments", LOOKING, Event.PROMOTION_COMMENTED, calls.remark),
    Act("registry:waive", ADMINISTRATORS, Event.GATE_WAIVED, calls.blocked),
    Act("api-waivers", ADMINISTRATORS, Event.GATE_WAIVED, calls.blocked),
    Act("registry:renew", OWNERS, Event.PROMOTION_EVIDENCE_RENEWED, calls.outdated),
    Act("api-renew", OWNERS, Event.PROMOTION_EVIDENCE_RENEWED, calls.outdated),
    Act("registry:follow-up", REVIEWERS, Event.PROMOTION_FOLLOWED_UP, calls.bypassed),
    Act("api-follow-up", REVIEWERS, Event.PROMOTION_FOLLOWED_UP, calls.bypassed),
    Act("registry:rollback", KEEPERS, Event.PRODUCTION_ROLLED_BACK, calls.served),
    Act("api-rollback", KEEPERS, Event.PRODUCTION_ROLLED_BACK, calls.served),
    Act("registry:bypass", ADMINISTRATORS, Event.PROMOTION_BYPASSED, calls.emergency),
    Act("api-bypass", ADMINISTRATORS, Event.PROMOTION_BYPASSED, calls.emergency_rest),
    Act("registry:apply-again", KEEPERS, Event.JOB_SUBMITTED, calls.unapplied),
    Act("api-apply", KEEPERS, Event.JOB_SUBMITTED, calls.unapplied),
    Act("registry:drift-repair", KEEPERS, Event.JOB_SUBMITTED, calls.drift),
    Act("api-drift-repair", KEEPERS, Event.JOB_SUBMITTED, calls.drift_rest()),
    Act("registry:drift-accept", KEEPERS, Event.DRIFT_ACCEPTED, calls.drift),
    Act("api-drift-accept", KEEPERS, Event.DRIFT_ACCEPTED, calls.drift_rest(reason="It is meant so.")),
    Act("registry:read-notices", LOOKING, Event.NOTICES_READ, calls.notice, on_model=False),
    Act("api-read-notices", LOOKING, Event.NOTICES_READ, calls.notice, on_model=False),
    Act("experiments:sync", ENGINEERS, Event.JOB_SUBMITTED, calls.nothing, on_model=False),
    Act("experiments:compare-importance", ENGINEERS, Event.JOB_SUBMITTED, calls.importance, on_model=False),
    Act("api-compare-importance", ENGINEERS, Event.JOB_SUBMITTED, calls.importance_rest, on_model=False),
    Act("experiments:goals", ENGINEERS, Event.GOAL_DECLARED, calls.goals, on_model=False),
    Act("experiments:general-goals", ENGINEERS, Event.GOAL_DECLARED, calls.general_goals, on_model=False),
    Act("api-goals", ENGINEERS, Event.GOAL_DECLARED, calls.goals_rest, "PATCH", on_model=False),
    Act(
        "api-general-goals",
        ENGINEERS,
        Event.GOAL_DECLARED,
        lambda _: Call((), calls.GOALS_BODY),
        "PATCH",
        on_model=False,
    ),
    Act("api-run-edits", ENGINEERS, Event.JOB_SUBMITTED, lab.run_edit_rest, on_model=False),
    Act("experiments:edit-runs", ENGINEERS, Event.JOB_SUBMITTED, lab.run_edit, on_model=False),
    Act("experiments:run-views", LOOKING, Event.VIEW_SAVED, lab.new_view, on_model=False),
    Act("experiments:run-view", LOOKING, Event.VIEW_CHANGED, lab.own_view, on_model=False),
    Act("experiments:delete-run-view", LOOKING, Event.VIEW_DELETED, lab.own_view, on_model=False),
    Act("api-run-views", LOOKING, Event.VIEW_SAVED, lab.new_view, on_model=False),
    Act("api-run-view", LOOKING, Event.VIEW_CHANGED, lab.own_view, "PATCH", on_model=False),
    Act("api-run-view", LOOKING, Event.VIEW_DELETED, lab.own_view, "DELETE", on_model=False),
    Act("api-run", ENGINEERS, Event.JOB_SUBMITTED, lab.run_edit_one_rest, "PATCH", on_model=False),
    Act(
        "experiments:run-note",
        ENGINEERS,
        Event.JOB_SUBMITTED,
        lab.one_run_edit(note="It."),
        on_model=False,
    ),
    Act(
        "experiments:run-tags",
        ENGINEERS,
        Event.JOB_SUBMITTED,
        lab.one_run_edit(key="team", value="ocr"),
        on_model=False,
    ),
    Act(
        "experiments:run-archive",
        ENGINEERS,
        Event.JOB_SUBMITTED,
        lab.one_run_edit(archive="yes"),
        on_model=False,
    ),
    Act(
        "experiments:connect",
        ADMINISTRATORS,
        Event.REPOSITORY_CONNECTED,
        lab.connection,
        on_model=False,
    ),
    Act("experiments:fetch", ENGINEERS, Event.JOB_SUBMITTED, lab.repository, on_model=False),
    Act("experiments:launch", ENGINEERS, Event.JOB_SUBMITTED, lab.launch, on_model=False),
    Act("api-jobs", ENGINEERS, Event.JOB_SUBMITTED, lab.launch_rest, on_model=False),
    Act(
        "experiments:job-cancel",
        ADMINISTRATORS,
        Event.JOB_CANCELLED,
        lab.job("queued"),
        on_model=False,
    ),
    Act("api-job-cancel", ADMINISTRATORS, Event.JOB_CANCELLED, lab.job("queued"), on_model=False),
    Act(
        "experiments:job-priority",
        ADMINISTRATORS,
        Event.JOB_PRIORITY_CHANGED,
        lab.first,
        on_model=False,
    ),
    Act("api-job-priority", ADMINISTRATORS, Event.JOB_PRIORITY_CHANGED, lab.first, on_model=False),
    Act(
        "experiments:repository-settings",
        ADMINISTRATORS,
        Event.REPOSITORY_CHANGED,
        lab.repository_settings,
        on_model=False,
    ),
    Act(
        "api-repository",
        ADMINISTRATORS,
        Event.REPOSITORY_CHANGED,
        lab.repository_settings,
        "PATCH",
        on_model=False,
    ),
    Act("experiments:sweep", ENGINEERS, Event.SWEEP_STARTED, lab.sweep_form, on_model=False),
    Act("api-sweeps", ENGINEERS, Event.SWEEP_STARTED, lab.sweep_rest, on_model=False),
    Act("api-sweep-preview", ENGINEERS, None, lab.sweep_rest, on_model=False),
    Act(
        "experiments:sweep-stop",
        ADMINISTRATORS,
        Event.SWEEP_STOPPED,
        lab.sweep("running"),
        on_model=False,
    ),
    Act("api-sweep-stop", ADMINISTRATORS, Event.SWEEP_STOPPED, lab.sweep("running"), on_model=False),
    Act(
        "experiments:sweep-resume",
        ADMINISTRATORS,
        Event.SWEEP_RESUMED,
        lab.sweep("stopped"),
        on_model=False,
    ),
    Act("api-sweep-resume", ADMINISTRATORS, Event.SWEEP_RESUMED, lab.sweep("stopped"), on_model=False),
    Act("experiments:job-apply", ENGINEERS, Event.JOB_SUBMITTED, lab.result, on_model=False),
    Act("api-job-apply", ENGINEERS, Event.JOB_SUBMITTED, lab.result, on_model=False),
    Act("experiments:job-retry", ADMINISTRATORS, Event.JOB_RETRIED, lab.job("failed"), on_model=False),
    Act("api-job-retry", ADMINISTRATORS, Event.JOB_RETRIED, lab.job("failed"), on_model=False),
    Act("lineage:updates", ADMINISTRATORS, Event.REPOSITORY_CHANGED, lab.schedule, on_model=False),
    Act("api-updates", ADMINISTRATORS, Event.REPOSITORY_CHANGED, lab.schedule, "PUT", on_model=False),
    Act("lineage:hook", ADMINISTRATORS, Event.REPOSITORY_CHANGED, lab.hook, on_model=False),
    Act("api-hook", ADMINISTRATORS, Event.REPOSITORY_CHANGED, lab.hook, on_model=False),
    Act("lineage:remove-hook", ADMINISTRATORS, Event.REPOSITORY_CHANGED, lab.hook, on_model=False),
    Act("api-hook", ADMINISTRATORS, Event.REPOSITORY_CHANGED, lab.hook, "DELETE", on_model=False),
    Act(
        "lineage:push",
        SIGNED_IN,
        Event.JOB_SUBMITTED,
        lab.push,
        on_model=False,
        by_stranger=True,
    ),
    Act("api-data-changes", READERS, Event.JOB_SUBMITTED, lab.data_changes, on_model=False),
    Act("api-pipeline-plots", READERS, Event.JOB_SUBMITTED, lab.plots, on_model=False),
    Act("lineage:plots", READERS, Event.JOB_SUBMITTED, lab.plots, on_model=False),
    Act("lineage:data-changes", READERS, Event.JOB_SUBMITTED, lab.data_changes, on_model=False),
    Act(
        "accounts:sign-in",
        SIGNED_IN,
        Event.SESSION_SIGNED_IN,
        calls.sign_in,
        on_model=False,
        by_stranger=True,
    ),
    Act("accounts:sign-out", SIGNED_IN, Event.SESSION_SIGNED_OUT, calls.nothing, on_model=False),
    Act("accounts:settings", SIGNED_IN, Event.USER_PREFERENCES_CHANGED, calls.preferences, on_model=False),
    Act("accounts:password", SIGNED_IN, Event.USER_PASSWORD_CHANGED, calls.password, on_model=False),
    Act("accounts:create-token", LOOKING, Event.TOKEN_CREATED, calls.new_token, on_model=False),
    Act("accounts:revoke-token", SIGNED_IN, Event.TOKEN_REVOKED, calls.own_token, on_model=False),
)
