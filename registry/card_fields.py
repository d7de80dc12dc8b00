"""Rules: what the entries of a card's front matter may hold, as the Hugging Face Hub defines them.

Only entries that the Hub gives a meaning are looked at; all others are kept as they are.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeGuard

_TEXTS = ("license_name", "license_link", "library_name", "pipeline_tag", "model_name", "thumbnail")
_TEXTS_OR_LISTS = ("license", "language", "datasets", "metrics", "base_model", "tags")
_LIMIT = 10


def problems(fields: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each entry that does not hold what it must, at most ten."""
    found = [*_of_texts(fields), *_of_model_index(fields.get("model-index"))]
    return found[:_LIMIT]


def _of_texts(fields: Mapping[str, Any]) -> Iterator[str]:
    for name in _TEXTS:
        if not isinstance(fields.get(name), str | None):
            yield f"{name} must be text."
    for name in _TEXTS_OR_LISTS:
        value = fields.get(name)
        if not (isinstance(value, str | None) or _is_list_of(value, _is_word)):
            yield f"{name} must be text or a list of texts."


def _of_model_index(index: Any) -> Iterator[str]:
    if index is None:
        return
    if not _is_list_of(index, _is_mapping):
        yield "model-index must be a list of models with their results."
        return
    for number, model in enumerate(index, 1):
        where = f"model-index, model {number}"
        if not isinstance(model.get("name"), str):
            yield f"{where}: name is missing."
        if not _is_list_of(model.get("results"), _is_mapping):
            yield f"{where}: results must be a list."
            continue
        for place, result in enumerate(model["results"], 1):
            yield from _of_result(f"{where}, result {place}", result)


def _of_result(where: str, result: Mapping[str, Any]) -> Iterator[str]:
    for part, keys in (("task", ("type",)), ("dataset", ("type", "name"))):
        value = result.get(part)
        if not _is_mapping(value):
            yield f"{where}: {part} is missing."
            continue
        for key in keys:
            if not isinstance(value.get(key), str):
                yield f"{where}: {part}.{key} is missing."
    metrics = result.get("metrics")
    if not _is_list_of(metrics, _is_mapping):
        yield f"{where}: metrics must be a list."
        return
    for metric in metrics:
        if not isinstance(metric.get("type"), str) or "value" not in metric:
            yield f"{where}: a metric needs type and value."


def _is_list_of(value: Any, fits: Callable[[Any], bool]) -> TypeGuard[list[Any]]:
    return isinstance(value, list) and all(fits(item) for item in value)


def _is_mapping(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_word(value: Any) -> bool:
    """Whether it is what a list of names holds: tags that look like numbers are read as numbers."""
    return isinstance(value, str | int | float) and not isinstance(value, bool)
