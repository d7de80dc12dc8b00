"""What a gate is: a pure function from facts and settings to a result. No database, no Django."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from registry.gates.options import Option, SettingsError, completed


class Status(StrEnum):
    """How a gate stands."""

    PASSED = "passed"
    FAILED = "failed"
    PENDING = "pending"
    """It needs something that has not been done yet (a job still runs, or never ran)."""


@dataclass(frozen=True)
class CardFacts:
    """The newest card revision; `missing` names the required sections that are empty."""

    number: int
    state: str
    digest: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckFacts:
    """The newest result of a job that looked at the artifacts."""

    passed: bool
    summary: str
    manifest_digest: str
    at: datetime
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """Everything that gates may look at.

    :ivar metrics: name -> value, of the candidate's metadata and run
    :ivar incumbent: version that is in Production now, or empty; `incumbent_metrics` are its metrics
    :ivar goals: name of a metric -> ``min``, ``max`` or ``unknown``
    :ivar missing_metadata: names of the required fields that nobody recorded
    :ivar required_bump: what the differences to the previous version asked for; `bump`: what was chosen
    :ivar inspection: see `registry.inspection`; empty: never inspected
    :ivar checks: kind of `CheckResult` -> its newest result
    """

    version: str
    to_stage: str
    is_candidate: bool
    metrics: Mapping[str, float]
    missing_metadata: tuple[str, ...]
    incumbent: str = ""
    incumbent_metrics: Mapping[str, float] = field(default_factory=dict)
    goals: Mapping[str, str] = field(default_factory=dict)
    bump: str = ""
    required_bump: str = ""
    bump_reason: str = ""
    card: CardFacts | None = None
    manifest_digest: str = ""
    inspection: Mapping[str, Any] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)
    checks: Mapping[str, CheckFacts] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One line of a gate that looks at several things, such as one metric. All texts are ready to show."""

    name: str
    status: Status
    value: str = ""
    threshold: str = ""
    margin: str = ""
    reason: str = ""


@dataclass(frozen=True)
class GateResult:
    """What a gate says.

    :ivar reason: one English sentence; `experiments.sentences` translates it
    :ivar value: what was found, `threshold`: what is needed, `margin`: how far apart (signed, good is +)
    :ivar rows: the same line by line, where it looks at several things
    """

    status: Status
    reason: str
    value: str = ""
    threshold: str = ""
    margin: str = ""
    rows: tuple[Row, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether it lets pass."""
        return self.status is Status.PASSED


@dataclass(frozen=True)
class Judged:
    """The result of one gate of a policy."""

    gate: str
    required: bool
    result: GateResult

    @property
    def blocks(self) -> bool:
        """Whether it stands in the way unless somebody waives it."""
        return self.required and not self.result.passed

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON, for the evidence."""
        return {"gate": self.gate, "required": self.required, **asdict(self.result)}


def no_faults(config: Mapping[str, Any]) -> Mapping[str, str]:
    """Find nothing wrong with settings whose values are allowed one by one."""
    return {}


@dataclass(frozen=True)
class Gate:
    """One gate.

    :ivar name: what policies call it; never renamed, because old evidence names it
    :ivar label: what a person reads (English; translated where it is shown)
    :ivar about: one sentence that says what it looks at (English as well)
    :ivar check: the rule, called with complete settings; raises nothing for any facts that hold their types
    :ivar options: what a policy can set; the form and the REST interface follow it
    :ivar faults: what is wrong with settings together: path -> sentence, see `options.SettingsError`
    :ivar tab: tab of the version page where the facts can be read
    """

    name: str
    label: str
    about: str
    check: Callable[[Facts, Mapping[str, Any]], GateResult]
    options: tuple[Option, ...] = ()
    faults: Callable[[Mapping[str, Any]], Mapping[str, str]] = no_faults
    tab: str = "overview"

    def configure(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return `config` checked and completed.

        :raises SettingsError: it cannot be used
        """
        found = completed(self.options, config)
        errors = self.faults(found)
        if errors:
            raise SettingsError(errors)
        return found
