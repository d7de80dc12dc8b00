"""Which jobs a person sees: all, but those that work on something which another app hides from that person.

What a job works on is named in its payload (see `experiments.job_summary`). This app knows no models; the app
that knows them registers, at start-up, a function that says which are hidden from whom.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Q

from accounts.access import Person
from experiments.models import Job

Hidden = Callable[[Person], frozenset[str]]

# The word of the payload under which a model is named.
_SUBJECT = "model"

_rules: list[Hidden] = []


def hide(rule: Hidden) -> None:
    """Add `rule`, which returns the names of the models that a person does not see; again changes nothing."""
    if rule not in _rules:
        _rules.append(rule)


def visible_q(user: Person) -> Q:
    """Return the condition that `user` sees a job. As many queries as there are rules."""
    names = _hidden_from(user)
    if not names:
        return ~Q(pk__in=[])
    subject = f"payload__{_SUBJECT}"
    return Q(**{f"{subject}__isnull": True}) | ~Q(**{f"{subject}__in": sorted(names)})


def sees(user: Person, job: Job) -> bool:
    """Say whether `user` sees `job`. No query for a job that names no model."""
    subject = subject_of(job.payload)
    return subject is None or subject not in _hidden_from(user)


def subject_of(payload: Any) -> str | None:
    """Return the name of the model that a job with `payload` works on; None where it works on none."""
    subject = payload.get(_SUBJECT) if isinstance(payload, Mapping) else None
    return subject if isinstance(subject, str) else None


def _hidden_from(user: Person) -> frozenset[str]:
    return frozenset().union(*(rule(user) for rule in _rules))
