"""What stands in the address of a REST request, checked.

All raise `django.core.exceptions.ValidationError` by the name of the value.
"""

from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from rest_framework.request import Request

_TRUE = {"1": True, "true": True, "0": False, "false": False, "": False}


def text(request: Request, name: str) -> str:
    """Return a text; databases have no NUL."""
    found = str(request.query_params.get(name, ""))
    if "\0" in found:
        raise ValidationError({name: _("Control characters are not allowed.")})
    return found


def choice(request: Request, name: str, choices: Sequence[str]) -> str:
    """Return one of `choices`, or nothing."""
    found = text(request, name)
    if found and found not in choices:
        raise ValidationError({name: _("Choose one of: %s.") % ", ".join(choices)})
    return found


def number(request: Request, name: str) -> int | None:
    """Return a natural number, None where none is given."""
    found = text(request, name)
    if found and not (found.isascii() and found.isdecimal() and len(found) < 10):
        raise ValidationError({name: _("Write a number.")})
    return int(found) if found else None


def flag(request: Request, name: str) -> bool:
    """Return whether something is wanted."""
    found = text(request, name).lower()
    if found not in _TRUE:
        raise ValidationError({name: _("Write true or false.")})
    return _TRUE[found]
