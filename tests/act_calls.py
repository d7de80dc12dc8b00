"""How to do every act of `tests.acts` validly: makes what is needed for it, and returns what to send."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts import tokens
from accounts.models import User
from accounts.roles import Role
from experiments.models import Job
from registry import bypass, promotion
from registry.models import CardRevision, Member, ModelVersion, Notice, Promotion
from registry.policy_forms import PolicyForm
from registry.policy_rules import DEFAULTS, GateSetting
from tests.cards import COMPLETE, make_card
from tests.deployments import make_deployment
from tests.drifts import make_drift
from tests.people import PASSWORD, make_user
from tests.promotions import bring, set_rules
from tests.registry_story import full_metadata
from tests.runs import make_experiment
from tests.versions import make_model, make_run, make_version

#: The model that all acts on models are done to.
MODEL = "quokka-ocr"


@dataclass(frozen=True)
class Call:
    """What is sent: the arguments of the address, its query, the body, and headers."""

    arguments: tuple[Any, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def _version(number: str = "1.0.0", **changes: Any) -> ModelVersion:
    return make_version(number, model=MODEL, **changes)


def _opened(**rules: Any) -> Promotion:
    set_rules(**rules)
    return promotion.open_for(_version(), "Staging", user=make_user(Role.ENGINEER))


# --- reproductions


def tolerance(_user: User) -> Call:
    return Call((make_model(MODEL).name,), {"relative": "0.02", "absolute": "0", "ignored": "*seconds*"})


def tolerance_rest(_user: User) -> Call:
    return Call((make_model(MODEL).name,), {"relative": 0.02, "absolute": 0.0})


# --- members and policies


def newcomer(_user: User) -> Call:
    make_model(MODEL)
    return Call((MODEL,), {"user": make_user(Role.VIEWER).username, "part": "reviewer"})


def member(_user: User) -> Call:
    person = make_user(Role.VIEWER)
    member = Member.objects.create(model=make_model(MODEL), user=person, part="reviewer")
    return Call((MODEL, member.pk))


def restriction(_user: User) -> Call:
    return Call((make_model(MODEL).name,), {"restricted": "yes"})


def restriction_rest(_user: User) -> Call:
    return Call((make_model(MODEL).name,), {"restricted": True})


def policy_form() -> dict[str, Any]:
    form = PolicyForm(DEFAULTS["Production"], 0)  # type: ignore[index]
    data = {name: form[name].value() for name in form.fields}
    sent = {name: value for name, value in data.items() if value is not None and value is not False}
    return sent | {"reason": "because"}


def policy(_user: User) -> Call:
    return Call(("Production",), policy_form())


def model_policy(_user: User) -> Call:
    return Call((make_model(MODEL).name, "Production"), policy_form())


POLICY_BODY = {"rules": {"approvals": 2}, "reason": "because", "expected": 0}


# --- importance of parameters


def _swept() -> list[str]:
    return [make_run(metrics={"cer": at}, params={"lr": str(at)}).run_id for at in range(8)]


def importance(_user: User) -> Call:
    return Call((), query=f"?runs={','.join(_swept())}&metric=cer")


def importance_rest(_user: User) -> Call:
    return Call((), {"runs": _swept(), "metric": "cer"})


# --- goals of metrics

GOALS_BODY = {"metrics": {"speed": {"direction": "max", "unit": "images/s", "tolerance": 0.5}}}


def general_goals(_user: User) -> Call:
    sent = {"m-0-key": "speed", "m-0-direction": "max", "m-0-unit": "images/s", "m-0-tolerance": "0.5"}
    return Call((), {"m-TOTAL_FORMS": "1", "m-INITIAL_FORMS": "0", **sent})


def goals(user: User) -> Call:
    return Call((make_experiment().experiment_id,), general_goals(user).data)


def goals_rest(_user: User) -> Call:
    return Call((make_experiment().experiment_id,), GOALS_BODY)


# --- cards


def no_card(_user: User) -> Call:
    return Call((MODEL, _version().version), {"based_on": 0, "text": COMPLETE, "summary": ""})


def upload(_user: User) -> Call:
    readme = SimpleUploadedFile("README.md", COMPLETE.encode())
    return Call((MODEL, _version().version), {"based_on": 0, "readme": readme})


def described() -> ModelVersion:
    """A version whose metadata fill every placeholder of the card."""
    return _version(metadata=full_metadata("1.0.0", MODEL))


def card(state: str) -> Callable[[User], Call]:
    def prepare(_user: User) -> Call:
        revision = make_card(described(), state=state)
        return Call((MODEL, "1.0.0"), {"number": revision.number, "reason": "Say more."})

    return prepare


def card_rest(state: str, **more: str) -> Callable[[User], Call]:
    def prepare(_user: User) -> Call:
        return Call((MODEL, "1.0.0"), {"number": make_card(described(), state=state).number, **more})

    return prepare


def card_body(_user: User) -> Call:
    return Call((MODEL, _version().version), {"based_on": 0, "text": COMPLETE})


# --- versions and promotions


def registration(_user: User) -> Call:
    make_model(MODEL)
    return Call(data={"model": MODEL, "version": "", "reason": ""}, query=f"?run={make_run().run_id}")


def registration_rest(_user: User) -> Call:
    return Call((make_model(MODEL).name,), {"run_id": make_run().run_id})


def candidate(_user: User) -> Call:
    return Call((MODEL, _version("1.0.0-rc1").version), {"reason": "It is good."})


def finalise_rest(_user: User) -> Call:
    return Call((MODEL, _version("1.0.0-rc1").version), {})


def adopted(_user: User) -> Call:
    """A version that was found in MLflow, whose files nobody has hashed yet."""
    return Call((MODEL, _version(imported=True, manifest=[], manifest_digest="").version))


def existing(_user: User) -> Call:
    return Call((MODEL, _version().version))


def deployment(_user: User) -> Call:
    return Call((MODEL,), {"version": _version().version, "environment": "production-eu"})


def served_somewhere(_user: User) -> Call:
    return Call((MODEL, make_deployment(_version()).pk))


def request(_user: User) -> Call:
    set_rules()
    return Call((MODEL, _version().version), {"to": "Staging", "comment": "please"})


def request_rest(_user: User) -> Call:
    set_rules()
    return Call(data={"model": MODEL, "version": _version().version, "to": "Staging"})


def verdict(_user: User) -> Call:
    opened = _opened()
    data = {"verdict": "reject", "comment": "No.", "evidence_digest": opened.evidence_digest}
    return Call((opened.pk,), data)


def waiting(_user: User) -> Call:
    return Call((_opened().pk,))


def remark(_user: User) -> Call:
    return Call((_opened().pk,), {"body": "Why?"})


def blocked(_user: User) -> Call:
    opened = _opened(gates=(GateSetting("card"),))
    return Call((opened.pk,), {"gate": "card", "reason": "It is an internal model."})


def outdated(_user: User) -> Call:
    opened = _opened()
    make_card(opened.version, state=CardRevision.State.APPROVED)
    ModelVersion.objects.filter(pk=opened.version_id).update(metadata={"val_cer": 0.5})
    return Call((opened.pk,))


def bypassed(_user: User) -> Call:
    set_rules()
    made = bypass.bypass(_version(), "Staging", user=make_user(Role.ADMINISTRATOR), reason="fire")
    return Call((made.pk,), {"comment": "It was right."})


def served(_user: User) -> Call:
    set_rules()
    for number in ("1.0.0", "1.1.0"):
        bring(_version(number), "Staging", "Production")
    return Call((MODEL,), {"to_version": "1.0.0", "reason": "Too slow.", "serving": "1.1.0"})


def emergency(_user: User) -> Call:
    set_rules()
    return Call((MODEL, _version().version), {"to": "Staging", "reason": "fire", "confirm": "1.0.0"})


def emergency_rest(_user: User) -> Call:
    set_rules()
    return Call((MODEL,), {"version": _version().version, "to": "Staging", "reason": "fire"})


def unapplied(_user: User) -> Call:
    set_rules()
    version = bring(_version(), "Staging")
    Job.objects.filter(kind="apply").update(state="failed")
    return Call((version.promotions.get().pk,))


def drift(_user: User) -> Call:
    return Call((MODEL, make_drift(_version(stage="Production")).pk), {"reason": "It is meant so."})


def drift_rest(**data: str) -> Callable[[User], Call]:
    def prepare(_user: User) -> Call:
        return Call((make_drift(_version(stage="Production")).pk,), data)

    return prepare


def notice(user: User) -> Call:
    Notice.objects.create(user=user, kind="reminder", promotion=_opened(), at=timezone.now())
    return Call()


# --- oneself


def nothing(_user: User) -> Call:
    return Call()


def sign_in(user: User) -> Call:
    return Call(data={"username": user.username, "password": PASSWORD})


def preferences(_user: User) -> Call:
    return Call(data={"theme": "dark", "density": "compact", "language": ""})


def password(_user: User) -> Call:
    return Call(data={"old": PASSWORD, "new": "quite another long password"})


def new_token(_user: User) -> Call:
    return Call(data={"name": "ci", "days": "30"})


def own_token(user: User) -> Call:
    token, _plain = tokens.create(make_user(Role.VIEWER), "ci", None)
    token.user = user
    token.save(update_fields=["user"])
    return Call((token.pk,))
