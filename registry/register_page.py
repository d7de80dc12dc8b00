"""What the page of a registration shows: the numbers to choose from, and what a choice comes to."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from experiments.models import Run
from registry import labels
from registry.registration_proposal import CANDIDATE, Proposal, check_free, choose
from registry.semver import MLModelVersion

#: The choice of a number of one's own.
OWN = "own"

_WORDS = {
    "": (gettext_lazy("First version"), gettext_lazy("The model does not exist yet, or has no release.")),
    "major": (pgettext_lazy("choice", "Major"), gettext_lazy("Users have to change something.")),
    "minor": (pgettext_lazy("choice", "Minor"), gettext_lazy("Compatible; other data or parameters.")),
    "patch": (pgettext_lazy("choice", "Patch"), gettext_lazy("A repair; nothing else changed.")),
    CANDIDATE: (
        gettext_lazy("Release candidate"),
        gettext_lazy("To try out; made final later on the same artifacts."),
    ),
    OWN: (gettext_lazy("Own number"), gettext_lazy("Any semantic version that is free.")),
}


@dataclass(frozen=True)
class Choice:
    """One line of the choice.

    :ivar value: what the form sends
    :ivar version: what it comes to; None for a number of one's own
    :ivar proposed: whether the product proposes it
    :ivar short: whether it moves less far than the changes ask for
    """

    value: str
    label: str
    hint: str
    version: MLModelVersion | None
    proposed: bool
    short: bool
    checked: bool


@dataclass(frozen=True)
class Result:
    """What the choice comes to.

    :ivar version: None where the choice is not usable, for the reason `problem`
    :ivar short: whether a reason is needed
    """

    version: MLModelVersion | None
    bump: str = ""
    short: bool = False
    problem: str = ""


def choices(proposal: Proposal, chosen: str) -> list[Choice]:
    """Return the lines of the choice, the proposed one chosen unless another was."""
    values = [(option.step, option.version, not option.suffices) for option in proposal.options]
    if proposal.previous is None:
        values.insert(0, ("", proposal.version, False))
    known = {value for value, _version, _short in values} | {OWN}
    picked = chosen if chosen in known else proposal.required
    found = [_choice(value, version, short, proposal, picked) for value, version, short in values]
    return [*found, _choice(OWN, None, False, proposal, picked)]


def asked(given: Mapping[str, str]) -> dict[str, str]:
    """Return what a filled form asks for, as `registration.register` takes it.

    :raises ValidationError: a number of one's own is chosen and not written
    """
    chosen, version = given.get("choice", ""), given.get("version", "").strip()
    if chosen == OWN and not version:
        raise ValidationError({"version": _("Write the number.")})
    if chosen in (OWN, ""):
        return {"version": version, "bump": ""}
    return {"version": "", "bump": chosen}


def result(run: Run, model_name: str, proposal: Proposal, given: Mapping[str, str]) -> Result:
    """Return what the choice comes to as it stands. Two queries."""
    try:
        wanted = asked(given)
        version = choose(proposal, version=wanted["version"], step=wanted["bump"])
        check_free(run, model_name, version)
    except ValidationError as error:
        return Result(None, problem=" ".join(error.messages))
    return Result(version, labels.bump(proposal.bump_of(version)), not proposal.suffices(version))


def _choice(
    value: str, version: MLModelVersion | None, short: bool, proposal: Proposal, picked: str
) -> Choice:
    label, hint = _WORDS[value]
    proposed = version is not None and version == proposal.version
    return Choice(value, str(label), str(hint), version, proposed, short, value == picked)
