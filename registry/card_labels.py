"""Words for the states and sections of model cards, in the reader's language."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from experiments import sentences
from registry.card_sections import UNKNOWN_PLACEHOLDER


@dataclass(frozen=True)
class Badge:
    """How a state is shown: word, icon, tone."""

    word: Promise
    icon: str
    tone: str


_STATES: Mapping[str, Badge] = {
    "draft": Badge(pgettext_lazy("card", "Draft"), "pencil", ""),
    "in_review": Badge(pgettext_lazy("card", "In review"), "clock", "active"),
    "approved": Badge(pgettext_lazy("card", "Approved"), "check-circle", "good"),
}

#: What each section is for, after Mitchell et al.
HINTS: Mapping[str, Promise] = {
    "Intended use": gettext_lazy("Who uses it, for what, on which inputs"),
    "Out-of-scope use": gettext_lazy("What it must not be used for"),
    "Training data": gettext_lazy("What it learned from"),
    "Evaluation": gettext_lazy("How it was tested, with at least one number"),
    "Limitations": gettext_lazy("Where it is weak"),
    "Bias and ethical considerations": gettext_lazy("Whom its errors could harm"),
    "Owners": gettext_lazy("Who answers for it"),
    "Licence": gettext_lazy("Under which terms it may be used; license: in the head counts"),
}


def state(name: str) -> Badge:
    """Return how the state of a revision is shown."""
    return _STATES[name]


def lacking(name: str) -> str:
    """Return a part of `card_sections.missing` in words."""
    kind, _space, placeholder = name.partition(" ")
    if kind == UNKNOWN_PLACEHOLDER:
        return _("placeholder %(placeholder)s") % {"placeholder": placeholder}
    return sentences.translated(name)
