"""Composing receipt amounts from digit scans."""

from dataclasses import dataclass

import numpy as np

from receipt_ocr.scans import SIDE, Scan
from receipt_ocr.settings import Preprocess


@dataclass(frozen=True)
class Samples:
    """Composed amounts, in one order.

    Parameters: `images` uint8 [N, height, width] from 0 (paper) to 255 (full ink), `amounts` the digits
    written in each image, `scans` the names of the scans that each image was composed of.
    """

    images: np.ndarray
    amounts: list[str]
    scans: list[list[str]]


def draw_amount(rng: np.random.Generator, digits: tuple[int, int], whole_tens: bool) -> str:
    """Draw an amount: every number of digits is equally likely, the first digit is not 0.

    Parameters: `digits` the smallest and largest number of digits, `whole_tens` whether it ends in 0.
    """
    count = int(rng.integers(digits[0], digits[1] + 1))
    amount = str(rng.integers(1, 10)) + "".join(map(str, rng.integers(0, 10, size=count - 1)))
    return amount[:-1] + "0" if whole_tens and count > 1 else amount


def compose(scans: list[Scan], count: int, settings: Preprocess, rng: np.random.Generator) -> Samples:
    """Compose `count` amounts from these scans only."""
    by_label: dict[int, list[Scan]] = {label: [] for label in range(10)}
    for scan in scans:
        by_label[scan.label].append(scan)
    images, amounts, names = [], [], []
    for _ in range(count):
        amount = draw_amount(rng, settings.amount_digits, settings.whole_tens)
        choices = [by_label[int(digit)] for digit in amount]
        used = [candidates[int(rng.integers(len(candidates)))] for candidates in choices]
        images.append(_write(used, settings, rng))
        amounts.append(amount)
        names.append([scan.name for scan in used])
    return Samples(images=np.stack(images), amounts=amounts, scans=names)


def _write(scans: list[Scan], settings: Preprocess, rng: np.random.Generator) -> np.ndarray:
    """Write the scans on an empty canvas, right-aligned as prices are on a receipt; add paper noise."""
    height, width = settings.canvas
    gaps = rng.integers(settings.spacing[0], settings.spacing[1] + 1, size=len(scans) - 1)
    lefts = np.concatenate([[0], np.cumsum(SIDE + gaps)])
    lefts += width - int(rng.integers(settings.margin + 1)) - SIDE - int(lefts[-1])
    middle = (height - SIDE) // 2
    canvas = np.zeros((height, width), dtype=np.float64)
    for scan, left in zip(scans, lefts, strict=True):
        top = middle + int(rng.integers(-settings.jitter, settings.jitter + 1))
        area = canvas[top : top + SIDE, left : left + SIDE]
        np.maximum(area, scan.ink, out=area)
    canvas += rng.normal(0.0, settings.noise * 255, size=canvas.shape)
    return np.clip(np.rint(canvas), 0, 255).astype(np.uint8)
