"""This app's fixed words in the reader's language: the kinds of jobs and the steps they go through.

`runners`, `stage_board` and what they store name things in English; pages translate here, when they show it.
"""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy

from experiments import runners

# By the names that the runners use. Kinds of other apps may have steps of the same names.
_STEPS: Mapping[str, Promise] = {
    "fetch": pgettext_lazy("job step", "fetch"),
    "read experiments": pgettext_lazy("job step", "read experiments"),
    "read commits": pgettext_lazy("job step", "read commits"),
    "read runs": pgettext_lazy("job step", "read runs"),
    "compute": pgettext_lazy("job step", "compute"),
    "clone": pgettext_lazy("job step", "clone"),
    "fetch data": pgettext_lazy("job step", "fetch data"),
    "check": pgettext_lazy("job step", "check"),
    "push": pgettext_lazy("job step", "push"),
    "verify": pgettext_lazy("job step", "verify"),
    "commit": pgettext_lazy("job step", "commit"),
    "push data": pgettext_lazy("job step", "push data"),
    "fetch result": pgettext_lazy("job step", "fetch result"),
    "package model": pgettext_lazy("job step", "package model"),
    "log run": pgettext_lazy("job step", "log run"),
    "mirror": pgettext_lazy("job step", "mirror"),
    "read run": pgettext_lazy("job step", "read run"),
    "hash files": pgettext_lazy("job step", "hash files"),
    "fetch files": pgettext_lazy("job step", "fetch files"),
    "inspect files": pgettext_lazy("job step", "inspect files"),
    "record version": pgettext_lazy("job step", "record version"),
    "create in MLflow": pgettext_lazy("job step", "create in MLflow"),
    "verify artifacts": pgettext_lazy("job step", "verify artifacts"),
    "write to MLflow": pgettext_lazy("job step", "write to MLflow"),
    "record": pgettext_lazy("job step", "record"),
    "smoke test": pgettext_lazy("job step", "smoke test"),
    "pull data": pgettext_lazy("job step", "pull data"),
    "check inputs": pgettext_lazy("job step", "check inputs"),
    "compare": pgettext_lazy("job step", "compare"),
    "sign": pgettext_lazy("job step", "sign"),
    "package": pgettext_lazy("job step", "package"),
}
# What a pipeline job does before and after the stages, whose names `dvc.yaml` gives.
_PIPELINE = frozenset({"clone", "fetch data", "verify", "commit", "push data"})


def kind(name: str) -> str:
    """Return what people call a kind of job; a kind that is gone keeps its name."""
    try:
        return gettext(runners.get(name).label)
    except runners.UnknownKindError:
        return name


def step(job_kind: str, name: str) -> str:
    """Return the words for a step of a job of `job_kind`; a stage of a pipeline keeps its name."""
    return str(_STEPS.get(name, name)) if name in _steps_of(job_kind) else name


def _steps_of(job_kind: str) -> frozenset[str]:
    try:
        return frozenset(runners.get(job_kind).steps) or _PIPELINE
    except runners.UnknownKindError:
        return frozenset()
