"""Composing amounts from scans."""

from dataclasses import replace

import numpy as np
import pytest
from receipt_ocr.amounts import Samples, compose, draw_amount
from receipt_ocr.scans import SIDE, Scan
from receipt_ocr.settings import Preprocess


def _compose(scans: list[Scan], settings: Preprocess, count: int = 200, seed: int = 3) -> Samples:
    return compose(scans, count, settings, np.random.default_rng(seed))


def test_every_number_of_digits_that_is_allowed_occurs(
    scans: list[Scan], preprocess_settings: Preprocess
) -> None:
    samples = _compose(scans, replace(preprocess_settings, amount_digits=(2, 5)))
    assert {len(amount) for amount in samples.amounts} == {2, 3, 4, 5}


def test_an_amount_never_starts_with_zero() -> None:
    rng = np.random.default_rng(1)
    assert all(draw_amount(rng, (1, 4), whole_tens=False)[0] != "0" for _ in range(500))


def test_whole_tens_end_in_zero_and_other_amounts_end_in_any_digit() -> None:
    rng = np.random.default_rng(1)
    assert {draw_amount(rng, (3, 6), whole_tens=True)[-1] for _ in range(300)} == {"0"}
    assert {draw_amount(rng, (3, 6), whole_tens=False)[-1] for _ in range(300)} == set("0123456789")


def test_an_amount_spells_the_labels_of_the_scans_it_lists(
    scans: list[Scan], preprocess_settings: Preprocess
) -> None:
    labels = {scan.name: scan.label for scan in scans}
    samples = _compose(scans, preprocess_settings)
    spelled = ["".join(str(labels[name]) for name in names) for names in samples.scans]
    assert spelled == samples.amounts


def test_an_image_shows_exactly_the_pixels_of_the_scans_it_lists(
    scans: list[Scan], preprocess_settings: Preprocess
) -> None:
    plain = replace(preprocess_settings, noise=0.0, jitter=0, margin=0, spacing=(0, 0))
    ink = {scan.name: scan.ink for scan in scans}
    samples = _compose(scans, plain, count=20)
    for image, names in zip(samples.images, samples.scans, strict=True):
        row = np.hstack([ink[name] for name in names])
        assert np.array_equal(image[4 : 4 + SIDE, 80 - SIDE * len(names) :], row)
        assert image.sum(dtype=np.int64) == row.sum(dtype=np.int64)


def test_no_ink_is_lost_at_the_edges_of_the_canvas(
    scans: list[Scan], preprocess_settings: Preprocess
) -> None:
    settings = replace(preprocess_settings, noise=0.0, margin=12, jitter=4, spacing=(0, 2))
    ink = {scan.name: scan.ink.sum(dtype=np.int64) for scan in scans}
    samples = _compose(scans, settings)
    for image, names in zip(samples.images, samples.scans, strict=True):
        assert image.sum(dtype=np.int64) == sum(ink[name] for name in names)


def test_noise_has_the_strength_that_was_asked_for(
    scans: list[Scan], preprocess_settings: Preprocess
) -> None:
    blank = [replace(scan, ink=np.full_like(scan.ink, 128)) for scan in scans[:100]]
    samples = _compose(
        blank, replace(preprocess_settings, noise=0.1, jitter=0, amount_digits=(7, 7), margin=0)
    )
    inside = samples.images[:, 4 : 4 + SIDE, -SIDE:]
    assert inside.std() / 255 == pytest.approx(0.1, rel=0.05)


def test_the_same_seed_composes_the_same_and_another_seed_differs(
    scans: list[Scan], preprocess_settings: Preprocess
) -> None:
    first, again = (_compose(scans, preprocess_settings, count=20) for _ in range(2))
    other = _compose(scans, preprocess_settings, count=20, seed=4)
    assert first.scans == again.scans
    assert np.array_equal(first.images, again.images)
    assert first.scans != other.scans
