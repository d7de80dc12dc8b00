"""The first card of a model: every required section, and what is known about the version as placeholders."""

from collections.abc import Iterable, Mapping

from registry import card_values
from registry.card_placeholders import Value
from registry.metadata import CATEGORIES, LABELS, NONE
from registry.models import ModelVersion

_DETAILS = ("model_architecture", "num_params", "git_commit", "created_at")
_DATA = ("dataset_name", "dataset_version", "dataset_hash", "train_samples", "val_samples", "split_ratio")
_TRAINING = CATEGORIES["training"].fields
_TASK = "other"

_BODY = """# {{{{ model }}}}

<!-- One or two sentences: what does this model do? -->

## Model details

{details}

## Intended use

<!-- Who uses the model, for what, and on which inputs? -->

## Out-of-scope use

<!-- What must it not be used for? Where does it fail? -->

## Training data

{data}

### Training configuration

{training}

## Evaluation

{evaluation}

## Limitations

<!-- Known weaknesses, conditions under which the numbers above do not hold. -->

## Bias and ethical considerations

<!-- Whom could errors harm? Who is missing from the data? What was done about it? -->

## Owners

<!-- Who answers questions about this model and takes it out of service? -->

## Licence

<!-- Write the licence here or, better, as `license:` into the head of this card, for example apache-2.0. -->
"""


def initial(version: ModelVersion, values: Mapping[str, Value] | None = None) -> str:
    """Return the text of a first card for `version`. One query unless `values` are given.

    :param values: what the placeholders stand for, see `card_values.of`
    """
    known = {
        name
        for name, value in (values or card_values.of(version)).items()
        if value is not None and value != NONE
    }
    metrics = [name for name in CATEGORIES["metrics"].fields if f"metrics.{name}" in known]
    body = _BODY.format(
        details=_table(("Version", "{{ version }}"), *_facts(_DETAILS, known)),
        data=_table(*_facts(_DATA, known)),
        training=_table(*_facts(_TRAINING, known)),
        evaluation=_table(
            *((LABELS[name], f"{{{{ metrics.{name} }}}}") for name in metrics), heads=("Metric", "Value")
        ),
    )
    return f"---\n{_front(metrics, known)}---\n\n{body}"


def _front(metrics: list[str], known: set[str]) -> str:
    lines = [
        "tags:",
        "- pytorch",
        *(["metrics:", *(f"- {_kind(name)}" for name in metrics)] if metrics else []),
    ]
    if metrics and "metadata.dataset_name" in known:
        lines += [
            "model-index:",
            '- name: "{{ model }}"',
            "  results:",
            "  - task:",
            f"      type: {_TASK}",
            "    dataset:",
            '      name: "{{ metadata.dataset_name }}"',
            '      type: "{{ metadata.dataset_name }}"',
            "    metrics:",
        ]
        for name in metrics:
            lines += [
                f"    - type: {_kind(name)}",
                f"      name: {LABELS[name]}",
                f'      value: "{{{{ metrics.{name} }}}}"',
            ]
    return "".join(f"{line}\n" for line in lines)


def _kind(metric: str) -> str:
    """Return the name under which the Hub knows a metric."""
    return metric.removeprefix("val_") if metric != "train_loss" else metric


def _facts(names: Iterable[str], known: set[str]) -> list[tuple[str, str]]:
    found = [name for name in names if f"metadata.{name}" in known]
    return [(LABELS[name], f"{{{{ metadata.{name} }}}}") for name in found]


def _table(*rows: tuple[str, str], heads: tuple[str, str] = ("Fact", "Value")) -> str:
    if not rows:
        return "<!-- Nothing was recorded. -->"
    return "\n".join(f"| {left} | {right} |" for left, right in (heads, ("---", "---"), *rows))
