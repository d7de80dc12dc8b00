"""Losses and decoders against what their definitions say."""

import math
from itertools import product

import pytest
import torch
from receipt_ocr.reading import CLASSES, decode, losses


def _scores(steps: list[int]) -> torch.Tensor:
    """Scores of one image whose best class at each step is given."""
    return torch.nn.functional.one_hot(torch.tensor([steps]), CLASSES).float() * 9


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ([2, 2, 0, 3], "12"),
        ([2, 0, 2, 2], "11"),
        ([0, 0, 0, 0], ""),
        ([10, 10, 1, 0], "90"),
    ],
)
def test_ctc_merges_equal_neighbours_and_drops_blanks(steps: list[int], text: str) -> None:
    assert decode("CRNN", _scores(steps)) == [text]


def test_positions_are_read_from_the_right() -> None:
    assert decode("CNN", _scores([1, 1, 2, 0])) == ["100"]


def test_the_loss_of_positions_is_small_where_the_decoder_reads_the_amount() -> None:
    right, wrong = losses("CNN", _scores([1, 1, 2, 0]).repeat(2, 1, 1), ["100", "200"])
    assert right < 0.1 < wrong


def test_the_loss_of_positions_is_the_negative_log_of_a_product() -> None:
    scores = torch.randn(1, 3, CLASSES, generator=torch.Generator().manual_seed(1))
    chances = scores.softmax(dim=2)[0]
    expected = -math.log(chances[0, 1] * chances[1, 6] * chances[2, 0])
    assert losses("CNN", scores, ["50"]).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("amount", ["5", "55", "50"])
def test_the_ctc_loss_is_the_negative_log_of_a_sum_over_all_paths(amount: str) -> None:
    scores = torch.randn(1, 4, CLASSES, generator=torch.Generator().manual_seed(2))
    chances = scores.double().softmax(dim=2)[0]
    # Classes that do not occur in the amount cannot be part of a path to it.
    paths = product([0, *{int(digit) + 1 for digit in amount}], repeat=4)
    total = sum(
        math.prod(chances[step, number].item() for step, number in enumerate(path))
        for path in paths
        if decode("CRNN", _scores(list(path))) == [amount]
    )
    assert losses("CRNN", scores, [amount]).item() == pytest.approx(-math.log(total), rel=1e-5)


@pytest.mark.parametrize("architecture", ["CNN", "CRNN"])
def test_amounts_of_different_length_in_one_batch_have_the_losses_they_have_alone(architecture: str) -> None:
    scores = torch.randn(3, 7, CLASSES, generator=torch.Generator().manual_seed(3))
    amounts = ["7", "120", "55"]
    alone = [losses(architecture, scores[i : i + 1], [amounts[i]]).item() for i in range(3)]
    assert losses(architecture, scores, amounts).tolist() == pytest.approx(alone, rel=1e-5)
