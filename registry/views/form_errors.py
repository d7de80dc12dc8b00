"""What operations refuse, shown at the field it is about."""

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError


def take_over(form: forms.BaseForm, error: ValidationError) -> None:
    """Add the errors of an operation to the form; those of fields it does not have stand above it."""
    for name, texts in error.message_dict.items():
        for text in texts:
            form.add_error(name if name in form.fields and name != NON_FIELD_ERRORS else None, text)
