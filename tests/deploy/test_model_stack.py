"""What generated code needs of its caller's stack."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.deploy.test_verify import TOOLCHAINS
from tinykd.deploy.export import export
from tinykd.deploy.firmware import build_firmware, physical_memory
from tinykd.deploy.source import open_source
from tinykd.recipe.model import Export

FOLDER = os.environ.get("TINYKD_CONFORMANCE")
MODELS = ("mlperf_kws", "mlperf_vww", "mlperf_ic", "mlperf_ad", "tinyengine_vww")
MOST = 512


@pytest.mark.skipif(FOLDER is None, reason="TINYKD_CONFORMANCE names no folder")
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("name", MODELS)
def test_at_most_512_bytes_below_invoke(name: str, toolchain: str, tmp_path: Path) -> None:
    assert FOLDER is not None
    for optimize in ("ram", "speed"):
        settings = Export(target="m4", optimize=optimize, also=("integer-io",))
        exported = export(open_source(Path(FOLDER) / f"{name}.tflite"), settings, tmp_path / optimize)
        stack = build_firmware(exported, physical_memory(exported), toolchain).stack
        assert stack.model_bytes is not None, stack.unknown
        assert stack.model_bytes <= MOST
