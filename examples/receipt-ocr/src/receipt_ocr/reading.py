"""From scores to amounts: losses and decoders of the two architectures.

Class 0 is the blank; class i + 1 is character i of CHARSET.
"""

from collections.abc import Sequence
from itertools import groupby

import torch
from torch.nn import functional

CHARSET = "0123456789"
BLANK = 0
CLASSES = len(CHARSET) + 1


def _encode(amount: str) -> list[int]:
    return [CHARSET.index(character) + 1 for character in amount]


def _text(classes: Sequence[int]) -> str:
    return "".join(CHARSET[number - 1] for number in classes if number != BLANK)


def losses(architecture: str, scores: torch.Tensor, amounts: Sequence[str]) -> torch.Tensor:
    """-ln P(amount | image) of each amount, in nats, [N]; the same quantity for both architectures.

    CRNN: P sums over all CTC paths (A. Graves et al., Connectionist Temporal Classification, ICML 2006).
    CNN: P is the product over the positions, counted from the right; unused ones must be blank.
    """
    encoded = [_encode(amount) for amount in amounts]
    if architecture == "CNN":
        padded = [classes[::-1] + [BLANK] * (scores.shape[1] - len(classes)) for classes in encoded]
        per_position = functional.cross_entropy(scores.mT, torch.tensor(padded), reduction="none")
        return per_position.sum(dim=1)
    return functional.ctc_loss(
        scores.log_softmax(dim=2).transpose(0, 1),
        torch.tensor([number for classes in encoded for number in classes]),
        torch.full((len(amounts),), scores.shape[1]),
        torch.tensor([len(classes) for classes in encoded]),
        blank=BLANK,
        reduction="none",
    )


def decode(architecture: str, scores: torch.Tensor) -> list[str]:
    """The best class of each step as text; for CRNN equal neighbours are one character (greedy CTC)."""
    best: list[list[int]] = scores.argmax(dim=2).tolist()
    if architecture == "CNN":
        return [_text(classes[::-1]) for classes in best]
    return [_text([number for number, _ in groupby(classes)]) for classes in best]
