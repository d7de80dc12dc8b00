"""The training loop."""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn, optim

from receipt_ocr.amounts import Samples
from receipt_ocr.measuring import Measured, as_input, measure
from receipt_ocr.reading import losses
from receipt_ocr.settings import Train


@dataclass(frozen=True)
class Epoch:
    """One pass over the training amounts: its mean loss in nats, then the scores on validation amounts."""

    number: int
    train_loss: float
    val: Measured

    def row(self) -> dict[str, float]:
        """The epoch as a row of the history."""
        return {"epoch": self.number, "train_loss": round(self.train_loss, 6), **self.val.metrics()}


class DivergedError(ArithmeticError):
    """The loss is no longer a finite number."""


def make_repeatable(seed: int) -> None:
    """Seed torch and allow deterministic algorithms only.

    Sums depend on the number of threads in their last bits, so it is one unless OMP_NUM_THREADS says more.
    """
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)


def _optimizer(network: nn.Module, settings: Train) -> optim.Optimizer:
    options = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
    if settings.optimizer == "SGD":
        return optim.SGD(network.parameters(), momentum=0.9, nesterov=True, **options)
    return {"AdamW": optim.AdamW, "Adam": optim.Adam}[settings.optimizer](network.parameters(), **options)


def _scheduler(optimizer: optim.Optimizer, settings: Train, steps: int) -> optim.lr_scheduler.LRScheduler:
    """A scheduler that is stepped after each batch, `steps` times in all."""
    if settings.scheduler == "CosineAnnealingLR":
        return optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    if settings.scheduler == "OneCycleLR":
        return optim.lr_scheduler.OneCycleLR(optimizer, max_lr=settings.learning_rate, total_steps=steps)
    return optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)


def train_epochs(network: nn.Module, settings: Train, train: Samples, val: Samples) -> Iterator[Epoch]:
    """Train in place; yield each epoch when it is done and leave the network in evaluation mode.

    Raises DivergedError if a loss is not finite.

    The weights of the last epoch are the result: choosing an epoch by its validation score would make
    that score flatter the network.
    """
    count = len(train.amounts)
    steps = settings.epochs * -(-count // settings.batch_size)
    optimizer = _optimizer(network, settings)
    scheduler = _scheduler(optimizer, settings, steps)
    for number in range(1, settings.epochs + 1):
        network.train()
        total = 0.0
        for batch in torch.randperm(count).split(settings.batch_size):
            scores = network(as_input(train.images[batch.numpy()]))
            per_amount = losses(settings.architecture, scores, [train.amounts[i] for i in batch.tolist()])
            optimizer.zero_grad()
            per_amount.mean().backward()
            nn.utils.clip_grad_norm_(network.parameters(), settings.gradient_clip)
            optimizer.step()
            scheduler.step()
            total += per_amount.detach().double().sum().item()
        network.eval()
        epoch = Epoch(number, total / count, measure(network, settings.architecture, val))
        if not math.isfinite(epoch.train_loss + epoch.val.loss):
            raise DivergedError(f"the loss is not finite in epoch {number}: lower train.learning_rate")
        yield epoch
