"""Networks, training and export."""

import warnings
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from receipt_ocr.amounts import Samples, compose
from receipt_ocr.dataset import Description
from receipt_ocr.exporting import describe, export, load
from receipt_ocr.measuring import as_input, measure
from receipt_ocr.networks import build, count_parameters
from receipt_ocr.scans import Scan
from receipt_ocr.settings import Preprocess, SettingsError, Train
from receipt_ocr.training import DivergedError, train_epochs

BOTH = pytest.mark.parametrize("architecture", ["CNN", "CRNN"])


@pytest.fixture
def samples(scans: list[Scan], preprocess_settings: Preprocess) -> Samples:
    """A few short amounts."""
    settings = replace(preprocess_settings, canvas=(16, 36), amount_digits=(1, 3))
    return compose(scans, 48, settings, np.random.default_rng(5))


@BOTH
def test_the_archive_gives_what_the_network_gives_for_other_batch_sizes(
    architecture: str, train_settings: Train, description: Description, samples: Samples, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    settings = replace(train_settings, architecture=architecture)
    network = build(description, settings)
    list(train_epochs(network, settings, samples, samples))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        export(network, as_input(samples.images[:2]), tmp_path / "model.pt2")
        loaded = load(tmp_path / "model.pt2")
    for size in (1, 2, 7, 48):
        images = as_input(samples.images[:size])
        with torch.no_grad():
            torch.testing.assert_close(loaded(images), network(images), rtol=1e-5, atol=1e-6)
    alone, both = (
        measure(network, architecture, samples),
        measure(loaded, architecture, samples, batch_size=5),
    )
    assert both.read == alone.read
    assert both.loss == pytest.approx(alone.loss, rel=1e-5)


def test_the_archive_names_no_folder_of_this_machine(
    train_settings: Train, description: Description, project: Path, tmp_path: Path
) -> None:
    export(build(description, train_settings).eval(), torch.zeros(2, 1, 16, 36), tmp_path / "model.pt2")
    with zipfile.ZipFile(tmp_path / "model.pt2") as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
    assert str(project).encode() not in content
    assert b"networks.py" not in content


@BOTH
def test_the_description_says_what_goes_in_and_what_comes_out(
    architecture: str, train_settings: Train, description: Description
) -> None:
    settings = replace(train_settings, architecture=architecture)
    network = build(description, settings).eval()
    info = describe(network, description, settings)
    assert info["architecture"] == architecture
    assert info["num_params"] == count_parameters(network) == sum(p.numel() for p in network.parameters())
    _, *shape = info["input_schema"][0]["shape"]
    assert list(network(torch.zeros(5, *shape)).shape) == [5, *info["output_schema"][0]["shape"][1:]]
    assert info["charset"] == "0123456789"


def test_training_lowers_the_loss(train_settings: Train, description: Description, samples: Samples) -> None:
    torch.manual_seed(1)
    settings = replace(train_settings, architecture="CNN", epochs=6)
    first, *_, last = train_epochs(build(description, settings), settings, samples, samples)
    assert (first.number, last.number) == (1, 6)
    assert last.train_loss < first.train_loss


@pytest.mark.parametrize("optimizer", ["AdamW", "Adam", "SGD"])
@pytest.mark.parametrize("scheduler", ["CosineAnnealingLR", "OneCycleLR", "none"])
def test_every_optimizer_works_with_every_scheduler(
    optimizer: str, scheduler: str, train_settings: Train, description: Description, samples: Samples
) -> None:
    settings = replace(train_settings, optimizer=optimizer, scheduler=scheduler, epochs=2)
    network = build(description, settings)
    before = [weight.detach().clone() for weight in network.parameters()]
    epochs = list(train_epochs(network, settings, samples, samples))
    assert len(epochs) == 2
    assert not network.training
    assert any(not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def test_training_that_diverges_stops_with_advice(
    train_settings: Train, description: Description, samples: Samples
) -> None:
    settings = replace(train_settings, learning_rate=1e30, optimizer="SGD", scheduler="none")
    with pytest.raises(DivergedError, match=r"not finite in epoch 1: lower train\.learning_rate"):
        list(train_epochs(build(description, settings), settings, samples, samples))


def test_an_image_too_small_for_the_network_is_refused(
    train_settings: Train, description: Description
) -> None:
    with pytest.raises(SettingsError, match="5 blocks do not fit the canvas"):
        build(description, replace(train_settings, channels=(4,) * 5))
    with pytest.raises(SettingsError, match="6 digits need a wider image for CTC"):
        build(replace(description, longest=6, width=40), replace(train_settings, architecture="CRNN"))
