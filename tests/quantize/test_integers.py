"""Quantization of inputs, by hand."""

from __future__ import annotations

import numpy as np

from tinykd.compile.graph import Quant
from tinykd.quantize.integers import dequantize, quantize


def test_quantize_rounds_half_to_even_and_saturates() -> None:
    x = np.array([0.0, 0.25, 0.75, 1.25, -0.25, 100.0, -100.0], np.float32)
    assert quantize(x, Quant((0.5,), (3,)), "int8").tolist() == [3, 3, 5, 5, 3, 127, -128]
    assert quantize(x, Quant((0.5,), (3,)), "uint8").tolist() == [3, 3, 5, 5, 3, 203, 0]


def test_every_integer_survives_the_round_trip() -> None:
    quant = Quant((0.0173,), (-77,))
    q = np.arange(-128, 128).astype(np.int8)
    np.testing.assert_array_equal(quantize(dequantize(q, quant), quant, "int8"), q)


def test_pixels_of_a_unit_range_are_exact() -> None:
    pixels = np.arange(256)
    np.testing.assert_array_equal(quantize((pixels / 255).astype(np.float32), Quant((1 / 255,), (-128,)), "int8"), pixels - 128)
