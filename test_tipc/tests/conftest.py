import sys
from pathlib import Path

import pytest

# The harness is started as `python3 -m tipc` with its folder on PYTHONPATH; it is not an installed package.
sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

from first_configs import ALEXNET, OCR_MATRIX  # noqa: E402 - found through the line above


@pytest.fixture
def ocr_matrix() -> str:
    """The largest configuration of PaddleOCR's 2021 tests, in shape."""
    return OCR_MATRIX


@pytest.fixture
def alexnet() -> str:
    """The one-line matrix of the specification's example; like it, without a final newline."""
    return ALEXNET


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return Path(__file__).resolve().parents[2]
