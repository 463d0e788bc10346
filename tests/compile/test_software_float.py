"""QUANTIZE by its steps: on both sides of each, and where floats end."""

from __future__ import annotations

import numpy as np
import pytest

from tests import kernels
from tinykd.compile.ops import quantize as portable
from tinykd.compile.ops.quantize import QuantizeFloat
from tinykd.compile.specialise import software_float


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize(("scale", "zero_point"), [(0.0039215689, -1), (0.5, 3), (1e-38, 0), (3e36, 5), (0.1, 100), (0.25, -128)])
def test_both_sides_of_every_step(dtype: str, scale: float, zero_point: int) -> None:
    zero_point += 128 if dtype == "uint8" else 0
    found = software_float.steps(QuantizeFloat(255, dtype, float(np.float32(scale)), zero_point))
    assert (np.diff(found.astype(np.int64)) >= 0).all()
    bits = np.where(found < 0, found ^ np.int32(0x7FFFFFFF), found).astype(np.int32)
    at = bits.view(np.float32)
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -np.nan, 1e-45, -1e-45, 3.4e38, -3.4e38], np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        x = np.concatenate([at, np.nextafter(at, np.float32(-np.inf)), np.nextafter(at, np.float32(np.inf)), special]).astype(np.float32)
    p = QuantizeFloat(x.size, dtype, float(np.float32(scale)), zero_point)
    call = software_float.quantize(p)
    assert call is not None
    (want,) = portable.reference(p, (x,))
    got = np.zeros_like(want)
    kernels.run(call, (x,), (got,))
    np.testing.assert_array_equal(got, want)
