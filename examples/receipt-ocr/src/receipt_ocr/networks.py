"""The two networks. Both read images [N, 1, height, width] (float32, 0 paper to 1 full ink)."""

from collections.abc import Sequence

import torch
from torch import nn

from receipt_ocr.dataset import Description
from receipt_ocr.reading import CLASSES
from receipt_ocr.settings import SettingsError, Train


def _block(inputs: int, outputs: int, pool: tuple[int, int]) -> nn.Sequential:
    """Convolution, pooling by (height, width), batch normalisation and ReLU.

    Pooling comes before the normalisation because that then has half or a quarter of the work.
    """
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False),
        nn.MaxPool2d(pool),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def _blocks(channels: Sequence[int], narrowing: int) -> nn.Sequential:
    """One block per entry of `channels`; all halve the height, the first `narrowing` also the width."""
    pools = [(2, 2 if number < narrowing else 1) for number in range(len(channels))]
    return nn.Sequential(*map(_block, [1, *channels[:-1]], channels, pools))


class CNN(nn.Module):
    """A plain convolutional network with one classifier per position from the right.

    Output [N, longest, CLASSES].
    """

    def __init__(self, data: Description, settings: Train) -> None:
        super().__init__()
        self.longest = data.longest
        self.features = _blocks(settings.channels, narrowing=len(settings.channels))
        shrink = 2 ** len(settings.channels)
        cells = (data.height // shrink) * (data.width // shrink)
        self.hidden = nn.Linear(settings.channels[-1] * cells, settings.hidden_size)
        self.dropout = nn.Dropout(settings.dropout)
        self.heads = nn.Linear(settings.hidden_size, data.longest * CLASSES)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores of each class at each position, position 0 being the rightmost digit."""
        hidden = torch.relu(self.hidden(self.features(images).flatten(1)))
        return self.heads(self.dropout(hidden)).unflatten(1, (self.longest, CLASSES))


class CRNN(nn.Module):
    """Convolutions, then a GRU along the columns; output [N, steps, CLASSES] for CTC.

    Source of the architecture: B. Shi, X. Bai, C. Yao, An End-to-End Trainable Neural Network for
    Image-based Sequence Recognition, TPAMI 39(11), 2017 (there with an LSTM).
    """

    def __init__(self, data: Description, settings: Train) -> None:
        super().__init__()
        self.features = _blocks(settings.channels, narrowing=2)
        rows = data.height // 2 ** len(settings.channels)
        size, both = settings.hidden_size, settings.bidirectional
        self.dropout = nn.Dropout(settings.dropout)
        self.gru = nn.GRU(settings.channels[-1] * rows, size, batch_first=True, bidirectional=both)
        self.head = nn.Linear(size * (2 if both else 1), CLASSES)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Scores of each class at each step; a step is four columns of the image."""
        columns = self.features(images).permute(0, 3, 1, 2).flatten(2)
        states, _ = self.gru(columns)
        return self.head(self.dropout(states))


def _steps(data: Description, settings: Train) -> int:
    return data.width // 2 ** min(2, len(settings.channels))


def build(data: Description, settings: Train) -> nn.Module:
    """The network that the settings name. Raises SettingsError if the image is too small for it."""
    if min(data.height, data.width) < 2 ** len(settings.channels):
        raise SettingsError(f"train.channels: {len(settings.channels)} blocks do not fit the canvas")
    # CTC needs a blank between equal digits: at worst two steps per digit, less one.
    if settings.architecture == "CRNN" and _steps(data, settings) < 2 * data.longest - 1:
        raise SettingsError(f"preprocess.canvas: {data.longest} digits need a wider image for CTC")
    network = {"CNN": CNN, "CRNN": CRNN}[settings.architecture](data, settings)
    # With the channels last in memory a CPU pools and normalises three times as fast.
    return network.to(memory_format=torch.channels_last)


def count_parameters(network: nn.Module) -> int:
    """The number of trainable weights."""
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)
