"""Form fields of the options that gates declare, and settings from what was sent."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from experiments import sentences
from registry.gates import Gate
from registry.gates.options import LIST_LIMIT, TEXT_LIMIT, Kind, Option

#: Empty rows below those that are filled in.
SPARE_ROWS = 2


def name_of(gate: str, path: str) -> str:
    """Return the name of the form field for a setting, such as ``gate-metrics-rules-0-metric``."""
    return f"gate-{gate}-{path.replace('.', '-')}"


def fields(gate: Gate, config: Mapping[str, Any], rows: Mapping[str, int]) -> dict[str, forms.Field]:
    """Return name -> field for every option of `gate`.

    :param config: the settings to start from
    :param rows: option with rows -> how many rows were sent; those that are left out start from `config`
    """
    found: dict[str, forms.Field] = {}
    for option in gate.options:
        value = config.get(option.name, option.default)
        if option.kind is not Kind.ROWS:
            found[name_of(gate.name, option.name)] = _field(option, value)
            continue
        given = list(value or ())
        count = min(max(len(given) + SPARE_ROWS, rows.get(option.name, 0)), LIST_LIMIT)
        for number in range(count):
            start = given[number] if number < len(given) else {}
            for column in option.columns:
                path = f"{option.name}.{number}.{column.name}"
                field = _field(column, start.get(column.name, column.default))
                found[name_of(gate.name, path)] = _in_cell(field, number)
    return found


def sent_rows(gate: Gate, data: Mapping[str, Any]) -> dict[str, int]:
    """Return option -> how many rows of it `data` holds, at most `LIST_LIMIT`."""
    return {
        option.name: next(
            (
                number
                for number in range(LIST_LIMIT)
                if name_of(gate.name, f"{option.name}.{number}.{option.columns[0].name}") not in data
            ),
            LIST_LIMIT,
        )
        for option in gate.options
        if option.kind is Kind.ROWS
    }


def plain_names(gate: Gate) -> list[str]:
    """Return the names of the fields that are no rows."""
    return [name_of(gate.name, option.name) for option in gate.options if option.kind is not Kind.ROWS]


def tables(
    gate: Gate, present: Mapping[str, forms.Field]
) -> Iterator[tuple[Option, list[str], list[list[str]]]]:
    """Yield each option with rows: headings of its columns, and the names of its fields row by row."""
    for option in gate.options:
        if option.kind is Kind.ROWS:
            headings = [sentences.translated(column.label) for column in option.columns]
            rows = [
                [name_of(gate.name, f"{option.name}.{number}.{column.name}") for column in option.columns]
                for number in _places(gate, option, present)
            ]
            yield option, headings, rows


def config(gate: Gate, cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a valid form holds; empty rows are left out."""
    found: dict[str, Any] = {}
    used = used_rows(gate, cleaned)
    for option in gate.options:
        if option.kind is Kind.ROWS:
            found[option.name] = [_row(gate, option, number, cleaned) for number in used[option.name]]
        else:
            found[option.name] = _value(option, cleaned.get(name_of(gate.name, option.name)))
    return found


def used_rows(gate: Gate, cleaned: Mapping[str, Any]) -> dict[str, list[int]]:
    """Return option -> places of the rows in which something was written or chosen."""
    return {
        option.name: [
            number for number in _places(gate, option, cleaned) if _is_used(gate, option, number, cleaned)
        ]
        for option in gate.options
        if option.kind is Kind.ROWS
    }


def sent_path(used: Mapping[str, list[int]], path: str) -> str:
    """Return the path in the form of a setting: ``rules.0.goal`` was the first row that was filled in."""
    option, _dot, rest = path.partition(".")
    number, _dot, column = rest.partition(".")
    places = used.get(option)
    if places is None or not number.isdigit() or int(number) >= len(places):
        return path
    return f"{option}.{places[int(number)]}.{column}"


def _places(gate: Gate, option: Option, present: Iterable[str]) -> list[int]:
    names = set(present)
    first = option.columns[0].name
    return [
        number
        for number in range(LIST_LIMIT)
        if name_of(gate.name, f"{option.name}.{number}.{first}") in names
    ]


def _is_used(gate: Gate, option: Option, number: int, cleaned: Mapping[str, Any]) -> bool:
    """Whether the row says something: flags and choices start with a value, so they do not tell."""
    return any(
        cleaned.get(name_of(gate.name, f"{option.name}.{number}.{column.name}")) not in (None, "", [])
        for column in option.columns
        if column.kind in (Kind.TEXT, Kind.NUMBER, Kind.NAMES) and (column.default is None or column.required)
    )


def _row(gate: Gate, option: Option, number: int, cleaned: Mapping[str, Any]) -> dict[str, Any]:
    return {
        column.name: _value(column, cleaned.get(name_of(gate.name, f"{option.name}.{number}.{column.name}")))
        for column in option.columns
    }


def _value(option: Option, value: Any) -> Any:
    if option.kind is Kind.NUMBER and isinstance(value, float) and value.is_integer():
        return int(value)
    if option.kind is Kind.NAMES and isinstance(value, str):
        return [name for name in (part.strip() for part in value.replace("\n", ",").split(",")) if name]
    return option.default if value in (None, "") else value


def _field(option: Option, value: Any) -> forms.Field:
    words: dict[str, Any] = {
        "label": sentences.translated(option.label),
        "help_text": sentences.translated(option.help),
        "initial": value,
        "required": option.required,
    }
    if option.kind is Kind.FLAG:
        return forms.BooleanField(**{**words, "required": False})
    if option.kind is Kind.NUMBER:
        number = forms.FloatField(min_value=option.least, max_value=option.most, **words)
        number.widget.attrs["step"] = "any"
        return number
    if option.kind is Kind.CHOICE:
        return forms.ChoiceField(choices=_choices(option), **words)
    if option.kind is Kind.NAMES and option.choices is not None:
        return forms.MultipleChoiceField(
            choices=_choices(option), widget=forms.CheckboxSelectMultiple, **words
        )
    if option.kind is Kind.NAMES:
        words["initial"] = ", ".join(value or ())
        return forms.CharField(widget=forms.Textarea(attrs={"rows": 2}), **words)
    return forms.CharField(max_length=TEXT_LIMIT, **words)


def _in_cell(field: forms.Field, number: int) -> forms.Field:
    """Return `field` for a table, where its column's heading is all that is seen of its label."""
    field.required = False  # an empty row is no row
    field.help_text = ""
    field.label = _("%(label)s, row %(number)d") % {"label": field.label, "number": number + 1}
    look = "form-control"
    if isinstance(field.widget, forms.CheckboxInput):
        look = "form-check-input"
    elif isinstance(field.widget, forms.Select):
        look = "form-select"
    field.widget.attrs.update({"class": look, "aria-label": field.label})
    return field


def _choices(option: Option) -> list[tuple[str, str]]:
    return [(value, sentences.translated(label)) for value, label in (option.choices or {}).items()]
