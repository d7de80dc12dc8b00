"""The gates of a promotion as its page shows them: what stands in the way first. Plain data, no database."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.urls import NoReverseMatch, reverse
from django.utils.text import slugify

from registry import gates, labels
from registry.gates import GateResult, Judged, Status
from registry.models import ModelVersion, Waiver

WAIVED = "waived"


@dataclass(frozen=True)
class GateLine:
    """One gate.

    :ivar state: ``failed``, ``pending``, ``waived`` or ``passed``
    :ivar about: one sentence on what the gate looks at (English, see `experiments.sentences`)
    :ivar required: whether it blocks; otherwise it only informs
    :ivar evidence_url: where the facts can be read
    :ivar waiver: who let it pass although it does not; stays for ever
    """

    name: str
    label: str
    about: str
    state: str
    required: bool
    result: GateResult
    evidence_url: str
    waiver: Waiver | None = None

    @property
    def anchor(self) -> str:
        """What a comment on this gate is about."""
        return f"gate:{self.name}"

    @property
    def element(self) -> str:
        """Id of its row in the page."""
        return element_of(self.anchor)

    @property
    def is_waivable(self) -> bool:
        """Whether a waiver would change anything."""
        return self.required and self.waiver is None and self.state != Status.PASSED


@dataclass(frozen=True)
class GateBoard:
    """All gates of a promotion by how they stand, each in the order of the policy."""

    failed: tuple[GateLine, ...] = ()
    pending: tuple[GateLine, ...] = ()
    waived: tuple[GateLine, ...] = ()
    passed: tuple[GateLine, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def open(self) -> tuple[GateLine, ...]:
        """Those that are shown unfolded: what needs a look."""
        return (*self.failed, *self.pending, *self.waived)

    @property
    def all(self) -> tuple[GateLine, ...]:
        """Every gate, what needs a look first."""
        return (*self.open, *self.passed)

    @property
    def advisory(self) -> tuple[GateLine, ...]:
        """The gates that do not pass and only inform; one that was not checked says nothing."""
        return tuple(line for line in self.failed if not line.required)

    @property
    def waivable(self) -> tuple[GateLine, ...]:
        """The gates that an administrator could waive."""
        return tuple(line for line in self.all if line.is_waivable)


def of(judged: Iterable[Judged], waivers: Iterable[Waiver], version: ModelVersion) -> GateBoard:
    """Return the gates as `judged` and waived, with links to the facts of `version`."""
    by_gate = {waiver.gate: waiver for waiver in waivers}
    lines = [_line(one, by_gate.get(one.gate), version) for one in judged]
    # A waiver stays to be seen, also when the policy has dropped its gate or the gate passes by now.
    by_state = {
        state: tuple(line for line in lines if line.state == state)
        for state in (Status.FAILED.value, Status.PENDING.value, WAIVED, Status.PASSED.value)
    }
    counts = {state: len(found) for state, found in by_state.items() if found}
    return GateBoard(**by_state, counts=counts)


def element_of(anchor: str) -> str:
    """Return the id of the element that a comment's anchor means (``gate:card`` -> ``gate-card``)."""
    kind, _colon, name = anchor.partition(":")
    return f"{kind}-{slugify(name) or name.encode().hex()}" if name else kind


def _line(judged: Judged, waiver: Waiver | None, version: ModelVersion) -> GateLine:
    gate = gates.all_gates().get(judged.gate)
    state = judged.result.status.value
    if waiver is not None and not judged.result.passed:
        state = WAIVED
    return GateLine(
        name=judged.gate,
        label=labels.gate(judged.gate),
        about=gate.about if gate else "",
        state=state,
        required=judged.required,
        result=judged.result,
        evidence_url=_address(gate.tab if gate else "", version),
        waiver=waiver,
    )


def _address(tab: str, version: ModelVersion) -> str:
    """Return where the facts of a gate can be read; a tab that this installation has not is the overview."""
    here = [version.model.name, version.version]
    try:
        return reverse(f"registry:version-{tab}", args=here)
    except NoReverseMatch:
        return reverse("registry:version", args=here)
