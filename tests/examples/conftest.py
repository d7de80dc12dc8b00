"""What the tests of the receipt OCR project share: its code on the path and a real import of its scans."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2] / "examples" / "receipt-ocr"
sys.path.insert(0, str(PROJECT / "src"))

from receipt_ocr.dataset import Description  # noqa: E402 - found only after the line above
from receipt_ocr.scans import Scan, read_scans  # noqa: E402
from receipt_ocr.settings import Preprocess, Train  # noqa: E402


@pytest.fixture(scope="session")
def project() -> Path:
    """The folder of the project in this repository; tests only read it."""
    return PROJECT


@pytest.fixture(scope="session")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All scans as the project's own command writes them."""
    folder = tmp_path_factory.mktemp("scans") / "raw"
    command = [sys.executable, "src/import_digits.py", "--output", str(folder)]
    subprocess.run(command, cwd=PROJECT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def scans(raw: Path) -> list[Scan]:
    """All scans, read back."""
    return read_scans(raw)


@pytest.fixture
def preprocess_settings() -> Preprocess:
    """The settings of composition as delivered."""
    return Preprocess.read(PROJECT / "params.yaml")


@pytest.fixture
def train_settings() -> Train:
    """The settings of training as delivered, but for a tiny network and one epoch."""
    delivered = Train.read(PROJECT / "params.yaml")
    return replace(delivered, channels=(4, 6), hidden_size=8, epochs=1, batch_size=16)


@pytest.fixture
def description() -> Description:
    """A data set of small images with up to three digits."""
    return Description("receipt-digits", "1.0.0", height=16, width=36, longest=3)
