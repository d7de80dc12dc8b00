"""Form of the members page. It reads text; the operation decides what is acceptable."""

from django import forms
from django.utils.translation import gettext_lazy as _

from registry.access import PART_LABELS
from registry.member_rules import Part


class MemberForm(forms.Form):
    """Asks who gets which part."""

    user = forms.CharField(
        label=_("Person"),
        max_length=150,
        widget=forms.TextInput(attrs={"list": "people", "autocomplete": "off", "spellcheck": "false"}),
    )
    part = forms.ChoiceField(
        label=_("Part"), choices=[(part.value, PART_LABELS[part]) for part in (Part.REVIEWER, Part.OWNER)]
    )
