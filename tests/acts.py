"""Every act that an address takes: how to do it validly, what the trail says of it, and who may.

The one table behind the tests of permissions and of the trail. Whoever adds an address that changes something
adds a line to `ACTS`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import tokens
from accounts.models import User
from accounts.roles import Role
from audit.events import Event
from experiments.models import Job
from registry import bypass, promotion
from registry.models import CardRevision, Member, ModelVersion, Notice, Promotion, RegisteredModel
from registry.policy_forms import PolicyForm
from registry.policy_rules import DEFAULTS, GateSetting
from tests.cards import COMPLETE, make_card
from tests.drifts import make_drift
from tests.jobs import make_commit, make_job, make_repository
from tests.people import PASSWORD, make_user
from tests.promotions import bring, set_rules
from tests.registry_story import full_metadata
from tests.versions import make_model, make_run, make_version

#: The model that all acts on models are done to.
MODEL = "quokka-ocr"

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
OWNERS = ENGINEERS | {"owner"}
REVIEWERS = frozenset({"reviewer", "administrator", "model reviewer"})
KEEPERS = REVIEWERS | {"owner"}
MANAGERS = frozenset({"administrator", "owner"})
ADMINISTRATORS = frozenset({"administrator"})


@dataclass(frozen=True)
class Call:
    """What is sent: the arguments of the address, its query, and the body."""

    arguments: tuple[Any, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    query: str = ""


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
            return client.post(address, call.data)  # type: ignore[return-value]
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


def _version(number: str = "1.0.0", **changes: Any) -> ModelVersion:
    return make_version(number, model=MODEL, **changes)


def _opened(**rules: Any) -> Promotion:
    set_rules(**rules)
    return promotion.open_for(_version(), "Staging", user=make_user(Role.ENGINEER))


# --- members and policies


def _newcomer(_user: User) -> Call:
    make_model(MODEL)
    return Call((MODEL,), {"user": make_user(Role.VIEWER).username, "part": "reviewer"})


def _member(_user: User) -> Call:
    person = make_user(Role.VIEWER)
    member = Member.objects.create(model=make_model(MODEL), user=person, part="reviewer")
    return Call((MODEL, member.pk))


def _restriction(_user: User) -> Call:
    return Call((make_model(MODEL).name,), {"restricted": "yes"})


def _restriction_rest(_user: User) -> Call:
    return Call((make_model(MODEL).name,), {"restricted": True})


def _policy_form() -> dict[str, Any]:
    form = PolicyForm(DEFAULTS["Production"], 0)  # type: ignore[index]
    data = {name: form[name].value() for name in form.fields}
    sent = {name: value for name, value in data.items() if value is not None and value is not False}
    return sent | {"reason": "because"}


def _policy(_user: User) -> Call:
    return Call(("Production",), _policy_form())


def _model_policy(_user: User) -> Call:
    return Call((make_model(MODEL).name, "Production"), _policy_form())


_POLICY_BODY = {"rules": {"approvals": 2}, "reason": "because", "expected": 0}


# --- cards


def _no_card(_user: User) -> Call:
    return Call((MODEL, _version().version), {"based_on": 0, "text": COMPLETE, "summary": ""})


def _upload(_user: User) -> Call:
    readme = SimpleUploadedFile("README.md", COMPLETE.encode())
    return Call((MODEL, _version().version), {"based_on": 0, "readme": readme})


def _described() -> ModelVersion:
    """A version whose metadata fill every placeholder of the card."""
    return _version(metadata=full_metadata("1.0.0", MODEL))


def _card(state: str) -> Callable[[User], Call]:
    def prepare(_user: User) -> Call:
        revision = make_card(_described(), state=state)
        return Call((MODEL, "1.0.0"), {"number": revision.number, "reason": "Say more."})

    return prepare


def _card_rest(state: str, **more: str) -> Callable[[User], Call]:
    def prepare(_user: User) -> Call:
        return Call((MODEL, "1.0.0"), {"number": make_card(_described(), state=state).number, **more})

    return prepare


def _card_body(_user: User) -> Call:
    return Call((MODEL, _version().version), {"based_on": 0, "text": COMPLETE})


# --- versions and promotions


def _registration(_user: User) -> Call:
    make_model(MODEL)
    return Call(data={"model": MODEL, "version": "", "reason": ""}, query=f"?run={make_run().run_id}")


def _registration_rest(_user: User) -> Call:
    return Call((make_model(MODEL).name,), {"run_id": make_run().run_id})


def _candidate(_user: User) -> Call:
    return Call((MODEL, _version("1.0.0-rc1").version), {"reason": "It is good."})


def _finalise_rest(_user: User) -> Call:
    return Call((MODEL, _version("1.0.0-rc1").version), {})


def _adopted(_user: User) -> Call:
    """A version that was found in MLflow, whose files nobody has hashed yet."""
    return Call((MODEL, _version(imported=True, manifest=[], manifest_digest="").version))


def _existing(_user: User) -> Call:
    return Call((MODEL, _version().version))


def _request(_user: User) -> Call:
    set_rules()
    return Call((MODEL, _version().version), {"to": "Staging", "comment": "please"})


def _request_rest(_user: User) -> Call:
    set_rules()
    return Call(data={"model": MODEL, "version": _version().version, "to": "Staging"})


def _verdict(_user: User) -> Call:
    opened = _opened()
    data = {"verdict": "reject", "comment": "No.", "evidence_digest": opened.evidence_digest}
    return Call((opened.pk,), data)


def _open(_user: User) -> Call:
    return Call((_opened().pk,))


def _remark(_user: User) -> Call:
    return Call((_opened().pk,), {"body": "Why?"})


def _blocked(_user: User) -> Call:
    opened = _opened(gates=(GateSetting("card"),))
    return Call((opened.pk,), {"gate": "card", "reason": "It is an internal model."})


def _outdated(_user: User) -> Call:
    opened = _opened()
    make_card(opened.version, state=CardRevision.State.APPROVED)
    ModelVersion.objects.filter(pk=opened.version_id).update(metadata={"val_cer": 0.5})
    return Call((opened.pk,))


def _bypassed(_user: User) -> Call:
    set_rules()
    made = bypass.bypass(_version(), "Staging", user=make_user(Role.ADMINISTRATOR), reason="fire")
    return Call((made.pk,), {"comment": "It was right."})


def _served(_user: User) -> Call:
    set_rules()
    for number in ("1.0.0", "1.1.0"):
        bring(_version(number), "Staging", "Production")
    return Call((MODEL,), {"to_version": "1.0.0", "reason": "Too slow.", "serving": "1.1.0"})


def _emergency(_user: User) -> Call:
    set_rules()
    return Call((MODEL, _version().version), {"to": "Staging", "reason": "fire", "confirm": "1.0.0"})


def _emergency_rest(_user: User) -> Call:
    set_rules()
    return Call((MODEL,), {"version": _version().version, "to": "Staging", "reason": "fire"})


def _unapplied(_user: User) -> Call:
    set_rules()
    version = bring(_version(), "Staging")
    Job.objects.filter(kind="apply").update(state="failed")
    return Call((version.promotions.get().pk,))


def _drift(_user: User) -> Call:
    return Call((MODEL, make_drift(_version(stage="Production")).pk), {"reason": "It is meant so."})


def _drift_rest(**data: str) -> Callable[[User], Call]:
    def prepare(_user: User) -> Call:
        return Call((make_drift(_version(stage="Production")).pk,), data)

    return prepare


def _notice(user: User) -> Call:
    Notice.objects.create(user=user, kind="reminder", promotion=_opened(), at=timezone.now())
    return Call()


# --- experiments


def _repository(_user: User) -> Call:
    return Call((make_repository().name,))


def _launch(_user: User) -> Call:
    repository = make_repository()
    commit = make_commit(repository, branch="main")
    return Call((repository.name,), {"ref": "main", "sha": commit.sha, "key": "k"})


def _launch_rest(_user: User) -> Call:
    repository = make_repository()
    make_commit(repository, branch="main")
    return Call(data={"kind": "pipeline", "repository": repository.name, "ref": "main", "params": {}})


def _job(state: str) -> Callable[[User], Call]:
    def prepare(_user: User) -> Call:
        return Call((make_job(state, user=make_user(Role.ENGINEER)).pk,))

    return prepare


def _connection(_user: User) -> Call:
    return Call(data={"name": "receipts", "url": "https://example.org/receipts.git", "description": ""})


# --- oneself


def _nothing(_user: User) -> Call:
    return Call()


def _sign_in(user: User) -> Call:
    return Call(data={"username": user.username, "password": PASSWORD})


def _preferences(_user: User) -> Call:
    return Call(data={"theme": "dark", "density": "compact", "language": ""})


def _password(_user: User) -> Call:
    return Call(data={"old": PASSWORD, "new": "quite another long password"})


def _new_token(_user: User) -> Call:
    return Call(data={"name": "ci", "days": "30"})


def _own_token(user: User) -> Call:
    token, _plain = tokens.create(make_user(Role.VIEWER), "ci", None)
    token.user = user
    token.save(update_fields=["user"])
    return Call((token.pk,))


ACTS: tuple[Act, ...] = (
    Act("registry:members", MANAGERS, Event.MEMBER_ADDED, _newcomer),
    Act("api-members", MANAGERS, Event.MEMBER_ADDED, _newcomer),
    Act("registry:remove-member", MANAGERS, Event.MEMBER_REMOVED, _member),
    Act("api-member", MANAGERS, Event.MEMBER_REMOVED, _member, "DELETE"),
    Act("registry:restrict", MANAGERS, Event.MODEL_CHANGED, _restriction),
    Act("api-members", MANAGERS, Event.MODEL_CHANGED, _restriction_rest, "PATCH"),
    Act("registry:edit-policy", ADMINISTRATORS, Event.POLICY_CHANGED, _policy, on_model=False),
    Act("registry:edit-model-policy", ADMINISTRATORS, Event.POLICY_CHANGED, _model_policy),
    Act(
        "api-policy",
        ADMINISTRATORS,
        Event.POLICY_CHANGED,
        lambda _: Call(("Production",), _POLICY_BODY),
        "PUT",
        on_model=False,
    ),
    Act(
        "api-model-policy",
        ADMINISTRATORS,
        Event.POLICY_CHANGED,
        lambda _: Call((make_model(MODEL).name, "Production"), _POLICY_BODY),
        "PUT",
    ),
    Act("registry:version-card-start", OWNERS, Event.CARD_REVISED, _no_card),
    Act("registry:version-card-edit", OWNERS, Event.CARD_REVISED, _no_card),
    Act("registry:version-card-preview", LOOKING, None, _no_card),
    Act("registry:version-card-import", OWNERS, Event.CARD_REVISED, _upload),
    Act("registry:version-card-submit", OWNERS, Event.CARD_SUBMITTED, _card("draft")),
    Act("registry:version-card-approve", REVIEWERS, Event.CARD_APPROVED, _card("in_review")),
    Act("registry:version-card-return", REVIEWERS, Event.CARD_RETURNED, _card("in_review")),
    Act("api-version-card", OWNERS, Event.CARD_REVISED, _card_body, "PUT"),
    Act("api-version-card-submit", OWNERS, Event.CARD_SUBMITTED, _card_rest("draft")),
    Act("api-version-card-approve", REVIEWERS, Event.CARD_APPROVED, _card_rest("in_review")),
    Act("api-version-card-return", REVIEWERS, Event.CARD_RETURNED, _card_rest("in_review", reason="More.")),
    Act("registry:register", OWNERS, Event.JOB_SUBMITTED, _registration),
    Act("api-versions", OWNERS, Event.JOB_SUBMITTED, _registration_rest),
    Act("registry:finalise", OWNERS, Event.JOB_SUBMITTED, _candidate),
    Act("api-finalise", OWNERS, Event.JOB_SUBMITTED, _finalise_rest),
    Act("registry:inspect-version", OWNERS, Event.JOB_SUBMITTED, _existing),
    Act("api-inspection", OWNERS, Event.JOB_SUBMITTED, _existing),
    Act("registry:hash-version", OWNERS, Event.JOB_SUBMITTED, _adopted),
    Act("api-hash", OWNERS, Event.JOB_SUBMITTED, _adopted),
    Act("registry:version-checks", OWNERS, Event.JOB_SUBMITTED, _existing),
    Act("api-version-checks", OWNERS, Event.JOB_SUBMITTED, _existing),
    Act("registry:open-promotion", OWNERS, Event.PROMOTION_OPENED, _request),
    Act("api-promotions", OWNERS, Event.PROMOTION_OPENED, _request_rest),
    Act("registry:review", REVIEWERS, Event.PROMOTION_REVIEWED, _verdict),
    Act("api-reviews", REVIEWERS, Event.PROMOTION_REVIEWED, _verdict),
    Act("registry:withdraw", ADMINISTRATORS, Event.PROMOTION_WITHDRAWN, _open),
    Act("api-withdraw", ADMINISTRATORS, Event.PROMOTION_WITHDRAWN, _open),
    Act("registry:comment", LOOKING, Event.PROMOTION_COMMENTED, _remark),
    Act("api-comments", LOOKING, Event.PROMOTION_COMMENTED, _remark),
    Act("registry:waive", ADMINISTRATORS, Event.GATE_WAIVED, _blocked),
    Act("api-waivers", ADMINISTRATORS, Event.GATE_WAIVED, _blocked),
    Act("registry:renew", OWNERS, Event.PROMOTION_EVIDENCE_RENEWED, _outdated),
    Act("api-renew", OWNERS, Event.PROMOTION_EVIDENCE_RENEWED, _outdated),
    Act("registry:follow-up", REVIEWERS, Event.PROMOTION_FOLLOWED_UP, _bypassed),
    Act("api-follow-up", REVIEWERS, Event.PROMOTION_FOLLOWED_UP, _bypassed),
    Act("registry:rollback", KEEPERS, Event.PRODUCTION_ROLLED_BACK, _served),
    Act("api-rollback", KEEPERS, Event.PRODUCTION_ROLLED_BACK, _served),
    Act("registry:bypass", ADMINISTRATORS, Event.PROMOTION_BYPASSED, _emergency),
    Act("api-bypass", ADMINISTRATORS, Event.PROMOTION_BYPASSED, _emergency_rest),
    Act("registry:apply-again", KEEPERS, Event.JOB_SUBMITTED, _unapplied),
    Act("api-apply", KEEPERS, Event.JOB_SUBMITTED, _unapplied),
    Act("registry:drift-repair", KEEPERS, Event.JOB_SUBMITTED, _drift),
    Act("api-drift-repair", KEEPERS, Event.JOB_SUBMITTED, _drift_rest()),
    Act("registry:drift-accept", KEEPERS, Event.DRIFT_ACCEPTED, _drift),
    Act("api-drift-accept", KEEPERS, Event.DRIFT_ACCEPTED, _drift_rest(reason="It is meant so.")),
    Act("registry:read-notices", LOOKING, Event.NOTICES_READ, _notice, on_model=False),
    Act("api-read-notices", LOOKING, Event.NOTICES_READ, _notice, on_model=False),
    Act("experiments:sync", ENGINEERS, Event.JOB_SUBMITTED, _nothing, on_model=False),
    Act("experiments:connect", ADMINISTRATORS, Event.REPOSITORY_CONNECTED, _connection, on_model=False),
    Act("experiments:fetch", ENGINEERS, Event.JOB_SUBMITTED, _repository, on_model=False),
    Act("experiments:launch", ENGINEERS, Event.JOB_SUBMITTED, _launch, on_model=False),
    Act("api-jobs", ENGINEERS, Event.JOB_SUBMITTED, _launch_rest, on_model=False),
    Act("experiments:job-cancel", ADMINISTRATORS, Event.JOB_CANCELLED, _job("queued"), on_model=False),
    Act("api-job-cancel", ADMINISTRATORS, Event.JOB_CANCELLED, _job("queued"), on_model=False),
    Act("experiments:job-retry", ADMINISTRATORS, Event.JOB_RETRIED, _job("failed"), on_model=False),
    Act("api-job-retry", ADMINISTRATORS, Event.JOB_RETRIED, _job("failed"), on_model=False),
    Act(
        "accounts:sign-in",
        SIGNED_IN,
        Event.SESSION_SIGNED_IN,
        _sign_in,
        on_model=False,
        by_stranger=True,
    ),
    Act("accounts:sign-out", SIGNED_IN, Event.SESSION_SIGNED_OUT, _nothing, on_model=False),
    Act("accounts:settings", SIGNED_IN, Event.USER_PREFERENCES_CHANGED, _preferences, on_model=False),
    Act("accounts:password", SIGNED_IN, Event.USER_PASSWORD_CHANGED, _password, on_model=False),
    Act("accounts:create-token", LOOKING, Event.TOKEN_CREATED, _new_token, on_model=False),
    Act("accounts:revoke-token", SIGNED_IN, Event.TOKEN_REVOKED, _own_token, on_model=False),
)
