"""Form of a policy. Its gates and their fields are made from what the gates declare."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.contrib.auth.models import Group
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from experiments import sentences
from registry import policy_fields
from registry.gates import Gate, all_gates
from registry.policies import REASON_LIMIT
from registry.policy_fields import name_of
from registry.policy_rules import MAX_APPROVALS, MAX_DAYS, MAX_HOURS, GateSetting, Rules

OFF, INFORMS, REQUIRED = "off", "informs", "required"
_USES = [
    (REQUIRED, gettext_lazy("required")),
    (INFORMS, gettext_lazy("informs only")),
    (OFF, gettext_lazy("not asked for")),
]
_PLAIN = (
    *("approvals", "groups", "author_requests", "expires_days", "reminder_days"),
    *("minimum_hours", "repair_drift"),
)


@dataclass(frozen=True)
class GateFields:
    """One gate of the form: its heading and its bound fields.

    :ivar tables: of each option with rows: label, headings of the columns, and the fields row by row
    """

    label: str
    about: str
    use: forms.BoundField
    fields: tuple[forms.BoundField, ...]
    tables: tuple[tuple[str, list[str], list[list[forms.BoundField]]], ...]

    @property
    def is_off(self) -> bool:
        """Whether the policy does not ask for the gate."""
        return bool(self.use.value() == OFF)


class PolicyForm(forms.Form):
    """Asks what a promotion to one stage needs."""

    approvals = forms.IntegerField(label=gettext_lazy("Approvals"), min_value=1, max_value=MAX_APPROVALS)
    groups = forms.MultipleChoiceField(
        label=gettext_lazy("Whose approvals count"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Nothing chosen: of everybody who may review."),
    )
    author_requests = forms.BooleanField(
        label=gettext_lazy("The author of the run counts as a requester"),
        required=False,
        help_text=gettext_lazy("Who trained the model cannot approve it then."),
    )
    expires_days = forms.IntegerField(
        label=gettext_lazy("A request expires after"),
        required=False,
        min_value=1,
        max_value=MAX_DAYS,
        help_text=gettext_lazy("Empty: never."),
    )
    reminder_days = forms.IntegerField(
        label=gettext_lazy("Reminder after"),
        required=False,
        min_value=1,
        max_value=MAX_DAYS,
        help_text=gettext_lazy("Empty: never."),
    )
    minimum_hours = forms.IntegerField(
        label=gettext_lazy("Least time in the stage before"), min_value=0, max_value=MAX_HOURS
    )
    repair_drift = forms.BooleanField(
        label=gettext_lazy("Repair drift in MLflow without asking"), required=False
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=REASON_LIMIT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Stands in the history and in the audit trail."),
    )
    expected = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, rules: Rules, number: int, data: Mapping[str, Any] | None = None) -> None:
        """Make the form.

        :param rules: what it starts from
        :param number: number of the policy that a change is based on, 0 for none
        :param data: what was sent
        """
        plain = {name: getattr(rules, name) for name in _PLAIN}
        super().__init__(data, initial={**plain, "groups": list(rules.groups), "expected": number})
        names = {*Group.objects.values_list("name", flat=True), *rules.groups}
        groups = cast("forms.MultipleChoiceField", self.fields["groups"])
        groups.choices = [(name, name) for name in sorted(names)]
        self._settings = {setting.gate: setting for setting in rules.gates}
        self._gates = [*map(all_gates().get, self._settings), *_others(self._settings)]
        for gate in self._gates:
            if gate is not None:
                self._add(gate)

    @property
    def gates(self) -> list[GateFields]:
        """The gates with their bound fields."""
        return [self._shown(gate) for gate in self._gates if gate is not None]

    def rules(self) -> Rules:
        """Return what a valid form says.

        :raises PolicyError: it does not fit together
        """
        given = {name: self.cleaned_data[name] for name in _PLAIN}
        settings = [self._setting(gate) for gate in self._gates if gate is not None]
        return Rules(
            **{**given, "groups": tuple(given["groups"])},
            gates=tuple(setting for setting in settings if setting is not None),
        )

    def refuse(self, errors: Mapping[str, list[str]]) -> None:
        """Show the errors of the operation at their fields; those without one stand above the form."""
        for path, texts in errors.items():
            name = self._field_of(path)
            for text in texts:
                self.add_error(name, text)

    def _field_of(self, path: str) -> str | None:
        if path in self.fields:
            return path
        head, _dot, rest = path.partition(".")
        if head != "gates":
            return None
        gate, _dot, inner = rest.partition(".")
        name = name_of(gate, policy_fields.sent_path(self._used(gate), inner))
        return name if name in self.fields else None

    def _used(self, gate: str) -> Mapping[str, list[int]]:
        """Return option -> places in the form of the rows that were filled in."""
        found = all_gates().get(gate)
        return policy_fields.used_rows(found, self.cleaned_data) if found else {}

    def _add(self, gate: Gate) -> None:
        setting = self._settings.get(gate.name)
        use = OFF if setting is None else (REQUIRED if setting.required else INFORMS)
        self.fields[name_of(gate.name, "use")] = forms.ChoiceField(
            label=_("Standing of: %(gate)s") % {"gate": sentences.translated(gate.label)},
            choices=_USES,
            initial=use,
            widget=forms.Select(attrs={"class": "form-select"}),
        )
        config = setting.config if setting else {}
        rows = policy_fields.sent_rows(gate, self.data) if self.is_bound else {}
        self.fields.update(policy_fields.fields(gate, config, rows))

    def _shown(self, gate: Gate) -> GateFields:
        return GateFields(
            sentences.translated(gate.label),
            sentences.translated(gate.about),
            self[name_of(gate.name, "use")],
            tuple(self[name] for name in policy_fields.plain_names(gate)),
            tuple(
                (sentences.translated(option.label), headings, [[self[name] for name in row] for row in rows])
                for option, headings, rows in policy_fields.tables(gate, self.fields)
            ),
        )

    def _setting(self, gate: Gate) -> GateSetting | None:
        use = self.cleaned_data[name_of(gate.name, "use")]
        if use == OFF:
            return None
        return GateSetting(gate.name, use == REQUIRED, policy_fields.config(gate, self.cleaned_data))


def _others(settings: Mapping[str, GateSetting]) -> Iterator[Gate]:
    return (gate for name, gate in all_gates().items() if name not in settings)
