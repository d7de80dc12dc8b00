"""Model cards for tests: complete ones, and ones built like the best known of the Hugging Face Hub."""

from pathlib import Path
from typing import Any

from django.utils import timezone

from registry import card_format
from registry.models import CardRevision, ModelVersion

COMPLETE = """---
license: apache-2.0
language:
- en
- ko
tags:
- ocr
- pytorch
metrics:
- cer
model-index:
- name: "{{ model }}"
  results:
  - task:
      type: image-to-text
      name: Text recognition
    dataset:
      name: "{{ metadata.dataset_name }}"
      type: "{{ metadata.dataset_name }}"
    metrics:
    - type: cer
      name: Validation CER
      value: "{{ metrics.val_cer }}"
---

# {{ model }}

Reads printed receipts, line by line, and returns text. It was trained on scans from three shops.

## Intended use

Reading receipts that a bookkeeper checks afterwards: **printed**, upright, at least 150 dpi.

## Out-of-scope use

Handwriting, photographs taken at an angle, and every decision that nobody checks.

## Training data

| Fact | Value |
| --- | --- |
| Data set | {{ metadata.dataset_name }} |
| Hash | {{ metadata.dataset_hash }} |

## Evaluation

Measured on receipts of a shop that is not in the training data.

| Metric | Value |
| --- | ---: |
| Character error rate | {{ metrics.val_cer }} |

## Limitations

- Worse on thermal paper that has faded.
- Knows Latin letters and Hangul only.

## Bias and ethical considerations

Receipts name people and what they bought. Names are replaced before training; scans are deleted
after 30 days.

## Owners

The receipts team, receipts@example.com.

## Licence

Apache 2.0, see the head of this card.
"""

FOLDER = Path(__file__).parent / "hub_cards"


def hub_cards() -> dict[str, str]:
    """Return the cards built like well-known ones of the Hub, by their file's name."""
    return {path.stem: card_format.decode(path.read_bytes()) for path in sorted(FOLDER.glob("*.md"))}


def make_card(version: ModelVersion, text: str = COMPLETE, **changes: Any) -> CardRevision:
    """Create the next revision of a card, without a trace in the trail."""
    newest = CardRevision.objects.filter(version=version).order_by("-number").first()
    columns = {
        "version": version,
        "number": newest.number + 1 if newest else 1,
        "text": text,
        "digest": card_format.digest(text),
        "by_name": "engineer",
        "at": timezone.now(),
    }
    return CardRevision.objects.create(**{**columns, **changes})
