"""Measuring a network on composed amounts."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from receipt_ocr.amounts import Samples
from receipt_ocr.reading import decode, losses
from receipt_ocr.scores import character_error_rate, exact_share, word_error_rate


@dataclass(frozen=True)
class Measured:
    """Scores of a network (loss in nats per amount) and what it read, in the order of the samples."""

    loss: float
    accuracy: float
    cer: float
    wer: float
    read: list[str]

    def metrics(self) -> dict[str, float]:
        """The scores under their metric names, six decimals."""
        names = {
            "val_loss": self.loss,
            "val_accuracy": self.accuracy,
            "val_cer": self.cer,
            "val_wer": self.wer,
        }
        return {name: round(value, 6) for name, value in names.items()}


def as_input(images: np.ndarray) -> torch.Tensor:
    """Images uint8 [N, height, width] as network input float32 [N, 1, height, width], 0 to 1."""
    return torch.from_numpy(images).unsqueeze(1).float() / 255


@torch.no_grad()
def measure(
    network: Callable[[torch.Tensor], torch.Tensor],
    architecture: str,
    samples: Samples,
    batch_size: int = 256,
) -> Measured:
    """Read all samples in batches and score the readings. The network must be in evaluation mode."""
    total, read = 0.0, []
    for start in range(0, len(samples.amounts), batch_size):
        part = slice(start, start + batch_size)
        scores = network(as_input(samples.images[part]))
        total += losses(architecture, scores, samples.amounts[part]).double().sum().item()
        read += decode(architecture, scores)
    return Measured(
        loss=total / len(samples.amounts),
        accuracy=exact_share(samples.amounts, read),
        cer=character_error_rate(samples.amounts, read),
        wer=word_error_rate(samples.amounts, read),
        read=read,
    )
