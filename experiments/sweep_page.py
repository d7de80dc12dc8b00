"""What the form of a sweep shows: fields, what was typed, what will be done, what is wrong."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError

from experiments import launch_fields, sweep_plan
from experiments.launch_page import PARAMS, parameters_of, starts
from experiments.launch_source import Prefill
from experiments.launches import Target
from experiments.models import Repository
from experiments.repository_forms import add_errors
from experiments.run_columns import TELLING
from experiments.selectors import repository as selectors
from experiments.sweep_forms import SweepForm
from experiments.sweep_plan import Plan
from experiments.value_text import value_text

_SHOWN_POINTS = 8
_SHOWN_VALUES = 6


@dataclass
class SweepPage:
    """The form of one request.

    :ivar typed: text of the parameters that were changed, by name
    :ivar plan: what would be done; None if nothing was asked for yet, or something is wrong
    :ivar errors: what is wrong with parameters, by name
    """

    repository: Repository
    form: SweepForm
    target: Target | None
    typed: Mapping[str, str] = field(default_factory=dict)
    prefill: Prefill | None = None
    plan: Plan | None = None
    errors: dict[str, str] = field(default_factory=dict)
    ref_problem: str = ""
    problem: str = ""

    def make_plan(self) -> None:
        """Find out what would be done, or what is wrong."""
        if not self.form.is_valid():
            return
        try:
            self.plan = sweep_plan.make(self.repository, self.form.asked(self.typed))
        except ValidationError as error:
            self.refuse(error)

    def refuse(self, error: ValidationError) -> None:
        """Put what was refused where it was caused."""
        others: dict[str, list[str]] = {}
        for name, texts in error.message_dict.items():
            if name.startswith(PARAMS):
                self.errors[name.removeprefix(PARAMS)] = " ".join(texts)
            elif name == "ref":
                self.ref_problem = self.ref_problem or " ".join(texts)
            else:
                others[name] = texts
        if others:
            add_errors(self.form, ValidationError(others))

    def context(self) -> dict[str, Any]:
        """Return what the template needs. Two queries."""
        parameters, unreadable = parameters_of(self.target.commit if self.target else None)
        known = {parameter.key for parameter in parameters}
        sections = launch_fields.sections(parameters, self.typed, self.errors)
        fields = [one for section in sections for one in section.fields]
        return {
            "repository": self.repository,
            "form": self.form,
            "target": self.target,
            "refs": selectors.refs_of(self.repository),
            "sections": sections,
            "faulty": [one for one in fields if one.error],
            "changed": [one for one in fields if one.changed],
            "unknown_errors": [(key, text) for key, text in self.errors.items() if key not in known],
            "prefill": self.prefill,
            "starts": starts(self.repository, self.target, self.prefill),
            "ref_problem": self.ref_problem or unreadable,
            "problem": self.problem,
            "plan": self.plan,
            "dimensions": [_described(one) for one in self.plan.dimensions] if self.plan else [],
            "points": self.plan.points[:_SHOWN_POINTS] if self.plan else [],
            "metrics": known_metrics(self.repository),
            "token": uuid.uuid4().hex,
        }


def known_metrics(repository: Repository) -> list[str]:
    """Return the metrics of the newest result of a repository, the telling ones first. One query."""
    done = repository.jobs.filter(kind="pipeline", state="succeeded").order_by("-pk")
    result: Any = done.values_list("result", flat=True).first()
    metrics = result.get("metrics") if isinstance(result, dict) else None
    rank = {key: number for number, key in enumerate(TELLING)}
    return sorted(
        metrics if isinstance(metrics, dict) else {}, key=lambda key: (rank.get(key, len(rank)), key)
    )


def _described(one: Any) -> dict[str, Any]:
    """Return one dimension for people; what is fixed has one value."""
    return {
        "key": one.key,
        "values": [value_text(value) for value in one.values[:_SHOWN_VALUES]],
        "more": max(0, len(one.values) - _SHOWN_VALUES),
        "low": value_text(one.low),
        "high": value_text(one.high),
        "log": one.log,
        "is_fixed": one.is_fixed,
    }
