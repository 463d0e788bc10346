"""A small model on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compile.models import conv_then_dense_bytes


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "small.tflite"
    path.write_bytes(conv_then_dense_bytes())
    return path
