"""What the run form shows: fields, what was typed, what is wrong with it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.exceptions import ValidationError

from experiments import launch_fields, launches
from experiments.launch_source import Prefill
from experiments.launches import Target
from experiments.models import Commit, Repository
from experiments.parameter_values import Parameter
from experiments.pipeline_outline import outline
from experiments.repository_forms import LaunchForm, add_errors
from experiments.selectors import repository as selectors

PARAMS = "params."


@dataclass(frozen=True)
class Start:
    """A commit from which a run may be repeated.

    :ivar kind: `commit` for the one of the run, `tip` for what its branch has now
    :ivar ref: what the form is asked for
    :ivar name: as people know it
    """

    kind: str
    ref: str
    name: str
    is_current: bool = False


@dataclass
class LaunchPage:
    """The run form of one request.

    :ivar target: the commit whose parameters are shown; None if the ref names none
    :ivar typed: text of the parameters that were changed, by name
    :ivar kept: changes of parameters that an earlier commit had and the one of the form had not
    :ivar errors: what is wrong with parameters, by name
    :ivar ref_problem: what is wrong with the ref
    """

    repository: Repository
    form: LaunchForm
    target: Target | None
    typed: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    prefill: Prefill | None = None
    errors: dict[str, str] = field(default_factory=dict)
    ref_problem: str = ""

    def refuse(self, error: ValidationError) -> None:
        """Put what `launches.launch` refused where it was caused."""
        others: dict[str, list[str]] = {}
        for name, texts in error.message_dict.items():
            if name.startswith(PARAMS):
                self.errors[name.removeprefix(PARAMS)] = " ".join(texts)
            elif name == "ref":
                self.ref_problem = self.ref_problem or " ".join(texts)
            else:
                others["register_model" if name == "register_as" else name] = texts
        if others:
            add_errors(self.form, ValidationError(others))

    def check_parameters(self) -> None:
        """Find what is wrong with the parameters where nothing is launched: all faults show at once."""
        if self.target is None:
            return
        try:
            launches.typed_overrides(self.target.commit, self.typed)
        except ValidationError as error:
            self.refuse(error)

    def context(self) -> dict[str, Any]:
        """Return what the template needs. One query."""
        parameters, unreadable = parameters_of(self.target.commit if self.target else None)
        known = {parameter.key for parameter in parameters}
        sections = launch_fields.sections(parameters, {**self.kept, **self.typed}, self.errors)
        fields = [one for section in sections for one in section.fields]
        return {
            "repository": self.repository,
            "form": self.form,
            "target": self.target,
            "refs": selectors.refs_of(self.repository),
            "sections": sections,
            "changed": [one for one in fields if one.changed],
            "faulty": [one for one in fields if one.error],
            "unknown_errors": [(key, text) for key, text in self.errors.items() if key not in known],
            "dropped": self._dropped(known),
            "prefill": self.prefill,
            "starts": starts(self.repository, self.target, self.prefill),
            "ref_problem": self.ref_problem or unreadable,
            "models": outline(self.target.commit.pipeline).models if self.target else [],
            "token": uuid.uuid4().hex,
        }

    def _dropped(self, known: set[str]) -> list[tuple[str, str]]:
        """Return the values that this commit has no parameter for, unless they are named as errors."""
        if self.prefill is not None and not self.prefill.is_exact:
            return []
        values = {**self.kept, **self.typed}
        return [(key, text) for key, text in values.items() if key not in known and key not in self.errors]


def starts(repository: Repository, target: Target | None, prefill: Prefill | None) -> list[Start]:
    """Return from where a run that is repeated can start: its commit, and the tip of its branch now."""
    if prefill is None or not (prefill.run or prefill.experiment):
        return []
    now = target.ref if target else ""
    branch = prefill.ref or repository.default_ref
    found = [Start("commit", prefill.sha, prefill.sha[:8])] if prefill.sha else []
    found += [Start("tip", branch, branch)] if branch and branch != prefill.sha else []
    return [replace(one, is_current=one.ref == now) for one in found]


def resolve(repository: Repository, ref: str) -> tuple[Target | None, str]:
    """Return the commit that `ref` names, or else why there is none."""
    try:
        return launches.resolve(repository, ref), ""
    except ValidationError as error:
        return None, " ".join(error.messages)


def parameters_of(commit: Commit | None) -> tuple[list[Parameter], str]:
    """Return the parameters of a commit, or else why there are none."""
    if commit is None:
        return [], ""
    try:
        return launches.parameters_of(commit), ""
    except ValidationError as error:
        return [], " ".join(error.messages)
