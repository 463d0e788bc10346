"""Between what the model takes and what the firmware takes, where the pass `integer-io` made them differ.

Going from reals to integers is the operator QUANTIZE itself. Coming back is exact: the real of an integer lies within a few
units in its last place of a whole number of scales, so QUANTIZE makes the same integer of it.
"""

from __future__ import annotations

import numpy as np

from tinykd.compile.graph import Array, Tensor
from tinykd.compile.ops import dequantize, quantize


def integers(tensor: Tensor, value: Array) -> Array:
    """`value`, of the dtype that the model takes, as the firmware's input `tensor` takes it."""
    if value.dtype == tensor.dtype:
        return value
    if value.dtype == np.uint8:
        signed: Array = (value ^ np.uint8(128)).view(np.int8)
        return signed
    assert tensor.quant is not None
    row = quantize.QuantizeFloat(tensor.elements, tensor.dtype, tensor.quant.scale, tensor.quant.zero_point)
    made: Array = quantize.reference(row, (value,))[0]
    return made


def model_input(tensor: Tensor, value: Array, dtype: str) -> Array:
    """`value` of the firmware's input `tensor` as the model takes it, in `dtype`."""
    if value.dtype == dtype:
        return value
    if dtype == "uint8":
        unsigned: Array = value.view(np.uint8) ^ np.uint8(128)
        return unsigned
    assert tensor.quant is not None
    row = dequantize.Dequantize(tensor.elements, tensor.dtype, tensor.quant.scale, tensor.quant.zero_point)
    made: Array = dequantize.reference(row, (value,))[0]
    return made
