"""What a policy says, in words: for its page, and for what differs between two numbers of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from experiments import sentences
from registry.gates import all_gates
from registry.gates.options import Kind, Option
from registry.policy_rules import GateSetting, Rules


@dataclass(frozen=True)
class Line:
    """One thing that a policy says.

    :ivar key: the same for the same thing in any policy
    """

    key: str
    label: str
    value: str


_NOTHING = Line("", "", "")


@dataclass(frozen=True)
class GateWords:
    """One gate of a policy.

    :ivar required: whether it blocks; None: the policy does not ask for it
    """

    name: str
    label: str
    about: str
    required: bool | None
    lines: tuple[Line, ...] = ()

    @property
    def standing(self) -> str:
        """Whether it blocks, in words."""
        if self.required is None:
            return _("not asked for")
        return _("required") if self.required else _("informs only")


@dataclass(frozen=True)
class Difference:
    """What two policies say of the same thing; empty: nothing."""

    label: str
    before: str
    after: str


def general(rules: Rules) -> list[Line]:
    """Return what `rules` say besides gates."""
    groups = ", ".join(rules.groups)
    return [
        Line("approvals", _("Approvals"), str(rules.approvals)),
        Line("groups", _("Approvals count of"), groups or _("everybody who may review")),
        Line("author_requests", _("Author of the run may approve"), _yes(not rules.author_requests)),
        Line("expires_days", _("A request expires after"), _days(rules.expires_days)),
        Line("reminder_days", _("Reminder after"), _days(rules.reminder_days)),
        Line("minimum_hours", _("Least time in the stage before"), _hours(rules.minimum_hours)),
        Line("repair_drift", _("Drift in MLflow is repaired without asking"), _yes(rules.repair_drift)),
    ]


def gates(rules: Rules) -> list[GateWords]:
    """Return the gates of `rules` in their order, then those that they do not ask for."""
    asked = [_gate(setting) for setting in rules.gates]
    named = {one.name for one in asked}
    return asked + [unasked(name) for name in all_gates() if name not in named]


def unasked(name: str) -> GateWords:
    """Return a gate that a policy does not ask for."""
    gate = all_gates()[name]
    return GateWords(name, sentences.translated(gate.label), sentences.translated(gate.about), None)


def differences(before: Rules, after: Rules) -> list[Difference]:
    """Return what `after` says differently from `before`; of a gate that went, only that it did."""
    old, new = _all(before), _all(after)
    gone = {f"gate.{one.gate}." for one in before.gates} - {f"gate.{one.gate}." for one in after.gates}
    found = []
    for key in dict.fromkeys((*old, *new)):
        was, now = old.get(key, _NOTHING), new.get(key, _NOTHING)
        if was.value != now.value and not key.startswith(tuple(gone)):
            found.append(Difference(now.label or was.label, was.value, now.value))
    return found + _reordered(before, after)


def _reordered(before: Rules, after: Rules) -> list[Difference]:
    """Return the change of the order of the gates that both ask for."""
    common = {one.gate for one in before.gates} & {one.gate for one in after.gates}
    was, now = (
        ", ".join(one.label for one in gates(rules) if one.name in common) for rules in (before, after)
    )
    return [Difference(_("Order of the gates"), was, now)] if was != now else []


def _all(rules: Rules) -> dict[str, Line]:
    found = {line.key: line for line in general(rules)}
    for gate in gates(rules):
        key = f"gate.{gate.name}"
        found[key] = Line(key, gate.label, gate.standing)
        for line in gate.lines:
            found[f"{key}.{line.key}"] = Line(line.key, f"{gate.label}: {line.label}", line.value)
    return found


def _gate(setting: GateSetting) -> GateWords:
    gate = all_gates().get(setting.gate)
    if gate is None:
        return GateWords(setting.gate, setting.gate, "", setting.required)
    lines = tuple(
        line
        for option in gate.options
        for line in _lines(option, setting.config.get(option.name, option.default))
    )
    label, about = sentences.translated(gate.label), sentences.translated(gate.about)
    return GateWords(gate.name, label, about, setting.required, lines)


def _lines(option: Option, value: Any) -> Iterator[Line]:
    if option.kind is not Kind.ROWS:
        yield Line(option.name, sentences.translated(option.label), _value(option, value))
        return
    for row in value or ():
        first, *others = option.columns
        name = str(row.get(first.name, first.default))
        yield Line(f"{option.name}.{name}", name, _row(others, row))


def _row(columns: Sequence[Option], row: Mapping[str, Any]) -> str:
    told = []
    for column in columns:
        value = row.get(column.name, column.default)
        if value is not None and value != "":
            told.append(f"{sentences.translated(column.label)}: {_value(column, value)}")
    return ", ".join(told)


def _value(option: Option, value: Any) -> str:
    if option.kind is Kind.FLAG:
        return _yes(value)
    if option.kind is Kind.NAMES:
        return ", ".join(value) or _("none")
    if option.kind is Kind.CHOICE:
        return sentences.translated((option.choices or {}).get(value, str(value)))
    if option.kind is Kind.NUMBER and value is not None:
        return f"{value:g}"
    return str(value) if value is not None else _("none")


def _yes(value: bool) -> str:
    return _("yes") if value else _("no")


def _days(value: int | None) -> str:
    if value is None:
        return _("never")
    return ngettext("%(count)d day", "%(count)d days", value) % {"count": value}


def _hours(value: int) -> str:
    return ngettext("%(count)d hour", "%(count)d hours", value) % {"count": value}
