"""The REST interface as a page can show it, read from the generated OpenAPI document. Plain data, no HTML."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any

from drf_spectacular.generators import SchemaGenerator

_METHODS = ("get", "post", "put", "patch", "delete")
_REF = "#/components/schemas/"
_DEPTH = 3
_PREFIX = 2  # "api" and "v1"
_SHORT = 4
_SAMPLES = {"integer": 1, "number": 0.5, "boolean": True, "array": [], "object": {}}


@dataclass(frozen=True)
class Field:
    """A parameter of the address, or a field of a body.

    :ivar place: `path` or `query`; empty for a field of a body
    :ivar kind: its type in words, such as ``integer or null``
    :ivar choices: the values it may have, where they are listed
    """

    name: str
    kind: str
    required: bool
    place: str = ""
    description: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What an endpoint answers with one status.

    :ivar kind: the type of what it sends, or the status in words where it sends nothing that is described
    """

    status: str
    kind: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Endpoint:
    """One method of one address.

    :ivar anchor: its name on the page, unique and stable
    :ivar sample: an example of the body as JSON text; empty where there is none
    """

    anchor: str
    method: str
    path: str
    summary: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    answers: tuple[Answer, ...]
    sample: str

    @property
    def short(self) -> str:
        """The end of a long path, which is what tells it from its neighbours."""
        parts = self.path.strip("/").split("/")[_PREFIX:]
        return "/".join(["…", *parts[-2:]] if len(parts) > _SHORT else ["", *parts]) + "/"


@dataclass(frozen=True)
class Group:
    """The endpoints under one tag."""

    name: str
    endpoints: tuple[Endpoint, ...]


@cache
def groups() -> tuple[Group, ...]:
    """Return every endpoint by tag, in the order of the addresses; the document is generated once."""
    return read(SchemaGenerator().get_schema(request=None, public=True))


def read(document: Mapping[str, Any]) -> tuple[Group, ...]:
    """Return the endpoints that an OpenAPI document describes."""
    schemas = document.get("components", {}).get("schemas", {})
    found: dict[str, list[Endpoint]] = {}
    for path, item in document.get("paths", {}).items():
        for method in _METHODS:
            if method in item:
                tag = (item[method].get("tags") or [""])[0]
                found.setdefault(tag, []).append(_endpoint(method, path, item[method], schemas))
    return tuple(Group(tag, tuple(endpoints)) for tag, endpoints in found.items())


def _endpoint(method: str, path: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Endpoint:
    body = _json_schema(operation.get("requestBody", {}))
    return Endpoint(
        anchor=operation["operationId"].replace("_", "-"),
        method=method.upper(),
        path=path,
        # The descriptions are docstrings, whose marks around names mean nothing here.
        summary=(operation.get("summary") or operation.get("description", "")).replace("`", ""),
        parameters=tuple(_parameter(one) for one in operation.get("parameters", ())),
        body=_fields(body, schemas),
        answers=tuple(
            _answer(status, _json_schema(answer), schemas)
            for status, answer in operation.get("responses", {}).items()
        ),
        sample=_sample(body, schemas),
    )


def _answer(status: str, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Answer:
    kind = _kind(schema, schemas) or HTTPStatus(int(status)).phrase
    return Answer(status, kind, _fields(schema, schemas))


def _json_schema(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = holder.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _parameter(one: Mapping[str, Any]) -> Field:
    schema = one.get("schema", {})
    return Field(
        name=one["name"],
        kind=_kind(schema, {}),
        required=bool(one.get("required")),
        place=one["in"],
        description=one.get("description", ""),
        choices=tuple(map(str, schema.get("enum", ()))),
    )


def _fields(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> tuple[Field, ...]:
    plain = _row(_resolved(schema, schemas), schemas)
    required = set(plain.get("required", ()))
    return tuple(
        Field(
            name=name,
            kind=_kind(inner, schemas),
            required=name in required,
            description=inner.get("description", "") if not _choices(inner, schemas) else "",
            choices=_choices(inner, schemas),
        )
        for name, inner in plain.get("properties", {}).items()
    )


def _row(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of one element, where `schema` is a list or a page of a list."""
    if schema.get("type") == "array":
        return _resolved(schema.get("items", {}), schemas)
    results = schema.get("properties", {}).get("results")
    return _row(results, schemas) if results else schema


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what `schema` refers to, if it is a reference (or wraps just one)."""
    for _step in range(_DEPTH):
        if "$ref" in schema:
            schema = schemas.get(schema["$ref"].removeprefix(_REF), {})
        elif len(schema.get("allOf", ())) == 1:
            schema = schema["allOf"][0]
    return schema


def _choices(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(one) for one in _resolved(schema, schemas).get("enum", ()) if one is not None)


def _kind(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    several = schema.get("oneOf") or schema.get("anyOf")
    if several:
        return " or ".join(dict.fromkeys(_kind(one, schemas) for one in several))
    name = schema.get("$ref", "").removeprefix(_REF)
    plain = _resolved(schema, schemas)
    if plain.get("properties", {}).get("results"):
        return f"page of {_kind(plain['properties']['results'], schemas).removeprefix('list of ')}"
    if name and "properties" in plain:
        return name
    kinds = plain.get("type", "")
    words = [_word(kind, plain, schemas) for kind in (kinds if isinstance(kinds, list) else [kinds])]
    return " or ".join(words)


def _word(kind: str, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}), schemas) or 'values'}"
    return {"date-time": "date and time"}.get(schema.get("format", ""), kind) if kind == "string" else kind


def _sample(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    plain = _resolved(schema, schemas)
    required = plain.get("required", ())
    wanted = {name: one for name, one in plain.get("properties", {}).items() if name in required}
    values = {name: _value(name, one, schemas) for name, one in wanted.items()}
    return json.dumps(values) if values else ""


def _value(name: str, schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    choices = _choices(schema, schemas)
    kind = str(_resolved(schema, schemas).get("type", "string"))
    return choices[0] if choices else _SAMPLES.get(kind, f"<{name}>")
